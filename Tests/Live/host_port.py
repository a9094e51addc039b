"""Host ports: what a port punts goes to a TAP interface or a veth, where stacks and applications are; what
they send goes back out of the port."""

import subprocess

from bump import LiveDaemon, broken_equations
from namespaces import ADDRESSES, Net
from raw import Listener, send
from settings import port, settings
from suite import equal, eventually, true
from table import FORWARD, OPI, fields
from transfers import Files

TAP = "sluice0"
# The middle's own, at the TAP: hosts talk to it through sluice.
OWN = ("10.77.0.3", "fd77::3")
MEGABYTE = 1 << 20

# An application at a host port: each packet it sees is told as a line.
APPLICATION = """
import socket, sys
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
s.setsockopt(263, 23, 1)     # SOL_PACKET, PACKET_IGNORE_OUTGOING
s.bind((sys.argv[1], 3))
print("ready", flush=True)
while True:
    print(s.recv(65536).hex(), flush=True)
"""


def _daemon(case, net, ports, workers=1, prefix=()):
    daemon = LiveDaemon(net, case.sluice, case.directory, settings(ports, workers=workers),
                        len(case.daemons), prefix=prefix)
    case.daemons.append(daemon)
    return daemon


def _single(host_interface=TAP):
    """The left host's port, whose every packet goes to the host port."""
    return [port("lif-1", 1, kind="af_packet", interface="port0", miss="punt", non_session="punt",
                 host="host"),
            port("host", 2, kind="tap", interface=host_interface)]


def on_its_own(case, net):
    """A daemon with the left host's port and its TAP."""
    return _daemon(case, net, _single()).start()


def _between(**host):
    """A wire between both hosts; packets without session go to the TAP."""
    return [port("lif-1", 1, kind="af_packet", interface="port0", miss="punt", host="host"),
            port("lif-2", 2, kind="af_packet", interface="port1"),
            port("host", 3, kind="tap", interface=TAP, **host)]


def _own_addresses(net, name=TAP):
    for address, length in zip(OWN, (24, 64)):
        net.run("middle", "ip", "address", "add", f"{address}/{length}", "dev", name, "nodad")


def _check_equations(daemon):
    """Both equations, and that ports and counters agree, once nothing comes any more."""
    def agree():
        total, ports = daemon.counters(), daemon.ports()
        events = [dict(each.events) for each in ports.values()]
        unseen = sum(each.get("refused", 0) + each.get("ringFull", 0) for each in events)
        return (not broken_equations(total, daemon.drops())
                and total["packets"] == sum(each.received_packets for each in ports.values()) + unseen
                and total["transmitted"] == sum(each.transmitted_packets for each in ports.values()))
    eventually(agree, "both equations hold, and ports and counters agree", seconds=10)


def _interfaces(net):
    return net.run("middle", "ip", "-o", "link", "show")


def _stack_talks(case, workers=1):
    with Net() as net:
        daemon = _daemon(case, net, _single(), workers=workers).start()
        _own_addresses(net)
        ports = daemon.ports()
        equal((ports["host"].kind, ports["host"].source, ports["lif-1"].host, ports["host"].peer),
              ("tap", TAP, "host", 1), "the ports")
        for address in OWN:
            net.run("left", "ping", "-q", "-c", "5", "-i", "0.05", "-W", "2", address)
        files = Files(case, net, place="middle")
        files.add("file", 8 * MEGABYTE)
        for address in OWN:
            files.fetch("file", address)
        # Counted four times a second.
        for name in ("superFrames", "checksums"):
            eventually(lambda name=name: dict(daemon.ports()["host"].events).get(name, 0) > 0,
                       f"the stack at the TAP leaves work: {name}")
        total = daemon.counters()
        true(total["punted"] > 1000, "packets punted")
        equal(sum(daemon.drops().values()), 0, f"drops ({daemon.drops()})")
        _check_equations(daemon)
        daemon.terminate()
        true(TAP not in _interfaces(net), "the TAP is gone")


def test_a_stack_at_the_tap(case):
    _stack_talks(case)


def test_a_stack_at_the_tap_two_workers(case):
    _stack_talks(case, workers=2)


def test_the_stack_fetches(case):
    """The other way round: the middle's stack opens the connections."""
    with Net() as net:
        daemon = on_its_own(case, net)
        _own_addresses(net)
        files = Files(case, net, place="left")
        files.add("file", 4 * MEGABYTE)
        for address in ADDRESSES["left"]:
            files.fetch("file", address, place="middle")
        _check_equations(daemon)


class Application:
    """A raw socket at an interface of the middle."""

    def __init__(self, net, interface):
        self.process = net.start("middle", "/usr/bin/python3", "-c", APPLICATION, interface,
                                 stdout=subprocess.PIPE, text=True)
        self.process.stdout.readline()

    def next(self, holding):
        """The next frame that has these bytes."""
        while True:
            frame = bytes.fromhex(self.process.stdout.readline().strip())
            if holding in frame:
                return frame


RECEIVER = """
import socket, sys
s = socket.socket(socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET, socket.SOCK_DGRAM)
s.bind((sys.argv[1], 7007))
print("ready", flush=True)
while True:
    print(s.recv(2000).decode(), flush=True)
"""

SENDER = """
import socket, sys
s = socket.socket(socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET, socket.SOCK_DGRAM)
s.bind((sys.argv[1], 6006))
s.sendto(sys.argv[3].encode(), (sys.argv[2], 7007))
"""


def _decides(case, ports, application, workers=1):
    """A datagram without session reaches the application, which adds one; those behind it pass it by."""
    with Net() as net:
        if application != TAP:
            net.run("middle", "ip", "link", "add", application, "type", "veth", "peer", "name", "inside")
            for name in (application, "inside"):
                net.run("middle", "sysctl", "-qw", f"net.ipv6.conf.{name}.disable_ipv6=1")
                net.run("middle", "ip", "link", "set", name, "up")
        daemon = _daemon(case, net, ports, workers=workers).start()
        watcher = Application(net, application)
        for identity, family in enumerate((0, 1), 1):
            source, target = ADDRESSES["left"][family], ADDRESSES["right"][family]
            there = net.start("right", "/usr/bin/python3", "-c", RECEIVER, target, stdout=subprocess.PIPE,
                              text=True)
            there.stdout.readline()
            sent = [f"first {family}", f"second {family}"]
            net.run("left", "/usr/bin/python3", "-c", SENDER, source, target, sent[0])
            frame = watcher.next(sent[0].encode())
            equal(frame[12:14].hex(), ("0800", "86dd")[family], "the frame's EtherType")
            OPI(daemon).add(fields(identity, action=FORWARD, source=source, sourceport=6006,
                                   destination=target, destinationport=7007))
            before = daemon.counters()["punted"]
            net.run("left", "/usr/bin/python3", "-c", SENDER, source, target, sent[1])
            equal(there.stdout.readline().strip(), sent[1], "the datagram at the right host")
            equal(daemon.counters()["punted"], before, "packets punted after the session was added")
            there.kill()
        _check_equations(daemon)
        watcher.process.kill()


def test_an_application_at_the_tap_decides(case):
    _decides(case, _between(), TAP)


def test_an_application_at_the_tap_decides_two_workers(case):
    _decides(case, _between(), TAP, workers=2)


def test_an_application_at_a_veth_decides(case):
    ports = _between()
    ports[2] = port("host", 3, kind="af_packet", interface="inside")
    _decides(case, ports, "outside")


def test_sent_on_by_the_application(case):
    """With a peer of its own, what comes from the host port goes on to where it would have gone."""
    with Net() as net:
        daemon = _daemon(case, net, _between(peer=2)).start()
        frame = bytes.fromhex("020000000099" "020000000098" "88b5") + bytes(50)
        listener = Listener(net, "right", 3)
        send(net, "middle", [frame] * 3, interface=TAP)
        equal(listener.frames(), [frame] * 3, "frames at the right host")
        _check_equations(daemon)


def test_one_that_exists_is_used(case):
    """And stays; with one queue it is for one worker."""
    with Net() as net:
        net.run("middle", "ip", "tuntap", "add", TAP, "mode", "tap")
        daemon = _daemon(case, net, _single())
        equal(daemon.refusal(), 1, "exit status while it is down")
        true(f"ip link set {TAP} up" in daemon.said(), f"what mends it: {daemon.said()!r}")
        net.run("middle", "ip", "link", "set", TAP, "up")
        _own_addresses(net)
        daemon = _daemon(case, net, _single(), workers=2)
        equal(daemon.refusal(), 1, "exit status with two workers")
        true("2 workers" in daemon.said() and "multi_queue" in daemon.said(), f"said {daemon.said()!r}")
        daemon = on_its_own(case, net)
        for address in OWN:
            net.run("left", "ping", "-q", "-c", "2", "-i", "0.05", "-W", "2", address)
        daemon.terminate()
        true(TAP in _interfaces(net), "it is still there")


def test_down_deleted_and_longer(case):
    """Drops by name while it is down; made again when it was deleted; another MTU is followed."""
    with Net(mtu=3000) as net:
        daemon = on_its_own(case, net)
        frame = bytes.fromhex("020000000099" "020000000098" "88b5")
        net.run("middle", "ip", "link", "set", TAP, "down")
        send(net, "left", [frame + bytes(50)] * 10)
        eventually(lambda: daemon.drops().get("portDown", 0) >= 10, "ten drops for that reason")
        true(f"{TAP} is down" in daemon.ports()["host"].error, "the port tells why")
        net.run("middle", "ip", "link", "set", TAP, "up")
        equal(daemon.ports()["host"].error, "", "the port's error afterwards")
        send(net, "left", [frame + bytes(2000)] * 10)
        eventually(lambda: daemon.drops().get("oversized") == 10, "ten drops as too long")
        net.run("middle", "ip", "link", "delete", TAP)
        eventually(lambda: dict(daemon.ports()["host"].events).get("reattached") == 1, "it was made again")
        net.run("middle", "ip", "link", "set", TAP, "mtu", "3000")
        _own_addresses(net)

        def longer():
            listener = Listener(net, "middle", 3, seconds=0.7, interface=TAP)
            send(net, "left", [frame + bytes(2000)] * 3)
            return listener.frames() == [frame + bytes(2000)] * 3
        eventually(longer, "longer frames at the TAP", seconds=10)
        net.run("left", "ping", "-q", "-c", "3", "-i", "0.05", "-W", "2", "-s", "2500", "-M", "do", OWN[0])
        _check_equations(daemon)


def test_killed(case):
    with Net() as net:
        daemon = on_its_own(case, net)
        true(TAP in _interfaces(net), "the TAP is there")
        daemon.kill()
        eventually(lambda: TAP not in _interfaces(net), "it is gone with the process")


def test_refused(case):
    with Net() as net:
        for name, words, prefix in (
                ("port1", ("port host", "port1", "is no TAP interface"), ()),
                (TAP, ("port host", "CAP_NET_ADMIN"), ("setpriv", "--bounding-set", "-net_admin"))):
            daemon = _daemon(case, net, _single(host_interface=name), prefix=prefix)
            equal(daemon.refusal(), 1, "exit status")
            true(all(word in daemon.said() for word in words), f"{words} in {daemon.said()!r}")


def test_a_tap_is_a_port_like_others(case):
    """Between a TAP and a host, without punting: a learned session follows the stack's connections, and a
    sleeping worker is woken by what the TAP gets."""
    with Net() as net:
        ports = [port("lif-1", 1, kind="af_packet", interface="port0", miss="learn"),
                 port("tap", 2, kind="tap", interface=TAP, miss="learn")]
        daemon = _daemon(case, net, ports).start()
        _own_addresses(net)
        files = Files(case, net, place="middle")
        files.add("file", 8 * MEGABYTE)
        for address in OWN:
            files.fetch("file", address)
        text = net.run("middle", "ping", "-q", "-c", "20", "-i", "0.02", "-W", "2", ADDRESSES["left"][0])
        average = float(text.rsplit("=", 1)[1].split("/")[1])
        true(average < 20, f"round trips of {average} ms")
        true(daemon.counters()["sessionsOpened"] >= 2, "the connections were learned")
        _check_equations(daemon)
