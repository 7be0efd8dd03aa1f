"""Loopback ports that nobody else on this machine takes while we hold them.

A port is ours as long as this process lives: a lock file per port keeps concurrent test programs apart, and the range
lies below the one the kernel gives to outgoing connections. So a server may be killed and come back on its own port.
"""
import fcntl
import os
import random
import socket
import tempfile

FIRST, LAST = 20000, 32000
_held = {}


def _folder():
    folder = os.path.join(tempfile.gettempdir(), "payoutd-test-ports-%d" % os.getuid())
    os.makedirs(folder, mode=0o700, exist_ok=True)
    return folder


def _can_bind(port):
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def free_port():
    """A free port, held until this process ends or release_port() is called."""
    dice = random.SystemRandom()
    for _ in range(2000):
        port = dice.randrange(FIRST, LAST)
        lock = os.open(os.path.join(_folder(), str(port)), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(lock)
            continue
        if _can_bind(port):
            _held[port] = lock
            return port
        os.close(lock)
    raise RuntimeError("no free port between %d and %d on 127.0.0.1" % (FIRST, LAST))


def release_port(port):
    lock = _held.pop(port, None)
    if lock is not None:
        os.close(lock)
