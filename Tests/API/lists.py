"""GetSession, DeleteSession, GetAllSession(s) without traffic: A4 to A7, A10, A11."""

import time

import grpc

from settings import settings
from suite import both, equal, refused, true
from table import ALL, CLOSED, CURSOR_BIT, ESTABLISHED, NONEXISTENT, NOT_CLOSED, OPI, RETAINED, V2, fields

NOBODY = (1, 77, 2**62 + 1, CURSOR_BIT, 2**64 - 1)


def test_a10_not_found_by_enum(case):
    table = OPI(case.daemon(settings()))
    for call in (table.get, table.delete):
        for identity in (0, *NOBODY):
            answer = call(identity)
            equal((answer.requeststatus, answer.sessionid), (NONEXISTENT, identity), "status and id")
            equal((answer.counters, answer.starttime, answer.endtime), ((0, 0, 0, 0), None, None), "the rest")


def test_a10_not_found_by_grpc_status(case):
    table = V2(case.daemon(settings()))
    for identity in (0, *NOBODY):
        refused(lambda: table.get(identity), grpc.StatusCode.NOT_FOUND, "Get Session Not Found")
        refused(lambda: table.delete(identity), grpc.StatusCode.NOT_FOUND, "Delete Session Not Found")


@both
def test_get_says_what_is_there(case):
    table = case.table(settings())
    before = time.time_ns()
    committed = table.add(fields(7)).start
    found = table.get(7)
    equal((found.sessionid, found.counters, found.ending, found.requeststatus),
          (7, (0, 0, 0, 0), (ESTABLISHED, NOT_CLOSED), 0), "session")
    equal(found.endtime, None, "endtime of a live session")
    true(before - 10**9 < found.starttime < time.time_ns() + 10**9, f"starttime {found.starttime}")
    true(abs(found.starttime - committed) < 10**9, "starttime of the session and of the reply differ")


@both
def test_a11_delete_has_no_close_code(case):
    table = case.table(settings())
    table.add(fields(7), fields(8))
    found = table.delete(7)
    equal((found.sessionid, found.ending, found.requeststatus), (7, (CLOSED, NOT_CLOSED), 0), "deleted")
    true(abs(found.endtime - time.time_ns()) < 2 * 10**9, f"endtime {found.endtime} is not the present")
    true(found.endtime >= found.starttime, "it ended before it began")
    equal(table.ids(), [8], "sessions")
    equal([each.session_id for each in table.daemon.sessions(filter_=ALL)], [8], "sessions, closed too")
    if case.generation is V2:
        refused(lambda: table.delete(7), grpc.StatusCode.NOT_FOUND)
        equal(table.closed()[0], [], "closed sessions")
    else:
        equal(table.delete(7).requeststatus, NONEXISTENT, "deleted again")
        equal(table.list(RETAINED), [], "closed sessions")


def test_deleted_sessions_are_reported_on_request(case):
    daemon = case.daemon(settings(api={"report_deleted": True}))
    table = OPI(daemon)
    table.add(fields(7), fields(8))
    table.delete(7)
    equal([(each.sessionid, each.ending) for each in table.list(RETAINED)], [(7, (CLOSED, NOT_CLOSED))],
          "retained")
    equal([each.sessionid for each in V2(daemon).closed()[0]], [7], "GetClosedSessions")
    equal(table.list(RETAINED), [], "retained after that")


def test_a4_id_0_is_all_else_one(case):
    table = OPI(case.daemon(settings()))
    equal(table.page(), ([], 0), "an empty table")
    table.add(*[fields(number) for number in (3, 4, 5)])
    found, key = table.page(0)
    equal((sorted(each.sessionid for each in found), key), ([3, 4, 5], 0), "all")
    for identity, expected in ((4, [4]), (6, []), (2**62 + 1, [])):
        found, key = table.page(identity)
        equal(([each.sessionid for each in found], key), (expected, 0), f"id {identity}")


def test_a5_filters_without_traffic(case):
    table = OPI(case.daemon(settings()))
    table.add(fields(3))
    for state, expected in ((0, [3]), (1, []), (2, []), (3, []), (4, [3])):
        equal([each.sessionid for each in table.list(state)], expected, f"sessionstate {state}")
        equal([each.sessionid for each in table.page(3, state)[0]], expected, f"id 3, sessionstate {state}")
    for state in (5, 100, -1):
        refused(lambda: table.page(0, state), grpc.StatusCode.INVALID_ARGUMENT, "sessionstate")


@both
def test_lists_agree_with_get(case):
    table = case.table(settings())
    table.add(*[fields(number) for number in range(1, 30)])
    for each in table.list():
        equal(vars(each), vars(table.get(each.sessionid)), f"session {each.sessionid} listed and got")


def test_v2_page_size_and_start(case):
    table = V2(case.daemon(settings()))
    table.add(*[fields(number) for number in range(1, 31)])
    for size in (1, 7, 29, 30, 31, 10**9, 2**32 - 1):
        found, key = table.page(size=size)
        equal(len(found), min(size, 30), f"sessions of a page of {size}")
        if size == 30 and key:
            # Nobody looked beyond the page: then another one says that there is no more.
            equal(table.page(key), ([], 0), "the page after the last session")
        else:
            equal(key != 0, size < 30, f"whether more come after {size}")
        equal(sorted(each.sessionid for each in table.list(size)), list(range(1, 31)), f"by pages of {size}")
    for number in (2, 3, 2**32 - 1):
        refused(lambda: table.page(size=10, number=number), grpc.StatusCode.INVALID_ARGUMENT, "page")
    refused(lambda: table.page(key=5), grpc.StatusCode.INVALID_ARGUMENT, "start_session")


@both
def test_both_generations_show_the_same(case):
    daemon = case.daemon(settings())
    adding = case.generation(daemon)
    adding.add(*[fields(number) for number in range(1, 6)])
    others = [generation(daemon) for generation in (OPI, V2)]
    equal([other.ids() for other in others], [[1, 2, 3, 4, 5]] * 2, "ids by each generation")
    equal(*[vars(other.get(3)) for other in others], "session 3 by each generation")
