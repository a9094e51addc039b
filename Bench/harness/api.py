"""Rows of the session API: the daemon beside a C++ server that only counts, driven by the same client."""

import statistics
import time
from dataclasses import dataclass

from . import pairs, report, servers

# Sessions that one repetition adds; a row's repetitions together add a million.
ADDED = 1 << 17
GETS = 4096
# Sessions of the list and get rows.
STORED = 1 << 20
# What hardware in this field claims is 100 000 sessions a second.
RATE = 150_000


@dataclass(frozen=True)
class AddRow:
    """Server CPU per message of AddSession; our sessions are stored, the peer's are counted."""

    name: str
    reach: float
    # Messages of a stream, and streams at a time.
    stream: int
    calls: int = 1
    # Sessions a second of CPU time that we are held against instead of the peer; 0 for the peer.
    rate: int = 0
    unit: str = "ns/message"
    megabytes: int = 0

    def measure(self, bench):
        """The row, measured."""
        count = ADDED // 8 if bench.is_quick else ADDED
        with idle(bench, (2 * bench.wanted + 1) * count) as ours, servers.counting(bench) as peer:
            def side(server):
                answer, total, commands = server.charged(
                    "add", server.fresh(count), count, self.stream, self.calls)
                return pairs.Sample(total / count, more=answer | {"commands": commands / count})
            series = bench.measure(self.name, lambda: side(ours), lambda: side(peer))
        note = (f"{count} sessions a repetition in streams of {self.stream}, {self.calls} at a time; "
                f"{_median(series, 'ours', 'commands'):.0f} ns of ours in the worker, applying commands; "
                f"a stream took {_latencies(series)}")
        if self.rate:
            note = (f"{1e9 / series.ours():.0f} sessions a second of server CPU; the peer of this row is the "
                    f"goal of {self.rate}; the C++ server counts {1e9 / series.peer():.0f} a second; " + note)
            series = pairs.Series([pairs.Pair(pair.ours, 1e9 / self.rate, pair.ours_more, pair.peer_more)
                                   for pair in series.pairs], series.repeated, series.kept_dirty)
        return _measured(self, series, note)


@dataclass(frozen=True)
class StoredRow:
    """Server CPU of reading back: one session by its id, or all of them page by page."""

    name: str
    unit: str
    # Shown, not asked for: the peer stores nothing.
    reach: float = 0.0
    megabytes: int = 0

    def measure(self, bench):
        """The row, measured."""
        stored = STORED // 16 if bench.is_quick else STORED
        with idle(bench, stored) as ours, servers.counting(bench, stored) as peer:
            ours.client.ask("add", ours.fresh(stored), stored, 4096, 1)
            fingerprint = ours.client.ask("ids", 0, stored)["fingerprint"]

            def side(server):
                if self.name == "api.get":
                    answer, total, _ = server.charged("get", 0, stored, GETS)
                else:
                    answer, total, _ = server.charged("list")
                    is_whole = server is peer or answer["fingerprint"] == fingerprint
                    if answer["messages"] != stored or not is_whole:
                        raise SystemExit(f"wrong answer, nothing measured: {answer['messages']} sessions "
                                         f"listed, {stored} wanted, each once")
                return pairs.Sample(total / answer["messages"], more=answer)
            series = bench.measure(self.name, lambda: side(ours), lambda: side(peer))
        what = (f"{GETS} calls a repetition, one after another, for random ones" if self.name == "api.get"
                else "in pages of 1024, each session once,")
        note = f"{what} of {stored} sessions; the peer stores none; a call took {_latencies(series)}"
        return _measured(self, series, note, _latency_numbers(series))


@dataclass(frozen=True)
class ForwardingRow:
    """A worker's CPU per packet while sessions are added as fast as can be, beside the same without."""

    name: str
    reach: float
    # Whether the time for applying commands is left out.
    is_without_commands: bool = False
    unit: str = "ns/packet"
    megabytes: int = 0

    def measure(self, bench):
        """The row, measured."""
        count = ADDED // 4 if bench.is_quick else ADDED
        config = _config((2 * bench.wanted + 1) * count + (1 << 20), FORWARDED)
        with servers.sluice(bench, config, bench.other_core, bench.core) as server:
            def side(is_loaded):
                before, start = server.workers(), time.monotonic()
                if is_loaded:
                    server.client.ask("add", server.fresh(count), count, 64, 8)
                else:
                    time.sleep(1)
                return self._sample(before, server.workers(), count / (time.monotonic() - start))
            series = bench.measure(self.name, lambda: side(True), lambda: side(False))
        note = ("ours is the worker while sessions are added in streams of 64, 8 at a time, "
                f"{_median(series, 'ours', 'rate'):.0f} a second by the clock, by client and server on one "
                f"core; the peer is the same worker left alone; "
                f"{_median(series, 'ours', 'commands') * 100:.1f} % of its time went into commands"
                + (", and is left out here" if self.is_without_commands else ""))
        return _measured(self, series, note)

    def _sample(self, before, after, rate):
        def total(name):
            return sum(worker[name] for worker in after) - sum(worker[name] for worker in before)
        packets, matched = total("packets"), total("matched")
        # Counters are read one after another while the worker counts bursts.
        if packets == 0 or abs(packets - matched) > packets / 1000:
            raise SystemExit(f"wrong answer, nothing measured: {matched} of {packets} packets matched")
        spent, commands = total("cpu_nanoseconds"), total("command_nanoseconds")
        counted = spent - commands if self.is_without_commands else spent
        return pairs.Sample(counted / packets, more={"rate": rate, "commands": commands / spent})


def all_rows():
    """Every row of the session API."""
    return [
        AddRow("api.add.stream64", 1 / 2.5, stream=64),
        AddRow("api.add.stream4096", 1 / 3.2, stream=4096),
        AddRow("api.add.rate", 1.0, stream=64, calls=8, rate=RATE, unit="ns/session"),
        StoredRow("api.get", "ns/call"),
        StoredRow("api.list", "ns/session"),
        ForwardingRow("api.forwarding_kept", round(1 / 1.10, 3)),
        ForwardingRow("api.forwarding_kept.packets", round(1 / 1.05, 3), is_without_commands=True),
    ]


# Two ports that receive nothing.
IDLE = """ports:
  - { name: one, lif: 1 }
  - { name: two, lif: 2 }
"""
# Conversations between the two at full speed, learned from the first of their packets; from memory, which is
# not endless, so that each packet comes again after 262144 others.
FORWARDED = """ports:
  - name: one
    lif: 1
    miss: learn
    memory: { flows: 65536, packets: 262144, size: 64, seed: 7, rate: max }
  - { name: two, lif: 2, miss: learn }
"""


def _config(capacity, ports):
    return f"capacity: {capacity}\nclosed_retention: 0\n{ports}"


def idle(bench, capacity):
    """The daemon without traffic, its worker on the client's core."""
    return servers.sluice(bench, _config(capacity, IDLE), bench.core, bench.other_core)


def _median(series, side, key):
    return statistics.median(getattr(pair, f"{side}_more")[key] for pair in series.pairs)


def _latencies(series):
    return "; ".join(
        f"{name} {seen['p50']:.0f} us (p50) and {seen['p99']:.0f} us (p99)" for name, seen in
        zip(("ours", "the peer's"), _latency_numbers(series).values()))


def _latency_numbers(series):
    """Microseconds of a call of both sides, medians over the repetitions."""
    return {side: {part: round(_median(series, side, f"{part}_us"), 1) for part in ("p50", "p99")}
            for side in ("ours", "peer")}


def _measured(row, series, note, latencies=None):
    return report.Measured(report.row(row.name, row.unit, series, row.reach), series, note=note,
                           latencies=latencies)
