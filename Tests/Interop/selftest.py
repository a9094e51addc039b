"""Tests the oracle: it must pass a right stand-in for sluice, and find each defect put into it.

    /usr/bin/python3 Tests/Interop/selftest.py
"""

import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
CAPTURE = os.path.join(HERE, "..", "Vectors", "captures", "raw-ip.pcap")
# Defect -> the check that must name it. "copy" shows only with the demo's sessions.
DEFECTS = {
    "orientation": "conversations:", "bytes": "conversations:", "close code": "sessions:",
    "content": "written:", "time": "written:", "missing packet": "written:",
    "equation": "equations:", "workers": "workers:",
}


def oracle(defect, *captures):
    command = [sys.executable, os.path.join(HERE, "oracle.py"), "--sluice", os.path.join(HERE, "stand_in.py")]
    environment = {**os.environ, "SLUICE_DEFECT": defect}
    done = subprocess.run([*command, *captures], env=environment, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def main():
    failed = []
    status, output = oracle("")
    if status != 0:
        failed.append(f"no defect, but the oracle failed:\n{output}")
    for defect, check in DEFECTS.items():
        status, output = oracle(defect, CAPTURE)
        if status != 1 or check not in output:
            failed.append(f"'{defect}' was not found by {check[:-1]} (exit status {status}):\n{output}")
    status, output = oracle("copy")
    if status != 1 or "mirror.pcap:" not in output or "snoop.pcap:" not in output:
        failed.append(f"'copy' was not found (exit status {status}):\n{output}")
    print("\n".join(failed) or f"the oracle passes what is right and finds {len(DEFECTS) + 1} defects")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
