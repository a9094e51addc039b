"""AF_XDP ports whose device takes no packets for a while: the far host does not get to receive."""

import os
import subprocess

from bump import _settled, bump, check_explained
from namespaces import Net
from raw import LINK_FRAME
from suite import equal, eventually, true

# Sends a small packet after another for some seconds.
FLOOD = """
import socket, sys, time
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
s.bind(("eth0", 0))
frame = bytes.fromhex(sys.argv[1])
end = time.monotonic() + float(sys.argv[2])
while time.monotonic() < end:
    for _ in range(64):
        try:
            s.send(frame)
        except OSError:
            time.sleep(0.001)
"""
SECONDS = 2
# What the left host sends by far: the worker goes on receiving.
LEAST = 5_000


def _receivers():
    """The kernel's threads that receive for the hosts' interfaces."""
    found = []
    for process in os.listdir("/proc"):
        try:
            with open(f"/proc/{process}/comm", encoding="utf-8") as name:
                if process.isdigit() and name.read().startswith("napi/eth0"):
                    found.append(int(process))
        except OSError:
            pass
    return found


class _Stuck:
    """The right host receives by a thread that runs only when its CPU has nothing else to do: never."""

    def __init__(self, net):
        others = set(_receivers())
        net.run("right", "ethtool", "-K", "eth0", "gro", "on")
        net.run("right", "sh", "-c", "echo 1 > /sys/class/net/eth0/threaded")
        self.threads = [thread for thread in _receivers() if thread not in others]
        true(self.threads, "the right host receives by a thread")
        self.core = min(os.sched_getaffinity(0))
        self.spinner = None

    def __enter__(self):
        for thread in self.threads:
            subprocess.run(["chrt", "-i", "-p", "0", str(thread)], check=True)
            os.sched_setaffinity(thread, {self.core})
        self.spinner = subprocess.Popen(["taskset", "-c", str(self.core), "timeout", "30", "sh", "-c",
                                         "while :; do :; done"])
        return self

    def __exit__(self, *_):
        self.spinner.terminate()
        self.spinner.wait()
        for thread in self.threads:
            subprocess.run(["chrt", "-o", "-p", "0", str(thread)], check=True)


def _daemon(case, net, **options):
    net.finish_checksums()
    # Without a queueing discipline a veth device is never stopped.
    daemon = bump(case, net, kind="af_xdp", **options)
    net.run("middle", "ethtool", "-K", "port1", "tx", "off", "tso", "off")
    net.run("middle", "tc", "qdisc", "replace", "dev", "port1", "root", "pfifo", "limit", "10")
    return daemon


def test_the_worker_goes_on(case):
    """What finds no place is dropped by name; what waited leaves when it can, or is counted."""
    for size in (512, 16384):
        with Net() as net:
            daemon = _daemon(case, net, ring={"packets": size})
            with _Stuck(net):
                flood = net.start("left", "/usr/bin/python3", "-c", FLOOD, LINK_FRAME.hex(), SECONDS)
                equal(flood.wait(20), 0, "the flood's status")
            ports, _ = check_explained(daemon)
            true(ports["lif-1"].received_packets > LEAST, f"{ports['lif-1'].received_packets} received")
            # On a machine of few CPUs the thread may have had its turn all the same.
            if daemon.drops().get("transmitFailed", 0) == 0:
                print(f"        ring of {size}: the device was never full")
            frames = dict(ports["lif-1"].events)
            equal(frames.get("frameFaults", 0), 0, "frames used twice")
            eventually(lambda: "framesInUse" not in dict(daemon.ports()["lif-1"].events),
                       "all frames are back", seconds=5)


def test_nothing_is_lost_uncounted_at_the_end(case):
    """SIGTERM while packets may wait: each that counts as transmitted is sent by then."""
    with Net() as net:
        daemon = _daemon(case, net)
        with _Stuck(net):
            flood = net.start("left", "/usr/bin/python3", "-c", FLOOD, LINK_FRAME.hex(), SECONDS)
            equal(flood.wait(20), 0, "the flood's status")
            transmitted = _settled(daemon)["lif-2"][1][1]
            true(transmitted > 0, "packets were sent")
        status, took = daemon.terminate()
        equal(status, 0, "exit status")
        true(took < 2, f"{took:.1f} s to its end")
        eventually(lambda: net.statistics("port1")[1] - daemon.missed["lif-2"][1] == transmitted,
                   f"{transmitted} packets were sent")
