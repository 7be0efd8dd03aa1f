"""Commands in, outcomes and dead letters out, as a client of the worker sees them."""
import glob
import json
import os
import time
import uuid
from datetime import datetime, timezone

import jsonschema
from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TYPE_PREFIX = "kz.example"
FINAL = ("succeeded", "failed", "rejected")
CARD = "4671593866478252"  # the sandbox pays it
CARD_DESTINATION = {"type": "card", "pan": CARD, "cardholder_name": "AIGERIM TEST"}
TOKEN_DESTINATION = {"type": "card_token", "token": "0f4d8c1e-6a55-4b39-9d6e-1f2a3b4c5d6e"}
IBAN_DESTINATION = {"type": "iban", "iban": "KZ86125KZT5004100100", "recipient_name": "Aigerim Test",
                    "recipient_iin": "900101300123", "kbe": "19", "knp": "119", "bic": "KZZSAE"}


def command(order_id, amount="1000", destination=None, **more):
    """The data of one command."""
    data = {"order_id": order_id, "amount": {"value": amount, "currency": "KZT"}, "description": "test " + order_id,
            "destination": dict(destination or TOKEN_DESTINATION)}
    if data["destination"]["type"] == "card_token":
        data.setdefault("user_id", "user-1")
    data.update(more)
    return data


def rfc3339(seconds_from_now=0):
    moment = datetime.fromtimestamp(time.time() + seconds_from_now, timezone.utc)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def event_headers(order_id, **more):
    """CloudEvents in Kafka's binary mode."""
    headers = {"content-type": "application/json", "ce_specversion": "1.0",
               "ce_type": TYPE_PREFIX + ".payout.requested.v1", "ce_source": "/tests",
               "ce_id": str(uuid.uuid4()), "ce_time": rfc3339(), "ce_subject": order_id}
    headers.update(more)
    return headers


def create_topics(bootstrap, partitions_of):
    """`partitions_of`: topic name -> number of partitions. Returns when every partition answers."""
    admin = AdminClient({"bootstrap.servers": bootstrap})
    wanted = [NewTopic(name, count, 1) for name, count in partitions_of.items()]
    for future in admin.create_topics(wanted, operation_timeout=20).values():
        future.result(30)
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "none"})
    end = time.monotonic() + 30
    for partition in [TopicPartition(name, each) for name, count in partitions_of.items() for each in range(count)]:
        while True:
            try:
                consumer.get_watermark_offsets(partition, 5)
                break
            except KafkaException:
                if time.monotonic() > end:
                    raise
                time.sleep(0.05)
    consumer.close()


class CommandWriter:
    """Writes commands and remembers where each one landed."""

    def __init__(self, bootstrap, topic):
        self.topic = topic
        self.producer = Producer({"bootstrap.servers": bootstrap, "acks": "all", "linger.ms": 5, "log_level": 2,
                                  "enable.idempotence": True})
        self.sent = []  # every command that was meant to be a good one: its data
        self.places = {}  # order id -> [(partition, offset)]

    def raw(self, value, key=None, headers=None, partition=None, timestamp_ms=None, flush=True):
        """Any record at all. Gives (partition, offset) once it is on disk, None when not flushed."""
        landed = []

        def on_delivery(error, message):
            if error is not None:
                raise KafkaException(error)
            landed.append((message.partition(), message.offset()))

        arguments = {"value": value, "key": key, "headers": headers or {}, "on_delivery": on_delivery}
        if partition is not None:
            arguments["partition"] = partition
        if timestamp_ms is not None:
            arguments["timestamp"] = timestamp_ms
        while True:
            try:
                self.producer.produce(self.topic, **arguments)
                break
            except BufferError:
                self.producer.poll(0.1)
        self.producer.poll(0)
        if not flush:
            return None
        self.flush()
        return landed[0]

    def send(self, data, headers=None, flush=True, **more):
        self.sent.append(data)
        place = self.raw(json.dumps(data).encode(), data["order_id"].encode(),
                         headers if headers is not None else event_headers(data["order_id"]), flush=flush, **more)
        self.places.setdefault(data["order_id"], []).append(place)
        return place

    def flush(self):
        if self.producer.flush(60) != 0:
            raise AssertionError("the broker did not take the commands within 60 s")


class Record:
    """One event or dead letter, as it was read."""

    def __init__(self, message):
        self.key = message.key()
        self.value = message.value()
        self.headers = {name: (value or b"").decode("utf-8", "replace") for name, value in message.headers() or []}
        self.partition, self.offset = message.partition(), message.offset()
        try:
            self.data = json.loads(self.value)
        except (ValueError, TypeError):
            self.data = None

    def __repr__(self):
        return "%s/%d %s %s" % (self.partition, self.offset, self.headers, self.value)


class TopicReader:
    """Everything in one topic from its beginning, as a read_committed reader sees it."""

    def __init__(self, bootstrap, topic, check=None, is_worth_waiting=None):
        """`check`: called with each record. `is_worth_waiting`: called while waiting; raises when it is not."""
        self.topic, self.check, self.is_worth_waiting = topic, check, is_worth_waiting
        self.consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "reader-" + uuid.uuid4().hex,
                                  "isolation.level": "read_committed", "enable.auto.commit": False,
                                  "auto.offset.reset": "earliest", "fetch.wait.max.ms": 50, "log_level": 2})
        partitions = self.consumer.list_topics(topic, 20).topics[topic].partitions
        self.consumer.assign([TopicPartition(topic, each, 0) for each in partitions])
        self.records = []

    def poll(self, seconds):
        """Reads for at most so long; gives what came new."""
        new = []
        if self.is_worth_waiting:
            self.is_worth_waiting()
        for message in self.consumer.consume(500, seconds):
            if message.error():
                raise KafkaException(message.error())
            record = Record(message)
            if self.check:
                self.check(record)
            new.append(record)
        self.records += new
        return new

    def until(self, is_enough, timeout_s, what):
        """Reads until is_enough(records)."""
        end = time.monotonic() + timeout_s
        while not is_enough(self.records):
            if time.monotonic() > end:
                raise AssertionError("%s: not within %s s; read so far: %s" % (what, timeout_s, self.records[-20:]))
            self.poll(0.1)
        return self.records

    def quiet(self, seconds):
        """Reads on until nothing has come for so long."""
        last = time.monotonic()
        while time.monotonic() - last < seconds:
            if self.poll(0.1):
                last = time.monotonic()
        return self.records

    def close(self):
        self.consumer.close()


def _outcome_schema():
    found = sorted(glob.glob(os.path.join(ROOT, "config", "schemas", "outcome-v1*.json")))
    if not found:
        raise AssertionError("config/schemas has no outcome-v1 schema")
    with open(found[0], encoding="utf-8") as file:
        return jsonschema.Draft202012Validator(json.load(file))


OUTCOME_HEADERS = ("content-type", "ce_specversion", "ce_type", "ce_source", "ce_id", "ce_time", "ce_subject",
                   "ce_dataschema")


class OutcomeChecker:
    """Every outcome keeps the published contract."""

    def __init__(self):
        self.schema = _outcome_schema()

    def __call__(self, record):
        assert record.data is not None, "an outcome that is no JSON: %r" % record
        self.schema.validate(record.data)
        missing = [name for name in OUTCOME_HEADERS if name not in record.headers]
        assert not missing, "an outcome without %s: %r" % (missing, record)
        status = record.data["status"]
        assert record.headers["ce_type"] == "%s.payout.%s.v1" % (TYPE_PREFIX, status), record
        assert record.headers["ce_subject"] == record.data["order_id"] == record.key.decode(), record
        assert record.data["final"] is (status in FINAL), record
