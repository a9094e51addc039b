"""A well-behaved client beside hostile ones: it must go on to be answered, and the daemon not to grow."""

import threading
import time

import grpc

from suite import equal, true
from table import OPI, fields

# On an idle machine it is answered within milliseconds; tests run on loaded ones too.
ANSWER_SECONDS = 5.0
GROWTH_BYTES = 256 << 20


class Bystander:
    """Adds, gets and deletes a session of its own again and again, from entering to leaving."""

    IDENTITY = 999_999

    def __init__(self, daemon, growth=GROWTH_BYTES, adds=True):
        self.daemon = daemon
        self.adds = adds
        self.growth = growth
        self.table = OPI(daemon, daemon.connect())
        self.table.get(self.IDENTITY)
        self.stopped = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.worst = self.rounds = self.largest = 0
        self.problem = None

    def __enter__(self):
        self.before = self.daemon.resident_bytes()
        self.thread.start()
        return self

    def __exit__(self, kind, *_):
        time.sleep(0.2)
        self.stopped.set()
        self.thread.join(30)
        if kind is None:
            self._judge()

    def _run(self):
        request = fields(self.IDENTITY, source="10.200.0.1")
        try:
            while not self.stopped.is_set():
                for call in (lambda: self.table.add(*[request] * self.adds),
                             lambda: self.table.get(self.IDENTITY), lambda: self.table.delete(self.IDENTITY)):
                    start = time.monotonic()
                    call()
                    self.worst = max(self.worst, time.monotonic() - start)
                self.largest = max(self.largest, self.daemon.resident_bytes())
                self.rounds += 1
                time.sleep(0.01)
        except (grpc.RpcError, OSError) as error:
            self.problem = str(error)

    def _judge(self):
        equal(self.problem, None, "the well-behaved client's calls")
        equal(self.daemon.process.poll(), None, "the daemon's exit status")
        true(self.rounds > 0, "the well-behaved client did nothing")
        true(self.worst < ANSWER_SECONDS, f"the well-behaved client waited {self.worst:.2f} s")
        grown = self.largest - self.before
        true(grown < self.growth, f"the daemon grew by {grown >> 20} MiB")
        equal(self.daemon.is_serving(), True, "a new connection is served")
