"""A world for one test: topics of its own on the session's Kafka, a Redis, a sandbox, and workers as it wants them."""
import os
import shutil
import tempfile
import uuid

from audit import Audit
from events import CARD, CommandWriter, OutcomeChecker, TopicReader, create_topics
from redis_server import RedisServer
from sandbox_process import Sandbox
from worker import DRAIN_S, Worker, merge, payoutctl, write_secret

PARTITIONS = 6
MERCHANT, OTHER_MERCHANT = "530123", "9970"
OUTCOME_TIMEOUT_S = 40


class World:
    """E2E_KEEP=1 keeps the folder with the configurations and the logs."""

    def __init__(self, kafka, sandbox_flags=(), merchants=None):
        self.kafka = kafka
        self.id = uuid.uuid4().hex[:8]
        self.folder = tempfile.mkdtemp(prefix="payoutd-e2e-")
        self.redis = RedisServer()
        more = {} if merchants is None else {"merchants": merchants}
        self.sandbox = Sandbox(flags=sandbox_flags, **more)
        kinds = ("commands", "resolutions", "outcomes", "dead-letters")
        self.topics = {kind: "%s.%s" % (kind, self.id) for kind in kinds}
        self.workers = []
        self.commands = self.outcomes = self.dead_letters = None

    # -- life
    def start(self):
        self.redis.start()
        self.sandbox.start()
        create_topics(self.kafka.bootstrap, {name: 1 if kind == "dead-letters" else PARTITIONS
                                             for kind, name in self.topics.items()})
        self.commands = CommandWriter(self.kafka.bootstrap, self.topics["commands"])
        self.outcomes = TopicReader(self.kafka.bootstrap, self.topics["outcomes"], OutcomeChecker(),
                                    self.check_workers)
        self.dead_letters = TopicReader(self.kafka.bootstrap, self.topics["dead-letters"], None, self.check_workers)
        return self

    def check_workers(self):
        for worker in self.workers:
            worker.check_alive()

    def stop(self):
        for worker in self.workers:
            worker.close()
        for reader in (self.outcomes, self.dead_letters):
            if reader is not None:
                reader.close()
        self.sandbox.stop()
        self.redis.stop()
        if os.environ.get("E2E_KEEP"):
            print("kept: " + self.folder)
        else:
            shutil.rmtree(self.folder, ignore_errors=True)

    # -- workers
    def config(self, **changes):
        """The smallest configuration with which a worker runs here, and short waits."""
        secrets = {each: write_secret(os.path.join(self.folder, each + ".key"), key)
                   for each, key in ((MERCHANT, "test_payout_key"), (OTHER_MERCHANT, "another_payout_key"))}
        base = {
            "topics": {"commands": self.topics["commands"], "resolutions": self.topics["resolutions"],
                       "outcomes": self.topics["outcomes"], "dead_letters": self.topics["dead-letters"]},
            "consumer": {"group_id": "payoutd-" + self.id, "session_timeout": "6s"},
            "publisher": {"transaction_timeout": "5s", "message_timeout": "4s"},
            "redis": {"host": "127.0.0.1", "port": self.redis.port, "command_timeout": "1s", "connect_timeout": "1s"},
            "ledger": {"namespace": "test-" + self.id, "fingerprint_key_file":
                       write_secret(os.path.join(self.folder, "fingerprint.key"), "0123456789abcdef" * 4)},
            "worker": {"max_command_age": "1h", "send_window": "2s", "grace": "1s", "drain": "%ds" % DRAIN_S},
            "contract": {"type_prefix": "kz.example"},
            "security": {"allow_plaintext_pan": True},
            "log": {"format": "json", "level": "debug"},
            "default_merchant": MERCHANT,
            "gateways": {"main": {"base_url": self.sandbox.url, "livemode": False, "ca_file": self.sandbox.ca_file,
                                  "connect_timeout": "1s", "request_timeout": "3s"}},
            "merchants": {each: {"gateway": "main", "secret_file": path, "post_link": "https://127.0.0.1:1/callback"}
                          for each, path in secrets.items()},
            "kafka": {"bootstrap.servers": self.kafka.bootstrap},
        }
        return merge(base, changes)

    def add_worker(self, **changes):
        """A worker that is not started yet."""
        worker = Worker("worker-%s-%d" % (self.id, len(self.workers) + 1), self.folder, self.config(**changes))
        self.workers.append(worker)
        return worker

    def init(self, worker):
        """The first deployment of this world."""
        code, out, err = payoutctl("init", "--config", worker.config_file)
        assert code == 0, "payoutctl init: %s\n%s%s" % (code, out, err)

    def start_worker(self, **changes):
        """A worker that is ready; the first one of a world also makes the first deployment."""
        worker = self.add_worker(**changes)
        if len(self.workers) == 1:
            self.init(worker)
        return worker.start()

    # -- what came of it
    def outcome(self, order_id, status=None, timeout_s=OUTCOME_TIMEOUT_S):
        """The data of the newest outcome of an order, or of its first one with `status`; waits for it."""
        def matching():
            return [each for each in self.outcomes.records if each.data["order_id"] == order_id
                    and (status is None or each.data["status"] == status)]
        self.outcomes.until(lambda _: matching(), timeout_s, "outcome %s of %s" % (status or "", order_id))
        return matching()[-1].data

    def dead_letter(self, place, timeout_s=OUTCOME_TIMEOUT_S):
        """The dead letter of the record at (partition, offset)."""
        def matching():
            return [each for each in self.dead_letters.records if each.headers.get("dlq-partition") == str(place[0])
                    and each.headers.get("dlq-offset") == str(place[1])]
        self.dead_letters.until(lambda _: matching(), timeout_s, "dead letter of %s" % (place,))
        return matching()[0]

    def wait_all_told(self, order_ids, timeout_s, final_only=False):
        """Until every order has an outcome."""
        wanted, seen, at = set(order_ids), set(), 0

        def are_all_told(records):
            nonlocal at
            for record in records[at:]:
                if record.data["final"] or not final_only:
                    seen.add(record.data["order_id"])
            at = len(records)
            return wanted <= seen
        try:
            self.outcomes.until(are_all_told, timeout_s, "an outcome of each")
        except AssertionError:
            raise AssertionError("%d of %d orders have no outcome within %s s: %s" % (
                len(wanted - seen), len(wanted), timeout_s, sorted(wanted - seen)[:10])) from None

    def wait_all_final(self, order_ids, timeout_s):
        self.wait_all_told(order_ids, timeout_s, final_only=True)

    def wait_paid_are_settled(self, timeout_s=90):
        """Until every order that the gateway has paid is told as succeeded, by its answer or by its status."""
        paid = {order for order, _ in self.executions()}
        self.wait_all_told(paid, timeout_s, final_only=True)

    def executions(self):
        """(order id, amount) of every payment that moved money at the sandbox."""
        return [(each["order_id"], each["amount"]) for each in self.sandbox.executions()]

    def executed(self, order_id):
        return [amount for order, amount in self.executions() if order == order_id]

    def audit(self, everything_final=False, quiet_s=1.0):
        """Ends the test's reading, checks the books, and that no card number was left anywhere."""
        self.outcomes.quiet(quiet_s)
        self.dead_letters.quiet(0.3)
        audit = Audit(self.commands.sent, self.outcomes.records, self.dead_letters.records, self.executions())
        audit.check(everything_final)
        self.check_traces()
        return audit

    def check_traces(self):
        """No card number where it must not be, and nothing from the sanitizers."""
        for worker in self.workers:
            assert not worker.sanitizer_reports(), worker.last_words()
            assert CARD not in worker.process.log(whole=True), "a card number in the log of " + worker.name
        for record in self.outcomes.records + self.dead_letters.records:
            assert CARD.encode() not in (record.value or b""), "a card number in %r" % record
        with self.redis.client() as client:
            for key in client("KEYS", "*"):
                dump = client("DUMP", key) or b""
                assert CARD.encode() not in dump, "a card number in Redis, in %s" % key
