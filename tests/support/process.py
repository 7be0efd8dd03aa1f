"""A server that a test starts and must end: one process group, a log file, and no survivors.

The group dies with its starter: the kernel kills the first process when the starter's thread ends (PR_SET_PDEATHSIG),
so even a `kill -9` of the test leaves no server behind.
"""
import ctypes
import os
import signal
import subprocess
import time

PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


class ServerFailed(RuntimeError):
    """A server did not come up or did not go away; the text holds the end of its log."""


def die_with_parent():
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


class Process:
    def __init__(self, name, log_path):
        self.name = name
        self.log_path = log_path
        self.popen = None
        self._log_start = 0

    @property
    def pid(self):
        return self.popen.pid

    def spawn(self, command, environment=None, folder=None):
        if self.is_running():
            raise ServerFailed("%s is running already" % self.name)
        with open(self.log_path, "ab") as log:
            self._log_start = log.tell()
            self.popen = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, cwd=folder,
                env=environment, start_new_session=True, preexec_fn=die_with_parent)

    def is_running(self):
        return self.popen is not None and self.popen.poll() is None

    def log(self, whole=False):
        """What the present life of the process said (or all lives)."""
        if not os.path.exists(self.log_path):
            return ""
        with open(self.log_path, "rb") as log:
            log.seek(0 if whole else self._log_start)
            return log.read().decode("utf-8", "replace")

    def log_tail(self, lines=25):
        return "\n".join(self.log().splitlines()[-lines:])

    def wait_until(self, is_ready, timeout_s, what):
        """Polls `is_ready` until it holds, the process ends, or the time is up."""
        end = time.monotonic() + timeout_s
        while time.monotonic() < end:
            if not self.is_running():
                raise ServerFailed("%s ended with %s before %s; its last words:\n%s"
                                   % (self.name, self.popen.returncode, what, self.log_tail()))
            if is_ready():
                return
            time.sleep(0.02)
        raise ServerFailed("%s: %s did not come within %s s; its last words:\n%s"
                           % (self.name, what, timeout_s, self.log_tail()))

    def signal(self, number):
        """To the whole group; one that is gone already is no error."""
        try:
            os.killpg(self.popen.pid, number)
        except ProcessLookupError:
            pass

    def pause(self):
        self.signal(signal.SIGSTOP)

    def resume(self):
        self.signal(signal.SIGCONT)

    def wait(self, timeout_s):
        """The exit code, or ServerFailed when it does not end in time."""
        try:
            return self.popen.wait(timeout_s)
        except subprocess.TimeoutExpired:
            raise ServerFailed("%s did not end within %s s; its last words:\n%s"
                               % (self.name, timeout_s, self.log_tail())) from None

    def kill(self):
        if self.popen is None:
            return None
        self.signal(signal.SIGKILL)
        return self.wait(10)

    def terminate(self, timeout_s):
        """SIGTERM, and SIGKILL for what is left when the time is up. Gives the exit code."""
        if self.popen is None:
            return None
        if self.is_running():
            self.signal(signal.SIGCONT)
            self.signal(signal.SIGTERM)
            try:
                self.popen.wait(timeout_s)
            except subprocess.TimeoutExpired:
                pass
        return self.kill()
