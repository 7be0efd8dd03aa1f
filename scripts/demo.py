"""What scripts/demo does once everything is built: a world of its own on loopback, payouts, and what became of them.

Programs come from PAYOUTD, PAYOUTCTL and PAYOUT_SANDBOX. Exits 0 when everything came out as announced.
"""
import argparse
import json
import os
import shutil
import signal
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path[:0] = [os.path.join(ROOT, "tests", "support"), os.path.join(ROOT, "tests", "e2e")]

from confluent_kafka import KafkaException  # noqa: E402
from demo_orders import MERCHANTS, POOR, SHOP, UNREADABLE, all_orders, as_text  # noqa: E402
from events import CommandWriter, TopicReader, create_topics  # noqa: E402
from kafka_server import KafkaServer  # noqa: E402
from process import ServerFailed  # noqa: E402
from redis_server import RedisServer  # noqa: E402
from sandbox_process import Sandbox  # noqa: E402
from worker import Worker, payoutctl, write_secret  # noqa: E402

TOPICS = {"payout.commands": 6, "payout.resolutions": 6, "payout.outcomes": 6, "payout.dead-letters": 1}
ALL_S = 120  # without --keep nothing lasts longer than this
WAIT_S = 45


class Ended(Exception):
    """A signal or the clock."""


def say(text=""):
    print(text, flush=True)


class World:
    def __init__(self, real):
        self.began = time.monotonic()
        self.folder = tempfile.mkdtemp(prefix="payoutd-demo-")
        self.redis = RedisServer()
        flags = ["--process-ms", "2500"]
        if not real:
            flags += ["--kafka", "--topics", ",".join("%s:%d" % each for each in TOPICS.items())]
        self.sandbox = Sandbox(["%s:demo_key_of_%s:%s" % (each, each, balance) for each, balance in MERCHANTS.items()],
                               flags)
        self.kafka = KafkaServer() if real else None
        self.worker = None
        self.bootstrap = ""

    def step(self, text):
        say("%5.1f s  %s" % (time.monotonic() - self.began, text))

    def start(self):
        self.redis.start()
        self.step("redis-server on 127.0.0.1:%d, append-only" % self.redis.port)
        self.sandbox.start()
        self.step("payout-sandbox on %s, with a CA of its own" % self.sandbox.url)
        if self.kafka:
            self.bootstrap = self.kafka.start().bootstrap
            create_topics(self.bootstrap, TOPICS)
            self.step("Apache Kafka on %s" % self.bootstrap)
        else:
            with open(self.sandbox.ready_file, encoding="utf-8") as file:
                self.bootstrap = json.load(file)["kafka_bootstrap"]
            self.step("the sandbox's embedded Kafka on %s" % self.bootstrap)
        self.worker = Worker("demo", self.folder, self.config())
        code, out, err = payoutctl("init", "--config", self.worker.config_file)
        if code != 0:
            raise ServerFailed("payoutctl init: exit %d\n%s%s" % (code, out, err))
        self.step("payoutctl init: " + "; ".join(out.strip().splitlines()[-2:]))
        self.worker.start()
        self.step("payoutd is ready: http://127.0.0.1:%d/readyz" % self.worker.port)

    def config(self):
        """Short waits, so that the demo is short; see `payoutd config example` for a real one."""
        merchants = {}
        for each in MERCHANTS:
            path = write_secret(os.path.join(self.folder, each + ".key"), "demo_key_of_" + each)
            merchants[each] = {"gateway": "sandbox", "secret_file": path, "post_link": "https://127.0.0.1:1/callback"}
        return {
            "consumer": {"session_timeout": "6s"},
            "redis": {"host": "127.0.0.1", "port": self.redis.port, "command_timeout": "500ms"},
            "ledger": {"namespace": "demo", "fingerprint_key_file":
                       write_secret(os.path.join(self.folder, "fingerprint.key"), os.urandom(32).hex())},
            "worker": {"max_command_age": "1h", "send_window": "1s", "grace": "1s", "drain": "5s",
                       "duplicates": "replay"},
            "contract": {"type_prefix": "kz.example"},
            "security": {"allow_plaintext_pan": True},
            "log": {"format": "json"},
            "default_merchant": SHOP,
            "gateways": {"sandbox": {"base_url": self.sandbox.url, "livemode": False, "ca_file": self.sandbox.ca_file,
                                     "connect_timeout": "1s", "request_timeout": "2s"}},
            "merchants": merchants,
            "kafka": {"bootstrap.servers": self.bootstrap},
        }

    def stop(self):
        code = self.worker.terminate() if self.worker else 0
        self.sandbox.stop()
        if self.kafka:
            self.kafka.stop()
        self.redis.stop()
        shutil.rmtree(self.folder, ignore_errors=True)
        return code


class Course:
    """Everything that is sent, and everything that comes back."""

    def __init__(self, world):
        self.world, self.orders = world, all_orders()
        self.commands = CommandWriter(world.bootstrap, "payout.commands")
        self.outcomes = TopicReader(world.bootstrap, "payout.outcomes", None, world.worker.check_alive)
        self.letters = TopicReader(world.bootstrap, "payout.dead-letters", None, world.worker.check_alive)

    def send(self):
        for each in self.orders:
            self.commands.send(each.data, flush=False)
        self.commands.flush()
        for each in self.orders:
            if each.again:
                self.commands.send(each.again, flush=False)
        self.commands.raw(UNREADABLE, b"unreadable", flush=False)
        self.commands.flush()

    def outcomes_of(self, order):
        return [each.data for each in self.outcomes.records if each.data["order_id"] == order.id]

    def letter_of(self, order_id):
        found = [each for each in self.letters.records if each.key == order_id.encode()]
        return found[0].headers.get("dlq-reason") if found else None

    def open_orders(self):
        return [each for each in self.orders if len(self.outcomes_of(each)) < len(each.outcomes)
                or (each.letter and not self.letter_of(each.id))]

    def wait(self):
        """Until everything has come that is announced; what has not come in time, the table shows."""
        end, topped_up = time.monotonic() + WAIT_S, False
        while time.monotonic() < end and (self.open_orders() or not self.letter_of("unreadable")):
            self.outcomes.poll(0.1)
            self.letters.poll(0.02)
            if not topped_up and self.world.worker.metric("payout_merchant_held") >= 2:
                topped_up = True
                self.world.sandbox.top_up(POOR, "100000")
                self.world.step("merchant %s was held for its short balance; topped up now" % POOR)

    def surprises(self, ledger):
        """What is not as announced, in words."""
        wrong = []
        for each in self.orders:
            seen = [data["status"] for data in self.outcomes_of(each)]
            if seen != each.outcomes:
                wrong.append("%s: outcomes %s, announced were %s" % (each.id, seen, each.outcomes))
            if self.letter_of(each.id) != each.letter:
                wrong.append("%s: dead letter %s, announced was %s" % (each.id, self.letter_of(each.id), each.letter))
            if ledger.get(each.id, 0) != each.paid:
                wrong.append("%s: paid %d times, not %d" % (each.id, ledger.get(each.id, 0), each.paid))
        return wrong

    def close(self):
        self.commands.producer = None  # ends it, before its broker goes
        self.outcomes.close()
        self.letters.close()


def executions_of(sandbox):
    counts = {}
    for each in sandbox.executions():
        counts[each["order_id"]] = counts.get(each["order_id"], 0) + 1
    return counts


def how_known(data):
    words = {"answer": "signed answer", "status": "status query", "worker": "never sent"}
    said = words.get(data.get("evidence"), data.get("evidence") or "no proof yet")
    failure = data.get("failure")
    return "%s: %s" % (said, failure["code"]) if failure else said


def waiting(world, order):
    """Why an order has no outcome yet: its merchant is held, and the worker's metrics say why."""
    merchant = order.data.get("merchant_id", SHOP)
    for reason in ("balance", "configuration", "unreachable"):
        if world.worker.metric("payout_merchant_held", merchant=merchant, reason=reason):
            return "waits, %s is held: %s" % (merchant, reason)
    return "-"


def row(course, order, ledger):
    found = course.outcomes_of(order)
    last = found[-1] if found else {}
    steps = []
    for data in found:
        steps.append("(again)" if data.get("replayed") else data["status"])
    return (order.id, as_text(order.data), last.get("destination", {}).get("masked") or "-",
            " > ".join(steps) or waiting(course.world, order), last.get("gateway", {}).get("payment_id") or "-",
            how_known(last) if last else "-", str(ledger.get(order.id, 0)))


def print_table(head, rows):
    widths = [max(len(line[at]) for line in [head] + rows) for at in range(len(head))]
    for line in [head, tuple("-" * width for width in widths)] + rows:
        say("  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip())


def report(course, world):
    ledger = executions_of(world.sandbox)
    say()
    head = ("order", "amount", "destination", "outcomes", "payment id", "how it was known", "paid")
    print_table(head, [row(course, each, ledger) for each in course.orders])
    say("\n\"paid\" is the sandbox's own ledger: how often money moved for the order.\n")
    print_table(("dead letter", "reason", "why"),
                [((each.key or b"-").decode(), each.headers["dlq-reason"], each.headers["dlq-message"])
                 for each in course.letters.records])
    say("\nwhat was sent:")
    for each in course.orders:
        say("  %-18s %s" % (each.id, each.what))
    wrong = course.surprises(ledger)
    say()
    for each in wrong:
        say("NOT AS ANNOUNCED  " + each)
    if not wrong:
        say("As announced: %d orders, %d payments, none of them twice."
            % (len(course.orders), sum(ledger.values())))
    return wrong


def keep(world):
    example = '{"order_id":"mine-1","amount":{"value":"100","currency":"KZT"},"description":"mine","user_id":"me",' \
              '"destination":{"type":"card_token","token":"0f4d8c1e-6a55-4b39-9d6e-1f2a3b4c5d6e"}}'
    say("""
Everything stays until Ctrl-C (this is process %d).
  send a command     scripts/demo send %s '%s'
  worker             http://127.0.0.1:%d/metrics   /readyz?verbose   /livez?verbose   (process %d)
  its configuration  %s
  its log            %s
  sandbox            %s/   the page; /ledger /ledger/summary /faults
  what it can break  build/release/src/sandbox/payout-sandbox faults
  Redis              redis-cli -p %d
Try: `kill -9 %d` while an order is open, then start it again with
  build/release/src/payoutd --config %s""" % (
        os.getpid(), world.bootstrap, example, world.worker.port, world.worker.process.pid, world.worker.config_file,
        world.worker.process.log_path, world.sandbox.admin_url, world.redis.port, world.worker.process.pid,
        world.worker.config_file))
    while True:
        time.sleep(3600)


def next_steps():
    say("""
Next: scripts/demo --keep        the same, left running, to send commands of your own
      scripts/demo --real        the same on a real Apache Kafka
      docs/PROTOCOL.md           why no order is paid twice; docs/OPERATIONS.md: how it is run""")


def run(arguments):
    world = World(arguments.real)
    course, wrong = None, ["it did not come to an end"]
    try:
        world.start()
        course = Course(world)
        course.send()
        world.step("sent: %d orders, two of them again, and a record that is no command" % len(course.orders))
        course.wait()
        world.step("all that was announced has come" if not course.open_orders() else "gave up waiting")
        wrong = report(course, world)
        if arguments.keep:
            signal.alarm(0)
            keep(world)
    finally:
        if course:
            course.close()
        code = world.stop()
        if code not in (0, None) and not arguments.keep:
            wrong.append("payoutd ended with %s" % code)
    next_steps()
    return 1 if wrong else 0


def send(bootstrap, text):
    """One command to a demo that was kept."""
    try:
        data = json.loads(text)
    except ValueError as failure:
        raise ValueError("the command is no JSON: %s" % failure) from None
    if not isinstance(data, dict) or not isinstance(data.get("order_id"), str):
        raise ValueError("the command has no order_id")
    reader = TopicReader(bootstrap, "payout.outcomes")
    letters = TopicReader(bootstrap, "payout.dead-letters")
    for each in (reader, letters):
        each.quiet(0.5)
    seen, seen_letters, end = len(reader.records), len(letters.records), time.monotonic() + 30
    place = CommandWriter(bootstrap, "payout.commands").send(data)
    say("sent: partition %d, offset %d; waiting up to 30 s" % place)
    while time.monotonic() < end:
        reader.poll(0.2)
        letters.poll(0.05)
        for each in letters.records[seen_letters:]:
            say("dead letter: %s: %s" % (each.headers["dlq-reason"], each.headers["dlq-message"]))
        for each in reader.records[seen:]:
            say(json.dumps(each.data, ensure_ascii=False, indent=2))
            if each.data["order_id"] == data.get("order_id") and each.data["final"]:
                return 0
        if len(letters.records) > seen_letters:
            return 1
        seen = len(reader.records)
    say("no final outcome within 30 s; see the worker's log")
    return 1


def on_signal(number, _frame):
    for each in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGALRM):
        signal.signal(each, signal.SIG_IGN)
    raise Ended("not done within %d s" % ALL_S if number == signal.SIGALRM else "signal %d" % number)


def main():
    if sys.argv[1:2] == ["send"]:
        return send(*sys.argv[2:4])
    parser = argparse.ArgumentParser()
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("--real", action="store_true")
    arguments = parser.parse_args()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGALRM):
        signal.signal(number, on_signal)
    signal.alarm(ALL_S)
    return run(arguments)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Ended as ended:
        say("scripts/demo: ended: %s" % ended)
        sys.exit(1)
    except FileNotFoundError as failure:
        print("scripts/demo: %s is missing: scripts/demo builds and installs what is needed" % failure.filename,
              file=sys.stderr)
        sys.exit(1)
    except (ServerFailed, AssertionError, ValueError, RuntimeError, KafkaException) as failure:
        print("scripts/demo: %s" % failure, file=sys.stderr)
        sys.exit(1)
