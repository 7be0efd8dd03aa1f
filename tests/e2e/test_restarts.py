"""Workers that end in the middle of their work, in every way, and others that go on."""
from events import command
from harness import PARTITIONS
from worker import wait_for

ALL_PARTITIONS = 2 * PARTITIONS  # of the commands and of the resolutions
SLOW = ("--latency-ms", "150", "--jitter-ms", "150")


def send_many(world, count, prefix="o"):
    orders = ["%s-%d" % (prefix, number) for number in range(count)]
    for order in orders:
        world.commands.send(command(order), flush=False)
    world.commands.flush()
    return orders


def wait_for_executions(world, count):
    wait_for(lambda: world.sandbox.executions_count() >= count, 40, "%d executions" % count)


def test_sigterm_ends_what_is_under_way_and_the_next_worker_goes_on(make_world):
    world = make_world(sandbox_flags=SLOW)
    worker = world.start_worker(worker={"max_in_flight": 32})
    orders = send_many(world, 400)
    wait_for_executions(world, 20)
    assert worker.terminate() == 0
    assert not worker.said("worker.drain_cut")
    world.start_worker()
    world.wait_all_final(orders, 90)
    audit = world.audit(everything_final=True)
    assert all(audit.final_of(order) == "succeeded" for order in orders)
    assert audit.repeated_final == []


def test_kill_in_the_middle_pays_nobody_twice_and_loses_nobody(make_world):
    world = make_world(sandbox_flags=SLOW)
    worker = world.start_worker(worker={"max_in_flight": 64})
    orders = send_many(world, 300)
    wait_for_executions(world, 40)
    worker.kill()
    world.start_worker()
    world.wait_all_told(orders, 120)
    world.wait_paid_are_settled()
    audit = world.audit(quiet_s=2)
    # What was under way when the worker died is asked about; only what the gateway does not know stays unknown.
    assert len(audit.without_final()) <= 64


def test_worker_that_is_killed_again_and_again(make_world):
    world = make_world(sandbox_flags=SLOW)
    orders = []
    worker = world.start_worker()
    for life in range(4):
        orders += send_many(world, 60, "life-%d" % life)
        wait_for_executions(world, 20 + 45 * life)
        worker.kill()
        worker.start(wait=False)
    worker.wait_ready()
    world.wait_all_told(orders, 120)
    world.audit(quiet_s=2)


def test_paused_worker_that_wakes_up_after_its_partitions_went_to_another(make_world):
    world = make_world(sandbox_flags=SLOW)
    sleeper = world.start_worker()
    orders = send_many(world, 200)
    wait_for_executions(world, 20)
    sleeper.pause()
    other = world.start_worker()
    wait_for(lambda: other.metric("payout_kafka_assigned_partitions") == ALL_PARTITIONS, 60,
             "all partitions at the other")
    sleeper.resume()
    world.wait_all_told(orders, 120)
    world.wait_paid_are_settled()
    world.audit(quiet_s=2)


def test_two_workers_share_six_partitions_and_one_leaves(make_world):
    world = make_world(sandbox_flags=SLOW)
    first = world.start_worker()
    second = world.start_worker()
    for worker in (first, second):
        wait_for(lambda each=worker: each.metric("payout_kafka_assigned_partitions") == ALL_PARTITIONS / 2, 60,
                 "half of the partitions each")
    orders = send_many(world, 300)
    wait_for_executions(world, 60)
    assert second.metric("payout_commands_received_total") > 0
    assert second.terminate() == 0
    orders += send_many(world, 100, "after")
    world.wait_all_final(orders, 120)
    audit = world.audit(everything_final=True)
    assert all(audit.final_of(order) == "succeeded" for order in orders)
    assert first.metric("payout_kafka_assigned_partitions") == ALL_PARTITIONS
