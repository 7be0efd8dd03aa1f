"""One Kafka for all tests of a run; a world of its own for each test."""
import os
import sys

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), "support")]

from harness import World  # noqa: E402
from kafka_server import KafkaServer  # noqa: E402


@pytest.fixture(scope="session")
def kafka():
    with KafkaServer() as server:
        yield server


@pytest.hookimpl(hookwrapper=True, tryfirst=True)
def pytest_runtest_makereport(item, call):
    """Lets a fixture see, at its end, how its test went."""
    outcome = yield
    setattr(item, "report_" + outcome.get_result().when, outcome.get_result())


def tell(world):
    """What the processes of a failed test said last."""
    for process in [world.sandbox.process, world.redis.process] + [each.process for each in world.workers]:
        print("---- %s\n%s" % (process.name, process.log_tail(40)))


@pytest.fixture
def make_world(kafka, request):
    """A function that makes a world; for tests that want the sandbox set up in their own way."""
    worlds = []

    def make(**more):
        world = World(kafka, **more)
        worlds.append(world)
        return world.start()
    yield make
    report = getattr(request.node, "report_call", None)
    for world in worlds:
        if report is None or report.failed:
            tell(world)
        world.stop()


@pytest.fixture
def world(make_world):
    return make_world()
