"""Addresses, routes and neighbours that change by a reload while a file goes through, and an idle router."""

import hashlib
import time

from idle import _cpu_seconds
from ports_change import FEW, _resent
from raw import SOURCE
from routed import HOSTS, Routed
from suite import equal, eventually, seconds, true
from transfers import Files

MEGABYTE = 1 << 20
ADDED = "10.78.9.1"


def _change_all(routed, round_):
    """A route, an address and a neighbour come, are used, and go."""
    before = routed.neighbors()[("lif-2", HOSTS["right"][0])]
    routed.change(routes=[{"prefix": "192.0.2.0/24", "next_hop": HOSTS["right"][0], "port": "lif-2"}])
    routed.ping("left", "192.0.2.7", count=1)
    changes = routed.change(more_addresses=[f"{ADDED}/24"])
    true(changes, f"what was changed in round {round_}")
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
        target = f"{files.directory}/file.fetched"
        transfer = net.start(
            "left", "curl", "--silent", "--show-error", "--fail", "--noproxy", "*", "--limit-rate", "8M",
            "--max-time", 40, "--output", target, f"http://{HOSTS['right'][0]}:8080/file")
        before = routed.daemon.counters()["packets"]
        eventually(lambda: routed.daemon.counters()["packets"] > before + 1000, "the transfer runs")
        resent, rounds = _resent(net), 0
        while transfer.poll() is None:
            _change_all(routed, rounds)
            rounds += 1
        equal(transfer.returncode, 0, "curl's status")
        with open(target, "rb") as file:
            equal(hashlib.sha256(file.read()).hexdigest(), files.sums["file"], "the file's sum")
        true(rounds >= 1, f"{rounds} rounds of changes")
        again = _resent(net) - resent
        true(again <= FEW, f"{again} segments were sent again, in {rounds} rounds")
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
        shares = []
        # Other programs may have the CPUs at one time or another.
        for _ in range(3):
            before = _cpu_seconds(routed.daemon)
            time.sleep(2)
            after = _cpu_seconds(routed.daemon)
            shares.append(max(after[name] - before[name] for name in after) / 2)
            if shares[-1] < 0.02:
                return
        true(False, f"shares of a CPU without traffic: {shares}")
