"""sluice between two hosts in network namespaces: the kernel's own TCP and frames byte by byte through it.

    /usr/bin/python3 Tests/Live/live.py --sluice BINARY [--filter WORD...] [--long]

Needs root. Every test makes namespaces and a daemon of its own. Exit status 1 when one fails.
"""

import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
TESTS = os.path.dirname(HERE)
sys.path[:0] = [HERE, os.path.join(TESTS, "API"), os.path.join(TESTS, "Interop")]

MODULES = ("refused", "frames_through", "quiet", "offloads", "super_frames", "stalled_ring",
           "links", "ports_change", "privileges", "steering", "fragmented", "idle", "tcp", "acting",
           "capture_live", "endings", "tagged", "xdp", "xdp_programs", "xdp_stuck", "throughput", "host_port",
           "routed", "routed_copies", "routed_changes", "killed", "readme_session", "replay_port")
LONG_MODULES = ("soak", "killed_long")


def main():
    import namespaces
    import run
    try:
        namespaces.check()
    except namespaces.Unusable as error:
        print(f"skipped: {error}")
        return
    run.main(MODULES, LONG_MODULES, __doc__)


if __name__ == "__main__":
    main()
