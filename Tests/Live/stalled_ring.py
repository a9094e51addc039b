"""A receive ring that the kernel cannot fill any more is noticed and replaced."""

import os
import struct
import time

from bump import bump, check_explained
from namespaces import ADDRESSES, Net
from raw import LINK_FRAME, send
from suite import equal, eventually, true
from transfers import Files

FRAME_SIZE = 2048
# Neither the kernel's nor ours: TP_STATUS_CSUMNOTREADY alone.
NOBODYS = struct.pack("=I", 8)

CAP_NET_ADMIN, CAP_NET_RAW = 1 << 12, 1 << 13

# Flows enough for the ring of every worker: they differ in the UDP source port.
FLOWS = [LINK_FRAME[:34] + bytes([4, number]) + LINK_FRAME[36:] for number in range(16)]


def _spoil(pid):
    """Takes every frame of every ring of a process out of the kernel's hands, as a lost place in it does."""
    with open(f"/proc/{pid}/maps", encoding="utf-8") as maps:
        areas = [line.split()[0].split("-") for line in maps if "socket:" in line]
    true(areas, "the process has a ring")
    with open(f"/proc/{pid}/mem", "r+b", buffering=0) as memory:
        for first, end in areas:
            for address in range(int(first, 16), int(end, 16), FRAME_SIZE):
                memory.seek(address)
                memory.write(NOBODYS)


def _capabilities(pid):
    """What the threads of a process may do that others may not: a set of masks."""
    found = set()
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/status", encoding="utf-8") as file:
            found.update(int(line.split()[1], 16) for line in file if line.startswith("CapPrm"))
    return found


def _recovers(case, workers):
    with Net() as net:
        daemon = bump(case, net, workers=workers)
        equal(_capabilities(daemon.process.pid), {CAP_NET_ADMIN | CAP_NET_RAW}, "capabilities that are kept")
        _spoil(daemon.process.pid)

        def stalls():
            for place in ("left", "right"):
                send(net, place, FLOWS)
            time.sleep(0.05)
            return [dict(port.events).get("stalls", 0) for port in daemon.ports().values()] == [workers] * 2
        eventually(stalls, "all rings are replaced", seconds=20)
        true(daemon.drops().get("receiveRingFull", 0) > 0, "what was lost meanwhile is counted")
        files = Files(case, net)
        files.add("file", 1 << 20)
        files.fetch("file", ADDRESSES["right"][0])
        _, total = check_explained(daemon)
        equal([dict(port.events)["stalls"] for port in daemon.ports().values()], [workers] * 2, "stalls")
        true(total["forwarded"] > 700, "packets go on")


def test_replaced(case):
    _recovers(case, workers=1)


def test_replaced_in_its_fanout_group(case):
    _recovers(case, workers=2)


def test_idle_ring_is_no_stall(case):
    with Net() as net:
        daemon = bump(case, net)
        daemon.process.send_signal(19)
        send(net, "left", [LINK_FRAME] * 100)
        time.sleep(1)
        daemon.process.send_signal(18)
        check_explained(daemon)
        equal([dict(port.events).get("stalls", 0) for port in daemon.ports().values()], [0, 0], "stalls")
