"""Links that go down and come back while packets pass."""

import subprocess
import time

from bump import broken_equations, bump, check_explained
from namespaces import ADDRESSES, Net
from raw import LINK_FRAME, Listener, send
from suite import equal, eventually, true
from transfers import Files

# An address of the middle's own.
STRANGER = "10.77.0.9"


def test_way_out_is_down(case):
    with Net() as net:
        daemon = bump(case, net)
        net.run("middle", "ip", "link", "set", "port1", "down")
        send(net, "left", [LINK_FRAME] * 10)
        eventually(lambda: daemon.drops().get("portDown") == 10, "ten drops for that reason")
        true("port1 is down" in daemon.ports()["lif-2"].error, "the port tells why")
        true(not daemon.ports()["lif-2"].receiving, "the port does not receive")
        net.run("middle", "ip", "link", "set", "port1", "up")
        eventually(lambda: daemon.ports()["lif-2"].error == "", "the port's error goes")
        listener = Listener(net, "right", 3)
        send(net, "left", [LINK_FRAME] * 3)
        equal(listener.frames(), [LINK_FRAME] * 3, "frames at the right")
        check_explained(daemon)


def test_no_carrier(case):
    with Net() as net:
        daemon = bump(case, net)
        net.run("right", "ip", "link", "set", "eth0", "down")
        eventually(lambda: "no carrier" in daemon.ports()["lif-2"].error, "the port tells why")
        # Looked at four times a second.
        time.sleep(1)
        send(net, "left", [LINK_FRAME] * 10)
        eventually(lambda: daemon.drops() == {"portDown": 10}, "ten drops for that reason")


def _made_again(case, workers, moved=None, **options):
    with Net() as net:
        if options:
            net.finish_checksums()
        daemon = bump(case, net, workers=workers, **options)
        files = Files(case, net)
        files.add("file", 1 << 20)
        files.fetch("file", ADDRESSES["right"][0])
        net.run("middle", "ip", "link", "delete", "port1")
        true("no interface port1" in daemon.ports()["lif-2"].error, "the port tells why")
        send(net, "left", [LINK_FRAME] * 10)
        eventually(lambda: daemon.drops().get("portDown", 0) >= 10, "ten drops for that reason")
        net.connect("right")
        if options:
            net.finish_checksums()
        eventually(lambda: dict(daemon.ports()["lif-2"].events).get("reattached") == (moved or workers),
                   "every ring has moved", seconds=10)
        eventually(lambda: daemon.ports()["lif-2"].error == "", "the port's error goes")
        # The right host has another MAC address now.
        net.run("left", "ip", "neighbour", "flush", "all")
        files.fetch("file", ADDRESSES["right"][0])
        # The kernel's own stack is kept off the new one too.
        net.run("middle", "ip", "address", "add", f"{STRANGER}/24", "dev", "port1")
        ping = net.start("right", "ping", "-q", "-c", "2", "-W", "1", STRANGER, stdout=subprocess.DEVNULL)
        true(ping.wait(10) != 0, "nobody answers for the middle")
        equal(dict(daemon.ports()["lif-1"].events).get("reattached", 0), 0, "the other port's rings")
        equal(broken_equations(daemon.counters(), daemon.drops()), [], "sums that are wrong")
        equal(daemon.terminate()[0], 0, "exit status")


def test_made_again(case):
    _made_again(case, workers=1)


def test_made_again_two_workers(case):
    _made_again(case, workers=2)


def test_made_again_af_xdp(case):
    _made_again(case, workers=1, kind="af_xdp")


def test_made_again_af_xdp_two_workers(case):
    # One queue: the other worker sends by a packet socket.
    _made_again(case, workers=2, moved=1, kind="af_xdp")


def test_made_again_unfit_for_af_xdp(case):
    with Net() as net:
        net.finish_checksums()
        daemon = bump(case, net, kind="af_xdp")
        net.run("middle", "ip", "link", "delete", "port1")
        net.mtu = 9000
        net.connect("right")
        net.finish_checksums()
        eventually(lambda: "MTU of 9000" in daemon.ports()["lif-2"].error, "the port tells why")
        net.run("right", "ip", "link", "set", "eth0", "mtu", "1500")
        net.run("middle", "ip", "link", "set", "port1", "mtu", "1500")
        eventually(lambda: dict(daemon.ports()["lif-2"].events).get("reattached") == 1, "it has moved", 10)
        eventually(lambda: daemon.ports()["lif-2"].error == "", "the port's error goes")
        listener = Listener(net, "right", 3)
        send(net, "left", [LINK_FRAME] * 3)
        equal(listener.frames(), [LINK_FRAME] * 3, "frames at the right")


def test_mtu_changes_af_xdp(case):
    test_mtu_changes(case, kind="af_xdp")


def test_mtu_changes(case, **options):
    with Net(mtu=3000) as net:
        for place in ("left", "right"):
            net.run(place, "ip", "link", "set", "eth0", "mtu", "1500")
        for name in ("port0", "port1"):
            # Frames of AF_XDP are as large as the MTU of the start needs.
            net.run("middle", "ip", "link", "set", name, "mtu", "2000" if options else "1500")
        daemon = bump(case, net, **options)
        frame = LINK_FRAME + bytes(2000)
        for place, name in (("middle", "port0"), ("middle", "port1"), ("left", "eth0"), ("right", "eth0")):
            net.run(place, "ip", "link", "set", name, "mtu", "3000")
        # Looked at four times a second.
        time.sleep(0.6)
        listener = Listener(net, "right", 3)
        send(net, "left", [frame] * 3)
        equal(listener.frames(), [frame] * 3, "longer frames at the right")
        check_explained(daemon)


def test_down_and_up_again_two_workers_af_xdp(case):
    test_down_and_up_again_two_workers(case, kind="af_xdp")


def test_down_and_up_again_two_workers(case, **options):
    with Net() as net:
        if options:
            net.finish_checksums()
        daemon = bump(case, net, workers=2, **options)
        files = Files(case, net)
        files.add("file", 1 << 20)
        for place in ("middle", "right", "middle"):
            name = "eth0" if place == "right" else "port1"
            files.fetch("file", ADDRESSES["right"][0])
            net.run(place, "ip", "link", "set", name, "down")
            net.run(place, "ip", "link", "set", name, "up")
        files.fetch("file", ADDRESSES["right"][0])
        # Super-frames wait at a socket, which first tells that the link was down.
        equal(daemon.drops().get("oversized", 0), 0, "packets that could not be read")
        check_explained(daemon)
