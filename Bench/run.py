#!/usr/bin/env python3
"""Measures the benchmark rows beside their peers and writes RESULTS.md and results.json.

README.md in this folder says what the rows mean and how not to fool oneself.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys

from harness import capture, pairs, report

HERE = os.path.dirname(os.path.abspath(__file__))
OUT = os.path.join(HERE, "out")


def main():
    """Builds the peer, makes the capture, measures every row, writes the report."""
    options = _options()
    os.makedirs(OUT, exist_ok=True)
    peer = _build_peer()
    core = pairs.pin(options.core)
    print(f"core {core}", flush=True)
    rows, notes = _replay_64(options, peer)
    notes.insert(0, _method(core, options.pairs))
    folder = OUT if options.quick else HERE
    report.write(folder, rows, notes, os.path.dirname(HERE))
    for row in rows:
        print(f"{row['name']}: ours {row['ours']:.2f}, peer {row['peer']:.2f} {row['unit']}, "
              f"ratio {row['ratio']:.2f} {row['spread']}, "
              f"{'reached' if row['reached'] else 'NOT REACHED'} (reach {row['reach']})")
    print(f"written: {os.path.relpath(folder)}/RESULTS.md and results.json")
    return 1 if options.require_reach and not all(row["reached"] for row in rows) else 0


def _options():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sluice", required=True, help="release binary of sluice")
    parser.add_argument("--generator", required=True, help="release binary of bench-capture")
    parser.add_argument("--quick", action="store_true",
                        help="a tenth of the capture, 3 pairs, results into Bench/out only")
    parser.add_argument("--pairs", type=int, help="pairs to measure (default 9, quick 3)")
    parser.add_argument("--core", type=int, help="core for both programs (default: the last allowed)")
    parser.add_argument("--require-reach", action="store_true", help="exit 1 when a row is not reached")
    options = parser.parse_args()
    options.pairs = options.pairs or (3 if options.quick else 9)
    for binary in (options.sluice, options.generator):
        if not os.access(binary, os.X_OK):
            parser.error(f"{binary}: not an executable file")
    return options


def _build_peer():
    source = os.path.join(HERE, "peers", "pcap_read_bench.c")
    binary = os.path.join(OUT, "pcap_read_bench")
    subprocess.run(["gcc", "-O3", "-march=native", "-Wall", "-Wextra", "-Werror", source, "-o", binary,
                    "-lpcap"], check=True)
    return binary


def _replay_64(options, peer):
    """replay.64: everything on, one worker, beside a libpcap that only reads the same file."""
    parameters = capture.Parameters(
        seed=7, sessions=65536, bytes=100_000_000 if options.quick else 1_000_000_000, size=64)
    source = capture.obtain(options.generator, OUT, parameters)
    capture.warm(source.path)
    series = pairs.measure(
        [options.sluice, "replay", source.path, "--learn", "forward", "--workers", "1",
         "--config", os.path.join(HERE, "replay.yaml"), "--json"],
        [peer, source.path, "once"],
        pairs.Gate([peer, "probe"]), options.pairs,
        lambda ours, theirs: _check(ours, theirs, source), _progress(source))
    walks = json.loads(subprocess.run([peer, source.path, "walk", str(options.pairs)], check=True,
                                      stdout=subprocess.PIPE).stdout)
    limit = statistics.median(walks["ns_per_packet"])
    nanoseconds = 1e9 / source.packets
    row = report.row(
        "replay.64", "ns/packet", series.ours() * nanoseconds, series.peer() * nanoseconds,
        series.ratio(), 1.0, series.spread())
    return [row], _notes(series, source, limit, nanoseconds)


def _check(ours, theirs, source):
    """A wrong answer has no speed."""
    expected = {
        "packets": source.packets, "bytes": source.packets * source.parameters.size,
        "missed": source.sessions, "matched": source.packets - source.sessions, "other": 0,
    }
    wrong = {key: (ours.get(key), value) for key, value in expected.items() if ours.get(key) != value}
    forwarded = ours.get("verdicts", {}).get("forward")
    if forwarded != source.packets:
        wrong["verdicts.forward"] = (forwarded, source.packets)
    live = ours.get("sessions", {}).get("live")
    if live != source.sessions:
        wrong["sessions.live"] = (live, source.sessions)
    if theirs["packets"] != source.packets:
        wrong["the peer's packets"] = (theirs["packets"], source.packets)
    if wrong:
        raise SystemExit("wrong answer, nothing measured: " + "; ".join(
            f"{key} is {seen}, not {value}" for key, (seen, value) in wrong.items()))


def _progress(source):
    def show(pair, is_clean):
        nanoseconds = 1e9 / source.packets
        print(f"ours {pair.ours.cpu_seconds * nanoseconds:7.2f}  "
              f"peer {pair.peer.cpu_seconds * nanoseconds:7.2f} ns/packet  ratio {pair.ratio:.2f}"
              f"{'' if is_clean else '  (disturbed)'}", file=sys.stderr, flush=True)
    return show


def _notes(series, source, limit, nanoseconds):
    ours = [pair.ours.cpu_seconds * nanoseconds for pair in series.pairs]
    peer = [pair.peer.cpu_seconds * nanoseconds for pair in series.pairs]
    reported = statistics.median(pair.ours.output["cpu_seconds"] for pair in series.pairs) * nanoseconds
    parameters = source.parameters
    return [
        f"`replay.64`: {source.packets} packets of {parameters.size} bytes in {source.sessions} sessions, "
        f"seed {parameters.seed}, FNV-1a {source.fnv1a}; ours {min(ours):.2f} to {max(ours):.2f}, peer "
        f"{min(peer):.2f} to {max(peer):.2f} ns/packet; {series.repeated} disturbed pairs measured again, "
        f"{series.kept_dirty} of {len(series.pairs)} kept though disturbed.",
        f"`replay.64`: sluice itself reports {reported:.2f} ns/packet (`cpu_seconds`); the rest is starting "
        "and ending the process.",
        f"For orientation: walking the mapped file and reading the same 12 bytes a packet, the mapping not "
        f"counted, takes {limit:.2f} ns/packet here: no reader of this file can be faster.",
    ]


def _method(core, count):
    return (
        "Method: CPU time (user and system) of the whole process as the kernel charges it, both programs on "
        f"core {core}, file in the page cache, a warm-up and then {count} pairs of runs ours, peer, ours, "
        "peer …; figures are medians, the ratio (peer / ours, above 1 we are faster) is the median of the "
        "pairs' ratios.")


if __name__ == "__main__":
    sys.exit(main())
