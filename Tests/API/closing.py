"""How sessions end: FIN, RST, silence, and how the lists show it on the way (A5, A12)."""

import time

from feed import Wire
from frames import ACK, FIN, RST as RESET, SYN, of
from settings import settings
from suite import both, equal, eventually, true
from table import (
    ACCEPTED, CLOSED, CLOSING_1, CLOSING_2, ESTABLISHED, FINACK, NOT_CLOSED, OPI, RST, TCP, TIMEOUT, V2,
    fields)


def request(identity, **others):
    return fields(identity, protocolid=TCP, **others)


def open_(wire, asked):
    """The handshake; the initiator's next sequence number is 101, the responder's 501."""
    wire.send(of(asked, flags=SYN, sequence=100, acknowledged=0, payload=0))
    wire.send(of(asked, back=True, flags=SYN | ACK, sequence=500, acknowledged=101, payload=0), lif=2)
    wire.send(of(asked, sequence=101, acknowledged=501, payload=0))


def finish(wire, asked, packets=3):
    """FIN, FIN, the ACK of the last one: so many of these packets."""
    steps = ((1, of(asked, flags=FIN | ACK, sequence=101, acknowledged=501, payload=0)),
             (2, of(asked, back=True, flags=FIN | ACK, sequence=501, acknowledged=102, payload=0)),
             (1, of(asked, sequence=102, acknowledged=502, payload=0)))
    for lif, packet in steps[:packets]:
        wire.send(packet, lif=lif)


def reset(wire, asked):
    wire.send(of(asked, flags=RESET | ACK, sequence=101, acknowledged=501, payload=0))


@both
def test_a12_fin_by_fin(case):
    wire = Wire(case)
    table = case.generation(wire.daemon)
    table.add(request(1))
    open_(wire, request(1))
    equal(table.get(1).ending, (ESTABLISHED, NOT_CLOSED), "after the handshake")
    for packets, expected in (
            (1, (CLOSING_1, NOT_CLOSED)), (2, (CLOSING_2, NOT_CLOSED)), (3, (CLOSED, FINACK))):
        finish(wire, request(1), packets)
        found = table.get(1)
        equal((found.ending, found.endtime is not None), (expected, packets == 3), f"after {packets} packets")
    true(abs(found.endtime - time.time_ns()) < 3 * 10**9, f"endtime {found.endtime}")
    equal(table.ids(), [], "live sessions")


@both
def test_a12_rst(case):
    wire = Wire(case)
    table = case.generation(wire.daemon)
    table.add(request(1))
    open_(wire, request(1))
    reset(wire, request(1))
    found = table.get(1)
    equal((found.ending, found.counters[:2]), ((CLOSED, RST), (3, 1)), "after the RST")
    equal(wire.daemon.counters()["forwarded"], 4, "forwarded, the RST too")


@both
def test_design_9_a_forged_rst_changes_nothing(case):
    wire = Wire(case)
    table = case.generation(wire.daemon)
    table.add(request(1))
    open_(wire, request(1))
    wire.send(of(request(1), flags=RESET, sequence=0x70000000, payload=0))
    equal(table.get(1).ending, (ESTABLISHED, NOT_CLOSED), "after the forged RST")
    counters = wire.daemon.counters()
    equal((counters["implausibleReset"], counters["forwarded"]), (1, 4), "implausible and forwarded")


@both
def test_a12_punt_leaves_control_packets_out(case):
    wire = Wire(case, tcp_control="punt")
    table = case.generation(wire.daemon)
    table.add(request(1))
    open_(wire, request(1))
    finish(wire, request(1), 2)
    reset(wire, request(1))
    found = table.get(1)
    equal((found.ending, found.counters[:2]), ((ESTABLISHED, NOT_CLOSED), (1, 0)), "after SYN, FIN and RST")
    equal(wire.daemon.counters()["punted"], 5, "punted")


def test_a16_silence(case):
    table = OPI(case.daemon(settings(timeouts={"cache_default": 1})))
    before = time.time_ns()
    table.add(fields(1, timeout=0), fields(2, timeout=2), fields(3))
    eventually(lambda: table.get(1).ending == (CLOSED, TIMEOUT), "closed by the default of one second", 4)
    early = time.time_ns() - before < 2 * 10**9
    true(table.get(2).ending == (ESTABLISHED, NOT_CLOSED) or not early,
         "the session of two seconds closed too early")
    eventually(lambda: table.get(2).ending == (CLOSED, TIMEOUT), "closed after two seconds", 4)
    for identity, length in ((1, 1), (2, 2)):
        found = table.get(identity)
        equal(found.endtime - found.starttime, length * 10**9, "the timeout between start and end")
    equal(table.ids(), [3], "live sessions")
    status = table.daemon.status()
    equal((status.closed_timeout, status.live_sessions), (2, 1), "closed by timeout, live")


def test_a_packet_in_either_direction_is_no_silence(case):
    wire = Wire(case)
    table = V2(wire.daemon)
    table.add(fields(1, timeout=2), fields(2, timeout=2), fields(3, timeout=2))
    for _ in range(8):
        time.sleep(0.5)
        wire.send(of(fields(1)))
        wire.send(of(fields(2), back=True), lif=2)
    equal(table.get(3).ending, (CLOSED, TIMEOUT), "the silent one")
    equal(table.ids(), [1, 2], "live sessions")


def test_a5_filters(case):
    """A session in each state, and which filters show it."""
    wire = Wire(case)
    table = OPI(wire.daemon)
    table.add(*[request(number) for number in range(1, 6)], fields(6, timeout=1))
    for number in range(1, 6):
        open_(wire, request(number))
    finish(wire, request(2), 1)
    finish(wire, request(3), 2)
    finish(wire, request(4), 3)
    reset(wire, request(5))
    eventually(lambda: table.get(6).ending == (CLOSED, TIMEOUT), "session 6 closed")
    eventually(lambda: len(table.list(3)) == 3, "three closed sessions are listed")
    for state, expected in ((0, [1, 2, 3]), (1, [2]), (2, [3]), (3, [4, 5, 6]), (4, [1, 2, 3, 4, 5, 6])):
        found = sorted(each.sessionid for each in table.list(state))
        equal(found, expected, f"sessionstate {state}")
        for identity in range(1, 7):
            found = [each.sessionid for each in table.page(identity, state)[0]]
            equal(found, [identity] * (identity in expected), f"id {identity}, sessionstate {state}")
    equal({each.sessionid: each.ending for each in table.list(4)},
          {1: (ESTABLISHED, NOT_CLOSED), 2: (CLOSING_1, NOT_CLOSED), 3: (CLOSING_2, NOT_CLOSED),
           4: (CLOSED, FINACK), 5: (CLOSED, RST), 6: (CLOSED, TIMEOUT)}, "states and close codes")
    equal(sorted(each.sessionid for each in table.list(3)), [4, 5, 6], "closed ones again, not drained")
    equal(V2(wire.daemon).ids(), [1, 2, 3], "live sessions by GetAllSessions")


@both
def test_late_packets_count_into_the_closed_one(case):
    wire = Wire(case)
    table = case.generation(wire.daemon)
    table.add(request(1))
    open_(wire, request(1))
    reset(wire, request(1))
    count = table.get(1).inpackets
    wire.send(of(request(1), sequence=102, acknowledged=501, payload=0))
    found = table.get(1)
    equal((found.ending, found.inpackets), ((CLOSED, RST), count + 1), "closed, one packet later")
    status = wire.daemon.status()
    equal((status.live_sessions, status.lingering_sessions), (0, 1), "live and lingering")


@both
def test_closed_ones_are_in_nobodys_way(case):
    """Neither id, nor tuple, nor place in a full table."""
    wire = Wire(case, capacity=2)
    table = case.generation(wire.daemon)
    table.add(request(1), request(2))
    for number in (1, 2):
        open_(wire, request(number))
        reset(wire, request(number))
    equal(table.add(request(1), request(3, number=2)).summary, (ACCEPTED, 0, []), "the id; the tuple")
    found = table.get(1)
    equal((found.ending, found.counters), ((ESTABLISHED, NOT_CLOSED), (0, 0, 0, 0)), "the new session 1")
    equal(table.ids(), [1, 3], "live sessions")
    old = OPI(wire.daemon).list(3)
    equal(sorted((each.sessionid, each.ending) for each in old), [(1, (CLOSED, RST)), (2, (CLOSED, RST))],
          "closed sessions")
    equal(table.delete(1).ending, (CLOSED, NOT_CLOSED), "Delete means the live one")
    equal(len(OPI(wire.daemon).list(3)), 2, "closed sessions after Delete of the live one")
    equal(table.delete(1).ending, (CLOSED, RST), "then the closed one")
    equal([each.sessionid for each in OPI(wire.daemon).list(3)], [2], "closed sessions")


@both
def test_a_syn_on_a_closed_tuple_is_a_new_connection(case):
    wire = Wire(case, ports={"miss": "learn"})
    table = case.generation(wire.daemon)
    table.add(request(1))
    open_(wire, request(1))
    finish(wire, request(1))
    wire.send(of(request(1), flags=SYN, sequence=9000, acknowledged=0, payload=0))
    learned, = table.list()
    equal((learned.sessionid >> 62, learned.counters[:2]), (1, (1, 0)), "the new session")
    equal((table.get(1).ending, table.get(1).counters[:2]), ((CLOSED, FINACK), (4, 2)), "the old session")
