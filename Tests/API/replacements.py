"""`x-upsert: true`: the same id and tuple change action and timeout in place, nothing else does."""

import grpc

from duplicates import turned
from settings import settings
from suite import both, equal, eventually, refused, true
from table import (
    ACCEPTED, CLOSED, DROP, EXISTS, FORWARD, MIRROR, REJECTED, TABLE_FULL, TIMEOUT, fields)


@both
def test_action_and_timeout_change(case):
    table = case.table(settings())
    table.add(fields(1, action=FORWARD))
    start = table.get(1).starttime
    reply = table.upsert(fields(1, action=DROP, timeout=77))
    equal(reply.summary, (ACCEPTED, 0, []), "reply")
    true(reply.start is not None, "no starttime of a change")
    equal(table.daemon.session(1).action, DROP, "action")
    equal(table.get(1).starttime, start, "starttime of the session")
    equal(table.upsert(fields(1, action=MIRROR, hop="192.0.2.9")).status, ACCEPTED, "to MIRROR")
    equal(table.daemon.session(1).action, MIRROR, "action")
    equal(table.ids(), [1], "sessions")
    status = table.daemon.status()
    equal((status.live_sessions, status.sessions_opened), (1, 1), "live and opened")


@both
def test_a_shorter_timeout_counts_from_the_last_packet(case):
    table = case.table(settings())
    table.add(fields(1, timeout=600))
    equal(table.upsert(fields(1, timeout=1)).status, ACCEPTED, "reply")
    eventually(lambda: table.get(1).ending == (CLOSED, TIMEOUT), "closed by the new timeout", 4)


@both
def test_a_longer_timeout_keeps_it(case):
    table = case.table(settings())
    table.add(fields(1, timeout=1), fields(2, timeout=1))
    table.upsert(fields(1, timeout=600))
    eventually(lambda: table.get(2).ending == (CLOSED, TIMEOUT), "the unchanged one closed", 4)
    equal(table.ids(), [1], "live sessions")


@both
def test_in_one_stream_each_has_its_turn(case):
    for workers in (1, 2):
        table = case.table(settings(workers=workers))
        reply = table.upsert(fields(1, action=FORWARD), fields(1, action=DROP), fields(2, number=1),
                             fields(1, number=2), fields(2, number=2, action=DROP))
        equal(reply.summary, (EXISTS, 0b1100, [(2, EXISTS), (1, EXISTS)]), "reply")
        equal([table.daemon.session(identity).action for identity in (1, 2)], [DROP, DROP], "actions")
        equal(table.ids(), [1, 2], "sessions")


@both
def test_what_is_new_is_inserted(case):
    table = case.table(settings())
    equal(table.upsert(fields(1), fields(0, number=2)).summary, (ACCEPTED, 0, []), "reply")
    equal(len(table.ids()), 2, "sessions")


@both
def test_another_tuple_or_another_id_is_refused(case):
    table = case.table(settings())
    table.add(fields(1, number=1), fields(2, number=2))
    for request, what in (
            (fields(1, number=3), "a new tuple under the id"),
            (fields(1, number=2), "another session's tuple under the id"),
            (fields(3, number=1), "the tuple under a new id"),
            (fields(0, number=1), "the tuple without an id"),
            (turned(fields(1, number=1)), "the tuple turned round")):
        request["action"]["actiontype"] = DROP
        identity = request["session_id"]
        equal(table.upsert(request).summary, (EXISTS, 1, [(identity, EXISTS)]), what)
    equal([table.daemon.session(identity).action for identity in (1, 2)], [FORWARD, FORWARD], "actions")
    equal(table.ids(), [1, 2], "sessions")


@both
def test_a_bad_request_changes_nothing(case):
    table = case.table(settings())
    table.add(fields(1))
    equal(table.upsert(fields(1, action=9)).summary, (REJECTED, 1, [(1, REJECTED)]), "reply")
    equal(table.daemon.session(1).action, FORWARD, "action")


@both
def test_a_change_takes_no_place(case):
    table = case.table(settings(capacity=2))
    table.add(fields(1), fields(2))
    equal(table.upsert(fields(1, action=DROP), fields(2, action=DROP)).summary, (ACCEPTED, 0, []), "at full")
    reply = table.upsert(fields(1, action=FORWARD), fields(3))
    equal(reply.status, TABLE_FULL, "a change and one too many")
    equal(table.ids(), [1, 2], "sessions")
    table.delete(2)
    equal(table.upsert(fields(1, action=FORWARD), fields(3)).summary, (ACCEPTED, 0, []), "with room for one")
    equal(table.daemon.session(1).action, FORWARD, "action")


@both
def test_without_the_metadata_nothing_changes(case):
    table = case.table(settings())
    table.add(fields(1))
    for metadata in ((), (("x-upsert", "false"),)):
        equal(table.add(fields(1, action=DROP), metadata=metadata).status, EXISTS, "reply")
        equal(table.daemon.session(1).action, FORWARD, "action")


@both
def test_metadata_that_is_not_understood_is_refused(case):
    table = case.table(settings())
    for key, value in (("x-upsert", "yes"), ("x-upsert", ""), ("x-ipv4-encoding", "network"),
                       ("x-ipv4-encoding", "HOST")):
        refused(lambda: table.add(fields(1), metadata=((key, value),)),
                grpc.StatusCode.INVALID_ARGUMENT, key)
    equal(table.ids(), [], "sessions")
