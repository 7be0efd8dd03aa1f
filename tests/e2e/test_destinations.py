"""Each way to pay, from command to outcome."""
import json

from events import CARD_DESTINATION, IBAN_DESTINATION, TOKEN_DESTINATION, command
from harness import MERCHANT, OTHER_MERCHANT

WAYS = {"card": CARD_DESTINATION, "card_token": TOKEN_DESTINATION, "iban": IBAN_DESTINATION}


def test_each_destination_is_paid_once_with_the_amount_as_written(world):
    world.start_worker()
    for way, destination in WAYS.items():
        world.commands.send(command("order-" + way, "1234.50", destination, metadata={"batch": "7"}))
    for way in WAYS:
        said = world.outcome("order-" + way)
        assert (said["status"], said["final"], said["evidence"]) == ("succeeded", True, "answer")
        assert said["amount"] == {"value": "1234.50", "currency": "KZT"}
        assert said["merchant_id"] == MERCHANT
        assert said["destination"]["type"] == way
        assert said["metadata"] == {"batch": "7"}
        assert (said["sequence"], said["attempt"], said["livemode"]) == (1, 1, False)
        assert len(world.executed("order-" + way)) == 1
    assert world.outcome("order-card")["destination"]["masked"] == "467159******8252"
    world.audit(everything_final=True)


def test_command_names_its_merchant(world):
    world.start_worker()
    world.commands.send(command("o", merchant_id=OTHER_MERCHANT))
    assert world.outcome("o")["merchant_id"] == OTHER_MERCHANT
    world.audit(everything_final=True)


def test_multipart_requests_are_understood_as_well(world):
    world.start_worker(gateways={"main": {"encoding": "multipart"}})
    for way, destination in WAYS.items():
        world.commands.send(command("order-" + way, destination=destination))
    for way in WAYS:
        assert world.outcome("order-" + way)["status"] == "succeeded"
    world.audit(everything_final=True)


def test_bare_json_and_structured_events_are_commands_too(world):
    world.start_worker()
    world.commands.send(command("bare"), headers={})
    data = command("structured")
    envelope = {"specversion": "1.0", "type": "kz.example.payout.requested.v1", "source": "/tests", "id": "e-1",
                "subject": "structured", "datacontenttype": "application/json", "data": data}
    world.commands.sent.append(data)
    world.commands.raw(json.dumps(envelope).encode(), b"structured",
                       {"content-type": "application/cloudevents+json; charset=UTF-8"})
    assert world.outcome("bare")["status"] == "succeeded"
    assert world.outcome("structured")["status"] == "succeeded"
    outcome = [each for each in world.outcomes.records if each.data["order_id"] == "structured"][0]
    assert outcome.headers["ce_causationid"] == "e-1"
    world.audit(everything_final=True)


def test_card_number_in_the_clear_is_refused_without_consent(world):
    world.start_worker(security={"allow_plaintext_pan": False})
    place = world.commands.send(command("o", destination=CARD_DESTINATION))
    assert world.outcome("o")["status"] == "rejected"
    assert world.dead_letter(place).headers["dlq-reason"] == "validation_failed"
    assert world.executed("o") == []
    world.audit(everything_final=True)
