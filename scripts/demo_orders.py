"""The payouts of the demo: what is sent, and what should become of it. Amounts of the form 77NNPPP and 66CCCCC, and the
test cards, are magic at the sandbox (docs/SANDBOX.md).
"""
import json

from events import IBAN_DESTINATION, TOKEN_DESTINATION, command, rfc3339

SHOP, SHORT, POOR = "530123", "9970", "7001"  # POOR has 500.00 at the beginning
MERCHANTS = {SHOP: "100000000", SHORT: "100000000", POOR: "500"}


def card(number):
    return {"type": "card", "pan": number, "cardholder_name": "AIGERIM TEST"}


class Order:
    """`outcomes`: the statuses to be published, in order. `paid`: how often the gateway moves money.
    `letter`: the reason of its dead letter."""

    def __init__(self, order_id, what, data, outcomes, paid, letter=None, again=None):
        self.id, self.what, self.data, self.again = order_id, what, data, again
        self.outcomes, self.paid, self.letter = outcomes, paid, letter


def order(order_id, what, amount, destination, outcomes, paid, letter=None, again=None, **more):
    return Order(order_id, what, command(order_id, amount, destination, **more), outcomes, paid, letter, again)


def changed(data, amount):
    return dict(data, amount=dict(data["amount"], value=amount))


def all_orders():
    once = command("sent-twice", "700")
    first = command("sent-changed", "800")
    return [
        order("to-a-card", "the test card that is paid", "1500.50", card("4671593866478252"), ["succeeded"], 1),
        order("to-a-token", "a saved card", "2000", TOKEN_DESTINATION, ["succeeded"], 1),
        order("to-an-iban", "a bank account", "250000", IBAN_DESTINATION, ["succeeded"], 1),
        order("card-declined", "the test card that is declined (10001)", "1000", card("4556046085041740"),
              ["failed"], 0),
        order("card-fault", "the test card with a general fault (10000)", "1000", card("5325349472901311"),
              ["unknown", "failed"], 0),
        order("card-later-paid", "the test card that is paid later", "1000", card("5507841999732294"),
              ["pending", "succeeded"], 1),
        order("card-later-failed", "the test card that fails later", "1000", card("4532676596620704"),
              ["pending", "failed"], 0),
        order("over-the-limit", "a limit was exceeded (420): a new order may pass", "6600420", None, ["failed"], 0),
        order("no-answer", "paid, and the answer never comes", "7701000", None, ["unknown", "succeeded"], 1),
        order("bad-signature", "paid, and the answer is signed wrongly", "7720000", None, ["unknown", "succeeded"], 1),
        Order("sent-twice", "the same command twice", once, ["succeeded", "succeeded"], 1, again=once),
        Order("sent-changed", "the same order id with another amount", first, ["succeeded"], 1, "order_conflict",
              again=changed(first, "80000")),
        Order("amount-a-number", "an amount that is no text", changed(command("amount-a-number"), 100), ["rejected"], 0,
              "validation_failed"),
        order("too-late", "its not_after is over", "900", None, ["rejected"], 0, not_after=rfc3339(-60)),
        order("balance-short", "the merchant's balance is short, until it is topped up", "1000", None, ["succeeded"], 1,
              merchant_id=POOR),
        order("card-no-balance", "the test card for which no balance suffices (8888): it waits", "1000",
              card("5543974702876045"), [], 0, merchant_id=SHORT),
    ]


UNREADABLE = b"this is no JSON"


def as_text(data):
    """A command's amount as it was written, without a decimal point moving."""
    return json.dumps(data["amount"]["value"]).strip('"')
