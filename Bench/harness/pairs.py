"""Two sides measured beside each other, in turns, on one core, by CPU time."""

import json
import os
import random
import resource
import statistics
import subprocess
import tempfile
from dataclasses import dataclass, field

# Of four independent adds a cycle a quiet core does 3.96; below nine tenths of that somebody computes on the
# other hyperthread, which costs compute-bound code up to half its speed and shows in no clock.
QUIET_ADDS_PER_CYCLE = 0.9 * 3.96
# A run that burns more is broken, not slow: the kernel ends it.
CPU_LIMIT_SECONDS = 600


@dataclass(frozen=True)
class Sample:
    """One measured repetition of one side."""

    value: float
    is_clean: bool = True
    # What the side said besides.
    more: dict = field(default_factory=dict)


@dataclass(frozen=True)
class Pair:
    """One repetition of ours and one of the peer's, one right after the other; less is better."""

    ours: float
    peer: float
    ours_more: dict = field(default_factory=dict)
    peer_more: dict = field(default_factory=dict)

    @property
    def ratio(self):
        """How many times better we were."""
        return self.peer / self.ours


@dataclass(frozen=True)
class Series:
    """The pairs of one row."""

    pairs: list
    repeated: int = 0
    kept_dirty: int = 0

    def ours(self):
        """Our figure, the median."""
        return statistics.median(pair.ours for pair in self.pairs)

    def peer(self):
        """The peer's figure, the median."""
        return statistics.median(pair.peer for pair in self.pairs)

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


class Program:
    """A side that is a whole process, charged from start to exit by the kernel.

    Its standard output must be one JSON object; `check` refuses wrong answers. `scale` makes a figure of its
    CPU seconds.
    """

    def __init__(self, command, check, scale):
        self._command = command
        self._check = check
        self._scale = scale

    def __call__(self):
        with tempfile.TemporaryFile() as output:
            process = subprocess.Popen(self._command, stdin=subprocess.DEVNULL, stdout=output)
            resource.prlimit(process.pid, resource.RLIMIT_CPU, (CPU_LIMIT_SECONDS, CPU_LIMIT_SECONDS))
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            if process.returncode != 0:
                raise SystemExit(f"{' '.join(self._command)}: ended with {process.returncode}")
            output.seek(0)
            self._check(_object(output.read(), self._command))
        from_disk = usage.ru_majflt > 0 or usage.ru_inblock > 0
        return Sample((usage.ru_utime + usage.ru_stime) * self._scale, not from_disk)


class Turns:
    """A side that is set up once and runs one repetition for each line it reads, whose `ns` it prints."""

    def __init__(self, command, prepare=None):
        self._command = command
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, preexec_fn=prepare)
        try:
            self.facts = self._read()
        except BaseException:
            self.close()
            raise

    @property
    def pid(self):
        """Its process."""
        return self._process.pid

    def __call__(self):
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        answer = self._read()
        return Sample(answer["ns"], more=answer)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """Ends it."""
        self._process.stdin.close()
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()

    def _read(self):
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit(f"{' '.join(self._command)}: ended with {self._process.wait()}")
        return _object(line, self._command)


def _object(text, command):
    try:
        return json.loads(text)
    except ValueError as error:
        raise SystemExit(f"{' '.join(command)}: did not print one JSON object: {error}") from None


def pin(core):
    """Binds this process, and with it all it starts, to one core; the last allowed one by default."""
    chosen = max(os.sched_getaffinity(0)) if core is None else core
    os.sched_setaffinity(0, {chosen})
    return chosen


def measure(ours, peer, gate, wanted, progress):
    """Measures `wanted` pairs after a warm-up, each pair in random order.

    A pair with a busy sibling before or after it, or that had to read the disk, is measured again, at most
    `wanted` times in all; after that it is kept and counted.
    """
    ours()
    peer()
    pairs, repeated, kept_dirty = [], 0, 0
    was_quiet = gate.is_quiet()
    while len(pairs) < wanted:
        if random.random() < 0.5:
            mine, other = ours(), peer()
        else:
            other, mine = peer(), ours()
        is_quiet = gate.is_quiet()
        is_clean = was_quiet and is_quiet and mine.is_clean and other.is_clean
        was_quiet = is_quiet
        pair = Pair(mine.value, other.value, mine.more, other.more)
        progress(pair, is_clean)
        if not is_clean and repeated < wanted:
            repeated += 1
            continue
        kept_dirty += not is_clean
        pairs.append(pair)
    return Series(pairs, repeated, kept_dirty)
