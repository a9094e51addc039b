"""sluice is killed while a file is on its way, and started again: the transfer goes on, and so does every
session."""

import json
import re
import shutil
import subprocess
import tempfile
import time

from bump import bump
from namespaces import ADDRESSES, Net
from suite import equal, eventually, seconds, true
from table import OPI, fields
from transfers import Files

MEGABYTE = 1 << 20
BATCH = 4096


def restart_amid_transfer(case, sessions, capacity, megabytes, rate, workers=1, kind="af_packet"):
    """(milliseconds until sessions were back, seconds from SIGKILL until it served)"""
    state = tempfile.mkdtemp(prefix="sluice-warm-", dir="/dev/shm")
    try:
        with Net(queues=workers) as net:
            if kind == "af_xdp":
                net.finish_checksums()
            daemon = bump(case, net, capacity=capacity, workers=workers, kind=kind,
                          warm_restart={"directory": state}, polling="adaptive")
            files = Files(case, net)
            files.add("file", megabytes * MEGABYTE)
            _add(OPI(daemon), sessions)
            fetch = files.start("file", ADDRESSES["right"][0], seconds=2 * megabytes // rate + 30, rate=rate)
            eventually(lambda: daemon.counters()["sessionsOpened"] > sessions, "the transfer has a session")
            time.sleep(0.3)
            before = _sessions(daemon)
            # Those alone have traffic that were learned.
            moving = {identity: each["in_packets"] for identity, each in before.items() if each["learned"]}
            true(moving, "the transfer is among the sessions")
            start = time.monotonic()
            daemon.kill()
            daemon.expected_status = 0
            daemon.start()
            took = time.monotonic() - start
            after = _sessions(daemon)
            true(fetch.is_running, "the transfer outlasts the restart and both lists")
            equal(sorted(before.keys() - after.keys()), [], f"sessions that are missing ({daemon.said()})")
            for identity, session in before.items():
                if identity not in moving and after.get(identity) != session:
                    equal(after.get(identity), session, f"session {identity}")
            for identity, packets in moving.items():
                true(after[identity]["in_packets"] >= packets, f"{after[identity]}, before {packets}")
            fetch.finish()
            back = re.findall(r"(\d+) sessions are back after (\d+) ms", daemon.said())
            true(back and int(back[-1][0]) >= sessions, daemon.said())
            daemon.terminate()
            return int(back[-1][1]), took
    finally:
        shutil.rmtree(state)


def _add(table, count):
    for first in range(1, count + 1, BATCH):
        numbers = range(first, min(first + BATCH, count + 1))
        reply = table.add(*(fields(number, timeout=86_400) for number in numbers), timeout=60)
        equal(reply.errors, [], "errors")


def _sessions(daemon):
    """Every live session by its id, as `session list` prints it."""
    done = subprocess.run(
        [daemon.sluice, "session", "list", "--json", "--socket", daemon.socket],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True, timeout=120)
    return {session["session_id"]: session for session in map(json.loads, done.stdout.splitlines())}


@seconds(90)
def test_a_transfer_survives_sigkill_with_30_000_sessions(case):
    restart_amid_transfer(case, sessions=30_000, capacity=40_000, megabytes=48, rate=4)


def test_a_transfer_survives_sigkill_af_xdp(case):
    restart_amid_transfer(case, sessions=1000, capacity=4000, megabytes=20, rate=3, kind="af_xdp")


def test_a_transfer_survives_sigkill_two_workers(case):
    restart_amid_transfer(case, sessions=1000, capacity=4000, megabytes=20, rate=3, workers=2)
