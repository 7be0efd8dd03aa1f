"""Commands of every kind, a steady stream of them, made of a seed."""
import json

from events import CARD_DESTINATION, IBAN_DESTINATION, TOKEN_DESTINATION, command, event_headers
from harness import OTHER_MERCHANT, PARTITIONS

# The sandbox's magic amounts that do not lie for good: see docs/SANDBOX.md.
MAGIC = ("6610001", "6610006", "6600420", "6610000", "6699999", "6709999", "7701000", "7702000", "7703000", "7704502",
         "7705000", "7706000", "7710000", "7711000", "7712000", "7713503", "7714302", "7720000", "7721000", "7722000",
         "7723000", "7724000", "7725000", "7726000", "7729000", "7732000", "7733000", "7735103", "7740002", "7742004",
         "7743005", "7744002", "7750000", "7751002", "7752002", "7753002", "7754004", "7755003")
REMEMBERED = 300


class Traffic:
    def __init__(self, writer, dice, per_second):
        self.writer, self.dice, self.per_second = writer, dice, per_second
        self.owed, self.number = 0.0, 0
        self.recent = []
        self.refused = []  # keys of commands that must come to nothing
        self.copies = 0

    def turn(self, seconds):
        """Sends what is due after so many seconds more."""
        self.owed += seconds * self.per_second
        while self.owed >= 1:
            self.owed -= 1
            kind = self.dice.choices((self._good, self._magic, self._copy, self._changed_copy, self._bad),
                                     (74, 12, 6, 3, 5))[0]
            kind()
        self.writer.producer.poll(0)

    def _next_id(self):
        self.number += 1
        return "chaos-%05d" % self.number

    def _send(self, data):
        self.writer.send(data, flush=False)
        self.recent = self.recent[-REMEMBERED:] + [data]

    def _destination(self):
        return self.dice.choices((TOKEN_DESTINATION, CARD_DESTINATION, IBAN_DESTINATION), (60, 20, 20))[0]

    def _good(self):
        more = {"merchant_id": OTHER_MERCHANT} if self.dice.random() < 0.2 else {}
        amount = "%d.%02d" % (self.dice.randint(100, 99999), self.dice.randint(0, 99))
        self._send(command(self._next_id(), amount, self._destination(), **more))

    def _magic(self):
        self._send(command(self._next_id(), self.dice.choice(MAGIC)))

    def _copy(self):
        """The same words again, on any partition."""
        if not self.recent:
            return
        data = self.dice.choice(self.recent)
        where = {"partition": self.dice.randrange(PARTITIONS)} if self.dice.random() < 0.5 else {}
        self.copies += 1
        self._raw(data, **where)

    def _changed_copy(self):
        """Other words under a known order id, after it on the same partition."""
        if not self.recent:
            return
        data = dict(self.dice.choice(self.recent))
        data["amount"] = {"value": "1.11", "currency": "KZT"}
        self.copies += 1
        self._raw(data)

    def _raw(self, data, **more):
        self.writer.raw(json.dumps(data).encode(), data["order_id"].encode(), event_headers(data["order_id"]),
                        flush=False, **more)

    def _bad(self):
        order_id = self._next_id()
        self.refused.append(order_id)
        kind = self.dice.randrange(4)
        if kind == 0:
            self.writer.raw(b"{not json", order_id.encode(), flush=False)
        elif kind == 1:
            self._raw(command(order_id, "0"))
        elif kind == 2:
            self._raw(command(order_id, "10.001"))
        else:
            self._raw(dict(command(order_id), amount={"value": "5", "currency": "USD"}))
