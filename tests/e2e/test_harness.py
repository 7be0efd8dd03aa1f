"""The harness itself: its servers come, die and come back, and its audit finds every kind of wrong book."""
import json
import uuid

import pytest

from audit import Audit
from events import CommandWriter, TopicReader, command, create_topics
from redis_server import RedisServer


class Said:
    """An outcome as the audit reads it."""

    def __init__(self, order_id, status, event_id=None):
        self.key, self.data = order_id.encode(), {"order_id": order_id, "status": status}
        self.headers = {"ce_id": event_id or "%s-%s" % (order_id, status)}


BALANCED = {"commands": [command("a", "10"), command("b"), command("c")],
            "outcomes": [Said("a", "succeeded"), Said("a", "succeeded"), Said("b", "failed"), Said("c", "unknown")],
            "dead_letters": [], "executions": [("a", "10.00")]}


def test_audit_accepts_books_that_balance():
    audit = Audit(**BALANCED).check()
    assert audit.repeated_final == ["a"]
    assert audit.without_final() == ["c"]


@pytest.mark.parametrize("rule, change", [
    ("executed_twice", {"executions": [("a", "10"), ("a", "10")]}),
    ("never_asked", {"executions": [("a", "10"), ("z", "1")]}),
    ("lost", {"outcomes": [Said("a", "succeeded"), Said("b", "failed")]}),
    ("double_final", {"outcomes": BALANCED["outcomes"] + [Said("b", "succeeded")]}),
    ("double_final", {"outcomes": BALANCED["outcomes"] + [Said("a", "succeeded", "another id")]}),
    ("paid_unsaid", {"executions": [("a", "10"), ("b", "1000")]}),
    ("said_unpaid", {"executions": []}),
    ("wrong_amount", {"executions": [("a", "10.01")]}),
])
def test_audit_finds(rule, change):
    audit = Audit(**{**BALANCED, **change})
    assert getattr(audit, rule)
    with pytest.raises(AssertionError, match=rule):
        audit.check()


def test_audit_wants_every_order_final_when_told():
    with pytest.raises(AssertionError, match="without_final"):
        Audit(**BALANCED).check(everything_final=True)


def test_records_come_back_after_the_broker_was_killed(kafka):
    topic = "harness." + uuid.uuid4().hex
    create_topics(kafka.bootstrap, {topic: 2})
    writer = CommandWriter(kafka.bootstrap, topic)
    first = writer.send(command("a"), partition=1)
    kafka.kill()
    kafka.start()
    assert first == (1, 0)
    assert writer.send(command("b"), partition=1) == (1, 1)
    reader = TopicReader(kafka.bootstrap, topic)
    try:
        records = reader.until(lambda got: len(got) == 2, 30, "both commands")
        assert [json.loads(each.value)["order_id"] for each in records] == ["a", "b"]
        assert records[0].headers["ce_subject"] == "a"
    finally:
        reader.close()


def test_redis_keeps_what_it_was_told_and_shows_that_it_was_restarted():
    with RedisServer() as redis:
        redis.call("SET", "k", "v")
        before = redis.call("INFO", "server")
        redis.kill()
        redis.start()
        assert redis.call("GET", "k") == b"v"
        run_ids = [[line for line in info.split(b"\r\n") if line.startswith(b"run_id")]
                   for info in (before, redis.call("INFO", "server"))]
        assert run_ids[0] != run_ids[1]
