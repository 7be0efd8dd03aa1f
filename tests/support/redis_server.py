"""A real redis-server on loopback, in a folder of its own, as safe as the worker demands it: every write is on disk
before it is answered, and nothing is evicted. Also the few lines that speak to it."""
import os
import shutil
import socket
import tempfile

from ports import free_port, release_port
from process import Process, ServerFailed


class RedisError(RuntimeError):
    """An answer that begins with '-'."""


class RedisClient:
    """One connection, blocking, one command at a time."""

    def __init__(self, port, host="127.0.0.1", timeout_s=10):
        self.socket = socket.create_connection((host, port), timeout_s)
        self.reader = self.socket.makefile("rb")

    def __call__(self, *words):
        parts = [w if isinstance(w, bytes) else str(w).encode() for w in words]
        self.socket.sendall(b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(p), p) for p in parts))
        return self._answer()

    def _answer(self):
        line = self.reader.readline()
        if not line.endswith(b"\r\n"):
            raise ConnectionError("redis closed the connection")
        kind, rest = line[:1], line[1:-2]
        if kind == b"-":
            raise RedisError(rest.decode("utf-8", "replace"))
        if kind == b":":
            return int(rest)
        if kind == b"$":
            return None if rest == b"-1" else self.reader.read(int(rest) + 2)[:-2]
        if kind == b"*":
            return None if rest == b"-1" else [self._answer() for _ in range(int(rest))]
        return rest

    def close(self):
        self.reader.close()
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class RedisServer:
    def __init__(self, replica_of=None, settings=()):
        """`replica_of`: another RedisServer. `settings`: further words of the command line."""
        self.folder = tempfile.mkdtemp(prefix="payoutd-redis-")
        self.port = free_port()
        self.process = Process("redis", os.path.join(self.folder, "log"))
        self.command = ["redis-server", "--bind", "127.0.0.1", "--port", str(self.port), "--dir", self.folder,
                        "--daemonize", "no", "--save", "", "--appendonly", "yes", "--appendfsync", "always",
                        "--maxmemory-policy", "noeviction", "--repl-diskless-sync-delay", "0"]
        if replica_of is not None:
            self.command += ["--replicaof", "127.0.0.1 %d" % replica_of.port]
        self.command += list(settings)

    @property
    def pid(self):
        return self.process.pid

    def client(self):
        return RedisClient(self.port)

    def call(self, *words):
        with self.client() as client:
            return client(*words)

    def _answers(self):
        try:
            return self.call("PING") == b"PONG"
        except (OSError, RedisError):
            return False

    def start(self):
        try:
            self.process.spawn(self.command, folder=self.folder)
            self.process.wait_until(self._answers, 30, "an answer to PING")
        except FileNotFoundError:
            raise ServerFailed("redis-server is missing: apt-get install redis-server") from None
        except ServerFailed:
            self.process.kill()
            raise
        return self

    def kill(self):
        self.process.kill()

    def shut_down(self):
        self.process.terminate(10)

    def restart(self):
        """Same data, another run_id: the worker sees that Redis may have forgotten."""
        self.shut_down()
        self.start()

    def mark(self):
        """How much is on disk now: see lose_since."""
        folder = os.path.join(self.folder, "appendonlydir")
        return {name: os.path.getsize(os.path.join(folder, name)) for name in os.listdir(folder)}

    def lose_since(self, mark):
        """Killed, and back without its writes since `mark`: a failover to a replica that was behind."""
        self.kill()
        for name, size in mark.items():
            if name.endswith(".incr.aof"):
                os.truncate(os.path.join(self.folder, "appendonlydir", name), size)
        self.start()

    def pause(self):
        self.process.pause()

    def resume(self):
        self.process.resume()

    def stop(self):
        self.process.kill()
        release_port(self.port)
        shutil.rmtree(self.folder, ignore_errors=True)

    def environment(self):
        return {"REDIS_HOST": "127.0.0.1", "REDIS_PORT": str(self.port), "REDIS_PID": str(self.pid),
                "REDIS_LOG": self.process.log_path}

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()
