"""MIRROR and SNOOP copies to a host behind a routed port; its address on the link is asked for."""

import itertools
import json
import subprocess

from scapy.all import GRE, IP, UDP, Ether, IPv6

import stubs
from raw import DESTINATION, Listener
from routed import HOSTS, ROUTER, Routed
from running import CALL_SECONDS
from suite import equal, eventually, true
from table import ACCEPTED, MIRROR, OPI, SNOOP, fields

COUNT = 10
# In a frame: to port 9000, 16 bytes.
DATAGRAM = "23280010"

# Sends so many numbered datagrams at once.
TALKER = """
import socket, sys
address, source, port, count = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
s = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)
s.bind((source, port))
for number in range(count):
    s.sendto(number.to_bytes(8, "big"), (address, 9000))
"""

# Prints the numbers of the datagrams that come, in order, until there are so many or 5 seconds have passed.
HEARER = """
import json, socket, sys
s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
s.bind(("::", 9000))
print("ready", flush=True)
s.settimeout(5)
found = []
try:
    while len(found) < int(sys.argv[1]):
        found.append(int.from_bytes(s.recv(64), "big"))
except TimeoutError:
    pass
print(json.dumps(sorted(found)), flush=True)
"""


def _talk(routed, family, sport, count=COUNT):
    """A burst of datagrams from left to right: the numbers that arrived."""
    hearer = routed.net.start("right", "/usr/bin/python3", "-c", HEARER, count, stdout=subprocess.PIPE,
                              text=True)
    hearer.stdout.readline()
    routed.net.run("left", "/usr/bin/python3", "-c", TALKER, HOSTS["right"][family], HOSTS["left"][family],
                   sport, count)
    return json.loads(hearer.stdout.readline())


def _request(identity, family, action, hop):
    return fields(identity, source=HOSTS["left"][family], destination=HOSTS["right"][family],
                  sourceport=40000 + identity, destinationport=9000, action=action, hop=hop)


def _datagrams(frames):
    """Of those that carry datagrams to port 9000: whole, and whence and which one."""
    found = []
    for frame in map(Ether, frames):
        inner = frame[GRE].payload if GRE in frame else frame
        if UDP in inner and inner[UDP].dport == 9000:
            found.append((frame, inner[UDP].sport, int.from_bytes(bytes(inner[UDP].payload)[:8], "big")))
    return found


def _check_copies(case, kind, **options):
    """Both actions, both families, next hops of both."""
    with Routed(case, kind, beside=True, **options) as routed:
        routed.net.run("beside", "ip", "link", "set", "eth0", "address", DESTINATION)
        ours = routed.net.link("middle", "port2")["address"]
        sessions = list(itertools.product((MIRROR, SNOOP), (0, 1), (0, 1)))
        requests = [_request(identity, family, action, HOSTS["beside"][of])
                    for identity, (action, family, of) in enumerate(sessions, 1)]
        equal(OPI(routed.daemon).add(*requests).status, ACCEPTED, "added")
        listener = Listener(routed.net, "beside", 8 * COUNT, seconds=40, holding=DATAGRAM)
        for identity, (action, family, of) in enumerate(sessions, 1):
            equal(_talk(routed, family, 40000 + identity), list(range(COUNT)),
                  f"originals, action {action}, family {family}, to {of}, {kind}")
        copies = _datagrams(listener.frames())
        equal(sorted((port, number) for _, port, number in copies),
              [(40000 + identity, number) for identity in range(1, 9) for number in range(COUNT)], "copies")
        for frame, _, _ in copies:
            equal((frame.dst, frame.src), (DESTINATION, ours), "Ethernet addresses")
            equal(frame[IP].ttl if IP in frame else frame[IPv6].hlim, 64, "as they came")
        total, _ = routed.check_sums()
        equal((total["copiesMade"], total["copiesFailed"]), (8 * COUNT, 0), "copies")
        equal((total["mirrored"], total["snooped"]), (4 * COUNT, 4 * COUNT), "by action")


def test_copies_find_their_next_hop(case):
    _check_copies(case, "af_packet")


def test_copies_find_their_next_hop_xdp(case):
    _check_copies(case, "af_xdp")


def test_copies_find_their_next_hop_two_workers(case):
    _check_copies(case, "af_packet", workers=2)


def test_copies_in_gre_by_a_router(case):
    """The outer header names the next hop; the Ethernet header the router on the way to it."""
    others = {"copies": {"encapsulation": "gre", "source": ROUTER["beside"][0]}}
    with Routed(case, beside=True, others=others) as routed:
        routed.change(routes=[{"prefix": "203.0.113.0/24", "next_hop": HOSTS["beside"][0], "port": "lif-3"}])
        routed.net.run("beside", "ip", "link", "set", "eth0", "address", DESTINATION)
        equal(OPI(routed.daemon).add(_request(1, 0, MIRROR, "203.0.113.9")).status, ACCEPTED, "added")
        listener = Listener(routed.net, "beside", COUNT, seconds=20, holding=DATAGRAM)
        equal(_talk(routed, 0, 40001), list(range(COUNT)), "originals")
        copies = _datagrams(listener.frames())
        equal([number for _, _, number in copies], list(range(COUNT)), "copies")
        for frame, _, _ in copies:
            equal((frame.dst, frame[IP].src, frame[IP].dst),
                  (DESTINATION, ROUTER["beside"][0], "203.0.113.9"), "addresses")


def test_nobody_answers(case):
    """Copies for a host that is not there fail by number; the flow is untouched."""
    with Routed(case, beside=True) as routed:
        equal(OPI(routed.daemon).add(_request(1, 0, MIRROR, "10.78.3.77")).status, ACCEPTED, "added")
        equal(_talk(routed, 0, 40001), list(range(COUNT)), "originals")
        eventually(lambda: routed.neighbors()[("lif-3", "10.78.3.77")].waiting == COUNT, "copies wait")
        eventually(lambda: routed.daemon.counters()["copiesFailed"] == COUNT, "they are given up", seconds=10)
        total, _ = routed.check_sums()
        equal(total["copiesMade"], COUNT, "copies")


def test_show_neighbors(case):
    """What is known of hosts, of two workers in one line, by gRPC and by the command."""
    others = {"neighbors": [{"address": "10.78.2.50", "mac": "02:00:00:00:00:50", "lif": 2}]}
    with Routed(case, workers=2, others=others) as routed:
        for family in (0, 1):
            routed.ping("left", HOSTS["right"][family], count=4)
        found = routed.neighbors()
        for place, name in (("left", "lif-1"), ("right", "lif-2")):
            for address in HOSTS[place]:
                each = found[(name, address)]
                equal((each.mac, each.state, each.waiting),
                      (routed.net.link(place, "eth0")["address"], "reachable", 0), f"{address}: {each}")
                true(0 < each.seconds_left <= 30 and 1 <= each.workers <= 2, f"{address}: {each}")
        fixed = found[("lif-2", "10.78.2.50")]
        equal((fixed.mac, fixed.state, fixed.seconds_left, fixed.workers),
              ("02:00:00:00:00:50", "static", 0, 2), "configured")
        routed.ping("left", "10.78.2.99", count=1, fails=True)
        of_one = routed.daemon.dataplane.ListNeighbors(
            stubs.sluice.ListNeighborsRequest(port="lif-1"), timeout=CALL_SECONDS).neighbors
        equal({each.port for each in of_one}, {"lif-1"}, "one port's")
        command = [routed.daemon.sluice, "show", "neighbors", "--socket", routed.daemon.socket]
        objects = json.loads(subprocess.check_output([*command, "--json"], text=True, timeout=10))
        named = {each["address"]: each for each in objects["neighbors"]}
        equal(named["10.78.2.50"]["state"], "static", "as JSON")
        text = subprocess.check_output(command, text=True, timeout=10)
        true(any(line.split()[:4] == ["lif-2", "10.78.2.50", "02:00:00:00:00:50", "static"]
                 for line in text.splitlines()), text)


def test_trace(case):
    """Where the route table sends a packet, what it waits for, and what ends at us."""
    with Routed(case) as routed:
        def journey(expression, *ping, fails=False, port="lif-1"):
            call = routed.daemon.dataplane.TracePackets(
                stubs.sluice.TracePacketsRequest(count=1, port=port, filter=expression), timeout=20)
            call.initial_metadata()
            routed.ping("left", *ping, count=1, fails=fails)
            packet, = [packet for message in call for packet in message.packets]
            return packet, {step.name: {each.name: each.value for each in step.details}
                            for step in packet.steps}
        echo = "icmp[icmptype] == icmp-echo"
        packet, steps = journey(echo, HOSTS["right"][0])
        waits = {"nextHop": HOSTS["right"][0], "outPort": "lif-2", "outLIF": "2", "timeToLive": "63",
                 "waits": "true"}
        equal((packet.verdict, steps["route"]), ("hold", waits), "the first one waits")
        packet, steps = journey(echo, HOSTS["right"][0])
        equal((packet.verdict, packet.out_port, steps["route"]["mac"]),
              ("forward", "lif-2", routed.net.link("right", "eth0")["address"]), "the next one goes")
        equal(steps["transmit"]["outPort"], "lif-2", "by that port")
        packet, steps = journey(echo, ROUTER["right"][0])
        equal((packet.verdict, steps["screen"]), ("consume", {"ends": "consume"}), "for us")
        packet, steps = journey(echo, "203.0.113.1", fails=True)
        equal((packet.verdict, steps["route"]), ("drop", {"failed": "noRoute"}), "nowhere")
        packet, steps = journey(echo, HOSTS["right"][0], "-t", "1", fails=True)
        equal(steps["screen"], {"ends": "drop", "dropReason": "timeExceeded"}, "no hops left")
