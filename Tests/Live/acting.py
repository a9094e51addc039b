"""What sessions that are added by the API do to live traffic, seen by the hosts at the far side."""

import subprocess
import time

import frames
from bump import bump, check_explained
from namespaces import ADDRESSES, Net
from raw import DESTINATION, Listener, send, to_listener
from suite import equal, eventually, true
from table import ACCEPTED, DROP, FORWARD, MIRROR, OPI, SNOOP, fields

KINDS = ("af_packet", "af_xdp")
PACKETS = 50
COLLECTOR = ("192.0.2.9", "2001:db8::9")
FAMILIES = (("10.9.0.1", "10.9.0.2"), ("2001:db8:9::1", "2001:db8:9::2"))

# Sends a numbered datagram a millisecond until it is killed.
TALKER = """
import socket, sys, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("", 40000))
number = 0
while True:
    s.sendto(number.to_bytes(8, "big"), (sys.argv[1], 9000))
    number += 1
    time.sleep(0.001)
"""

# Prints the kernel's time of every datagram until nothing has come for two seconds.
HEARER = """
import socket, struct
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_SOCKET, 35, 1)   # SO_TIMESTAMPNS
s.bind(("", 9000))
print("ready", flush=True)
s.settimeout(2)
while True:
    try:
        _, beside, _, _ = s.recvmsg(64, 256)
    except TimeoutError:
        break
    whole, part = struct.unpack("=qq", beside[0][2][:16])
    print(whole * 10**9 + part, flush=True)
print("end", flush=True)
"""


def _frames(request, back=False):
    """Packets of a session, each of a length of its own, for who listens to DESTINATION."""
    return [to_listener(frames.of(request, back=back, payload=18 + number)) for number in range(PACKETS)]


def _request(identity, family, action, hop=None):
    source, destination = FAMILIES[family]
    return fields(identity, source=source, destination=destination, action=action, hop=hop)


def test_each_action_at_the_far_side(case):
    """DROP and FORWARD, both ways and both families: by captures at the far side."""
    for kind in KINDS:
        with Net() as net:
            daemon = bump(case, net, kind=kind, policies={"miss": "drop", "non_session": "drop"})
            table = OPI(daemon)
            forwarded, dropped = ([_request(2 * family + number, family, action) for family in (0, 1)]
                                  for number, action in ((1, FORWARD), (2, DROP)))
            equal(table.add(*forwarded, *dropped).status, ACCEPTED, "added")
            for place, far, back in (("left", "right", False), ("right", "left", True)):
                passing = [frame for request in forwarded for frame in _frames(request, back)]
                listener = Listener(net, far, len(passing))
                send(net, place, [frame for request in dropped for frame in _frames(request, back)])
                send(net, place, passing)
                equal(listener.frames(), passing, f"frames at the {far}, {kind}")
            for request in forwarded + dropped:
                found = table.get(request["session_id"]).counters[:2]
                equal(found, (PACKETS, PACKETS), f"packets of session {request['session_id']}")
            equal(daemon.drops().get("sessionDrop"), 4 * PACKETS, "dropped")
            ports, _ = check_explained(daemon)
            equal([port.transmitted_packets for port in ports.values()], [2 * PACKETS] * 2, "sent, no more")


def test_copies_reach_the_collector(case):
    """MIRROR and SNOOP, both families: the original at the far side as it was, the copy at the collector."""
    for kind in KINDS:
        with Net(beside=True) as net:
            daemon = bump(
                case, net, kind=kind, interfaces=("port0", "port1", "port2"),
                policies={"miss": "drop", "non_session": "drop"},
                neighbors=[{"address": address, "mac": DESTINATION, "lif": 3} for address in COLLECTOR])
            table = OPI(daemon)
            for number, action in enumerate((MIRROR, SNOOP)):
                for family, hop in enumerate(COLLECTOR):
                    request = _request(10 * number + family + 1, family, action, hop)
                    equal(table.add(request).status, ACCEPTED, "added")
                    originals = _frames(request)
                    far, beside = (Listener(net, place, PACKETS) for place in ("right", "beside"))
                    send(net, "left", originals)
                    what = f"action {action} to {hop}, {kind}"
                    equal(far.frames(), originals, f"originals, {what}")
                    # Their source is the port's own.
                    equal([copy[12:] for copy in beside.frames()], [frame[12:] for frame in originals],
                          f"copies, {what}")
            ports, counters = check_explained(daemon)
            equal((counters["copiesMade"], counters["copiesFailed"]), (4 * PACKETS, 0), "copies")
            equal((counters["mirrored"], counters["snooped"]), (2 * PACKETS, 2 * PACKETS), "by action")
            equal({name: port.transmitted_packets for name, port in ports.items()},
                  {"lif-1": 0, "lif-2": 4 * PACKETS, "lif-3": 4 * PACKETS}, "sent, no more")


def test_a_flow_stops_at_once(case):
    """A session is changed to DROP while its packets pass: after the answer none arrives."""
    for kind in KINDS:
        with Net() as net:
            net.finish_checksums()
            daemon = bump(case, net, kind=kind)
            table = OPI(daemon)
            left, right = ADDRESSES["left"][0], ADDRESSES["right"][0]
            hearer = net.start("right", "/usr/bin/python3", "-c", HEARER, stdout=subprocess.PIPE, text=True)
            hearer.stdout.readline()
            net.start("left", "/usr/bin/python3", "-c", TALKER, right)
            request = fields(1, source=left, destination=right, sourceport=40000, destinationport=9000)
            hearer.stdout.readline()
            equal(table.add(request).status, ACCEPTED, "the learned session is taken over")
            eventually(lambda: table.get(1).inpackets > 100, "packets pass")
            request["action"] = {"actiontype": DROP}
            equal(table.upsert(request).status, ACCEPTED, "changed")
            answered = time.time_ns()
            counted = table.get(1).inpackets
            eventually(lambda: table.get(1).inpackets > counted + 100, "packets still come")
            arrived = [int(line) for line in iter(hearer.stdout.readline, "end\n")]
            late = [(when - answered) / 1e6 for when in arrived if when > answered]
            equal(late, [], f"milliseconds after the answer at which packets arrived, {kind}")
            true(len(arrived) > 90, f"{len(arrived)} arrived before")
            check = daemon.counters()
            true(check["dropped"] > 100, "the others were dropped")
