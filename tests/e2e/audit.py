"""The books: what was asked, what was said about it, and what the gateway really did. Nobody may be paid twice, nothing
may be lost, and nothing may be said that is not so."""
import collections
from decimal import Decimal

from events import FINAL

LEDGER_FINAL = {"PAID": "succeeded", "FAILED": "failed", "REJECTED": "rejected"}
# A letter that is about a copy of the order's command, not about the order.
ABOUT_A_COPY = "order_conflict"


class Audit:
    """Plain lists of order ids; an empty list is a rule that held."""

    def __init__(self, commands, outcomes, dead_letters, executions, refused=(), ledger=None):
        """`commands`: data of the good commands. `executions`: (order id, amount) of every payment that moved money.
        `refused`: keys of commands that must come to nothing. `ledger`: order id -> its hash in Redis."""
        self.outcomes_of = collections.defaultdict(list)
        for record in outcomes:
            self.outcomes_of[record.data["order_id"]].append(record)
        self.paid_of = collections.defaultdict(list)
        for order_id, amount in executions:
            self.paid_of[order_id].append(Decimal(amount))
        self.asked_of = {}
        for data in commands:
            self.asked_of.setdefault(data["order_id"], data)
        self.dead_keys = {(record.key or b"").decode("utf-8", "replace") for record in dead_letters
                          if record.headers.get("dlq-reason") != ABOUT_A_COPY}
        self.ledger = ledger

        self.executed_twice = sorted(order for order, paid in self.paid_of.items() if len(paid) > 1)
        self.never_asked = sorted(set(self.paid_of) - set(self.asked_of))
        self.lost = sorted(order for order in list(self.asked_of) + list(refused) if self._is_lost(order))
        self.double_final = sorted(order for order in self.outcomes_of if len(self._finals(order)) > 1)
        self.repeated_final = sorted(order for order in self.outcomes_of if self._repeats(order) > 1)
        self.paid_unsaid = sorted(order for order in self.paid_of
                                  if any(status != "succeeded" for _, status in self._finals(order)))
        self.said_unpaid = sorted(order for order in self.outcomes_of if order not in self.paid_of
                                  and any(status == "succeeded" for _, status in self._finals(order)))
        self.wrong_amount = sorted(order for order, paid in self.paid_of.items() if order in self.asked_of
                                   and any(each != Decimal(self.asked_of[order]["amount"]["value"]) for each in paid))

    def _finals(self, order_id):
        """The different final verdicts of an order, as (event id, status)."""
        return {(record.headers["ce_id"], record.data["status"]) for record in self.outcomes_of.get(order_id, ())
                if record.data["status"] in FINAL}

    def _repeats(self, order_id):
        return sum(1 for record in self.outcomes_of[order_id] if record.data["status"] in FINAL)

    def _ledger_state(self, order_id):
        return self.ledger.get(order_id, {}).get("st", "ABSENT") if self.ledger is not None else None

    def _is_lost(self, order_id):
        """Nothing was said at all, or the ledger knows an end that was never said."""
        if order_id in self.dead_keys:
            return False
        if order_id not in self.outcomes_of:
            return True
        return self._ledger_state(order_id) in LEDGER_FINAL and not self._finals(order_id)

    def final_of(self, order_id):
        finals = self._finals(order_id)
        return next(iter(finals))[1] if len(finals) == 1 else None

    def last_of(self, order_id):
        """The status of its newest event; None when there is none."""
        return self.outcomes_of[order_id][-1].data["status"] if order_id in self.outcomes_of else None

    def without_final(self):
        return sorted(order for order in self.asked_of if not self._finals(order) and order not in self.dead_keys)

    RULES = ("executed_twice", "never_asked", "lost", "double_final", "paid_unsaid", "said_unpaid", "wrong_amount")

    def check(self, everything_final=False):
        broken = {rule: getattr(self, rule)[:10] for rule in self.RULES if getattr(self, rule)}
        if everything_final and self.without_final():
            broken["without_final"] = self.without_final()[:10]
        assert not broken, "the books do not balance: %s" % broken
        return self

    # -- once all faults are over: what is still open must have a reason
    def reason_of(self, order_id):
        """Why an order has no end yet; None when there is no reason for it. Money that moved is none."""
        if order_id in self.paid_of:
            return None
        said, held = self.last_of(order_id), self._ledger_state(order_id)
        if said == "pending" and held in (None, "PENDING"):
            return "the gateway has not decided yet"
        if said == "unknown" and held in (None, "UNKNOWN"):
            return "sent, perhaps, and the gateway knows no such payment: left to people"
        return None

    def disagreements(self):
        """The last word of the ledger is not the last word that was said."""
        if self.ledger is None:
            return []
        return [order for order in self.asked_of if self._ledger_state(order) in LEDGER_FINAL
                and self.final_of(order) not in (None, LEDGER_FINAL[self._ledger_state(order)])]

    def unexplained(self):
        told = [order for order in self.without_final() if order not in self.lost]
        return sorted(set(self.never_asked) | set(self.said_unpaid) | set(self.disagreements())
                      | {order for order in told if self.reason_of(order) is None})

    def rows(self):
        """The table of a chaos run, as (what, order ids); every list must be empty."""
        return [("executed twice", self.executed_twice), ("lost", self.lost), ("double final", self.double_final),
                ("wrong amount", self.wrong_amount), ("paid but failed", self.paid_unsaid),
                ("unexplained", self.unexplained())]

    def open_reasons(self):
        """reason -> how many orders are open for it."""
        return collections.Counter(filter(None, (self.reason_of(order) for order in self.without_final())))
