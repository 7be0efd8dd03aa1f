"""The same order again: same words or others, same partition or another, before or after a restart."""
from events import command


def copies_of(world, order_id):
    return [each for each in world.outcomes.records if each.data["order_id"] == order_id]


def test_copy_is_not_paid_and_says_nothing(world):
    worker = world.start_worker()
    world.commands.send(command("o"), partition=0)
    assert world.outcome("o")["status"] == "succeeded"
    world.commands.send(command("o"), partition=0)
    world.commands.send(command("o"), partition=1)
    world.commands.send(command("after"), partition=1)
    world.outcome("after")
    worker.process.wait_until(lambda: worker.metric("payout_duplicates_total") == 2, 20, "two duplicates counted")
    audit = world.audit(everything_final=True)
    assert len(copies_of(world, "o")) == 1 and audit.repeated_final == []
    assert world.executed("o") == ["1000"] or world.executed("o") == ["1000.00"]


def test_copy_gets_the_same_event_again_when_replay_is_wanted(world):
    world.start_worker(worker={"duplicates": "replay"})
    world.commands.send(command("o"), partition=0)
    world.outcome("o")
    world.commands.send(command("o"), partition=1)
    world.outcomes.until(lambda _: len(copies_of(world, "o")) == 2, 30, "the replayed outcome")
    first, second = copies_of(world, "o")
    assert first.headers["ce_id"] == second.headers["ce_id"]
    assert (first.data["replayed"], second.data["replayed"]) == (False, True)
    world.audit(everything_final=True)


def test_changed_copy_never_pays_and_becomes_a_dead_letter(world):
    worker = world.start_worker()
    world.commands.send(command("o", "1000"), partition=0)
    world.outcome("o")
    changed = []
    for partition, data in ((0, command("o", "2000")), (1, command("o", "1000", description="other")),
                            (2, command("o", "1000.00"))):
        changed.append(world.commands.send(data, partition=partition))
    for place in changed:
        assert world.dead_letter(place).headers["dlq-reason"] == "order_conflict"
    assert len(worker.said("payout.conflict", labels__order_id="o")) == 3
    assert len(copies_of(world, "o")) == 1
    world.audit(everything_final=True)


def test_copies_that_come_together_are_paid_once(world):
    world.start_worker()
    for number in range(50):
        for partition in range(6):
            world.commands.send(command("o-%d" % number), partition=partition, flush=False)
    world.commands.flush()
    world.wait_all_final({"o-%d" % number for number in range(50)}, 60)
    audit = world.audit(everything_final=True, quiet_s=2)
    assert audit.repeated_final == []


def test_copy_after_a_restart_is_not_paid(world):
    worker = world.start_worker()
    world.commands.send(command("o"), partition=0)
    world.outcome("o")
    assert worker.terminate() == 0
    world.commands.send(command("o"), partition=0)
    world.commands.send(command("after"), partition=0)
    world.start_worker()
    world.outcome("after")
    world.audit(everything_final=True)
