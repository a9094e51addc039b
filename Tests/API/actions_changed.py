"""`x-upsert` under traffic: a flow stops at the next packet and goes on again; its state stays."""

import frames
from feed import Wire
from frames import of
from suite import both, equal
from table import ACCEPTED, CLOSING_1, DROP, FORWARD, NOT_CLOSED, TCP, fields

PACKETS = 500


@both
def test_drop_and_back_from_the_next_packet_on(case):
    for workers in (1, 2):
        wire = Wire(_Numbered(case, workers), workers=workers)
        table = case.generation(wire.daemon)
        request = fields(1)
        table.add(request)
        expected = {DROP: 0, FORWARD: 0}
        for action in (FORWARD, DROP, FORWARD, DROP, DROP, FORWARD):
            request["action"] = {"actiontype": action}
            equal(table.upsert(request).summary, (ACCEPTED, 0, []), "changed")
            wire.send(*[of(request)] * PACKETS)
            expected[action] += PACKETS
            equal(wire.daemon.drops().get("sessionDrop", 0), expected[DROP], "dropped")
            equal(wire.daemon.counters()["forwarded"], expected[FORWARD], "forwarded")
            equal(wire.daemon.ports()["lif-2"].transmitted_packets, expected[FORWARD], "transmitted")
        equal(table.get(1).counters[0], sum(expected.values()), "packets of the session")


class _Numbered:
    """A case whose files have a number in their names, for several wires in one test."""

    def __init__(self, case, number):
        self.case, self.number = case, number

    def path(self, name):
        return self.case.path(f"{self.number}-{name}")

    def daemon(self, *arguments, **options):
        return self.case.daemon(*arguments, **options)


@both
def test_tcp_state_and_counters_stay(case):
    wire = Wire(case)
    table = case.generation(wire.daemon)
    request = fields(1, protocolid=TCP)
    table.add(request)
    wire.send(of(request), of(request, flags=frames.FIN | frames.ACK))
    before = table.get(1)
    equal(before.ending, (CLOSING_1, NOT_CLOSED), "state after a FIN")
    table.upsert(request | {"action": {"actiontype": DROP}})
    after = table.get(1)
    equal((after.ending, after.counters, after.starttime), (before.ending, before.counters, before.starttime),
          "state, counters and starttime after the change")
