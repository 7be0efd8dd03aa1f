"""Ten thousand commands through a worker that is killed on the way: nothing lost, nothing doubled."""
from events import command
from worker import wait_for

COUNT = 10000


def test_ten_thousand_commands_with_a_kill_in_the_middle(world):
    world.start_worker()
    orders = ["o-%d" % number for number in range(COUNT)]
    for number, order in enumerate(orders):
        world.commands.send(command(order, "%d.%02d" % (1 + number, number % 100)), flush=False)
    world.commands.flush()
    wait_for(lambda: world.sandbox.executions_count() > COUNT // 3, 300, "a third of the executions")
    world.workers[0].kill()
    world.start_worker()
    world.wait_all_told(orders, 400)
    world.wait_paid_are_settled()
    audit = world.audit(quiet_s=3)
    in_flight = 1024
    assert len(audit.without_final()) <= in_flight
    assert len(audit.paid_of) >= COUNT - in_flight
