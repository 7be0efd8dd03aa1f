"""What becomes of an order whose first answer was not the last word: the status is asked until the truth is known."""
import pytest

from events import command


def statuses(world, order_id):
    return [each.data["status"] for each in world.outcomes.records if each.data["order_id"] == order_id]


# The sandbox's magic amounts: see `payout-sandbox faults`.
PAID_LATER = {
    "7751002": "pending",  # in process for two queries
    "7755003": "pending",  # in process for three seconds
    "7701000": "unknown",  # paid, and no answer ever comes
    "7702000": "unknown",  # paid, and reset
    "7704502": "unknown",  # paid, and a box in between says 502
    "7720000": "unknown",  # paid, with a bad signature
    "7744002": "unknown",  # paid only after the status said twice "no such payment"
    "7753002": "unknown",  # paid, and the status lags
    "7754004": "unknown",  # paid, and the status flaps
}


def test_orders_that_were_paid_are_told_as_succeeded_in_the_end(world):
    world.start_worker()
    for amount in PAID_LATER:
        world.commands.send(command("o-" + amount, amount))
    for amount, first in PAID_LATER.items():
        said = world.outcome("o-" + amount, "succeeded", timeout_s=90)
        assert (said["final"], said["evidence"]) == (True, "status"), amount
        assert said["gateway"]["payment_id"], amount
        seen = statuses(world, "o-" + amount)
        assert seen[0] == first and seen[-1] == "succeeded", (amount, seen)
        assert len(world.executed("o-" + amount)) == 1
        assert said["amount"]["value"] == amount
    world.audit(everything_final=True)


def test_pending_order_that_fails_in_the_end_is_told_with_the_code(world):
    world.start_worker()
    world.commands.send(command("o", "7752002"))
    said = world.outcome("o", "failed", timeout_s=60)
    assert (said["final"], said["evidence"], said["failure"]["code"]) == (True, "status", "card_declined")
    assert [each.data["sequence"] for each in world.outcomes.records] == [1, 2]
    assert world.executed("o") == []
    world.audit(everything_final=True)


def test_no_change_says_nothing_and_no_such_payment_never_fails_an_order(world):
    worker = world.start_worker()
    world.commands.send(command("forever", "7750000"))
    world.commands.send(command("nowhere", "7710000"))  # read, not paid, silence
    assert world.outcome("forever")["status"] == "pending"
    assert world.outcome("nowhere")["status"] == "unknown"
    worker.process.wait_until(lambda: worker.metric("payout_status_checks_total", result="unknown") >= 1 and
                              worker.metric("payout_status_checks_total", result="pending") >= 2, 60, "the queries")
    world.outcomes.quiet(1)
    assert statuses(world, "forever") == ["pending"]
    assert statuses(world, "nowhere") == ["unknown"]
    world.audit()


@pytest.mark.parametrize("end", ["terminate", "kill"])
def test_open_orders_outlive_the_worker_that_began_them(world, end):
    first = world.start_worker()
    world.commands.send(command("o", "7755006"))
    assert world.outcome("o")["status"] == "pending"
    getattr(first, end)()
    world.start_worker()
    assert world.outcome("o", "succeeded", timeout_s=60)["evidence"] == "status"
    world.audit(everything_final=True)
