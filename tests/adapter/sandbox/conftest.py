"""A sandbox for a module, emptied before every test; PAYOUT_SANDBOX names the program."""
import os
import sys

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "..", "support")]

from client import MERCHANT, SECRET, Client  # noqa: E402
from sandbox_process import Sandbox  # noqa: E402

OTHER = ("530123", "another_payout_key")


@pytest.fixture(scope="session")
def shared():
    with Sandbox(merchants=("%s:%s" % (MERCHANT, SECRET), "%s:%s:500" % OTHER),
                 flags=("--process-ms", "300")) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(shared):
    shared.call("/reset", {})
    return shared


@pytest.fixture
def client(sandbox):
    client = Client(sandbox)
    yield client
    client.close()


@pytest.fixture
def make_sandbox():
    made = []

    def make(*flags):
        made.append(Sandbox(merchants=("%s:%s" % (MERCHANT, SECRET),), flags=flags).start())
        return made[-1]

    yield make
    for each in made:
        each.stop()


def wait_until(question, seconds=10):
    """Polls for an answer that is true; the tests' only clock."""
    import time
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        answer = question()
        if answer:
            return answer
        time.sleep(0.02)
    raise AssertionError("it did not happen within %s s" % seconds)
