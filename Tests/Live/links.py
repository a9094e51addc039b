"""Links that go down and come back while packets pass."""

import time

from bump import bump, check_explained
from namespaces import ADDRESSES, Net
from raw import LINK_FRAME, Listener, send
from suite import equal, eventually, true
from transfers import Files


def test_way_out_is_down(case):
    with Net() as net:
        daemon = bump(case, net)
        net.run("middle", "ip", "link", "set", "port1", "down")
        send(net, "left", [LINK_FRAME] * 10)
        eventually(lambda: daemon.drops().get("portDown") == 10, "ten drops for that reason")
        true("port1 is down" in daemon.ports()["lif-2"].error, "the port tells why")
        true(not daemon.ports()["lif-2"].receiving, "the port does not receive")
        net.run("middle", "ip", "link", "set", "port1", "up")
        equal(daemon.ports()["lif-2"].error, "", "the port's error afterwards")
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
        time.sleep(0.3)
        send(net, "left", [LINK_FRAME] * 10)
        eventually(lambda: daemon.drops() == {"portDown": 10}, "ten drops for that reason")


def test_down_and_up_again_two_workers(case):
    with Net() as net:
        daemon = bump(case, net, workers=2)
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
