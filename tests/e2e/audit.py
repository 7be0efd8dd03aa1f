"""The books: what was asked, what was said about it, and what the gateway really did. Nobody may be paid twice, nothing
may be lost, and nothing may be said that is not so."""
import collections
from decimal import Decimal

from events import FINAL


class Audit:
    """Plain lists of order ids; an empty list is a rule that held."""

    def __init__(self, commands, outcomes, dead_letters, executions):
        """`commands`: data of the good commands. `executions`: (order id, amount) of every payment that moved money."""
        self.outcomes_of = collections.defaultdict(list)
        for record in outcomes:
            self.outcomes_of[record.data["order_id"]].append(record)
        self.paid_of = collections.defaultdict(list)
        for order_id, amount in executions:
            self.paid_of[order_id].append(Decimal(amount))
        self.asked_of = {}
        for data in commands:
            self.asked_of.setdefault(data["order_id"], data)
        self.dead_keys = {(record.key or b"").decode("utf-8", "replace") for record in dead_letters}

        self.executed_twice = sorted(order for order, paid in self.paid_of.items() if len(paid) > 1)
        self.never_asked = sorted(set(self.paid_of) - set(self.asked_of))
        self.lost = sorted(order for order in self.asked_of
                           if order not in self.outcomes_of and order not in self.dead_keys)
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
        return {(record.headers["ce_id"], record.data["status"]) for record in self.outcomes_of[order_id]
                if record.data["status"] in FINAL}

    def _repeats(self, order_id):
        return sum(1 for record in self.outcomes_of[order_id] if record.data["status"] in FINAL)

    def final_of(self, order_id):
        finals = self._finals(order_id)
        return next(iter(finals))[1] if len(finals) == 1 else None

    def without_final(self):
        return sorted(order for order in self.asked_of if not self._finals(order) and order not in self.dead_keys)

    RULES = ("executed_twice", "never_asked", "lost", "double_final", "paid_unsaid", "said_unpaid", "wrong_amount")

    def check(self, everything_final=False):
        broken = {rule: getattr(self, rule)[:10] for rule in self.RULES if getattr(self, rule)}
        if everything_final and self.without_final():
            broken["without_final"] = self.without_final()[:10]
        assert not broken, "the books do not balance: %s" % broken
        return self
