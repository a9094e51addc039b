"""The session that README invites newcomers to paste, run as it stands there."""

import os
import re
import subprocess

from suite import equal, true

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
HEADING = "## See it live in two namespaces"

# Commands that fail are named. The flow that is dropped, and what is killed, may end with any status.
WATCHED = r"""trap '[[ $BASH_COMMAND == "wait "* ]] || echo "failed: $BASH_COMMAND" >&2' ERR
"""

# Namespaces' names, interfaces and processes are the session's own: it meets no others and leaves none.
APART = ("unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc")
AFTERWARDS = """
mount -t tmpfs none /run/netns && ip link set lo up || exit 99
bash session.sh
echo "status: $?"
echo "namespaces: $(ip netns list | wc -l)"
echo "interfaces: $(ip -brief link | wc -l)"
echo "processes: $(ps -e -o comm= | grep -cE 'sluice|iperf3|python3')"
"""


def _block():
    """The first block of the section."""
    with open(os.path.join(ROOT, "README.md"), encoding="utf-8") as file:
        section = file.read().partition(HEADING + "\n")[2].partition("\n## ")[0]
    found = re.search(r"^```\n(.*?)^```$", section, re.DOTALL | re.MULTILINE)
    true(found, f"README has a block below {HEADING!r}")
    return found[1]


def test_the_session_of_the_readme(case):
    os.symlink(os.path.join(ROOT, "configs"), case.path("configs"))
    with open(case.path("session.sh"), "w", encoding="utf-8") as file:
        file.write(WATCHED + _block())
    # Made here if no namespace has ever had a name: a place to cover with an empty one.
    os.makedirs("/run/netns", exist_ok=True)
    before = sorted(os.listdir(case.directory))
    path = os.path.dirname(case.sluice) + os.pathsep + os.environ["PATH"]
    done = subprocess.run([*APART, "bash", "-c", AFTERWARDS], cwd=case.directory,
                          env=os.environ | {"PATH": path}, stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, timeout=55, check=False)
    said = done.stdout
    told = f"; it printed {said[-4000:]!r} and {done.stderr[-2000:]!r}"
    equal(done.returncode, 0, "exit status" + told)
    true("failed: " not in done.stderr, "every command succeeds" + told)
    for pattern in (
            r"^3 packets transmitted, 3 received", r"^HTTP/1\.. 200", r"^1 session added$",
            r"^7 .*10\.9\.0\.1\.40000  10\.9\.0\.2\.5201  FORWARD .*live$",
            r"^clients .*af_packet to-clients", r"^servers .*af_packet to-servers", r"^worker +core",
            r"[1-9][0-9.]* [MG]bits/sec", r" 0\.00 bits/sec", r"^sessionDrop +[0-9,]*[1-9]",
            r"^status: 0$", r"^namespaces: 0$", r"^interfaces: 1$", r"^processes: 0$"):
        true(re.search(pattern, said, re.MULTILINE), f"{pattern!r} is printed" + told)
    equal(sorted(os.listdir(case.directory)), before, "files afterwards")
