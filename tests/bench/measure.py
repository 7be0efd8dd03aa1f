"""The measurements: a backlog, a steady rate, memory. They print nothing and judge nothing."""
import json
import os
import shutil
import statistics
import tempfile
import time
import uuid

from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition

from events import command, event_headers
from redis_server import RedisServer
from sandbox_process import Sandbox
from subjects import cpu_us

IN_FLIGHT = 1024
STALL_S = 60


class Place:
    """Servers for one gateway latency: Redis and the gateway; Kafka is shared by all places."""

    def __init__(self, kafka, latency_ms, connections):
        self.kafka, self.connections = kafka, connections
        self.folder = tempfile.mkdtemp(prefix="payoutd-bench-")
        self.redis = RedisServer()
        self.sandbox = Sandbox(flags=("--latency-ms", str(latency_ms), "--ledger-max", "10000000"))

    def __enter__(self):
        self.redis.start()
        self.sandbox.start()
        return self

    def __exit__(self, *_):
        self.sandbox.stop()
        self.redis.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


class Client:
    """The two ends of one subject: it writes commands and reads outcomes as a read_committed reader."""

    def __init__(self, subject):
        self.subject = subject
        bootstrap = subject.place.kafka.bootstrap
        self.producer = Producer({"bootstrap.servers": bootstrap, "acks": "all", "linger.ms": 0,
                                  "queue.buffering.max.messages": 1000000})
        self.consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "bench-" + uuid.uuid4().hex,
                                  "isolation.level": "read_committed", "enable.auto.commit": False,
                                  "auto.offset.reset": "earliest", "fetch.wait.max.ms": 500})
        partitions = self.consumer.list_topics(subject.outcomes, 20).topics[subject.outcomes].partitions
        self.consumer.assign([TopicPartition(subject.outcomes, each, 0) for each in partitions])
        self.sent_at = {}
        self.latencies_ms = []
        self.count = self.others = self.written = 0

    def write(self):
        self.written += 1
        order_id = "bench-%d" % self.written
        self.sent_at[order_id] = time.time()
        self.producer.produce(self.subject.commands, json.dumps(command(order_id)).encode(), order_id.encode(),
                              headers=event_headers(order_id))
        self.producer.poll(0)

    def read(self, seconds):
        """Waits so long for a first outcome, and counts what is there then; gives how many."""
        messages = self.consumer.consume(1, seconds)
        now = time.time()
        if messages:
            messages += self.consumer.consume(1000, 0)
        for message in messages:
            if message.error():
                raise KafkaException(message.error())
            kind = dict(message.headers())["ce_type"]
            self.others += not kind.endswith(b".succeeded.v1")
            self.latencies_ms.append((now - self.sent_at.pop(message.key().decode(), now)) * 1000)
        self.count += len(messages)
        return len(messages)

    def read_until(self, count):
        last = time.monotonic()
        while self.count < count:
            if self.read(0.02):
                last = time.monotonic()
            elif time.monotonic() - last > STALL_S or not self.subject.process.is_running():
                raise RuntimeError("%s stands at %d of %d outcomes; its last words:\n%s" % (
                    self.subject.name, self.count, count, self.subject.process.log_tail()))

    def close(self):
        self.consumer.close()


def warm_up(client):
    """The first outcomes of a process: connections, scripts, group, caches."""
    for _ in range(50):
        client.write()
    client.read_until(client.written)


class Stretch:
    """What a subject and the servers spent between two moments, a payout."""

    def __init__(self, client):
        self.client, self.count = client, client.count
        place = client.subject.place
        self.pids = {"cpu_us": client.subject.process.pid, "redis_us": place.redis.pid,
                     "gateway_us": place.sandbox.pid, "kafka_us": place.kafka.pid}
        self.began, self.transactions = time.monotonic(), client.subject.transactions()
        self.spent_us = {name: cpu_us(pid) for name, pid in self.pids.items()}

    def end(self):
        done, seconds = self.client.count - self.count, time.monotonic() - self.began
        figures = {name: (cpu_us(pid) - self.spent_us[name]) / done for name, pid in self.pids.items()}
        figures["per_s"] = done / seconds
        figures["transactions"] = (self.client.subject.transactions() - self.transactions) / done
        return figures


def backlog(client, payouts):
    """CPU and pace while a backlog is worked off. The commands are written while the subject stands still; the first
    two pools full of them (connections and their handshakes) are not measured."""
    subject, before = client.subject, client.written
    subject.process.pause()
    for _ in range(2 * IN_FLIGHT + payouts):
        client.write()
    client.producer.flush(60)
    subject.process.resume()
    client.read_until(before + 2 * IN_FLIGHT)
    stretch = Stretch(client)
    client.read_until(client.written)
    return {**stretch.end(), "memory_kib": subject.memory_kib(), "peak_kib": subject.memory_kib("VmHWM")}


def steady(client, rate, seconds):
    """CPU and latency at a fixed rate, whatever the subject does."""
    client.latencies_ms = []
    stretch, began = Stretch(client), time.monotonic()
    for number in range(int(rate * seconds)):
        due = began + number / rate
        while (left := due - time.monotonic()) > 0:
            client.read(left)
        client.write()
    client.read_until(client.written)
    return {**stretch.end(), "latencies_ms": client.latencies_ms}


def idle(client, seconds):
    cpu = client.subject.cpu_us()
    time.sleep(seconds)
    return {"cpu_us_per_s": (client.subject.cpu_us() - cpu) / seconds, "memory_kib": client.subject.memory_kib()}


def percentiles(latencies_ms):
    ordered = sorted(latencies_ms)
    at = lambda share: ordered[min(len(ordered) - 1, int(share * len(ordered)))]
    return {"p50_ms": at(0.50), "p99_ms": at(0.99), "max_ms": ordered[-1]}


def median(rounds, name):
    return statistics.median(each[name] for each in rounds)


def machine():
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        model = next((line.split(":", 1)[1].strip() for line in file if line.startswith("model name")), "unknown")
    return {"cpu": model, "cores": os.cpu_count(), "date": time.strftime("%Y-%m-%d")}
