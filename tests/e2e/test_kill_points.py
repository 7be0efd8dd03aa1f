"""A worker that is killed at every named step of its work (kill_point.h), one after the other, over orders of every
kind: whoever comes next must find each order as it really is."""
import pytest

from events import CARD_DESTINATION, IBAN_DESTINATION, command
from harness import OTHER_MERCHANT

# One life a point; the orders of all lives are left to the next ones.
CLAIMING = ("before_arm", "after_arm", "before_reject", "after_reject", "before_disarm", "after_disarm")
SENDING = ("before_first_byte", "after_first_byte", "after_answer", "before_status", "after_status")
SETTLING = ("before_settle", "after_settle", "before_published", "after_published")
COMMITTING = ("before_transaction", "inside_transaction_after_offsets", "inside_transaction_before_commit",
              "after_commit")
FOLLOWING = ("before_due", "after_due", "before_read", "after_read", "before_inquiry", "after_inquiry", "before_report",
             "resolution_produced", "resolution_read", "before_defer", "after_defer")
TOO_LATE = ("before_tell",)
PARKING = ("before_park", "after_park")
DIES_WITHIN_S = 60


def send_of_every_kind(world, life):
    """Orders that are paid, declined, pending for a while, in doubt, and refused; copies of some."""
    good = [command("%s-token-%d" % (life, number)) for number in range(4)]
    good += [command(life + "-card", "1500.50", CARD_DESTINATION), command(life + "-iban", "700", IBAN_DESTINATION),
             command(life + "-declined", "6610001"), command(life + "-pending", "7755002"),
             command(life + "-in-doubt", "7702000"), command(life + "-token-1")]
    for data in good:
        world.commands.send(data, flush=False)
    world.commands.send(command(life + "-refused", "0"), flush=False)
    world.commands.flush()
    return [data["order_id"] for data in good] + [life + "-refused"]


def live_and_die(world, worker, point, count):
    """One life: it ends at the point. What the point needs to be come to is arranged."""
    if point.endswith("_disarm"):
        world.sandbox.fault("error", argument=8888, on="payout")
    if point == "before_tell":
        world.sandbox.fault("latency", argument=1500)
    worker.start_to_die(point, count)
    orders = send_of_every_kind(world, point)
    if point == "before_tell":
        take_away(world, worker)
    worker.wait_killed(point, DIES_WITHIN_S)
    world.sandbox.clear_faults()
    return orders


def take_away(world, worker):
    """What another call does to an order while our answer is on its way: its SENDING is not ours any more."""
    worker.process.wait_until(lambda: sending_keys(world), 30, "an order that is SENDING")
    with world.redis.client() as client:
        for key in sending_keys(world):
            client("HSET", key, "call", "999999999")


def sending_keys(world):
    with world.redis.client() as client:
        return [key for key in client("KEYS", "{po:*}:o:*") if client("HGET", key, "st") == b"SENDING"]


@pytest.mark.parametrize("points, count", [(CLAIMING, 3), (SENDING, 2), (SETTLING, 2), (COMMITTING, 2), (FOLLOWING, 1),
                                           (TOO_LATE, 1)],
                         ids=["claiming", "sending", "settling", "committing", "following", "too_late"])
def test_killed_at_every_step(world, points, count):
    worker = world.add_worker(consumer={"group_instance_id": "the-only-one"})
    world.init(worker)
    orders = []
    for point in points:
        orders += live_and_die(world, worker, point, count)
    worker.start()
    world.wait_all_told(set(orders), 120)
    world.wait_paid_are_settled()
    audit = world.audit(quiet_s=2)
    for order in audit.without_final():  # killed between ARM and the request: held, and shown to people
        assert order not in audit.paid_of and audit.last_of(order) in ("unknown", "pending"), order


def test_killed_while_an_order_is_parked(world):
    """Its merchant is configured only for the last of the workers."""
    lacking = world.add_worker(consumer={"group_instance_id": "the-only-one"}, merchants={OTHER_MERCHANT: None})
    world.init(lacking)
    orders = []
    for point in PARKING:
        lacking.start_to_die(point)
        orders += send_of_every_kind(world, point)
        world.commands.send(command(point + "-parked", merchant_id=OTHER_MERCHANT))
        orders.append(point + "-parked")
        lacking.wait_killed(point, DIES_WITHIN_S)
    world.add_worker(consumer={"group_instance_id": "the-only-one"}).start()
    world.wait_all_told(set(orders), 120)
    world.wait_paid_are_settled()
    audit = world.audit(quiet_s=2)
    assert [audit.final_of(point + "-parked") for point in PARKING] == ["succeeded"] * len(PARKING)
