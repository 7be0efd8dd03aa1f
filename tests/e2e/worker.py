"""payoutd and payoutctl as processes of a test."""
import json
import os
import signal
import subprocess
import time
import urllib.error
import urllib.request

import yaml

from ports import free_port, release_port
from process import Process
from sandbox_process import find_program

READY_TIMEOUT_S = 40
DRAIN_S = 10


def write_secret(path, text):
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="ascii") as file:
        file.write(text)
    return path


def merge(base, changes):
    """A copy of a nested mapping with changes laid over it; None takes an entry away."""
    result = dict(base)
    for name, value in changes.items():
        if value is None:
            result.pop(name, None)
        elif isinstance(value, dict) and isinstance(result.get(name), dict):
            result[name] = merge(result[name], value)
        else:
            result[name] = value
    return result


class Worker:
    """One payoutd: its configuration, its life, its log and its admin port."""

    def __init__(self, name, folder, config):
        self.name = name
        self.port = free_port()
        self.config_file = os.path.join(folder, name + ".yaml")
        self.process = Process(name, os.path.join(folder, name + ".log"))
        self.should_run = False
        self.program = ("payoutd", "PAYOUTD")
        config = merge(config, {"instance": {"name": name}, "admin": {"listen": "127.0.0.1:%d" % self.port},
                                "publisher": {"transactional_id": name}})
        with open(self.config_file, "w", encoding="utf-8") as file:
            yaml.safe_dump(config, file, sort_keys=False)

    def start(self, wait=True):
        self.process.spawn([find_program(*self.program), "--config", self.config_file])
        self.should_run = True
        if wait:
            self.wait_ready()
        return self

    def start_to_die(self, point, count=1):
        """Starts killable-payoutd, which ends itself with SIGKILL when it comes to this point for the count-th time."""
        environment = dict(os.environ, KILL_AT=point, KILL_COUNT=str(count))
        self.process.spawn([find_program("killable-payoutd", "KILLABLE_PAYOUTD"), "--config", self.config_file],
                           environment)
        self.should_run = False
        return self

    def wait_killed(self, point, timeout_s):
        code = self.process.wait(timeout_s)
        assert code == -signal.SIGKILL and "killed at %s\n" % point in self.process.log(), \
            "not killed at %s, but ended with %s:\n%s" % (point, code, self.last_words())

    def get(self, path):
        """(HTTP status, text); (0, "") while nobody listens."""
        try:
            with urllib.request.urlopen("http://127.0.0.1:%d%s" % (self.port, path), timeout=10) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError:
            return 0, ""

    def is_ready(self):
        return self.get("/readyz")[0] == 200

    def wait_ready(self, timeout_s=READY_TIMEOUT_S):
        self.process.wait_until(self.is_ready, timeout_s, "200 on /readyz")

    def wait_unready(self, timeout_s=READY_TIMEOUT_S):
        self.process.wait_until(lambda: not self.is_ready(), timeout_s, "an end of readiness")

    def metric(self, name, **labels):
        """The value of one series of /metrics; the sum of all that match; 0 when there is none."""
        total = 0.0
        for line in self.get("/metrics")[1].splitlines():
            series, _, value = line.rpartition(" ")
            if series.partition("{")[0] == name and all('%s="%s"' % each in series for each in labels.items()):
                total += float(value)
        return total

    def log_lines(self):
        """What it said as JSON lines, of all its lives; what is no JSON is left out."""
        lines = []
        for line in self.process.log(whole=True).splitlines():
            try:
                lines.append(json.loads(line))
            except ValueError:
                pass
        return lines

    def said(self, action, **fields):
        """Log lines of one event, narrowed by fields; `__` in a name stands for a dot."""
        wanted = {name.replace("__", "."): value for name, value in fields.items()}
        return [line for line in self.log_lines() if line.get("event.action") == action
                and all(line.get(name) == value for name, value in wanted.items())]

    def terminate(self):
        """SIGTERM, as Kubernetes ends a pod. Gives the exit code."""
        self.should_run = False
        return self.process.terminate(DRAIN_S + 20)

    def kill(self):
        self.should_run = False
        self.process.kill()

    def check_alive(self):
        if self.should_run and not self.process.is_running():
            self.should_run = False
            raise AssertionError("%s ended by itself with %s; its last words:\n%s"
                                 % (self.name, self.process.popen.returncode, self.last_words()))

    def last_words(self):
        """The sanitizer's report when there is one, else the end of the log."""
        log = self.process.log(whole=True)
        at = log.find("==ERROR: ")
        return log[at:at + 4000] if at >= 0 else log[-3000:]

    def pause(self):
        self.process.pause()

    def resume(self):
        self.process.resume()

    def sanitizer_reports(self):
        return [line for line in self.process.log(whole=True).splitlines()
                if "Sanitizer" in line or "runtime error:" in line]

    def close(self):
        self.process.kill()
        release_port(self.port)


def run_program(name, variable, *arguments, timeout_s=90):
    """One of our tools, to its end: (exit code, standard output, standard error)."""
    result = subprocess.run([find_program(name, variable), *arguments], stdin=subprocess.DEVNULL, capture_output=True,
                            text=True, timeout=timeout_s, check=False)
    return result.returncode, result.stdout, result.stderr


def payoutctl(*arguments, **more):
    return run_program("payoutctl", "PAYOUTCTL", *arguments, **more)


def payoutd(*arguments, **more):
    return run_program("payoutd", "PAYOUTD", *arguments, **more)


def wait_for(is_true, timeout_s, what):
    """Polls a fact that no event announces."""
    end = time.monotonic() + timeout_s
    while not is_true():
        if time.monotonic() > end:
            raise AssertionError("%s: not within %s s" % (what, timeout_s))
        time.sleep(0.05)
