"""Rows of whole programs that read a capture: `sluice replay` beside libpcap, which only reads."""

import json
import os
import statistics
import subprocess
from dataclasses import dataclass

from . import capture, pairs, report

SESSIONS = 65536


@dataclass(frozen=True)
class ReplayRow:
    """Everything on, one worker, beside pcap_next_ex on the same file."""

    name: str
    reach: float
    size: int
    # Long packets are few in a gigabyte: of 3 GB the start of the process is a twentieth and not a tenth.
    bytes: int = 1_000_000_000
    unit: str = "ns/packet"
    megabytes: int = 0

    def measure(self, bench):
        """The row, measured."""
        parameters = capture.Parameters(
            seed=7, sessions=SESSIONS, bytes=self.bytes // 10 if bench.is_quick else self.bytes,
            size=self.size)
        source = capture.obtain(bench.sluice, bench.folder, parameters)
        capture.warm(source.path)
        scale = 1e9 / source.packets
        peer = bench.peers.pcap()
        ours = pairs.Program(
            [bench.sluice, "replay", source.path, "--learn", "forward", "--workers", "1", "--config",
             os.path.join(os.path.dirname(os.path.dirname(__file__)), "replay.yaml"), "--json"],
            lambda answer: _check(answer, source), scale)
        theirs = pairs.Program(
            [peer, source.path, "once"], lambda answer: _check_count(answer, source), scale)
        series = bench.measure(self.name, ours, theirs)
        walks = json.loads(subprocess.run([peer, source.path, "walk", "5"], check=True,
                                          stdout=subprocess.PIPE).stdout)
        limit = statistics.median(walks["ns_per_packet"])
        note = (f"{source.packets} packets of {self.size} bytes in {source.sessions} sessions, seed "
                f"{source.parameters.seed}, digest {source.digest}; walking the mapped file and reading 12 "
                f"bytes a packet takes {limit:.2f} ns/packet, the mapping not counted")
        return report.Measured(report.row(self.name, self.unit, series, self.reach), series, note=note)


def _check(answer, source):
    """A wrong answer has no speed."""
    expected = {
        "packets": source.packets, "bytes": source.packets * source.parameters.size,
        "missed": source.sessions, "matched": source.packets - source.sessions, "other": 0,
    }
    wrong = {key: (answer.get(key), value) for key, value in expected.items() if answer.get(key) != value}
    forwarded = answer.get("verdicts", {}).get("forward")
    if forwarded != source.packets:
        wrong["verdicts.forward"] = (forwarded, source.packets)
    live = answer.get("sessions", {}).get("live")
    if live != source.sessions:
        wrong["sessions.live"] = (live, source.sessions)
    _refuse(wrong)


def _check_count(answer, source):
    if answer["packets"] != source.packets:
        _refuse({"the peer's packets": (answer["packets"], source.packets)})


def _refuse(wrong):
    if wrong:
        raise SystemExit("wrong answer, nothing measured: " + "; ".join(
            f"{key} is {seen}, not {value}" for key, (seen, value) in wrong.items()))
