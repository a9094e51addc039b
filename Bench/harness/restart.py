"""The row of the warm restart: a daemon that was killed, until the next one has its sessions and serves."""

import contextlib
import os
import re
import shutil
import signal
import statistics
import subprocess
import tempfile
import time
from dataclasses import dataclass

from . import pairs, report, servers

SESSIONS = 1_000_000
# What is asked for, in milliseconds.
GOAL = 300

CONFIG = """capacity: {capacity}
closed_retention: 0
warm_restart: {{ directory: {state} }}
ports:
  - {{ name: one, lif: 1 }}
  - {{ name: two, lif: 2 }}
"""


@dataclass(frozen=True)
class RestartRow:
    """Milliseconds by the clock from exec until the daemon is ready, with every session of a killed one."""

    name: str
    reach: float = 1.0
    unit: str = "ms"
    megabytes: int = 0

    def measure(self, bench):
        """The row, measured."""
        count = SESSIONS // 10 if bench.is_quick else SESSIONS
        with _state_directory() as (state, pages), _Killed(bench, state, count) as daemon:
            series = bench.measure(self.name, daemon.restart, lambda: pairs.Sample(GOAL))
        back = statistics.median(pair.ours_more["back"] for pair in series.pairs)
        note = (f"{count} sessions with clients' ids, in one worker; the peer is the goal of {GOAL} ms; of "
                f"ours {back:.0f} ms passed until they were back, the rest is the start of the process "
                "and the API; after each repetition all were listed, each once")
        return report.Measured(report.row(self.name, self.unit, series, self.reach), series, pages, note)


class _Killed:
    """A daemon that is killed and started again. Use it as a context."""

    def __init__(self, bench, state, count):
        self._bench, self._count = bench, count
        self._socket = os.path.join(state, "socket")
        self._config = os.path.join(bench.folder, "restart.yaml")
        with open(self._config, "w", encoding="utf-8") as file:
            file.write(CONFIG.format(capacity=count + count // 10, state=os.path.join(state, "tables")))
        self._process = None
        self._fingerprint = None

    def __enter__(self):
        self._start()
        with self._client() as client:
            client.ask("add", 0, self._count, 4096, 1)
            self._fingerprint = client.ask("ids", 0, self._count)["fingerprint"]
        return self

    def __exit__(self, *_):
        self._kill()

    def restart(self):
        """One repetition."""
        self._kill()
        milliseconds, said = self._start()
        back = re.search(r"(\d+) sessions are back after (\d+) ms", said)
        if not back or int(back[1]) != self._count:
            raise SystemExit(f"wrong answer, nothing measured: {said}")
        with self._client() as client:
            answer = client.ask("list")
        if answer["messages"] != self._count or answer["fingerprint"] != self._fingerprint:
            raise SystemExit(f"wrong answer, nothing measured: {answer['messages']} sessions listed, "
                             f"{self._count} wanted, each once")
        return pairs.Sample(milliseconds, more={"back": int(back[2])})

    def _start(self):
        """Starts it; answers how long that took, and what it said before it was ready."""
        begin = time.monotonic()
        self._process = subprocess.Popen(
            [self._bench.sluice, "run", "--config", self._config, "--socket", self._socket],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
            preexec_fn=lambda: os.sched_setaffinity(0, {self._bench.core, self._bench.other_core}))
        said = ""
        for line in self._process.stderr:
            if line.startswith("sluice: ready"):
                return (time.monotonic() - begin) * 1000, said
            said += line
        raise SystemExit(f"sluice run: ended with {self._process.wait()}: {said}")

    def _kill(self):
        if self._process:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()
            self._process.stderr.close()
            self._process = None

    @contextlib.contextmanager
    def _client(self):
        program = self._bench.peers.grpc("session_client")
        client = servers.Client(program, self._socket, self._bench.other_core)
        try:
            yield client
        finally:
            client.close()


@contextlib.contextmanager
def _state_directory():
    """A directory on a tmpfs with 2 MB pages, where one may be mounted; yields it and which pages it has."""
    folder = tempfile.mkdtemp(prefix="sluice-bench-", dir="/dev/shm")
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "huge=advise,mode=0700", "sluice-bench", folder],
                             stderr=subprocess.DEVNULL, check=False).returncode == 0
    try:
        yield folder, "2 MB pages" if mounted else "4 KB pages"
    finally:
        if mounted:
            subprocess.run(["umount", folder], check=True)
        shutil.rmtree(folder)


def all_rows():
    """Every row of the warm restart."""
    return [RestartRow("restart.warm")]
