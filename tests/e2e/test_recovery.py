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


def test_redis_that_lost_its_last_writes_under_load_costs_no_order_and_no_second_payment(make_world):
    world = make_world(sandbox_flags=("--latency-ms", "100"))
    workers = [world.start_worker(**AUTOMATIC), world.start_worker(**AUTOMATIC)]
    wait = workers[0].process.wait_until
    orders = send_many(world, 100, "known")
    wait(lambda: len(world.executions()) >= 30, 30, "the first payments")
    mark, known = world.redis.mark(), world.redis.call("DBSIZE")
    orders += send_many(world, 300, "forgotten")
    world.outcomes.until(lambda records: sum(each.data["order_id"].startswith("forgotten") for each in records) >= 60,
                         30, "payments that Redis will forget")
    world.redis.lose_since(mark)
    assert world.redis.call("DBSIZE") <= known, "nothing is forgotten"
    wait(lambda: any(worker.said("ledger.restored") for worker in workers), 30, "the recovery")
    wait(lambda: all(worker.is_ready() for worker in workers), 20, "work goes on")
    send_many(world, 100, "known")  # copies
    send_many(world, 300, "forgotten")
    after = send_many(world, 20, "after")
    audit = check(world, orders + after)
    assert all(audit.final_of(order) == "succeeded" for order in after)
    paid = [order for order in orders if world.executed(order)]
    assert len(paid) >= 90 and all(audit.final_of(order) == "succeeded" for order in paid)


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
