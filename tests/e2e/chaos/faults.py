"""Does to the world what the plan says, and heals it again: all on one thread, each thing at its time."""
import heapq
import itertools
import shutil
import signal
import subprocess
import tempfile
import time

from process import die_with_parent
from sandbox_process import find_program
from tcp_proxy import TO_CLIENT

RESTART_AFTER_S = 0.5  # a supervisor's patience with a worker that ended by itself
# librdkafka's own, when an answer about offsets meets its time-out: a death like any other, and not of our making.
KNOWN_ASSERTION = "rd_kafka_enq_once_del_source_return: Assertion"
HUNG = 75  # the worker ended itself because a call to Kafka never came back


class Storm:
    def __init__(self, world, plan, lossy, say):
        self.world, self.lossy, self.say = world, lossy, say
        self.begun = time.monotonic()
        self.numbers = itertools.count()
        self.todo = []
        self.done = []  # what was done, for the reader
        self.ended_by_themselves = []  # (worker, exit code, last words)
        self.operators = []
        for fault in plan:
            self._at(self.begun + fault.at_s, self._begin, fault)

    def _at(self, moment, action, *arguments):
        heapq.heappush(self.todo, (moment, next(self.numbers), action, arguments))

    def _after(self, seconds, action, *arguments):
        self._at(time.monotonic() + seconds, action, *arguments)

    def is_over(self):
        return not self.todo

    def turn(self):
        """Does what is due."""
        while self.todo and self.todo[0][0] <= time.monotonic():
            _, _, action, arguments = heapq.heappop(self.todo)
            action(*arguments)
        self._supervise()

    def _begin(self, fault):
        self.done.append((time.time(), fault))
        self.say("%6.1f s  %-28s %-10s %4.1f s  %s" % (time.monotonic() - self.begun, fault.kind, fault.target,
                                                       fault.seconds, fault.more if fault.more is not None else ""))
        getattr(self, "_" + fault.kind.replace("-", "_"))(fault)

    # -- workers
    def _worker(self, fault):
        return self.world.workers[int(fault.target.rpartition("-")[2])]

    def _supervise(self):
        for worker in self.world.workers:
            if worker.should_run and not worker.process.is_running():
                worker.should_run = False
                self.ended_by_themselves.append((worker, worker.process.popen.returncode, worker.process.log_tail()))
                self.say("          %s ended by itself with %s" % (worker.name, worker.process.popen.returncode))
                self._after(RESTART_AFTER_S, self._start, worker)

    def _start(self, worker):
        if not worker.process.is_running():
            worker.start(wait=False)

    def _worker_kill(self, fault):
        self._worker(fault).kill()
        self._after(fault.seconds, self._start, self._worker(fault))

    def _worker_terminate(self, fault):
        worker = self._worker(fault)
        worker.should_run = False
        worker.process.signal(signal.SIGTERM)
        self._after(fault.seconds, self._restart, worker)

    def _restart(self, worker):
        worker.kill()
        worker.start(wait=False)

    def _worker_pause(self, fault):
        self._worker(fault).pause()
        self._after(fault.seconds, self._worker(fault).resume)

    _worker_pause_beyond_session = _worker_pause

    # -- servers
    def _broker_kill(self, fault):
        self.world.kafka.kill()
        self._after(fault.seconds, self.world.kafka.start, False)

    def _broker_pause(self, fault):
        self.world.kafka.pause()
        self._after(fault.seconds, self.world.kafka.resume)

    def _redis_kill(self, fault):
        """appendfsync always: what was answered is on disk."""
        self.world.redis.kill()
        self._after(fault.seconds, self._redis_back, fault)

    def _redis_restart(self, fault):
        self.world.redis.shut_down()
        self._after(fault.seconds, self._redis_back, fault)

    def _redis_forget(self, fault):
        """A failover to a replica that was behind: what was written in these seconds is gone."""
        snapshot = tempfile.mkdtemp(prefix="payoutd-chaos-")
        shutil.copytree(self.world.redis.folder, snapshot, dirs_exist_ok=True)
        self._after(fault.seconds, self._redis_without_the_last_writes, snapshot)

    def _redis_without_the_last_writes(self, snapshot):
        redis = self.world.redis
        redis.kill()
        shutil.rmtree(redis.folder)
        shutil.move(snapshot, redis.folder)
        redis.start()

    def _redis_back(self, fault):
        self.world.redis.start()
        self._after(fault.more, self.declare_lossless)

    def declare_lossless(self):
        """What an operator does after a planned restart; nobody waits for it. Where writes may be gone the workers
        restore the ledger themselves; the naive worker acknowledges nothing and needs no word."""
        if self.lossy or self.world.naive:
            return
        command = [find_program("payoutctl", "PAYOUTCTL"), "recover", "--lossless", "--config",
                   self.world.operator.config_file]
        self.operators.append(subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                               stderr=subprocess.STDOUT, text=True, preexec_fn=die_with_parent))

    def _redis_pause(self, fault):
        self.world.redis.pause()
        self._after(fault.seconds, self.world.redis.resume)

    def _sandbox_pause(self, fault):
        self.world.sandbox.pause()
        self._after(fault.seconds, self.world.sandbox.resume)

    def _gateway_fault(self, fault):
        name, argument, on, probability = fault.more
        wish = {"argument": argument, "on": on, "probability": probability, "for_ms": int(fault.seconds * 1000)}
        if self.world.sandbox.process.is_running() and not self._is_paused(self.world.sandbox.process):
            self.world.sandbox.fault(name, **{key: value for key, value in wish.items() if value is not None})

    @staticmethod
    def _is_paused(process):
        with open("/proc/%d/stat" % process.pid, encoding="utf-8") as file:
            return file.read().rpartition(")")[2].split()[0] == "T"

    # -- links
    def _link(self, fault):
        return self.world.links[fault.target]

    def _link_reset(self, fault):
        self._link(fault).reset()

    def _link_cut(self, fault):
        self._link(fault).cut()
        self._after(fault.seconds, self._link(fault).heal)

    def _link_freeze(self, fault):
        self._link(fault).freeze()
        self._after(fault.seconds, self._link(fault).heal)

    def _link_delay(self, fault):
        self._link(fault).delay(fault.more)
        self._after(fault.seconds, self._link(fault).heal)

    def _link_lose_answers(self, fault):
        self._link(fault).lose(TO_CLIENT)
        self._after(fault.seconds, self._link(fault).heal)

    # -- the end
    def heal(self):
        """Everything works again. What was begun is ended, and workers run."""
        self.todo = []
        for link in self.world.links.values():
            link.heal()
        for server in (self.world.sandbox, self.world.redis, self.world.kafka):
            server.resume() if server.process.is_running() else server.start()
        self.world.kafka.wait_started()
        self.world.sandbox.clear_faults()
        for worker in self.world.workers:
            worker.resume()
            if not worker.process.is_running():
                worker.start(wait=False)
        for each in self.operators:
            each.communicate(timeout=90)
        self.declare_lossless()
        if not self.lossy and not self.world.naive:
            said = self.operators[-1].communicate(timeout=90)[0]
            assert self.operators[-1].returncode == 0, said

    def crashes(self):
        """Workers that ended themselves as no supervisor should ever see it: (worker, exit code, last words)."""
        return [(worker, code, words) for worker, code, words in self.ended_by_themselves
                if code not in (0, HUNG) and KNOWN_ASSERTION not in words]
