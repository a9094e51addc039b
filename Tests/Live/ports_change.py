"""Ports that come, change and go by a reload while the kernel's TCP runs through those that stay."""

import json
import subprocess
import time

import stubs
from bump import bump, check_explained
from namespaces import ADDRESSES, Net
from raw import LINK_FRAME, LISTENER, Listener, send
from running import CALL_SECONDS
from settings import port, settings
from suite import equal, eventually, true
from transfers import Files, change_under

MEGABYTE = 1 << 20

class Changing:
    """A bump in the wire, and a third interface of the middle: what is sent at `far2` arrives at `port2`."""

    def __init__(self, case, net, kind="af_packet", workers=1, ring=None, prefix=()):
        self.net, self.kind, self.workers = net, kind, workers
        if kind == "af_xdp":
            net.finish_checksums()
        net.run("middle", "sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1")
        net.run("middle", "ip", "link", "add", "port2", "type", "veth", "peer", "name", "far2")
        for name in ("port2", "far2"):
            net.run("middle", "ip", "link", "set", name, "up")
        shared = {"miss": "learn", "kind": kind, **({"ring": ring} if ring else {})}
        self.ports = [port("lif-1", 1, interface="port0", peer=2, **shared),
                      port("lif-2", 2, interface="port1", peer=1, **shared)]
        self.daemon = bump(case, net, workers=workers, kind=kind, ring=ring, prefix=prefix)

    def change(self, *ports, problems=None, **others):
        with open(self.daemon.config, "w", encoding="utf-8") as file:
            file.write(settings(list(ports), workers=self.workers, **others))
        answer = self.daemon.dataplane.Reload(stubs.sluice.ReloadRequest(), timeout=CALL_SECONDS)
        if problems is None:
            equal(list(answer.problems), [], "problems")
        else:
            true(problems in "\n".join(answer.problems), f"{problems!r} is not in {answer.problems}")
        return list(answer.changes)

    def third(self, kind=None, **others):
        return port("lif-3", 3, **{"interface": "port2", "peer": 2, "kind": kind or self.kind, **others})


def _under_transfer(case, changes, rate=6, size=60 * MEGABYTE, **options):
    """Runs `changes` over and over while a file goes through; nothing of it is lost by sluice."""
    with Net() as net:
        bed = Changing(case, net, **options)
        files = Files(case, net)
        files.add("file", size)
        files.add("small", MEGABYTE)
        files.fetch("small", ADDRESSES["right"][0])
        before = net.link("middle", "port2")
        fetch = files.start("file", ADDRESSES["right"][0], seconds=40, rate=rate)
        eventually(lambda: bed.daemon.counters()["packets"] > 2000, "the transfer runs")
        gone = sum(change_under(fetch, net, lambda: changes(bed), least=2))
        bed.change(*bed.ports)
        equal(net.link("middle", "port2"), before, "the third interface afterwards")
        equal(bed.daemon.drops().get("receiveRingFull", 0), 0, "packets that found no room")
        check_explained(bed.daemon, gone)
        equal(bed.daemon.terminate()[0], 0, "exit status")


FRAMES = [LINK_FRAME] * 20


def _come_and_go(bed):
    """Added, used, its policy changed, opened anew, removed; the packets that it has received."""
    equal(bed.change(*bed.ports, bed.third())[0], "port lif-3 (LIF 3) added", "added")
    send(bed.net, "middle", FRAMES, "far2")
    eventually(lambda: bed.daemon.ports()["lif-3"].received_packets >= len(FRAMES), "frames arrive")
    bed.change(*bed.ports, bed.third(miss="drop"))
    eventually(lambda: bed.daemon.ports()["lif-3"].miss == "drop", "the policy")
    if bed.kind == "af_packet":
        changes = bed.change(*bed.ports, bed.third(ring={"size": 2 << 20}))
        true("opened anew" in changes[0], f"{changes}")
    send(bed.net, "middle", FRAMES, "far2")
    eventually(lambda: bed.daemon.ports()["lif-3"].received_packets >= 2 * len(FRAMES), "more frames arrive")
    time.sleep(0.3)
    port3 = bed.daemon.ports()["lif-3"]
    counted = {name for name in dict(port3.events) if name not in ("ringSize", "ringWaiting", "framesInUse")}
    equal(counted, set(), "events of the third port")
    true(port3.events["ringSize"] > 0, "its ring is told")
    equal(bed.change(*bed.ports), ["port lif-3 (LIF 3) removed"], "removed")
    return port3.received_packets


def test_come_and_go(case):
    _under_transfer(case, _come_and_go)


def test_come_and_go_two_workers(case):
    _under_transfer(case, _come_and_go, workers=2)


def test_come_and_go_ring_version_3(case):
    _under_transfer(case, _come_and_go, ring={"version": 3})


def test_come_and_go_af_xdp(case):
    _under_transfer(case, _come_and_go, kind="af_xdp")


def test_come_and_go_af_xdp_two_workers(case):
    _under_transfer(case, _come_and_go, kind="af_xdp", workers=2)


def test_refused_changes_nothing(case):
    with Net() as net:
        bed = Changing(case, net)
        before = net.link("middle", "port2")
        changed = [dict(bed.ports[0], miss="drop"), bed.ports[1]]
        # What could be opened is closed again.
        bed.change(*changed, bed.third(), port("lif-4", 4, interface="nowhere"),
                   problems="ports[3].interface: port lif-4: there is no interface nowhere")
        equal(net.link("middle", "port2"), before, "the interface that was opened")
        bed.change(*changed, bed.third(kind="af_xdp"),
                   problems="port2 needs CAP_BPF, dropped at the start, when no port needed it: restart")
        net.run("middle", "ip", "link", "set", "port2", "down")
        bed.change(*changed, bed.third(), problems="interface port2 is down")
        equal(bed.daemon.ports()["lif-1"].miss, "learn", "a policy that would have changed")
        equal(sorted(bed.daemon.ports()), ["lif-1", "lif-2"], "ports")
        files = Files(case, net)
        files.add("file", MEGABYTE)
        files.fetch("file", ADDRESSES["right"][0])
        check_explained(bed.daemon)


def test_interface_changes_hands(case):
    """The port of LIF 2 moves to another interface and back; sessions of its LIF go with it."""
    with Net() as net:
        bed = Changing(case, net)
        before = net.link("middle", "port1")
        moved = dict(bed.ports[1], interface="port2")
        bed.change(bed.ports[0], moved)
        equal(net.link("middle", "port1"), before | {"promiscuity": 0}, "the interface that was left")
        listener = subprocess.Popen(
            net.command("middle", "/usr/bin/python3", "-c", LISTENER, "far2", 5, 5.0),
            stdout=subprocess.PIPE, text=True)
        listener.stdout.readline()
        send(net, "left", [LINK_FRAME] * 5)
        equal(len(json.loads(listener.stdout.readline())), 5, "frames that leave by the other interface")
        listener.wait(5)
        bed.change(*bed.ports)
        listener = Listener(net, "right", 5)
        send(net, "left", [LINK_FRAME] * 5)
        equal(listener.frames(), [LINK_FRAME] * 5, "frames at the right again")


def test_from_af_xdp_to_af_packet(case):
    with Net() as net:
        bed = Changing(case, net, kind="af_xdp")
        rings = [dict(each, kind="af_packet") for each in bed.ports]
        bed.change(*rings)
        equal({each.kind: each.attachment for each in bed.daemon.ports().values()}, {"af_packet": "ring v2"},
              "kinds and rings")
        listener = Listener(net, "right", 5)
        send(net, "left", [LINK_FRAME] * 5)
        equal(listener.frames(), [LINK_FRAME] * 5, "frames at the right")
        bed.change(*bed.ports, problems="port0 is a port already, and AF_XDP cannot be beside another port")
        bed.change(port("idle", 9))
        bed.change(*bed.ports)
        equal({each.attachment for each in bed.daemon.ports().values()}, {"native"}, "attachments")
        listener = Listener(net, "right", 5)
        send(net, "left", [LINK_FRAME] * 5)
        equal(listener.frames(), [LINK_FRAME] * 5, "frames at the right by AF_XDP")
