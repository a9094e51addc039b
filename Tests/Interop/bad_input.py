"""What `sluice replay` does with captures and disks that are not as they should be.

    /usr/bin/python3 Tests/Interop/bad_input.py --sluice BINARY [GROUP...]

Groups: cut, headers, records, links, pcapng, gzip, foreign, shrinking, full, sessions. A run may end
with status 0, 1 or 2 as its case says, never by a signal; an error names the file and, where one place in
it is at fault, the offset. Exit status 1 and one line per difference. The full-disk cases need root for a
small tmpfs.
"""

import argparse
import os
import sys
import tempfile

import bad_disk
import bad_files
import bad_formats
import bad_shrink
from bad_run import Bench

GROUPS = {
    "cut": bad_files.cut,
    "headers": bad_files.headers,
    "records": bad_files.records,
    "links": bad_files.links,
    "pcapng": bad_formats.pcapng,
    "gzip": bad_formats.packed,
    "foreign": bad_formats.foreign,
    "shrinking": bad_shrink.shrinking,
    "full": bad_disk.full,
    "sessions": bad_files.sessions,
}


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sluice", required=True, help="the binary under test")
    parser.add_argument("group", nargs="*", help=f"one of {', '.join(GROUPS)}; default all")
    options = parser.parse_args()
    good = True
    for name in options.group or GROUPS:
        with tempfile.TemporaryDirectory(prefix="sluice-bad-input-") as directory:
            bench = Bench(os.path.abspath(options.sluice), directory)
            GROUPS[name](bench)
            good &= bench.report(name)
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
