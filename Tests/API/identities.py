"""Session ids: the client's, the server's, and those that are nobody's (decision A2)."""

from settings import settings
from suite import both, equal, true
from table import ACCEPTED, CURSOR_BIT, EXISTS, REJECTED, SERVER_BIT, fields


@both
def test_clients_choose_below_bit_62(case):
    table = case.table(settings())
    good = (1, 2**31, 2**32, 2**53 + 1, SERVER_BIT - 1)
    equal(table.add(*[fields(identity, number) for number, identity in enumerate(good)]).summary,
          (ACCEPTED, 0, []), "ids up to 2^62-1")
    equal(table.ids(), list(good), "sessions")
    bad = (SERVER_BIT, SERVER_BIT + 1, CURSOR_BIT - 1, CURSOR_BIT, CURSOR_BIT + 5, 2**64 - 1)
    reply = table.add(*[fields(identity, number + 100) for number, identity in enumerate(bad)])
    equal(reply.summary, (REJECTED, 0b111111, [(identity, REJECTED) for identity in bad]), "bits 62 and 63")
    name = table.names.get("session_id", "session_id")
    true(name in reply.trailers["x-session-error"], f"{name} is not named: {reply.trailers}")
    equal(table.ids(), list(good), "sessions")


@both
def test_0_lets_the_server_choose(case):
    table = case.table(settings())
    reply = table.add(fields(0, 1), fields(5, 2), fields(0, 3), fields(0, 4, protocolid=0), fields(0, 1),
                      fields(0, 6))
    equal(reply.summary, (REJECTED, 0b11000, [(0, REJECTED), (0, EXISTS)]), "reply")
    assigned = reply.assigned
    equal(len(assigned), 5, "ids in x-assigned-session-ids, one for each request without its own")
    equal(assigned[2:4], [0, 0], "ids of those that failed")
    given = [assigned[0], assigned[1], assigned[4]]
    equal(len(set(given)), 3, "different ids")
    for identity in given:
        equal(identity >> 62, 1, f"the top bits of {identity}")
    equal(table.ids(), sorted([5, *given]), "sessions")
    for identity, number in zip(given, (1, 3, 6)):
        equal(table.daemon.session(identity).source_port, 1024 + number, "which session has the id")
        equal(table.get(identity).sessionid, identity, "GetSession by it")
        table.delete(identity)
    equal(table.ids(), [5], "sessions after DeleteSession of them")
    again = table.add(fields(0, 1)).assigned
    true(again[0] not in given, f"{again[0]} was given twice")


@both
def test_all_ids_chosen_in_a_long_stream_are_listed(case):
    """More than metadata can hold: the others are counted there, and all are in the list."""
    table = case.table(settings(capacity=3000))
    reply = table.add(*[fields(0, number) for number in range(2000)])
    equal(reply.summary, (ACCEPTED, 0, []), "reply")
    ids = table.ids()
    equal((len(ids), len(set(ids))), (2000, 2000), "sessions")
    true(set(reply.assigned) <= set(ids) and len(set(reply.assigned)) == len(reply.assigned) > 0,
         f"ids of the metadata that are not in the list: {set(reply.assigned) - set(ids)}")
    omitted = int(reply.trailers.get("x-assigned-session-ids-omitted", 0))
    equal(len(reply.assigned) + omitted, 2000, "ids told and omitted")


@both
def test_an_id_is_free_again_after_delete(case):
    table = case.table(settings())
    for number in range(1, 6):
        equal(table.add(fields(9, number)).status, ACCEPTED, "added again")
        equal(table.daemon.session(9).source_port, 1024 + number, "the new tuple")
        table.delete(9)
    equal(table.ids(), [], "sessions")
