"""Addresses, routes and neighbours that change by a reload while a file goes through; interfaces that
change; an idle router."""

import time

from idle import check_idle
from raw import SOURCE
from routed import HOSTS, ROUTER, Routed
from suite import equal, eventually, seconds, true
from transfers import Files, change_under

MEGABYTE = 1 << 20
ADDED = "10.78.9.1"
# Options of ip.
FAMILY = ("-4", "-6")


def _change_all(routed):
    """A route, an address and a neighbour come, are used, and go."""
    before = routed.neighbors()[("lif-2", HOSTS["right"][0])]
    routed.change(routes=[{"prefix": "192.0.2.0/24", "next_hop": HOSTS["right"][0], "port": "lif-2"}])
    routed.ping("left", "192.0.2.7", count=1)
    changes = routed.change(more_addresses=[f"{ADDED}/24"])
    true(changes, "what was changed")
    routed.ping("left", ADDED, count=1)
    found = routed.ping("left", "192.0.2.7", count=1, fails=True)
    true("Net Unreachable" in found, f"the route is gone: {found}")
    after = routed.neighbors()[("lif-2", HOSTS["right"][0])]
    equal((after.mac, after.state), (before.mac, "reachable"), "what was learned stays")
    routed.change()
    routed.ping("left", ADDED, count=1, fails=True)


def _under_transfer(case, **options):
    with Routed(case, **options) as routed:
        net = routed.net
        net.run("right", "ip", "address", "add", "192.0.2.7/32", "dev", "lo")
        files = Files(case, net)
        files.add("file", 40 * MEGABYTE)
        files.add("small", MEGABYTE)
        files.fetch("small", HOSTS["right"][0])
        before = routed.daemon.counters()["packets"]
        fetch = files.start("file", HOSTS["right"][0], seconds=40, rate=8)
        eventually(lambda: routed.daemon.counters()["packets"] > before + 1000, "the transfer runs")
        change_under(fetch, net, lambda: _change_all(routed), least=1)
        _, drops = routed.check_sums()
        true(set(drops) <= {"noRoute", "neighborUnresolved", "multicastNotRouted"}, f"drops: {drops}")


@seconds(90)
def test_changes_under_a_transfer(case):
    _under_transfer(case)


@seconds(90)
def test_changes_under_a_transfer_two_workers(case):
    _under_transfer(case, workers=2)


def test_what_waits_is_sent_once_its_neighbor_is_configured(case):
    """A host that answers no ARP: packets wait for it until the configuration says where it is."""
    with Routed(case) as routed:
        routed.net.run("right", "ip", "address", "add", "10.78.2.66/32", "dev", "lo")
        routed.net.run("right", "sysctl", "-qw", "net.ipv4.conf.eth0.arp_ignore=8")
        mac = routed.net.link("right", "eth0")["address"]
        ping = routed.net.start("left", "ping", "-n", "-c", 1, "-W", 10, "10.78.2.66")
        eventually(lambda: routed.neighbors().get(("lif-2", "10.78.2.66")) is not None, "it is asked for")
        equal(routed.neighbors()[("lif-2", "10.78.2.66")].state, "incomplete", "its state")
        fixed = {"address": "10.78.2.66", "mac": mac, "lif": 2}
        routed.change(neighbors=[fixed])
        equal(ping.wait(10), 0, "the packet that waited has arrived, and was answered")
        equal(routed.neighbors()[("lif-2", "10.78.2.66")].state, "static", "its state")
        routed.change(neighbors=[{**fixed, "mac": SOURCE}])
        routed.ping("left", "10.78.2.66", count=1, fails=True)
        routed.change()
        true(("lif-2", "10.78.2.66") not in routed.neighbors(), "forgotten with the configuration")
        routed.check_sums()


def _mtu_changes(case, **options):
    """Down and up again: who sends too much is told of the new one, and what fits passes."""
    with Routed(case, **options) as routed:
        for mtu in (1300, 1500, 1400):
            routed.set_mtu("right", mtu)
            # The port looks four times a second, the router ten times behind it.
            time.sleep(1)
            for family, header in enumerate((20, 40)):
                # The left host would not send what it knows to be too long.
                routed.net.run("left", "ip", FAMILY[family], "route", "flush", "cache")
                if mtu < 1500:
                    equal(routed.told_mtu(family, size=1500 - header - 8), mtu, "the MTU that we tell of")
                    routed.net.run("left", "ip", FAMILY[family], "route", "flush", "cache")
                routed.ping("left", HOSTS["right"][family], "-M", "do", "-s", mtu - header - 8, count=1)
        _, drops = routed.check_sums()
        equal(drops.get("packetTooBig"), 4, "drops for that reason")


def test_mtu_changes(case):
    _mtu_changes(case)


def test_mtu_changes_xdp(case):
    _mtu_changes(case, kind="af_xdp")


def _made_again(case, workers=1, **options):
    """The interface of a port is deleted and made again, and the host behind it has the address that it had:
    the port routes again."""
    with Routed(case, workers=workers, **options) as routed:
        net = routed.net
        files = Files(case, net)
        files.add("file", MEGABYTE)
        for family in (0, 1):
            routed.ping("left", HOSTS["right"][family])
        net.run("middle", "ip", "link", "delete", "port1")
        routed.ping("left", HOSTS["right"][0], "-W", "0.3", count=1, fails=True)
        net.connect("right")
        routed.address("right")
        if routed.kind == "af_xdp":
            net.finish_checksums()
        eventually(lambda: dict(routed.daemon.ports()["lif-2"].events).get("reattached") == workers,
                   "every worker has moved", seconds=10)
        # At once: nothing is sent to Ethernet addresses that the hosts had before.
        for family in (0, 1):
            routed.ping("left", HOSTS["right"][family], count=1)
        for family in (0, 1):
            routed.ping("right", ROUTER["right"][family])
            files.fetch("file", HOSTS["right"][family])
        routed.check_sums()


def test_interface_made_again(case):
    _made_again(case, workers=2)


def test_interface_made_again_xdp(case):
    _made_again(case, kind="af_xdp")


def test_idle_routers_cost_next_to_nothing(case):
    with Routed(case, workers=2) as routed:
        routed.ping("left", HOSTS["right"][0])
        check_idle(routed.daemon, "a router of two workers")
