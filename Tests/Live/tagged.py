"""Kernel TCP over a VLAN: relays beside the hosts put tags on, sluice sees tagged frames only."""

import os
import subprocess

from bump import bump, check_explained
from namespaces import ADDRESSES, Net
from suite import equal, true
from transfers import Files

# ListSessionsRequest.Filter
ALL = 4
RELAY = os.path.join(os.path.dirname(os.path.abspath(__file__)), "relay.py")


def _behind_relay(net, place, vid):
    """Moves a host's addresses to a pair of its own; a relay joins it to the link to sluice, tagged."""
    for address, length in zip(ADDRESSES[place], (24, 64)):
        net.run(place, "ip", "address", "del", f"{address}/{length}", "dev", "eth0")
    net.run(place, "ip", "link", "add", "host0", "type", "veth", "peer", "name", "relay0")
    net.run(place, "ethtool", "-K", "host0", "tx", "off")
    for address, length in zip(ADDRESSES[place], (24, 64)):
        net.run(place, "ip", "address", "add", f"{address}/{length}", "dev", "host0")
    for name in ("host0", "relay0"):
        net.run(place, "ip", "link", "set", name, "up")
    relay = net.start(place, "/usr/bin/python3", RELAY, "relay0", "eth0", vid, stdout=subprocess.PIPE,
                      text=True)
    relay.stdout.readline()


def _transfer(case, **options):
    with Net() as net:
        for place in ADDRESSES:
            _behind_relay(net, place, 100)
        daemon = bump(case, net, **options)
        files = Files(case, net)
        files.add("file", 2 << 20)
        for address in ADDRESSES["right"]:
            files.fetch("file", address)
        check_explained(daemon)
        sessions = daemon.sessions(ALL)
        true(sessions, "sessions were learned")
        equal({session.in_vlan for session in sessions}, {100}, "VLANs of the sessions")


def test_one_worker(case):
    _transfer(case)


def test_af_xdp(case):
    _transfer(case, kind="af_xdp")


def test_two_workers(case):
    _transfer(case, workers=2, ring={"version": 3})
