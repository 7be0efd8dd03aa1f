"""A real one-broker Apache Kafka (KRaft) on loopback, in a folder of its own.

The jars come once from Maven into .cache/ of the source tree (git-ignored), under a lock, so that any number of test
programs may ask at the same time. KAFKA_JARS names a folder of jars to use instead.
"""
import contextlib
import fcntl
import glob
import hashlib
import os
import shutil
import subprocess
import tempfile

from ports import free_port, release_port
from process import Process, ServerFailed

HERE = os.path.dirname(os.path.abspath(__file__))
REPOSITORY = os.path.dirname(os.path.dirname(HERE))
POM = os.path.join(HERE, "kafka", "pom.xml")
LOG_SETTINGS = os.path.join(HERE, "kafka", "log4j2.properties")
COPY_GOAL = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies"
JAVA_FLAGS = ["-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto", "-Djava.awt.headless=true",
              "-Dlog4j2.configurationFile=" + LOG_SETTINGS]
CLUSTER_ID = "cGF5b3V0ZC10ZXN0cy0xMQ"

# One broker for everything, small, quick to start and quick to be back after a kill.
SETTINGS = """
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller_port}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}{route_listeners}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}{route_addresses}
inter.broker.listener.name=PLAINTEXT
controller.listener.names=CONTROLLER
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT{route_protocols}
log.dirs={data}
auto.create.topics.enable=false
num.partitions=1
default.replication.factor=1
min.insync.replicas=1
offsets.topic.replication.factor=1
offsets.topic.num.partitions=8
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=8
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
share.coordinator.state.topic.num.partitions=8
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=500
log.index.size.max.bytes=1048576
num.network.threads=2
num.io.threads=4
"""


def _cache_folder():
    return os.path.join(REPOSITORY, ".cache")


@contextlib.contextmanager
def _locked(path):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _fetch(target):
    part = target + ".part"
    shutil.rmtree(part, ignore_errors=True)
    command = ["mvn", "-B", "-q", "-f", POM, COPY_GOAL, "-DincludeScope=runtime", "-DoutputDirectory=" + part]
    try:
        result = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300,
                                check=False)
    except FileNotFoundError:
        raise ServerFailed("mvn is missing: apt-get install maven openjdk-17-jre-headless") from None
    if result.returncode != 0 or not glob.glob(os.path.join(part, "kafka_2.13-*.jar")):
        raise ServerFailed("Maven could not fetch Kafka; is Maven Central reachable?\n"
                           + (result.stdout + result.stderr)[-2000:])
    os.rename(part, target)


def kafka_jars():
    """The folder that holds Kafka's jars; fetched when this is the first call of all."""
    given = os.environ.get("KAFKA_JARS")
    if given:
        return given
    with open(POM, "rb") as pom:
        version = hashlib.sha256(pom.read()).hexdigest()[:12]
    target = os.path.join(_cache_folder(), "kafka-jars-" + version)
    with _locked(os.path.join(_cache_folder(), "kafka-jars.lock")):
        if not os.path.isdir(target):
            _fetch(target)
    return target


def _java(main_class, *arguments):
    return ["java"] + JAVA_FLAGS + ["-cp", os.path.join(kafka_jars(), "*"), main_class] + list(arguments)


class KafkaServer:
    START_TIMEOUT_S = 90

    def __init__(self, routes=()):
        """`routes`: (port, advertised port) of further listeners, for clients that come through a proxy."""
        self.folder = tempfile.mkdtemp(prefix="payoutd-kafka-")
        self.port, self.controller_port = free_port(), free_port()
        self.settings = os.path.join(self.folder, "server.properties")
        self.process = Process("kafka", os.path.join(self.folder, "log"))
        with open(self.settings, "w", encoding="ascii") as out:
            out.write(SETTINGS.format(
                port=self.port, controller_port=self.controller_port, data=os.path.join(self.folder, "data"),
                route_listeners="".join(",ROUTE%d://127.0.0.1:%d" % (at, each[0]) for at, each in enumerate(routes)),
                route_addresses="".join(",ROUTE%d://127.0.0.1:%d" % (at, each[1]) for at, each in enumerate(routes)),
                route_protocols="".join(",ROUTE%d:PLAINTEXT" % at for at in range(len(routes)))))

    @property
    def bootstrap(self):
        return "127.0.0.1:%d" % self.port

    @property
    def pid(self):
        return self.process.pid

    def _format(self):
        result = subprocess.run(_java("kafka.tools.StorageTool", "format", "-t", CLUSTER_ID, "-c", self.settings),
                                stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False)
        if result.returncode != 0:
            raise ServerFailed("Kafka could not format its folder:\n" + (result.stdout + result.stderr)[-2000:])

    def start(self, wait=True):
        if not os.path.isdir(os.path.join(self.folder, "data")):
            self._format()
        self.process.spawn(_java("kafka.Kafka", self.settings), folder=self.folder)
        if wait:
            self.wait_started()
        return self

    def wait_started(self):
        try:
            self.process.wait_until(lambda: "Kafka Server started" in self.process.log(), self.START_TIMEOUT_S,
                                    "\"Kafka Server started\"")
        except ServerFailed:
            self.process.kill()
            raise

    def kill(self):
        """kill -9: nothing is flushed, nobody is told."""
        self.process.kill()

    def shut_down(self):
        """An orderly end that keeps the data: start() brings it back."""
        self.process.terminate(30)

    def restart(self):
        self.shut_down()
        self.start()

    def pause(self):
        self.process.pause()

    def resume(self):
        self.process.resume()

    def stop(self):
        """Ends it and removes all it had. The data is thrown away, so there is nothing to end gently for."""
        self.process.kill()
        release_port(self.port)
        release_port(self.controller_port)
        shutil.rmtree(self.folder, ignore_errors=True)

    def environment(self):
        return {"KAFKA_BOOTSTRAP": self.bootstrap, "KAFKA_PID": str(self.pid), "KAFKA_LOG": self.process.log_path}

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()


if __name__ == "__main__":
    print(kafka_jars())
