"""Two programs measured side by side: A B A B …, on one core, by the CPU time the kernel charged them."""

import json
import os
import resource
import statistics
import subprocess
import tempfile
from dataclasses import dataclass

# Of four independent adds a cycle a quiet core does 3.96; below nine tenths of that somebody computes on the
# other hyperthread, which costs compute-bound code up to half its speed and shows in no clock.
QUIET_ADDS_PER_CYCLE = 0.9 * 3.96
# A run that burns more is broken, not slow: the kernel ends it.
CPU_LIMIT_SECONDS = 600


@dataclass(frozen=True)
class Run:
    """One run of one program, measured from outside."""

    cpu_seconds: float
    output: dict
    from_disk: bool


@dataclass(frozen=True)
class Pair:
    """One run of ours and the peer's run right after it."""

    ours: Run
    peer: Run

    @property
    def ratio(self):
        """How many times faster we were."""
        return self.peer.cpu_seconds / self.ours.cpu_seconds


@dataclass(frozen=True)
class Series:
    """The pairs of one row."""

    pairs: list
    repeated: int
    kept_dirty: int

    def ours(self):
        """Our CPU seconds, the median."""
        return statistics.median(pair.ours.cpu_seconds for pair in self.pairs)

    def peer(self):
        """The peer's CPU seconds, the median."""
        return statistics.median(pair.peer.cpu_seconds for pair in self.pairs)

    def ratio(self):
        """The median of the ratios taken pair by pair."""
        return statistics.median(pair.ratio for pair in self.pairs)

    def spread(self):
        """The least and the greatest ratio of a pair."""
        ratios = [pair.ratio for pair in self.pairs]
        return [min(ratios), max(ratios)]


class Gate:
    """Tells whether the hidden sibling of our core is quiet, by a program that probes it."""

    def __init__(self, probe):
        self._probe = probe

    def is_quiet(self):
        """True where the probe cannot tell."""
        seen = json.loads(subprocess.run(self._probe, check=True, stdout=subprocess.PIPE).stdout)
        if not seen["core_ghz"]:
            return True
        return seen["adds_per_ns"] / seen["core_ghz"] >= QUIET_ADDS_PER_CYCLE


def pin(core):
    """Binds this process, and with it all it starts, to one core; the last allowed one by default."""
    chosen = max(os.sched_getaffinity(0)) if core is None else core
    os.sched_setaffinity(0, {chosen})
    return chosen


def run(command):
    """Runs `command` to its end. Its standard output must be one JSON object."""
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output)
        resource.prlimit(process.pid, resource.RLIMIT_CPU, (CPU_LIMIT_SECONDS, CPU_LIMIT_SECONDS))
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            raise SystemExit(f"{' '.join(command)}: ended with {process.returncode}")
        output.seek(0)
        try:
            answer = json.load(output)
        except ValueError as error:
            raise SystemExit(f"{' '.join(command)}: did not print one JSON object: {error}") from None
        return Run(usage.ru_utime + usage.ru_stime, answer, usage.ru_majflt > 0 or usage.ru_inblock > 0)


def measure(ours, peer, gate, wanted, check, progress):
    """Measures `wanted` pairs after a warm-up; `check(ours, peer)` refuses wrong answers.

    A pair with a busy sibling before or after it, or that had to read the disk, is measured again, at most
    `wanted` times in all; after that it is kept and counted.
    """
    check(run(ours).output, run(peer).output)
    pairs, repeated, kept_dirty = [], 0, 0
    was_quiet = gate.is_quiet()
    while len(pairs) < wanted:
        pair = Pair(run(ours), run(peer))
        check(pair.ours.output, pair.peer.output)
        is_quiet = gate.is_quiet()
        is_clean = was_quiet and is_quiet and not (pair.ours.from_disk or pair.peer.from_disk)
        was_quiet = is_quiet
        progress(pair, is_clean)
        if not is_clean and repeated < wanted:
            repeated += 1
            continue
        kept_dirty += not is_clean
        pairs.append(pair)
    return Series(pairs, repeated, kept_dirty)
