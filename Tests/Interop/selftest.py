"""Tests the oracle: it must pass a right stand-in for sluice, and find each defect put into it.

    /usr/bin/python3 Tests/Interop/selftest.py

Of the oracle's comparisons these are the ones with tshark and scapy; those of sluice with itself (formats,
filters, merged captures) need a sluice.
"""

import os
import sys
import tempfile

import actions
import oracle

HERE = os.path.dirname(os.path.abspath(__file__))
STAND_IN = os.path.join(HERE, "stand_in.py")
CAPTURE = os.path.join(HERE, "..", "Vectors", "captures", "raw-ip.pcap")
# Defect -> the check that must name it. "copy" shows only with the demo's sessions.
DEFECTS = {
    "orientation": "conversations", "bytes": "conversations", "close code": "sessions",
    "content": "written", "time": "written", "missing packet": "written",
    "equation": "equations", "workers": "workers",
}


def differences(defect, examine):
    """What the oracle finds: [(check, difference)]."""
    os.environ["SLUICE_DEFECT"] = defect
    with tempfile.TemporaryDirectory(prefix="sluice-selftest-") as directory:
        _, found = examine(os.path.join(directory, "work"))
    return found


def main():
    def capture(path):
        return lambda directory: oracle.examine(STAND_IN, path, directory)

    def sessions(directory):
        return actions.examine(STAND_IN, oracle.ROOT, directory)

    failed = []
    for name, examine in (("a capture", capture(CAPTURE)), ("the demo", capture(oracle.DEMO)),
                          ("the demo's sessions", sessions)):
        found = differences("", examine)
        if found:
            failed.append(f"no defect, but the oracle finds in {name}: {found[:5]}")
    for defect, check in DEFECTS.items():
        found = differences(defect, capture(CAPTURE))
        if check not in dict(found):
            failed.append(f"'{defect}' was not found by {check}: {found[:5]}")
    found = str(differences("copy", sessions))
    if "mirror.pcap" not in found or "snoop.pcap" not in found:
        failed.append(f"'copy' was not found: {found[:1000]}")
    print("\n".join(failed) or f"the oracle passes what is right and finds {len(DEFECTS) + 1} defects")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
