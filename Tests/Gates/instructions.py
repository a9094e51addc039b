#!/usr/bin/env python3
"""Counts the instructions a packet costs, start-up not counted, and refuses more than a limit.

    instructions.py SLUICE --limit 400

Runs SLUICE under valgrind's callgrind on a small capture and on a larger one with the same beginning; the
difference, divided by the packets between, is what one packet costs. Unlike time it is the same on a busy
machine, to a fraction of a percent. Works with every program that reads a capture: see
--arguments and --generator.
Exit status: 0 within the limit, 1 above it, 2 bad usage.
"""

import argparse
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile


def main():
    """Measures both captures and prints what one packet costs."""
    options = _options()
    with tempfile.TemporaryDirectory() as folder:
        # Valgrind 3.19 gives up on DWARF 5; symbols stay, for callgrind_annotate.
        stripped = os.path.join(folder, os.path.basename(options.binary))
        subprocess.run(["objcopy", "--strip-debug", options.binary, stripped], check=True)
        options.binary = stripped
        counts = [_count(options, folder, packets) for packets in options.packets]
    small, large = options.packets
    cost = (counts[1] - counts[0]) / (large - small)
    print(f"{counts[0]} instructions for {small} packets, {counts[1]} for {large}: "
          f"{cost:.1f} a packet (limit {options.limit:g})")
    if cost <= 0:
        print("error: more packets cost nothing: does the program read the capture?", file=sys.stderr)
        return 1
    if cost > options.limit:
        print(f"error: {cost:.1f} instructions a packet are above the limit of {options.limit:g}",
              file=sys.stderr)
        return 1
    return 0


def _options():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("binary")
    parser.add_argument("--generator", metavar="SLUICE",
                        help="release binary of sluice that makes the captures (default: the binary itself)")
    parser.add_argument("--limit", type=float, required=True, metavar="N", help="instructions a packet")
    parser.add_argument("--packets", type=int, nargs=2, default=[100_000, 200_000],
                        metavar=("SMALL", "LARGE"), help="sizes of the captures (default 100000 200000)")
    parser.add_argument("--sessions", type=int, default=4096,
                        help="sessions in them, all learned in the small one already (default 4096)")
    parser.add_argument("--size", type=int, default=64, help="bytes of a frame (default 64)")
    parser.add_argument("--ip", choices=("4", "6", "both"), default="4", help="address family (default 4)")
    parser.add_argument("--arguments", default="replay {capture} --learn forward --workers 1 --json",
                        help="what the binary is given, {capture} is the file (default: %(default)s)")
    parser.add_argument("--collect", metavar="PATTERN",
                        help="count only inside functions of this name (callgrind's --toggle-collect)")
    parser.add_argument("--keep", metavar="FOLDER",
                        help="leave callgrind's files here, for callgrind_annotate")
    options = parser.parse_args()
    options.generator = options.generator or options.binary
    if not 0 < options.packets[0] < options.packets[1]:
        parser.error("--packets: SMALL must be above 0 and below LARGE")
    for tool in ("valgrind", "objcopy"):
        if shutil.which(tool) is None:
            parser.error(f"{tool} is not installed")
    return options


def _count(options, folder, packets):
    capture = os.path.join(folder, f"{packets}.pcap")
    subprocess.run(
        [options.generator, "generate", "--shape", "steady", "--rate", "1000000", "--seed", "7",
         "--flows", str(options.sessions), "--packets", str(packets), "--size", str(options.size),
         "--ip", options.ip, "--write", capture],
        check=True, stdout=subprocess.DEVNULL)
    counted = os.path.join(options.keep or folder, f"callgrind.{packets}")
    command = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={counted}"]
    if options.collect:
        command.append(f"--toggle-collect={options.collect}")
    command.append(options.binary)
    command += [part.replace("{capture}", capture) for part in shlex.split(options.arguments)]
    ended = subprocess.run(command, text=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False)
    if ended.returncode != 0:
        sys.exit(f"{shlex.join(command)}: ended with {ended.returncode}\n{ended.stderr}")
    with open(counted, encoding="utf-8", errors="replace") as file:
        for line in file:
            if matched := re.match(r"(?:totals|summary): (\d+)", line):
                return int(matched[1])
    return sys.exit(f"{counted}: no totals in it\n{ended.stderr}")


if __name__ == "__main__":
    sys.exit(main())
