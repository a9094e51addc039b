"""What already exists: by id, by tuple, by the tuple turned round; in the table, in one stream (A17, A18)."""

from settings import port, settings
from suite import both, equal
from table import ACCEPTED, EXISTS, FORWARD, DROP, TCP, fields

SIX = {"source": "2001:db8::1", "destination": "2001:db8::2"}


def turned(request):
    """The same session as its responder would ask for it."""
    pairs = [("sourceip", "destinationip"), ("sourceipv6", "destinationipv6"),
             ("sourceport", "destinationport"), ("inlif", "outlif")]
    exchange = {name: other for pair in pairs for name, other in (pair, pair[::-1])}
    return {exchange.get(name, name): value for name, value in request.items()}


@both
def test_by_id(case):
    table = case.table(settings())
    table.add(fields(1, number=1))
    equal(table.add(fields(1, number=2)).summary, (EXISTS, 1, [(1, EXISTS)]), "another tuple under the id")
    session = table.daemon.session(1)
    equal(session.source_port, 1025, "source port of the session that was first")


@both
def test_a17_by_tuple(case):
    table = case.table(settings())
    for others in ({}, SIX):
        table.add(fields(1, number=5, **others))
        equal(table.add(fields(2, number=5, **others)).summary, (EXISTS, 1, [(2, EXISTS)]), "another id")
        equal(table.add(fields(0, number=5, **others)).summary, (EXISTS, 1, [(0, EXISTS)]), "no id")
        equal(table.add(fields(1, number=5, **others)).summary, (EXISTS, 1, [(1, EXISTS)]), "the same again")
        equal(table.ids(), [1], "sessions")
        table.clear()


@both
def test_a18_by_the_tuple_turned_round(case):
    table = case.table(settings())
    for others in ({}, SIX):
        request = fields(1, number=5, **others)
        table.add(request)
        other = turned(request) | {"session_id": 2}
        equal(table.add(other).summary, (EXISTS, 1, [(2, EXISTS)]), "turned round")
        table.delete(1)
        equal(table.add(other).status, ACCEPTED, "turned round, after Delete")
        equal(table.add(request).status, EXISTS, "the first one again")
        table.clear()


@both
def test_what_is_no_duplicate(case):
    table = case.table(settings(ports=[port(f"p{lif}", lif) for lif in (1, 2, 3, 4)]))
    requests = [
        fields(1, number=5), fields(2, number=5, protocolid=TCP), fields(3, number=5, sourceport=9),
        fields(4, number=5, destinationport=9), fields(5, number=5, source="10.0.0.3"),
        fields(6, number=5, destination="10.0.0.3"), fields(7, number=5, **SIX),
        fields(8, number=5, inlif=3, outlif=4), fields(9, number=5, inlif=1 | 7 << 16, outlif=2 | 7 << 16),
        fields(10, number=5, sourceport=1, destinationport=1029),
    ]
    for request in requests:
        equal(table.add(request).summary, (ACCEPTED, 0, []), f"session {request['session_id']}")
    equal(table.ids(), list(range(1, 11)), "sessions")


@both
def test_inside_one_stream_the_first_wins(case):
    for workers in (1, 2):
        table = case.table(settings(workers=workers))
        first = fields(1, number=1, action=FORWARD)
        reply = table.add(
            first, fields(1, number=2, action=DROP), fields(2, number=1, action=DROP),
            turned(first) | {"session_id": 3}, fields(4, number=4), fields(1, number=1, action=DROP),
            fields(0, number=4), fields(0, number=6), fields(0, number=6))
        equal(reply.summary, (EXISTS, 0b101101110, [
            (1, EXISTS), (2, EXISTS), (3, EXISTS), (1, EXISTS), (0, EXISTS), (0, EXISTS)]), "reply")
        equal(table.ids()[:2], [1, 4], "sessions with ids of the client")
        equal(len(table.ids()), 3, "sessions")
        equal(table.daemon.session(1).action, FORWARD, "action of the first")


@both
def test_a_bad_request_is_in_nobodys_way(case):
    table = case.table(settings())
    reply = table.add(fields(1, number=1, timeout=10**9), fields(1, number=1), fields(2, number=1))
    equal(reply.mask, 0b101, "who failed")
    equal(table.ids(), [1], "sessions")
