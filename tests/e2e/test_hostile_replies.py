"""Answers that nobody should believe. 77NNPPP is the sandbox's fault NN with argument PPP."""
from events import command

# Paid, and the answer is lost, cut, wrong or a lie.
PAID_UNTOLD = {2: "reset", 3: "close", 4: "http-502", 5: "truncated", 6: "half-head", 20: "bad-signature",
               21: "other-order", 22: "wrong-amount", 23: "wrong-merchant",
               24: "unsigned", 26: "repeated-field", 27: "wrong-charset",
               28: "gzip-noise", 29: "huge", 30: "deep", 31: "entity-bomb", 32: "html", 33: "empty"}
# Not paid, and nothing that proves it.
UNPAID_UNTOLD = {11: "reset", 12: "close", 13: "http-503", 14: "redirect", 15: "truncated"}
# Odd, and yet a good answer.
PAID_TOLD = {34: "other-root", 35: "informational"}


def magic(number, argument=0):
    return "77%02d%03d" % (number, argument)


def send_all(world, cases):
    for number, name in cases.items():
        world.commands.send(command("%s-%d" % (name, number), magic(number)))
    return ["%s-%d" % (name, number) for number, name in cases.items()]


def test_hostile_answers_leave_orders_unknown_and_pay_no_more_than_once(world):
    worker = world.start_worker()
    paid, unpaid = send_all(world, PAID_UNTOLD), send_all(world, UNPAID_UNTOLD)
    for order in paid + unpaid:
        said = world.outcome(order)
        assert (said["status"], said["final"]) == ("unknown", False), order
    assert worker.is_ready()
    executed = [order for order, _ in world.executions()]
    assert sorted(executed) == sorted(paid)
    world.audit()


def test_odd_but_good_answers_are_believed(world):
    world.start_worker()
    for order in send_all(world, PAID_TOLD):
        assert world.outcome(order)["status"] == "succeeded", order
    world.audit(everything_final=True)


def test_answer_that_drips_in_within_the_time_allowed_is_believed(world):
    world.start_worker()
    world.commands.send(command("in-time", magic(41, 1)))  # a byte a millisecond
    world.commands.send(command("too-slow", magic(41, 50)))
    assert world.outcome("in-time")["status"] == "succeeded"
    assert world.outcome("too-slow")["status"] == "unknown"
    world.audit()


def test_word_that_nobody_documented_is_not_final(world):
    world.start_worker()
    world.commands.send(command("o", magic(25)))
    assert world.outcome("o")["final"] is False
    world.audit()


def test_silence_after_payment_is_unknown_after_the_time_allowed(world):
    world.start_worker()
    world.commands.send(command("paid", magic(1)))
    world.commands.send(command("unpaid", magic(10)))
    assert world.outcome("paid")["status"] == "unknown"
    assert world.outcome("unpaid")["status"] == "unknown"
    assert [order for order, _ in world.executions()] == ["paid"]
    world.audit()
