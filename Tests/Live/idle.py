"""Workers that sleep when nothing comes: what that costs, and how soon a packet wakes them."""

import json
import os
import statistics
import subprocess
import time

from bump import bump, check_explained
from namespaces import ADDRESSES, Net
from suite import seconds, true

PORT = 7007

ECHO = """
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind((sys.argv[1], int(sys.argv[2])))
print("ready", flush=True)
while True:
    data, sender = s.recvfrom(2000)
    s.sendto(data, sender)
"""

# Round trips in milliseconds, a silence before every second one.
ASK = """
import json, socket, sys, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.connect((sys.argv[1], int(sys.argv[2])))
s.settimeout(5)
found = []
for number in range(int(sys.argv[3])):
    if number % 2:
        time.sleep(0.03)
    start = time.perf_counter()
    s.send(b"%d" % number)
    s.recv(2000)
    found.append((time.perf_counter() - start) * 1000)
print(json.dumps(found))
"""


def _echo(net):
    server = net.start("right", "/usr/bin/python3", "-c", ECHO, ADDRESSES["right"][0], PORT,
                       stdout=subprocess.PIPE, text=True)
    server.stdout.readline()


# Milliseconds.
SOON = 0.7


def _check_soon(net, what):
    """After a silence packets go there and back, past two sleeps, in less than SOON more than without one, at
    the median. A sleep of 4 ms that nothing ends would take that by itself."""
    found = []
    # Other programs may have the CPUs at one time or another.
    for _ in range(5):
        times = json.loads(net.run("left", "/usr/bin/python3", "-c", ASK, ADDRESSES["right"][0], PORT, 60))
        found.append(statistics.median(times[1::2]) - statistics.median(times[::2]))
        if found[-1] < SOON:
            return
    true(False, f"{what}: round trips take {min(found):.2f} ms more after a silence")


def _cpu_seconds(daemon):
    """By worker thread: nanoseconds on CPU, the first of /proc/PID/task/TID/schedstat."""
    tasks, found = f"/proc/{daemon.process.pid}/task", {}
    for task in os.listdir(tasks):
        with open(f"{tasks}/{task}/comm", encoding="utf-8") as file:
            name = file.read().strip()
        if name.startswith("sluice-w"):
            with open(f"{tasks}/{task}/schedstat", encoding="utf-8") as file:
                found[name] = int(file.read().split()[0]) / 1e9
    return found


def check_idle(daemon, what, duration=2, limit=0.02):
    """Without traffic every worker uses less than `limit` of a CPU, at one of three looks: other programs may
    make waking dearer at one time or another."""
    looks = []
    for _ in range(3):
        before, start = _cpu_seconds(daemon), time.monotonic()
        time.sleep(duration)
        after, took = _cpu_seconds(daemon), time.monotonic() - start
        looks.append(max((used - before[name]) / took for name, used in after.items()))
        if looks[-1] < limit:
            return
    shares = ", ".join(f"{share:.1%}" for share in looks)
    true(False, f"{what}: the busiest worker uses {shares} of a CPU without traffic")


@seconds(120)
def test_sleeping_workers_cost_next_to_nothing(case):
    for workers in (1, 2):
        for version in (2, 3):
            with Net() as net:
                daemon = bump(case, net, workers=workers, ring={"version": version})
                check_idle(daemon, f"{workers} workers, version {version}")


@seconds(120)
def test_first_packet_wakes_the_worker(case):
    for workers in (1, 2):
        with Net() as net:
            daemon = bump(case, net, workers=workers)
            _echo(net)
            _check_soon(net, f"{workers} workers")
            check_idle(daemon, f"{workers} workers after packets")
            check_explained(daemon)


@seconds(120)
def test_af_xdp(case):
    for workers in (1, 2):
        with Net() as net:
            net.finish_checksums()
            daemon = bump(case, net, workers=workers, kind="af_xdp")
            _echo(net)
            _check_soon(net, f"AF_XDP, {workers} workers")
            # poll(2) also looks at what is to be sent there.
            check_idle(daemon, f"AF_XDP, {workers} workers after packets", limit=0.03)
            check_explained(daemon)


@seconds(120)
def test_first_packet_of_a_block_wakes_the_worker(case):
    with Net() as net:
        daemon = bump(case, net, ring={"version": 3})
        _echo(net)
        _check_soon(net, "version 3")
        check_explained(daemon)


@seconds(120)
def test_link_that_was_down_wakes_again(case, **options):
    with Net() as net:
        net.finish_checksums()
        daemon = bump(case, net, **options)
        _echo(net)
        _check_soon(net, "before")
        for name in ("port0", "port1"):
            net.run("middle", "ip", "link", "set", name, "down")
            net.run("middle", "ip", "link", "set", name, "up")
        # Looked at four times a second.
        time.sleep(0.3)
        _check_soon(net, "afterwards")
        check_explained(daemon)


@seconds(120)
def test_link_that_was_down_wakes_again_af_xdp(case):
    test_link_that_was_down_wakes_again(case, kind="af_xdp")
