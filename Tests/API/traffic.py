"""Sessions and packets: which session a packet belongs to, what is counted, what actions do."""

import frames
from feed import Wire
from frames import of
from suite import both, equal, true
from table import (
    ACCEPTED, CLOSED, DROP, FORWARD, MIRROR, NOT_CLOSED, SNOOP, TCP, fields, ipv4)

SIX = {"source": "2001:db8::1", "destination": "2001:db8::2"}


@both
def test_a1_both_encodings_hit_the_same_packet(case):
    """10.0.0.1 from each reference client: 0x0100000A by inet_pton, 0x0A000001 as a host number."""
    wire = Wire(case)
    table = case.generation(wire.daemon)
    packet = frames.udp("10.0.0.1", 1025, "10.0.0.2", 1)
    answer = frames.udp("10.0.0.2", 1, "10.0.0.1", 1025)
    for value, encoding in ((0x0100000A, None), (0x0100000A, "inet_pton"), (0x0A000001, "host")):
        request = fields(1) | {"sourceip": value, "destinationip": ipv4("10.0.0.2", encoding or "inet_pton")}
        metadata = (("x-ipv4-encoding", encoding),) if encoding else ()
        equal(table.add(request, metadata=metadata).status, ACCEPTED, f"added as {encoding}")
        wire.send(packet)
        wire.send(answer, lif=2)
        equal(table.delete(1).counters, (1, 1, len(packet), len(answer)), f"counters, added as {encoding}")


@both
def test_a1_next_hops_too(case):
    """A MIRROR whose next hop is known as a neighbour under either encoding makes a copy."""
    wire = Wire(case, neighbors=[{"address": "192.0.2.9", "mac": "02:00:00:00:00:09", "lif": 2}])
    table = case.generation(wire.daemon)
    for count, encoding in enumerate(("inet_pton", "host"), 1):
        table.add(fields(1, action=MIRROR, hop="192.0.2.9", encoding=encoding),
                  metadata=(("x-ipv4-encoding", encoding),))
        wire.send(of(fields(1)))
        counters = wire.daemon.counters()
        equal((counters["mirrored"], counters["copiesMade"], counters["copiesFailed"]), (count, count, 0),
              f"copies, next hop as {encoding}")
        table.delete(1)


@both
def test_counters_by_direction(case):
    wire = Wire(case)
    table = case.generation(wire.daemon)
    requests = [fields(1), fields(2, protocolid=TCP), fields(3, **SIX), fields(4, protocolid=TCP, **SIX)]
    table.add(*requests)
    for request in requests:
        there = [of(request, payload=size) for size in (0, 10, 1000)]
        back = [of(request, back=True, payload=size) for size in (20, 1400)]
        wire.send(*there)
        wire.send(*back, lif=2)
        expected = (3, 2, sum(map(len, there)), sum(map(len, back)))
        equal(table.get(request["session_id"]).counters, expected, "counters by GetSession")
        equal([each.counters for each in table.list() if each.sessionid == request["session_id"]],
              [expected], "counters in the list")
        session = wire.daemon.session(request["session_id"])
        equal((session.in_packets, session.out_packets, session.in_bytes, session.out_bytes), expected,
              "counters of sluice.v1")
        equal(table.delete(request["session_id"]).counters, expected, "counters of the deleted one")
    counters = wire.daemon.counters()
    equal((counters["matched"], counters["forwarded"]), (20, 20), "matched and forwarded")
    ports = wire.daemon.ports()
    equal([(each.received_packets, each.transmitted_packets) for each in (ports["lif-1"], ports["lif-2"])],
          [(12, 8), (8, 12)], "received and transmitted by port")


@both
def test_a13_bytes_are_the_original_length(case):
    wire = Wire(case)
    table = case.generation(wire.daemon)
    table.add(fields(1), fields(2, inlif=1 | 100 << 16, outlif=2 | 100 << 16))
    wire.send(of(fields(1))[:50], original=1514)
    equal(table.get(1).counters, (1, 0, 1514, 0), "a packet cut by the snap length")
    tagged = of(fields(2), vlan=100)
    wire.send(tagged)
    equal(table.get(2).counters, (1, 0, len(tagged), 0), "the tag's 4 bytes count")


@both
def test_a14_lifs_and_vlans_are_compared(case):
    """A packet of the tuple that comes in elsewhere is a miss."""
    wire = Wire(case)
    table = case.generation(wire.daemon)
    request = fields(1, inlif=1 | 100 << 16, outlif=2 | 200 << 16)
    table.add(request)
    wire.send(of(request), of(request, vlan=200), of(request, back=True, vlan=100))
    wire.send(of(request, vlan=100), of(request, back=True), of(request, back=True, vlan=100), lif=2)
    equal(table.get(1).counters, (0, 0, 0, 0), "counters after packets elsewhere")
    equal(wire.daemon.counters()["missed"], 6, "misses")
    wire.send(of(request, vlan=100))
    wire.send(of(request, back=True, vlan=200), of(request, back=True, vlan=200), lif=2)
    equal(table.get(1).counters[:2], (1, 2), "packets after those on its LIFs")
    table.add(fields(2, number=1))
    wire.send(of(request))
    equal((table.get(1).counters[:2], table.get(2).counters[:2]), ((1, 2), (1, 0)), "the untagged session")


@both
def test_a14_opaque_0_is_any_lif(case):
    wire = Wire(case, api={"lif": "opaque"})
    table = case.generation(wire.daemon)
    table.add(fields(1, inlif=0, outlif=0))
    for lif in (1, 2):
        wire.send(of(fields(1)), of(fields(1), back=True), of(fields(1), vlan=9), lif=lif)
    equal(table.get(1).counters[:2], (4, 2), "packets from anywhere")


@both
def test_actions(case):
    """DROP, FORWARD, MIRROR and SNOOP of a packet each way (A19: SNOOP without a host port forwards)."""
    wire = Wire(case, neighbors=[{"address": "192.0.2.9", "mac": "02:00:00:00:00:09", "lif": 2}])
    table = case.generation(wire.daemon)
    names = {DROP: "dropped", FORWARD: "forwarded", MIRROR: "mirrored", SNOOP: "snooped"}
    for action, name in names.items():
        request = fields(1 + action, action=action, hop="192.0.2.9")
        before, sent = wire.daemon.counters(), _transmitted(wire)
        equal(table.add(request).status, ACCEPTED, name)
        wire.send(of(request))
        wire.send(of(request, back=True), lif=2)
        after = wire.daemon.counters()
        for verdict in names.values():
            equal(after[verdict] - before[verdict], 2 if verdict == name else 0, f"{verdict} by {name}")
        copies = 2 if action in (MIRROR, SNOOP) else 0
        equal(after["copiesMade"] - before["copiesMade"], copies, f"copies by {name}")
        equal(_transmitted(wire) - sent, (0 if action == DROP else 2) + copies, f"transmitted by {name}")
        equal(table.get(1 + action).counters[:2], (1, 1), f"packets of {name}")
    equal(wire.daemon.drops(), {"sessionDrop": 2}, "drops by reason")


def _transmitted(wire):
    return sum(each.transmitted_packets for each in wire.daemon.ports().values())


@both
def test_a_copy_that_fails_leaves_its_original(case):
    wire = Wire(case)
    table = case.generation(wire.daemon)
    table.add(fields(1, action=MIRROR, hop="192.0.2.9"))
    wire.send(of(fields(1)))
    counters = wire.daemon.counters()
    equal((counters["mirrored"], counters["copiesFailed"]), (1, 1), "mirrored, copies failed")
    equal(_transmitted(wire), 1, "transmitted")


@both
def test_the_next_packet_obeys(case):
    """A session acts from the answer of AddSession on, and no longer after that of DeleteSession."""
    wire = Wire(case, ports={"miss": "drop"})
    table = case.generation(wire.daemon)
    request = fields(1)
    for round_ in range(20):
        equal(table.add(request).status, ACCEPTED, "added")
        wire.send(of(request))
        equal(table.delete(1).counters[:2], (1, 0), f"packets in round {round_}")
        wire.send(of(request))
    equal(wire.daemon.drops(), {"missDrop": 20}, "drops")
    equal(wire.daemon.counters()["forwarded"], 20, "forwarded")


@both
def test_two_workers_count_like_one(case):
    wire = Wire(case, workers=2)
    table = case.generation(wire.daemon)
    requests = [fields(number, **(SIX if number % 3 == 0 else {})) for number in range(1, 101)]
    table.add(*requests)
    wire.send(*[of(request, payload=request["session_id"]) for request in requests * 2])
    wire.send(*[of(request, back=True) for request in requests], lif=2)
    for found in table.list():
        there = len(of(requests[found.sessionid - 1], payload=found.sessionid))
        back = len(of(requests[found.sessionid - 1]))
        equal(found.counters, (2, 1, 2 * there, back), f"counters of session {found.sessionid}")
    workers = wire.daemon.dataplane.ListWorkers(_workers_request(), timeout=5).workers
    true(all(worker.counters["matched"] > 50 for worker in workers), "one worker had nearly all packets")
    equal(sum(worker.counters["matched"] for worker in workers), 300, "matched")


def _workers_request():
    import stubs
    return stubs.sluice.ListWorkersRequest()


@both
def test_design_9_a_learned_session_is_taken_over(case):
    wire = Wire(case, ports={"miss": "learn"})
    table = case.generation(wire.daemon)
    request = fields(7)
    wire.send(of(request))
    wire.send(of(request, back=True), lif=2)
    learned, = table.list()
    equal((learned.sessionid >> 62, learned.counters[:2]), (1, (1, 1)), "id's top bits and packets")
    equal(wire.daemon.session(learned.sessionid).learned, True, "learned")
    equal(table.add(request | {"action": {"actiontype": DROP}}).summary, (ACCEPTED, 0, []), "taken over")
    equal(table.ids(), [7], "sessions")
    equal(table.get(7).counters[:2], (1, 1), "packets of the one taken over")
    wire.send(of(request))
    equal((wire.daemon.drops(), table.get(7).counters[:2]), ({"sessionDrop": 1}, (2, 1)), "the next packet")


@both
def test_misses_and_others(case):
    """Policies of ports: learn refused, drop; what cannot be a session."""
    wire = Wire(case, ports={"miss": "drop", "non_session": "drop"})
    arp = bytes.fromhex("ffffffffffff0200000000010806") + bytes.fromhex(
        "0001080006040001020000000001c0000201000000000000c0000202")
    wire.send(of(fields(1)), arp, b"\0" * 5)
    counters = wire.daemon.counters()
    equal((counters["missed"], counters["other"], counters["dropped"]), (1, 2, 3), "missed, other, dropped")
    equal(sum(wire.daemon.drops().values()), 3, "drops")
    equal(wire.daemon.drops()["missDrop"], 1, "drops of misses")
    equal(case.generation(wire.daemon).list(), [], "sessions")


@both
def test_deleted_in_traffic_has_final_counters(case):
    wire = Wire(case)
    table = case.generation(wire.daemon)
    table.add(fields(1, protocolid=TCP))
    wire.send(*[of(fields(1, protocolid=TCP)) for _ in range(300)])
    found = table.delete(1)
    equal((found.counters[:2], found.ending), ((300, 0), (CLOSED, NOT_CLOSED)), "deleted")
    wire.send(of(fields(1, protocolid=TCP)))
    equal(wire.daemon.counters()["missed"], 1, "misses afterwards")
