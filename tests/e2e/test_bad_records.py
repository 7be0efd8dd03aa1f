"""Records that can never become a payout: each goes where a person finds it, and the partition goes on."""
import json
import time

from events import CARD, CARD_DESTINATION, IBAN_DESTINATION, command, event_headers, rfc3339

PARTITION = 0  # all of them in one, with good commands in between


def changed(order, **changes):
    data = command(order)
    for name, value in changes.items():
        if value is None:
            del data[name]
        else:
            data[name] = value
    return json.dumps(data).encode()


def with_amount(order_id, text):
    """The amount's value is put in as JSON text, so that it may be a number."""
    return json.dumps(command(order_id, "@")).replace('"@"', text).encode()


# The order id can be read: an outcome `rejected` besides the dead letter.
REJECTED = {
    "unknown-field": changed("unknown-field", ammount="1"),
    "unknown-inner-field": changed("unknown-inner-field", amount={"value": "1", "currency": "KZT", "scale": 2}),
    "no-amount": changed("no-amount", amount=None),
    "no-description": changed("no-description", description=None),
    "zero": with_amount("zero", '"0"'),
    "zero-point-zero": with_amount("zero-point-zero", '"0.00"'),
    "negative": with_amount("negative", '"-5"'),
    "float": with_amount("float", "10.5"),
    "integer": with_amount("integer", "10"),
    "exponent": with_amount("exponent", '"1e3"'),
    "three-decimals": with_amount("three-decimals", '"1.005"'),
    "comma": with_amount("comma", '"1,5"'),
    "leading-zero": with_amount("leading-zero", '"01"'),
    "too-much": with_amount("too-much", '"100000000"'),
    "other-currency": changed("other-currency", amount={"value": "1", "currency": "USD"}),
    "no-currency": changed("no-currency", amount={"value": "1"}),
    "description-is-a-list": changed("description-is-a-list", description=["x"]),
    "empty-description": changed("empty-description", description=""),
    "long-description": changed("long-description", description="x" * 256),
    "unknown-destination": changed("unknown-destination", destination={"type": "cash"}),
    "bad-luhn": changed("bad-luhn", destination=dict(CARD_DESTINATION, pan="4671593866478253")),
    "bad-iban": changed("bad-iban", destination=dict(IBAN_DESTINATION, iban="KZ00125KZT5004100100")),
    "foreign-post-link": changed("foreign-post-link", post_link="https://elsewhere.example/cb"),
    "bad-time": changed("bad-time", not_after="tomorrow"),
    "card-in-metadata": changed("card-in-metadata", metadata={"note": CARD}),
}
# A dead letter only.
UNREADABLE = {
    "no-json": b"pay me",
    "cut": json.dumps(command("cut")).encode()[:-10],
    "array": b"[1]",
    "not-utf8": b'{"order_id":"not-utf8\xff\xfe"}',
    "empty": b"",
    "tombstone": None,
    "bad-order-id": changed("bad order id"),
    "long-order-id": changed("x" * 51),
    "no-order-id": changed("no-order-id", order_id=None),
    "deep": b'{"order_id":"deep","metadata":' + b'{"a":' * 400 + b"1" + b"}" * 401,
    "oversize": b'{"order_id":"oversize","description":"' + b"x" * 20000 + b'"}',
}


def test_bad_records_become_dead_letters_and_the_partition_goes_on(world):
    world.start_worker()
    places = {}
    for name, value in list(REJECTED.items()) + list(UNREADABLE.items()):
        places[name] = world.commands.raw(value, name.encode() if name in REJECTED else None,
                                          event_headers(name), partition=PARTITION)
        world.commands.send(command("good-after-" + name), partition=PARTITION)
    for name, place in places.items():
        letter = world.dead_letter(place)
        assert letter.headers["dlq-reason"] in ("validation_failed", "unreadable", "unknown_type"), (name, letter)
        assert letter.headers["dlq-topic"] == world.topics["commands"]
        assert letter.headers["dlq-message"], name
        assert world.outcome("good-after-" + name)["status"] == "succeeded"
    for name in REJECTED:
        said = world.outcome(name)
        assert (said["status"], said["final"], said["evidence"]) == ("rejected", True, "worker"), name
        assert said["failure"]["code"] == "validation_failed", name
    assert len(world.executions()) == len(places)
    rejected = {each.data["order_id"] for each in world.outcomes.records if each.data["status"] == "rejected"}
    assert rejected >= set(REJECTED)
    world.audit(everything_final=True)


def test_dead_letter_keeps_what_came_but_no_card_number(world):
    world.start_worker()
    value = changed("o", destination=CARD_DESTINATION, surprise=1)
    place = world.commands.raw(value, b"o", event_headers("o", **{"x-trace": "7"}))
    letter = world.dead_letter(place)
    assert letter.key == b"o"
    assert letter.headers["x-trace"] == "7"
    assert b"surprise" in letter.value and CARD.encode() not in letter.value
    world.audit()


def test_key_that_is_not_the_order_id_is_refused(world):
    world.start_worker()
    place = world.commands.raw(json.dumps(command("o")).encode(), b"another", event_headers("o"))
    assert world.dead_letter(place).headers["dlq-reason"] == "validation_failed"
    assert world.executed("o") == []


def test_field_that_comes_twice_is_refused(world):
    world.start_worker()
    text = json.dumps(command("o")).replace('"description"', '"description": "first", "description"')
    place = world.commands.raw(text.encode(), b"o", event_headers("o"))
    assert world.dead_letter(place).headers["dlq-reason"] == "validation_failed"
    assert world.executions() == []


def test_other_event_type_is_a_dead_letter(world):
    world.start_worker()
    place = world.commands.raw(json.dumps(command("o")).encode(), b"o",
                               event_headers("o", ce_type="kz.example.payout.cancelled.v1"))
    assert world.dead_letter(place).headers["dlq-reason"] == "unknown_type"
    assert world.executions() == []


def test_expired_command_is_rejected_and_never_sent(world):
    world.start_worker(worker={"max_command_age": "1m"})
    hour_ago_ms = int(time.time() * 1000) - 3600 * 1000
    world.commands.send(command("by-age"), timestamp_ms=hour_ago_ms)
    world.commands.send(command("by-its-word", not_after=rfc3339(-5)))
    world.commands.send(command("in-time", not_after=rfc3339(600)))
    for order in ("by-age", "by-its-word"):
        said = world.outcome(order)
        assert (said["status"], said["failure"]["code"]) == ("rejected", "expired")
    assert world.outcome("in-time")["status"] == "succeeded"
    assert [order for order, _ in world.executions()] == ["in-time"]
    world.audit(everything_final=True)


def test_unknown_merchant_waits_until_it_is_configured_and_stops_nobody(make_world):
    world = make_world(merchants=("530123:test_payout_key", "777:test_payout_key"))
    worker = world.start_worker()
    world.commands.send(command("o", merchant_id="777"), partition=PARTITION)
    world.commands.send(command("next"), partition=PARTITION)
    assert world.outcome("next")["status"] == "succeeded"
    worker.process.wait_until(lambda: worker.said("payout.unconfigured", labels__order_id="o"), 20, "the alarm")
    assert [each.data["order_id"] for each in world.outcomes.quiet(1)] == ["next"]
    assert worker.terminate() == 0
    world.start_worker(merchants={"777": dict(world.config()["merchants"]["530123"])})
    assert world.outcome("o")["status"] == "succeeded"
    world.audit(everything_final=True)
