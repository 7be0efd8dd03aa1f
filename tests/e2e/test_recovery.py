"""Redis may have forgotten: what the workers do by themselves (ledger.recovery: automatic)."""
from events import command

AUTOMATIC = {"ledger": {"recovery": "automatic"}}


def send_many(world, count, prefix):
    orders = ["%s-%d" % (prefix, number) for number in range(count)]
    for order in orders:
        world.commands.send(command(order))
    return orders


def check(world, orders):
    """Each order has an outcome; what is not final was never executed, and is shown as unknown."""
    world.wait_all_told(orders, 90)
    world.outcomes.quiet(20)
    audit = world.audit(quiet_s=1)
    for order in audit.without_final():
        assert world.executed(order) == [], "paid, and not told: " + order
    return audit


def test_ledger_is_restored_after_a_restart_in_the_middle_of_the_work(make_world):
    world = make_world(sandbox_flags=("--latency-ms", "200"))
    worker = world.start_worker(**AUTOMATIC)
    orders = send_many(world, 200, "open")
    worker.process.wait_until(lambda: len(world.executions()) >= 20, 30, "the first payments")
    world.redis.restart()
    worker.process.wait_until(lambda: worker.said("ledger.restored"), 60, "the recovery")
    orders += send_many(world, 20, "after")
    audit = check(world, orders)
    assert all(audit.final_of("after-%d" % number) == "succeeded" for number in range(20))


def test_copies_of_paid_orders_are_not_paid_again_after_everything_was_lost(make_world):
    world = make_world()
    worker = world.start_worker(**AUTOMATIC)
    orders = send_many(world, 20, "paid")
    world.wait_all_final(orders, 40)
    world.redis.call("FLUSHALL")
    later = send_many(world, 10, "later")
    worker.process.wait_until(lambda: worker.said("ledger.restored"), 60, "the recovery")
    send_many(world, 20, "paid")  # copies
    check(world, orders + later)
    assert all(len(world.executed(order)) == 1 for order in orders)
