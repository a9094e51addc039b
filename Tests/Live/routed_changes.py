"""Addresses, routes and neighbours that change by a reload while a file goes through, and an idle router."""

from idle import check_idle
from raw import SOURCE
from routed import HOSTS, Routed
from suite import equal, eventually, seconds, true
from transfers import Files, change_under

MEGABYTE = 1 << 20
ADDED = "10.78.9.1"


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


def test_idle_routers_cost_next_to_nothing(case):
    with Routed(case, workers=2) as routed:
        routed.ping("left", HOSTS["right"][0])
        check_idle(routed.daemon, "a router of two workers")
