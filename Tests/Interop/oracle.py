"""The independent oracle: what `sluice replay` says of a capture against what tshark and scapy read.

    /usr/bin/python3 Tests/Interop/oracle.py --sluice BINARY [CAPTURE...]

Without captures: configs/demo.pcap, also with configs/demo-sessions.yaml, all of Tests/Vectors/captures,
and thousands of generated conversations; the captures also through filters. Needs tshark, tcpdump, scapy and
PyYAML. Exit status 1 and one line per difference.
"""

import argparse
import collections
import glob
import os
import subprocess
import sys
import tempfile

import actions
import checks
import filters
import formats
from packets import read_with_tshark
from replay import replay

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
DEMO = os.path.join(ROOT, "configs", "demo.pcap")


def examine(sluice, capture, directory):
    """All checks of one capture with learned sessions: (what was compared, [(check, difference)])."""
    packets = read_with_tshark(capture)
    run = replay(sluice, capture, os.path.join(directory, "one"), "--learn", "forward")
    if run.status != 0:
        return "", [("replay", f"exit status {run.status}: {run.errors.strip()}")]
    several = replay(sluice, capture, os.path.join(directory, "two"), "--learn", "forward", "--workers", "2")
    found = []
    for name, differences in [
        ("conversations", checks.conversations(packets, run)),
        ("streams", checks.streams(packets, run)),
        ("sessions", checks.sessions(packets, run)),
        ("summary", checks.summary(packets, run)),
        ("equations", checks.equations(run)),
        ("written", checks.written(capture, packets, run)),
        ("workers", checks.workers(run, several)),
    ]:
        found += [(name, difference) for difference in differences]
    tuples = {packet.tuple5 for packet in packets if packet.tuple5}
    return f"{len(packets)} packets, {len(tuples)} directed tuples, {len(run.sessions)} sessions", found


def generated(sluice, directory):
    """A capture of thousands of conversations of every kind."""
    path = os.path.join(directory, "generated.pcap")
    options = ("--flows", "4000", "--packets", "40000", "--ip", "both", "--seed", "7", "--retransmit", "0.1")
    subprocess.run([sluice, "generate", *options, "--write", path], check=True, stdout=subprocess.DEVNULL)
    return path


def report(title, text, differences, limit=12):
    """Prints one result; the first differences of each check and how many more there are."""
    print(f"{'FAIL' if differences else 'ok  '}  {title}: {text}")
    by_check = collections.defaultdict(list)
    for check, difference in differences:
        by_check[check].append(difference)
    for check, lines in by_check.items():
        for line in lines[:limit]:
            print(f"        {check}: {line}")
        if len(lines) > limit:
            print(f"        {check}: and {len(lines) - limit} more")
    return not differences


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sluice", required=True, help="the binary under test")
    parser.add_argument("capture", nargs="*")
    options = parser.parse_args()
    captures = options.capture or [DEMO, *sorted(glob.glob(f"{ROOT}/Tests/Vectors/captures/*.pcap"))]
    good = True
    with tempfile.TemporaryDirectory(prefix="sluice-oracle-") as directory:
        if not options.capture:
            captures.append(generated(options.sluice, directory))
        for number, capture in enumerate(captures):
            text, differences = examine(options.sluice, capture, os.path.join(directory, str(number)))
            good &= report(os.path.relpath(capture), text, differences)
            text, differences = formats.examine(
                options.sluice, capture, os.path.join(directory, f"formats-{number}"))
            good &= report(os.path.relpath(capture), text, differences)
        if not options.capture:
            for number, capture in enumerate(captures):
                text, differences = filters.examine(
                    options.sluice, capture, os.path.join(directory, f"filters-{number}"))
                good &= report(f"{os.path.relpath(capture)} filtered", text, differences)
            text, differences = actions.examine(options.sluice, ROOT, os.path.join(directory, "actions"))
            good &= report("configs/demo-sessions.yaml", text, differences)
            for count in (2, 3):
                text, differences = formats.interfaces(
                    options.sluice, captures[:count], os.path.join(directory, f"merged-{count}"))
                good &= report(f"merged from {count} captures", text, differences)
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
