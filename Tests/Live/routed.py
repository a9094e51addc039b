"""sluice as a router between the two hosts: ports with addresses, on subnets of their own."""

import ipaddress
import re
import subprocess
import time

import stubs
from scapy.all import ESP, IP, UDP, Ether, Raw

from bump import LiveDaemon, _reading, _settled, broken_equations
from namespaces import PORTS, Net
from raw import send
from running import CALL_SECONDS
from settings import port, settings
from suite import equal, eventually, true
from transfers import Files

HOSTS = {"left": ("10.78.1.2", "fd78:1::2"), "right": ("10.78.2.2", "fd78:2::2"),
         "beside": ("10.78.3.2", "fd78:3::2")}
ROUTER = {"left": ("10.78.1.1", "fd78:1::1"), "right": ("10.78.2.1", "fd78:2::1"),
          "beside": ("10.78.3.1", "fd78:3::1")}


class Routed:
    """Two hosts in different networks, three with `beside`, and a daemon that routes between them. A
    context."""

    def __init__(self, case, kind="af_packet", workers=1, mtus=(1500, 1500), beside=False, others=None,
                 **policies):
        self.case, self.kind, self.workers = case, kind, workers
        self.mtus, self.policies, self.others = (*mtus, 1500), policies, others or {}
        self.net = Net(queues=workers, beside=beside)
        self.places = ("left", "right", "beside") if beside else ("left", "right")

    def __enter__(self):
        net = self.net.__enter__()
        for place, mtu in zip(self.places, self.mtus):
            self.address(place)
            self.set_mtu(place, mtu)
        if self.kind == "af_xdp":
            net.finish_checksums()
        self.daemon = LiveDaemon(net, self.case.sluice, self.case.directory, self.settings(),
                                 len(self.case.daemons))
        self.case.daemons.append(self.daemon)
        self.daemon.start()
        return self

    def address(self, place):
        """Gives a host its own network in place of the one that all hosts share."""
        self.net.run(place, "ip", "address", "flush", "dev", "eth0", "scope", "global")
        for address, length, router in zip(HOSTS[place], (24, 64), ROUTER[place]):
            self.net.run(place, "ip", "address", "add", f"{address}/{length}", "dev", "eth0", "nodad")
            self.net.run(place, "ip", "route", "replace", "default", "via", router)

    def set_mtu(self, place, mtu):
        """Of both ends of a link: a host that sends more than it takes is how a path's MTU is found."""
        self.net.run("middle", "ip", "link", "set", PORTS[place], "mtu", mtu)
        self.net.run(place, "ip", "link", "set", "eth0", "mtu", mtu)

    def settings(self, more_addresses=(), routes=(), **others):
        """The configuration: with more addresses of the last port, more routes and other settings than at
        the start."""
        ports = [port(f"lif-{lif}", lif, interface=PORTS[place], kind=self.kind,
                      addresses=[f"{ROUTER[place][0]}/24", f"{ROUTER[place][1]}/64"], **self.policies)
                 for lif, place in enumerate(self.places, 1)]
        ports[-1]["addresses"] += more_addresses
        return settings(ports, workers=self.workers, **{**self.others, **others}, routes=[
            {"prefix": "198.51.100.0/24", "next_hop": HOSTS["right"][0], "port": "lif-2"}, *routes])

    def change(self, **others):
        """A reload of such a configuration: what it says that it changed."""
        with open(self.daemon.config, "w", encoding="utf-8") as file:
            file.write(self.settings(**others))
        answer = self.daemon.dataplane.Reload(stubs.sluice.ReloadRequest(), timeout=CALL_SECONDS)
        equal(list(answer.problems), [], "problems")
        return list(answer.changes)

    def neighbors(self):
        """By port and address: what is known of hosts on the links."""
        found = self.daemon.dataplane.ListNeighbors(
            stubs.sluice.ListNeighborsRequest(), timeout=CALL_SECONDS).neighbors
        return {(each.port, str(ipaddress.ip_address(each.address))): each for each in found}

    def __exit__(self, *arguments):
        self.net.__exit__(*arguments)

    def ping(self, place, address, *options, count=2, fails=False):
        """Pings from a host: ping's output."""
        done = subprocess.run(
            self.net.command(place, "ping", "-n", "-c", count, "-i", "0.1", "-W", "2", *options, address),
            capture_output=True, text=True, timeout=30, check=False)
        true((done.returncode != 0) == fails, f"ping {address} {options}: {done.stdout}{done.stderr}")
        return done.stdout + done.stderr

    def told_mtu(self, family, size=1400):
        """The MTU that the left host is told of when it sends the right one a packet that is too long."""
        found = self.ping("left", HOSTS["right"][family], "-M", "do", "-s", size, count=1, fails=True)
        told = re.findall(r"From (\S+) .*mtu ?= ?(\d+)", found)
        true(told and told[0][0] == ROUTER["left"][family], f"we say so: {found}")
        return int(told[0][1])

    def check_sums(self):
        """Both equations: what came has a verdict or waits, and what was sent is accounted for."""
        while True:
            reading = _settled(self.daemon)
            total, ports, drops = self.daemon.counters(), self.daemon.ports(), self.daemon.drops()
            # Hosts ask for us now and then: all of it must be of one moment.
            if _reading(self.daemon) == reading:
                break
        received = sum(each.received_packets for each in ports.values())
        equal(total["packets"] + total["held"], received, "packets received")
        equal(broken_equations(total, drops), [], f"sums that are wrong ({total})")
        equal(total["transmitted"] - total["punted"],
              sum(each.transmitted_packets for each in ports.values()), "packets sent by ports")
        return total, drops


def _passes(case, kind, workers=1, **policies):
    with Routed(case, kind, workers, **policies) as routed:
        for family in (0, 1):
            routed.ping("left", ROUTER["left"][family])
            routed.ping("left", ROUTER["right"][family])
            routed.ping("left", HOSTS["right"][family])
            found = routed.net.run("left", "ip", "neighbour", "show", ROUTER["left"][family])
            mac = routed.net.link("middle", "port0")["address"]
            true(mac in found, f"the kernel knows us: {found}")
        files = Files(case, routed.net)
        files.add("file", 2 << 20)
        for family in (0, 1):
            files.fetch("file", HOSTS["right"][family])
        total, _ = routed.check_sums()
        true(total["generated"] > 8, "we answer by ourselves")


def test_passes(case):
    _passes(case, "af_packet")


def test_passes_xdp(case):
    _passes(case, "af_xdp")


def test_passes_two_workers(case):
    _passes(case, "af_packet", workers=2)


def test_passes_two_workers_xdp(case):
    _passes(case, "af_xdp", workers=2)


def test_passes_learning(case):
    _passes(case, "af_packet", miss="learn")


def test_time_to_live(case):
    with Routed(case) as routed:
        for family, text in ((0, "Time to live exceeded"), (1, "Hop limit")):
            routed.ping("left", HOSTS["right"][family], "-t", "2")
            found = routed.ping("left", HOSTS["right"][family], "-t", "1", count=1, fails=True)
            true(text in found and ROUTER["left"][family] in found, f"we say so: {found}")
        _, drops = routed.check_sums()
        equal(drops.get("timeExceeded"), 2, "drops for that reason")


def test_path_mtu(case):
    with Routed(case, mtus=(1500, 1300)) as routed:
        equal([routed.told_mtu(family) for family in (0, 1)], [1300] * 2, "the MTU that we tell of")
        # Fragments of ours, put together by the kernel at the other end.
        routed.ping("left", HOSTS["right"][0], "-M", "dont", "-s", "1400")
        files = Files(case, routed.net)
        files.add("file", 1 << 20)
        for family in (0, 1):
            files.fetch("file", HOSTS["right"][family])
        _, drops = routed.check_sums()
        true(drops.get("packetTooBig", 0) >= 2, "drops for that reason")


def test_nobody_there(case):
    with Routed(case) as routed:
        found = routed.ping("left", "10.78.2.77", "-W", "5", count=1, fails=True)
        true("Destination Host Unreachable" in found and ROUTER["left"][0] in found, f"we say so: {found}")
        found = routed.ping("left", "fd78:2::77", "-W", "5", count=1, fails=True)
        true("unreachable" in found.lower(), f"we say so: {found}")
        found = routed.ping("left", "203.0.113.1", count=1, fails=True)
        true("Destination Net Unreachable" in found, f"no route: {found}")
        total, drops = routed.check_sums()
        equal(drops.get("neighborUnresolved"), 2, "drops for that reason")
        equal(drops.get("noRoute"), 1, "drops without a route")
        equal(total["held"], 0, "packets that wait")


def test_static_route(case):
    with Routed(case) as routed:
        routed.net.run("right", "ip", "address", "add", "198.51.100.7/32", "dev", "lo")
        routed.ping("left", "198.51.100.7")


def test_link_returns(case):
    with Routed(case) as routed:
        routed.ping("left", HOSTS["right"][0])
        before = routed.daemon.counters()["generated"]
        routed.net.run("right", "ip", "link", "set", "eth0", "down")
        eventually(lambda: "no carrier" in routed.daemon.ports()["lif-2"].error, "the link is down")
        time.sleep(1)
        routed.net.run("right", "ip", "link", "set", "eth0", "up")
        routed.net.run("right", "ip", "route", "replace", "default", "via", ROUTER["right"][0])
        eventually(lambda: routed.daemon.counters()["generated"] >= before + 3, "we announce ourselves")
        routed.ping("left", HOSTS["right"][0])


def _of_associations(mac, ports, begin, spis):
    """Packets to us of some SAs, each from many hosts and ports: they have nothing but the SPI in common."""
    made = []
    for number in range(8):
        for spi in spis:
            address = IP(src=f"10.78.1.{100 + number}", dst=ROUTER["left"][0])
            over = ESP(spi=spi, seq=number) if ports is None else (
                UDP(sport=2000 + 37 * number, dport=ports) / Raw(begin + spi.to_bytes(8, "big") + bytes(40)))
            made.append(bytes(Ether(src="02:00:00:00:00:77", dst=mac) / address / over))
    return made


def test_associations_stay_together(case):
    """IKE and ESP to us: every SA's packets end at one worker, by whichever they came."""
    kinds = ((None, b""), (500, b""), (4500, bytes(4)), (4500, None))
    with Routed(case, workers=2, miss="route") as routed:
        mac = routed.net.link("middle", "port0")["address"]
        seen = set()
        for ports, begin in kinds:
            for spi in range(1001, 1009):
                # ESP in UDP begins with its SPI.
                frames = _of_associations(mac, ports, b"" if begin is None else begin,
                                          [spi << 32 if begin is None else spi])
                before = [worker.counters["punted"] for worker in routed.daemon.workers()]
                send(routed.net, "left", frames)
                eventually(lambda: sum(worker.counters["punted"] for worker in routed.daemon.workers())
                           >= sum(before) + len(frames), "they are punted")
                more = [worker.counters["punted"] - old
                        for worker, old in zip(routed.daemon.workers(), before)]
                equal(sorted(more), [0, len(frames)], f"punted by each worker ({ports}, {spi})")
                seen.add(more.index(len(frames)))
        equal(seen, {0, 1}, "workers that SAs belong to")
        total, _ = routed.check_sums()
        equal(total["handedOff"], total["takenOver"], "packets handed over")
        equal(total["matched"] + total["missed"] + total["other"], total["packets"], "packets by kind")
