#!/usr/bin/env python3
"""Measures the benchmark rows beside their peers; writes RESULTS.md, results.json and plots.

README.md in this folder says what the rows mean and how not to fool oneself.
"""

import argparse
import fnmatch
import os
import random
import signal
import sys

from harness import growth, pages, report, rows
from harness.bench import Bench

HERE = os.path.dirname(os.path.abspath(__file__))
OUT = os.path.join(HERE, "out")
# What loading 100 million sessions takes, with reserve for the machine.
HUNDRED_MILLION_BYTES = 15 << 30


def main():
    """Builds the peers, measures every row in random order, writes the report."""
    options = _options()
    os.makedirs(OUT, exist_ok=True)
    # Ended by a signal, we still give huge pages back.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    wanted = [row for row in rows.all_rows()
              if any(fnmatch.fnmatchcase(row.name, pattern) for pattern in options.rows.split(","))]
    if not wanted:
        raise SystemExit(f"no row is called {options.rows}")
    if os.geteuid() != 0:
        print("live.* left out: they make network namespaces, for which root is needed")
    bench = Bench(options, os.path.join(HERE, "peers"), OUT)
    # A part of the rows, or a quick run, is nothing to be published.
    is_whole = len(wanted) == len(rows.all_rows()) and not options.quick
    results = report.Results(bench, options.pairs)
    megabytes = 0 if options.small_pages else max(row.megabytes for row in wanted)
    folder = HERE if is_whole else OUT
    with pages.reserved(megabytes) as bench.has_huge_pages:
        for row in random.sample(wanted, len(wanted)):
            results.add(row.measure(bench))
        results.sort([row.name for row in wanted])
        results.write(folder, os.path.dirname(HERE))
        if is_whole:
            results.growth = growth.measure(bench)
    if is_whole:
        results.write(folder, os.path.dirname(HERE))
        results.hundred_million = _hundred_million(bench)
        results.write(folder, os.path.dirname(HERE))
    for row in results.rows:
        print(report.line(row))
    print(f"written: {os.path.relpath(folder)}/RESULTS.md and results.json")
    return 1 if options.require_reach and not all(row["reached"] for row in results.rows) else 0


def _options():
    parser = argparse.ArgumentParser(description=__doc__)
    build = os.path.join(os.path.dirname(HERE), ".build", "release")
    parser.add_argument("--sluice", default=os.path.join(build, "sluice"), help="release binary of sluice")
    parser.add_argument("--bench", default=os.path.join(build, "sluice-bench"),
                        help="release binary of sluice-bench")
    parser.add_argument("--rows", default="*",
                        help="names or patterns of rows, separated by commas; results into Bench/out only")
    parser.add_argument("--quick", action="store_true",
                        help="a tenth of the captures, 3 pairs, results into Bench/out only")
    parser.add_argument("--small-pages", action="store_true", help="4 KB pages on both sides")
    parser.add_argument("--pairs", type=int, help="pairs to measure (default 9, quick 3)")
    parser.add_argument("--core", type=int, help="core for both programs (default: the last allowed)")
    parser.add_argument("--require-reach", action="store_true", help="exit 1 when a row is not reached")
    options = parser.parse_args()
    options.pairs = options.pairs or (3 if options.quick else 9)
    for binary in (options.sluice, options.bench):
        if not os.access(binary, os.X_OK):
            parser.error(f"{binary}: not an executable file; make bench builds it")
    return options


def _hundred_million(bench):
    """Loads 100 million sessions and forwards once in each; None where memory does not allow it."""
    with open("/proc/meminfo", encoding="ascii") as file:
        available = next(int(line.split()[1]) * 1024 for line in file if line.startswith("MemAvailable"))
    if available < HUNDRED_MILLION_BYTES:
        print(f"100 million sessions left out: {available >> 30} GB of memory are available, "
              f"{HUNDRED_MILLION_BYTES >> 30} wanted")
        return None
    return bench.run_once("memory", "--flows", "100000000")


if __name__ == "__main__":
    sys.exit(main())
