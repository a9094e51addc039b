"""TracePackets: the journey of packets, step by step."""

import re
import struct

import grpc

import stubs
from capture_file import record
from feed import Wire
from frames import ACK, ETHERNET, FIN, SYN, of, tcp
from settings import port, settings
from suite import equal, eventually, refused, true
from table import DROP, MIRROR, OPI, SNOOP, fields

REQUEST = stubs.sluice.TracePacketsRequest
TIME_LIMIT_SECONDS = 20


class Trace:
    """A trace that runs."""

    def __init__(self, daemon, **wishes):
        self.call = daemon.dataplane.TracePackets(REQUEST(**wishes), timeout=TIME_LIMIT_SECONDS)
        self.call.initial_metadata()
        if not self.call.is_active():
            # What it was refused with.
            next(self.call)

    def packets(self):
        """All packets until the call ends."""
        return [packet for message in self.call for packet in message.packets]


def _steps(packet):
    """By name: the texts and details of a packet's steps; every name once, in its order."""
    names = [step.name for step in packet.steps]
    equal(len(set(names)), len(names), f"steps: {names}")
    return {step.name: (step.text, {each.name: each.value for each in step.details}) for step in packet.steps}


def _one(wire, *packets, lif=1):
    """The journey of the last packet."""
    wire.send(*packets[:-1], lif=lif)
    trace = Trace(wire.daemon, count=1)
    wire.send(packets[-1], lif=lif)
    packet, = trace.packets()
    return packet, _steps(packet)


def test_forwarded(case):
    wire = Wire(case)
    OPI(wire.daemon).add(fields(7))
    packet, steps = _one(wire, of(fields(7)))
    equal(list(steps), ["receive", "parse", "hash", "session", "transmit", "verdict"], "steps")
    equal((packet.port, packet.original_length, packet.verdict, packet.drop_reason, packet.out_port),
          ("lif-1", 52, "forward", "", "lif-2"), "the packet")
    equal(packet.description, "IP 10.0.0.1.1031 > 10.0.0.2.1: UDP, length 10", "what it is")
    equal(steps["receive"], ("port lif-1 (LIF 1), 52 bytes",
                             {"port": "lif-1", "lif": "1", "queue": "0", "length": "52",
                              "capturedLength": "52", "link": "ethernet"}), "receive")
    equal(steps["parse"][1], {"kind": "udp", "etherType": "0x0800", "family": "4", "protocol": "17",
                              "source": "10.0.0.1", "destination": "10.0.0.2", "sourcePort": "1031",
                              "destinationPort": "1"}, "parse")
    true(re.fullmatch("0x[0-9a-f]{16}: owned by worker 0, this one", steps["hash"][0]), steps["hash"])
    equal(steps["session"], ("7: forward, from its initiator, established",
                             {"session": "7", "action": "forward", "side": "initiator",
                              "stateBefore": "established", "stateAfter": "established"}), "session")
    equal(steps["transmit"], ("port lif-2 (LIF 2): accepted",
                              {"outPort": "lif-2", "outLIF": "2", "accepted": "true"}), "transmit")
    equal(steps["verdict"], ("forward", {"verdict": "forward"}), "verdict")


def test_dropped(case):
    wire = Wire(case)
    OPI(wire.daemon).add(fields(1, action=DROP, source="2001:db8::1", destination="2001:db8::2"))
    request = fields(1, source="2001:db8::1", destination="2001:db8::2")
    packet, steps = _one(wire, of(request, back=True, vlan=None), lif=2)
    equal((packet.verdict, packet.drop_reason, packet.out_port), ("drop", "sessionDrop", ""), "the packet")
    equal(list(steps), ["receive", "parse", "hash", "session", "verdict"], "steps")
    equal(steps["session"][0], "1: drop, from its responder, established", "session")
    equal(steps["parse"][1]["source"], "2001:db8::2", "source")
    equal(steps["verdict"][0], "drop, sessionDrop: The session's action is DROP.", "verdict")


def test_a_connection(case):
    """States before and after: learned, closing, ended by a new connection."""
    wire = Wire(case, ports={"miss": "learn"})
    way, back = ("10.0.0.1", 1000, "10.0.0.2", 80), ("10.0.0.2", 80, "10.0.0.1", 1000)
    sent = [(1, tcp(*way, SYN)), (2, tcp(*back, SYN | ACK)), (1, tcp(*way)), (1, tcp(*way, FIN | ACK)),
            (2, tcp(*back, FIN | ACK, acknowledged=2)), (1, tcp(*way, sequence=2, acknowledged=2)),
            (1, tcp(*way, SYN, sequence=9000))]
    trace = Trace(wire.daemon, count=len(sent))
    for lif, packet in sent:
        wire.send(packet, lif=lif)
    found = [_steps(packet) for packet in trace.packets()]
    opened = found[0]["policy"][1]["opened"]
    equal(found[0]["session"], ("none", {}), "the first one")
    equal(found[0]["policy"], (f"miss learn: session {opened} opened, forward, synSent",
                               {"miss": "learn", "opened": opened, "stateAfter": "synSent"}), "its policy")
    states = [(steps["session"][1]["stateBefore"], steps["session"][1]["stateAfter"]) for steps in found[1:6]]
    equal(states, [("synSent", "synReceived"), ("synReceived", "established"), ("established", "closing1"),
                   ("closing1", "closing2"), ("closing2", "closed")], "states")
    equal(found[3]["session"][0], f"{opened}: forward, from its initiator, established to closing1", "text")
    equal(found[6]["session"], (f"none: {opened} ends, a new connection begins",
                                {"ended": opened, "stateBefore": "closed"}), "a new connection")
    true(found[6]["policy"][1]["opened"] != opened, "another session")


def _policies(case, miss, non_session, verdicts):
    """The policies of the port for what has no session, and for what cannot have one."""
    wire = Wire(case, ports={"miss": miss, "non_session": non_session})
    packet, steps = _one(wire, of(fields(3)))
    equal((packet.verdict, steps["session"], steps["policy"]),
          (verdicts[0], ("none", {}), (f"miss {miss}", {"miss": miss})), "a miss")
    packet, steps = _one(wire, ETHERNET + b"\x88\xcc" + bytes(46))
    equal(packet.verdict, verdicts[1], "one that cannot have a session")
    equal(steps["policy"], (f"it cannot have a session: non_session {non_session}",
                            {"nonSession": non_session}), "its policy")
    true("hash" not in steps and "session" not in steps, "no session was looked for")


def test_misses_and_others(case):
    _policies(case, "forward", "drop", ("forward", "drop"))


def test_misses_dropped(case):
    _policies(case, "drop", "forward", ("drop", "forward"))


def test_punted(case):
    """To a host port, and where there is none."""
    wire = Wire(case, ports={"miss": "punt"})
    packet, steps = _one(wire, of(fields(3)))
    equal((packet.verdict, packet.out_port), ("punt", ""), "the packet")
    equal(steps["transmit"], ("there is no host port: it is counted", {}), "transmit")
    wire.close()


def test_mirrored(case):
    wire = Wire(case, neighbors=[{"address": "192.0.2.9", "mac": "02:00:00:00:00:09", "lif": 2}])
    OPI(wire.daemon).add(fields(1, action=MIRROR, hop="192.0.2.9"), fields(2, action=SNOOP, hop="192.0.2.8"))
    packet, steps = _one(wire, of(fields(1)))
    equal(list(steps), ["receive", "parse", "hash", "session", "copy", "transmit", "verdict"], "steps")
    equal((packet.verdict, packet.out_port), ("mirror", "lif-2"), "the packet")
    equal(steps["copy"], ("52 bytes for the next hop, by port lif-2 (LIF 2)",
                          {"length": "52", "outPort": "lif-2", "outLIF": "2"}), "copy")
    packet, steps = _one(wire, of(fields(2)))
    equal(packet.verdict, "snoop", "the other one")
    equal(steps["copy"], ("not made: no neighbour, or no buffer", {"failed": "true"}), "its copy")


def test_retagged(case):
    wire = Wire(case)
    OPI(wire.daemon).add(fields(1, outlif=2 | 100 << 16))
    packet, steps = _one(wire, of(fields(1)))
    equal(steps["rewrite"], ("put on VLAN 100", {"vlan": "100", "bytesGrown": "4"}), "rewrite")
    equal((packet.original_length, steps["receive"][1]["length"]), (52, "52"), "as it came")
    # Back on VLAN 100, and its tag comes off.
    packet, steps = _one(wire, of(fields(1), back=True, vlan=100), lif=2)
    equal((steps["parse"][1]["vlan"], steps["parse"][1]["tags"]), ("100", "1"), "its tag")
    equal(steps["rewrite"][0], "its VLAN tag is taken off", "rewrite")


def _fragments(identification, source_port=1000, lengths=(1480, 1480, 48)):
    """A UDP datagram from 10.0.0.1 to port 80 of 10.0.0.2, in fragments."""
    content = struct.pack("!HHHH", source_port, 80, sum(lengths), 0) + bytes(sum(lengths) - 8)
    found, offset = [], 0
    for number, length in enumerate(lengths):
        field = offset // 8 | (0x2000 if number + 1 < len(lengths) else 0)
        header = struct.pack("!BBHHHBBH", 0x45, 0, 20 + length, identification, field, 64, 17, 0)
        found.append(ETHERNET + b"\x08\x00" + header + bytes([10, 0, 0, 1, 10, 0, 0, 2])
                     + content[offset:offset + length])
        offset += length
    return found


def test_fragments(case):
    wire = Wire(case)
    OPI(wire.daemon).add(fields(5, sourceport=1000, destinationport=80))
    first, second, last = _fragments(77)
    trace = Trace(wire.daemon, count=3)
    # The second one waits for the first.
    wire.feeds[1].write(record(second) + record(first) + record(last))
    wire.fed += 3
    wire.settle()
    packets = trace.packets()
    names = [[step.name for step in packet.steps] for packet in packets]
    whole = ["receive", "parse", "fragment", "hash", "session", "transmit", "verdict"]
    equal(names, [whole, ["receive", "parse", "fragment", "resume"] + whole[2:], whole], "steps")
    texts = [[step.text for step in packet.steps if step.name == "fragment"] for packet in packets]
    follows = "follows its datagram's first one: UDP port 1000 to 80"
    equal(texts, [["first of its datagram: later ones follow it"],
                  ["waits for its datagram's first one", follows], [follows]], "texts")
    true(all(step.text.startswith("5: forward") for packet in packets for step in packet.steps
             if step.name == "session"), "they follow the session")
    equal([(packet.verdict, packet.out_port) for packet in packets], [("forward", "lif-2")] * 3, "verdicts")


def test_fragments_handed_off(case):
    """Those that wait do so where they were received; then they go to the owner of their session."""
    wire = Wire(case, workers=2)
    OPI(wire.daemon).add(*(fields(number, sourceport=1000 + number, destinationport=80)
                           for number in range(1, 17)))
    trace = Trace(wire.daemon, count=48)
    for number in range(1, 17):
        first, second, last = _fragments(number, 1000 + number)
        wire.feeds[1].write(record(second) + record(first) + record(last))
        wire.fed += 3
    wire.settle()
    end = ["fragment", "hash", "session", "transmit", "verdict"]
    ways = {tuple(start + more + end) for start in (["receive", "parse"],
                                                     ["receive", "parse", "fragment", "resume"])
            for more in ([], ["fragment", "handOff", "takeOver"])}
    packets = trace.packets()
    equal(len(packets), 48, "packets")
    equal({tuple(step.name for step in packet.steps) for packet in packets}, ways, "the ways they went")
    equal({(packet.verdict, packet.out_port) for packet in packets}, {("forward", "lif-2")}, "verdicts")


def test_malformed(case):
    wire = Wire(case)
    packet, steps = _one(wire, of(fields(3))[:20])
    equal(list(steps), ["receive", "parse", "verdict"], "steps")
    equal((packet.verdict, packet.drop_reason), ("drop", "truncatedIPv4"), "the packet")
    true(packet.description.startswith("malformed, truncatedIPv4: "), packet.description)
    equal(steps["parse"][1], {"dropReason": "truncatedIPv4"}, "why")


def _icmp_error(quoted):
    """Port unreachable from 10.0.0.2 about an IPv4 packet from 10.0.0.1."""
    content = struct.pack("!BBHI", 3, 3, 0, 0) + quoted[14:42]
    header = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(content), 0, 0, 64, 1, 0)
    return ETHERNET + b"\x08\x00" + header + bytes([10, 0, 0, 2, 10, 0, 0, 1]) + content


def test_icmp_errors(case):
    wire = Wire(case)
    OPI(wire.daemon).add(fields(1))
    packet, steps = _one(wire, _icmp_error(of(fields(1))), lif=2)
    equal((packet.verdict, packet.out_port), ("forward", "lif-1"), "the packet")
    equal(steps["session"][0], "1, quoted by this ICMP error: forward, from its responder, established",
          "session")
    _, steps = _one(wire, _icmp_error(of(fields(2))), lif=2)
    equal((steps["session"][0], steps["policy"][0]),
          ("none of the packet that it quotes", "non_session forward"), "an unrelated one")


def test_handed_off(case):
    """Two workers: one receives, and hands over what belongs to the other."""
    wire = Wire(case, workers=2)
    requests = [fields(number) for number in range(1, 41)]
    OPI(wire.daemon).add(*requests)
    trace = Trace(wire.daemon, count=len(requests))
    wire.send(*(of(request) for request in requests))
    packets = trace.packets()
    equal(len(packets), len(requests), "packets")
    seen = set()
    for packet in packets:
        steps = [(step.name, step.worker) for step in packet.steps]
        seen.add(len(steps))
        own = [("receive", 0), ("parse", 0), ("hash", 0), ("session", 0), ("transmit", 0), ("verdict", 0)]
        other = [("receive", 0), ("parse", 0), ("handOff", 0), ("takeOver", 1), ("hash", 1), ("session", 1),
                 ("transmit", 1), ("verdict", 1)]
        true(steps in (own, other), f"steps: {steps}")
        equal((packet.verdict, packet.out_port), ("forward", "lif-2"), "the packet")
        if steps == other:
            equal(packet.steps[2].text, "to worker 1, its owner", "handed over")
            true("owned by worker 1, this one" in packet.steps[4].text, packet.steps[4].text)
    equal(len(seen), 2, "both kinds of journeys")
    sessions = sorted(int(detail.value) for packet in packets for step in packet.steps
                      for detail in step.details if (step.name, detail.name) == ("session", "session"))
    equal(sessions, list(range(1, 41)), "every session once")


def test_which_packets(case):
    """By port, session and filter; the call ends behind the last one; nothing changes for others."""
    wire = Wire(case)
    OPI(wire.daemon).add(*(fields(number) for number in range(1, 10)))
    traces = [Trace(wire.daemon, **wishes) for wishes in (
        {"port": "lif-2", "count": 2}, {"session_id": 4, "count": 2}, {"filter": "udp src port 1029"},
        {"count": 5})]
    before = wire.daemon.counters()
    packets = [of(fields(number)) for number in range(1, 10)]
    wire.send(*packets)
    wire.send(*(of(fields(number), back=True) for number in range(1, 10)), lif=2)
    found = [[packet.description.split(":")[0] for packet in trace.packets()] for trace in traces]

    def way(number, back=False):
        ends = [f"10.0.0.1.{1024 + number}", "10.0.0.2.1"]
        return "IP " + " > ".join(reversed(ends) if back else ends)
    equal(found, [[way(1, True), way(2, True)], [way(4), way(4, True)], [way(5)],
                  [way(number) for number in range(1, 6)]], "packets")
    after = wire.daemon.counters()
    equal(after["matched"] - before["matched"], 18, "packets that found their session")
    equal(after["forwarded"] - before["forwarded"], 18, "packets forwarded")


def test_at_full_speed(case):
    """Thousands of journeys from workers that never rest, one of which hands over; none is told in part."""
    traffic = {"flows": 1000, "packets": 10_000, "size": 64, "rate": "max"}
    daemon = case.daemon(settings([port("a", 1, memory=traffic), port("b", 2)], workers=2))
    packets = Trace(daemon, count=2000).packets()
    equal(len(packets), 2000, "journeys")
    equal({(packet.verdict, packet.steps[-1].name) for packet in packets}, {("forward", "verdict")}, "ends")


def test_refused(case):
    daemon = case.daemon(settings())
    for wishes, code, words in (
            ({"count": 10_001}, "INVALID_ARGUMENT", ("count 10001", "10000")),
            ({"count": 2**32 - 1}, "INVALID_ARGUMENT", ("count 4294967295",)),
            ({"port": "c"}, "INVALID_ARGUMENT", ("port c is not configured", "a, b")),
            ({"port": "x" * 1000}, "INVALID_ARGUMENT", ("port", "512 bytes")),
            ({"filter": "tcp prt 1"}, "INVALID_ARGUMENT", ("tcp prt 1", "syntax error")),
            ({"filter": "tcp\0 prt"}, "INVALID_ARGUMENT", ("filter", "512 bytes")),
            ({"session_id": 77}, "NOT_FOUND", ("no session 77",))):
        call = daemon.dataplane.TracePackets(REQUEST(**wishes), timeout=TIME_LIMIT_SECONDS)
        refused(lambda call=call: next(call), grpc.StatusCode[code], *words)


def test_four_at_a_time(case):
    daemon = case.daemon(settings())
    traces = [Trace(daemon) for _ in range(4)]
    more = daemon.dataplane.TracePackets(REQUEST(), timeout=TIME_LIMIT_SECONDS)
    refused(lambda: next(more), grpc.StatusCode.RESOURCE_EXHAUSTED, "4 traces")
    for trace in traces:
        trace.call.cancel()

    def begun():
        try:
            return Trace(daemon)
        except grpc.RpcError:
            return None
    again = [eventually(begun, "one can trace again", 10) for _ in range(4)]
    for trace in again:
        trace.call.cancel()
