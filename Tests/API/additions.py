"""AddSession as a whole: its status, the bitmask and the list, all or nothing when full (A8, A9)."""

import time

from settings import settings
from suite import both, equal, true
from table import ACCEPTED, EXISTS, REJECTED, TABLE_FULL, fields


def _bad(identity):
    return fields(identity, protocolid=0)


@both
def test_64_good(case):
    table = case.table(settings())
    before = time.time_ns()
    reply = table.add(*[fields(number) for number in range(1, 65)])
    equal(reply.summary, (ACCEPTED, 0, []), "reply")
    true(before - 10**9 < reply.start < time.time_ns() + 10**9, f"starttime {reply.start} is not the present")
    equal(table.ids(), list(range(1, 65)), "sessions")
    equal(table.daemon.status().live_sessions, 64, "live sessions")


@both
def test_an_empty_stream_is_accepted(case):
    table = case.table(settings())
    reply = table.add()
    equal((reply.summary, reply.start), ((ACCEPTED, 0, []), None), "reply")


@both
def test_the_good_of_a_stream_are_inserted(case):
    """3 bad among 64: bits by position, least significant first, not by id."""
    table = case.table(settings())
    requests = [fields(1000 - number) for number in range(64)]
    for position in (0, 31, 63):
        requests[position] = _bad(1000 - position)
    reply = table.add(*requests)
    equal(reply.summary, (REJECTED, 1 << 0 | 1 << 31 | 1 << 63,
                          [(1000, REJECTED), (969, REJECTED), (937, REJECTED)]), "reply")
    true(reply.start is not None, "no starttime although sessions were inserted")
    equal(table.ids(), sorted({1000 - number for number in range(64)} - {1000, 969, 937}), "sessions")


@both
def test_a8_the_mask_has_64_the_list_has_all(case):
    table = case.table(settings())
    bad = (1, 62, 63, 64, 65, 127, 128, 299)
    reply = table.add(*[(_bad if number in bad else fields)(number + 1) for number in range(300)])
    equal(reply.summary, (REJECTED, 1 << 1 | 1 << 62 | 1 << 63,
                          [(number + 1, REJECTED) for number in bad]), "reply")
    equal(len(table.ids()), 292, "sessions")
    reply = table.add(*[(_bad if number == 64 else fields)(number + 1001) for number in range(65)])
    equal(reply.summary, (REJECTED, 0, [(1065, REJECTED)]), "one bad, the 65th")


@both
def test_a_common_cause_is_the_status_of_all(case):
    table = case.table(settings())
    table.add(fields(1), fields(2))
    for requests, status, mask, errors in (
            ([fields(1), fields(2)], EXISTS, 3, [(1, EXISTS), (2, EXISTS)]),
            ([fields(1), fields(3)], EXISTS, 1, [(1, EXISTS)]),
            ([_bad(8), _bad(9)], REJECTED, 3, [(8, REJECTED), (9, REJECTED)]),
            ([fields(1), _bad(9), fields(4)], REJECTED, 3, [(1, EXISTS), (9, REJECTED)])):
        reply = table.add(*requests)
        equal(reply.summary, (status, mask, errors), "reply")
    equal(table.ids(), [1, 2, 3, 4], "sessions")


@both
def test_starttime_only_where_something_was_inserted(case):
    table = case.table(settings())
    equal(table.add(_bad(1)).start, None, "starttime of nothing but bad requests")
    true(table.add(_bad(1), fields(2)).start is not None, "no starttime of a partial success")
    equal(table.add(fields(2)).start, None, "starttime of duplicates")


@both
def test_a9_full_inserts_none(case):
    for workers in (1, 2):
        table = case.table(settings(capacity=10, workers=workers))
        equal(table.add(*[fields(number) for number in range(1, 9)]).status, ACCEPTED, "8 of 10")
        reply = table.add(fields(20), fields(21), fields(22))
        equal(reply.summary, (TABLE_FULL, 7, [(identity, TABLE_FULL) for identity in (20, 21, 22)]), "3 more")
        equal((reply.start, len(table.ids())), (None, 8), "starttime and sessions after a full reply")
        reply = table.add(fields(20), fields(1), fields(21), _bad(30), fields(22))
        equal(reply.status, TABLE_FULL, "3 good among duplicates and bad ones")
        equal(reply.mask, 0b11111, "mask")
        equal([error[0] for error in reply.errors], [20, 1, 21, 30, 22], "who failed")
        equal(dict(reply.errors)[1], EXISTS, "status of the duplicate in a full reply")
        equal(dict(reply.errors)[30], REJECTED, "status of the bad one in a full reply")
        equal((reply.start, len(table.ids())), (None, 8), "starttime and sessions after a full reply")
        _expect_exact(table)


def _expect_exact(table):
    """8 of 10 are there: invalid requests and duplicates do not count, so 2 more fit exactly."""
    reply = table.add(fields(1), _bad(30), fields(20), fields(20), fields(2), fields(21), _bad(31))
    equal(reply.summary, (REJECTED, 0b1011011, [
        (1, EXISTS), (30, REJECTED), (20, EXISTS), (2, EXISTS), (31, REJECTED)]), "2 good among others")
    equal(table.ids(), [*range(1, 9), 20, 21], "sessions")
    reply = table.add(fields(1), fields(2))
    equal(reply.summary, (EXISTS, 3, [(1, EXISTS), (2, EXISTS)]), "duplicates at a full table")
    equal(table.add(_bad(40)).status, REJECTED, "a bad request at a full table")
    equal(table.add().status, ACCEPTED, "an empty stream at a full table")
    equal(table.add(fields(50)).status, TABLE_FULL, "one too many")
    table.delete(1)
    equal(table.add(fields(50)).status, ACCEPTED, "one in the place of a deleted one")
    equal(table.daemon.status().live_sessions, 10, "live sessions")


@both
def test_one_too_many_for_the_capacity(case):
    table = case.table(settings(capacity=100))
    reply = table.add(*[fields(number) for number in range(1, 102)])
    equal(reply.summary, (TABLE_FULL, 2**64 - 1, [(number, TABLE_FULL) for number in range(1, 102)]), "101")
    equal((table.ids(), table.daemon.status().live_sessions), ([], 0), "sessions")
    equal(table.add(*[fields(number) for number in range(1, 101)]).summary, (ACCEPTED, 0, []), "100")
