"""What each class of the gateway's error codes comes to. The sandbox answers 66CCCCC with the signed error CCCCC."""
import pytest

from events import command
from harness import MERCHANT, OTHER_MERCHANT


def error(code):
    return "66%05d" % code


def test_declined_and_limited_orders_fail_with_their_code(world):
    world.start_worker()
    cases = {10001: ("card_declined", False), 11036: ("card_declined", False), 400: ("card_declined", False),
             10006: ("card_declined", True), 420: ("limit_exceeded", True), 11051: ("card_declined", True)}
    for code in cases:
        world.commands.send(command("order-%d" % code, error(code)))
    for code, (failure, retryable) in cases.items():
        said = world.outcome("order-%d" % code)
        assert (said["status"], said["final"], said["evidence"]) == ("failed", True, "answer")
        assert (said["failure"]["code"], said["failure"]["retryable"]) == (failure, retryable)
        assert said["failure"]["source"] == "gateway"
        assert said["gateway"]["error_code"] == code
        assert world.executed("order-%d" % code) == []
    world.audit(everything_final=True)


def test_codes_that_prove_nothing_leave_the_order_unknown(world):
    world.start_worker()
    codes = (0, 9991, 10000, 99999, 12345)
    for code in codes:
        world.commands.send(command("order-%d" % code, error(code)))
    for code in codes:
        said = world.outcome("order-%d" % code)
        assert (said["status"], said["final"]) == ("unknown", False)
        assert said["failure"]["code"] == "outcome_unknown"
    world.audit()


def test_error_that_comes_although_money_moved_is_not_believed(world):
    world.start_worker()
    world.commands.send(command("o", "6709999"))  # executed, answered with 9999
    assert world.outcome("o")["status"] == "unknown"
    assert len(world.executed("o")) == 1
    world.audit()


@pytest.mark.parametrize("code, reason", [(8888, "balance"), (1100, "configuration"), (9998, "configuration")])
def test_order_is_held_while_the_merchant_cannot_pay_and_paid_afterwards(world, code, reason):
    worker = world.start_worker()
    world.sandbox.fault("error", argument=code, on="payout")
    for number in range(5):
        world.commands.send(command("o-%d" % number))
    worker.process.wait_until(lambda: worker.said("merchant.held", labels__merchant_id=MERCHANT,
                                                  payout__hold_reason=reason), 20, "the hold")
    assert worker.is_ready()
    assert world.outcomes.quiet(1.5) == [] and world.executions() == []
    world.sandbox.clear_faults()
    for number in range(5):
        assert world.outcome("o-%d" % number)["status"] == "succeeded"
    assert worker.said("merchant.released")
    world.audit(everything_final=True)


def test_one_merchant_without_money_does_not_stop_another(make_world):
    world = make_world(merchants=(MERCHANT + ":test_payout_key:1500", OTHER_MERCHANT + ":another_payout_key"))
    worker = world.start_worker()
    for number in range(3):
        world.commands.send(command("poor-%d" % number))
        world.commands.send(command("rich-%d" % number, merchant_id=OTHER_MERCHANT))
    for number in range(3):
        assert world.outcome("rich-%d" % number)["status"] == "succeeded"
    worker.process.wait_until(lambda: worker.said("merchant.held", labels__merchant_id=MERCHANT), 20, "the hold")
    assert len(world.executions()) == 4  # three of the rich one, one for which the money sufficed
    world.sandbox.top_up(MERCHANT, "100000")
    for number in range(3):
        assert world.outcome("poor-%d" % number)["status"] == "succeeded"
    world.audit(everything_final=True)


def test_pending_payment_is_told_as_pending(world):
    world.start_worker()
    world.commands.send(command("o", "7750000"))
    said = world.outcome("o")
    assert (said["status"], said["final"]) == ("pending", False)
    world.audit()
