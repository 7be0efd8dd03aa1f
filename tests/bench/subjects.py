"""What is measured: payoutd, the bare calls under it, and a plain worker in Go; each on topics of its own."""
import glob
import os
import shutil
import subprocess
import uuid

from events import TYPE_PREFIX, create_topics
from process import Process
from worker import Worker, payoutctl, write_secret

HERE = os.path.dirname(os.path.abspath(__file__))
MERCHANT, SECRET = "530123", "test_payout_key"
PARTITIONS = 6
FLOOR_LIBRARIES = ("rdkafka", "libcurl", "hiredis", "libxml-2.0", "yajl", "libcrypto", "libevent")


def build_floor(folder):
    """The floor's program, compiled as a release is."""
    program = os.path.join(folder, "floor")
    flags = subprocess.run(["pkg-config", "--cflags", "--libs", *FLOOR_LIBRARIES], check=True, capture_output=True,
                           text=True).stdout.split()
    sources = sorted(glob.glob(os.path.join(HERE, "floor*.c")))
    subprocess.run(["cc", "-std=gnu17", "-O2", "-g", "-o", program, *sources, *flags, "-lpthread"], check=True)
    return program


def build_go(folder):
    """The Go worker's program, or None where there is no Go."""
    go = shutil.which("go") or shutil.which("/usr/local/go/bin/go")
    if go is None:
        print("no Go toolchain here: the plain Go worker is left out")
        return None
    program = os.path.join(folder, "goworker")
    result = subprocess.run([go, "build", "-o", program, "."], cwd=os.path.join(HERE, "goworker"), check=False,
                            capture_output=True, text=True)
    if result.returncode != 0:
        print("the plain Go worker does not build, so it is left out:\n" + result.stderr[-1000:])
        return None
    return program


def cpu_us(pid):
    """On-CPU time of all threads so far. utime and stime come in steps of 10 ms; this does not."""
    total_ns = 0
    for task in os.listdir("/proc/%d/task" % pid):
        with open("/proc/%d/task/%s/schedstat" % (pid, task), encoding="ascii") as file:
            total_ns += int(file.read().split()[0])
    return total_ns / 1000


class Subject:
    """One program under measurement. `process` is set by start()."""

    def __init__(self, name, place):
        self.name, self.place = name, place
        self.id = "%s-%s" % (name, uuid.uuid4().hex[:8])
        self.commands, self.outcomes = "commands." + self.id, "outcomes." + self.id
        self.process = None
        create_topics(place.kafka.bootstrap, {self.commands: PARTITIONS, self.outcomes: PARTITIONS})

    def cpu_us(self):
        return cpu_us(self.process.pid)

    def memory_kib(self, field="VmRSS"):
        with open("/proc/%d/status" % self.process.pid, encoding="ascii") as file:
            for line in file:
                if line.startswith(field + ":"):
                    return int(line.split()[1])
        return 0

    def transactions(self):
        """How many it has committed, as far as it tells."""
        return 0

    def close(self):
        self.process.kill()


class Program(Subject):
    """A program that is told everything on its command line: the floor and the Go worker."""

    def __init__(self, name, place, program):
        super().__init__(name, place)
        self.program = program

    def start(self):
        self.process = Process(self.name, os.path.join(self.place.folder, self.name + ".log"))
        self.process.spawn([self.program, self.place.kafka.bootstrap, self.commands, self.outcomes, self.id,
                            str(self.place.redis.port), self.place.sandbox.url + "/api/reg2reg",
                            self.place.sandbox.ca_file, str(self.place.connections)])


class Payoutd(Subject):
    """The worker, with the configuration that ships, except for what this machine's servers need."""

    def __init__(self, place, log_level):
        super().__init__("payoutd", place)
        more = {"dead-letters." + self.id: 1, "resolutions." + self.id: PARTITIONS}
        create_topics(place.kafka.bootstrap, more)
        self.worker = Worker(self.id, place.folder, self.config(log_level))

    def config(self, log_level):
        place = self.place
        key = write_secret(os.path.join(place.folder, "merchant.key"), SECRET)
        fingerprint = write_secret(os.path.join(place.folder, "fingerprint.key"), "0123456789abcdef" * 4)
        return {
            "topics": {"commands": self.commands, "resolutions": "resolutions." + self.id,
                       "outcomes": self.outcomes, "dead_letters": "dead-letters." + self.id},
            "consumer": {"group_id": self.id},
            "redis": {"host": "127.0.0.1", "port": place.redis.port, "command_timeout": "4s"},
            "ledger": {"namespace": self.id, "fingerprint_key_file": fingerprint},
            "worker": {"max_in_flight": 1024, "max_command_age": "1h"},
            "contract": {"type_prefix": TYPE_PREFIX},
            "log": {"format": "json", "level": log_level},
            "default_merchant": MERCHANT,
            "gateways": {"main": {"base_url": place.sandbox.url, "livemode": False, "ca_file": place.sandbox.ca_file,
                                  "max_connections": place.connections}},
            "merchants": {MERCHANT: {"gateway": "main", "secret_file": key,
                                     "post_link": "https://127.0.0.1:1/callback"}},
            "kafka": {"bootstrap.servers": place.kafka.bootstrap},
        }

    def start(self):
        code, out, err = payoutctl("init", "--config", self.worker.config_file)
        if code != 0:
            raise RuntimeError("payoutctl init: %s%s" % (out, err))
        self.worker.start()
        self.process = self.worker.process

    def transactions(self):
        return self.worker.metric("payout_kafka_transactions_total", result="committed")

    def close(self):
        self.worker.close()
