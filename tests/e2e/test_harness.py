"""The harness itself: its servers come, die and come back, and its audit finds every kind of wrong book."""
import json
import os
import signal
import subprocess
import time
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


RUN_WITH = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "support", "run_with")


def is_alive(pid):
    """A zombie counts as dead: it only waits for somebody to read its end."""
    try:
        with open("/proc/%d/stat" % pid, encoding="ascii") as stat:
            return stat.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def run_with(*arguments, timeout_s=60):
    return subprocess.run([RUN_WITH, *arguments], capture_output=True, text=True, timeout=timeout_s, check=False)


def test_run_with_gives_the_servers_and_passes_the_exit_code():
    ping = "redis-cli -h $REDIS_HOST -p $REDIS_PORT ping; echo $REDIS_PID; exit 7"
    done = run_with("--redis", "--", "sh", "-c", ping)
    assert done.returncode == 7
    answer, pid = done.stdout.split()
    assert answer == "PONG" and not is_alive(int(pid))


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_run_with_leaves_no_process_behind_when_it_is_ended(how, tmp_path):
    runner = subprocess.Popen([RUN_WITH, "--redis", "--", "sh", "-c", "echo $REDIS_PID $$; exec sleep 300"],
                              stdout=subprocess.PIPE, text=True, env=dict(os.environ, TMPDIR=str(tmp_path)))
    pids = [int(each) for each in runner.stdout.readline().split()]
    runner.send_signal(how)
    assert runner.wait(20) == (128 + how if how != signal.SIGKILL else -how)
    end = time.monotonic() + 10
    while any(is_alive(pid) for pid in pids) and time.monotonic() < end:
        time.sleep(0.02)
    assert not any(is_alive(pid) for pid in pids)
    runner.stdout.close()
    if how != signal.SIGKILL:
        assert not [name for name in os.listdir(tmp_path) if name.startswith("payoutd-redis")]


def test_run_with_ends_a_command_that_takes_too_long():
    assert run_with("--redis", "--timeout", "0.5", "--", "sleep", "300").returncode == 124


def test_run_with_says_when_there_is_no_such_command():
    assert run_with("--", "no-such-command").returncode == 127
