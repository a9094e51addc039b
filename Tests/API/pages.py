"""Paging over 100 000 sessions while others come and go; cursors that nobody gave out (decision A6)."""

import collections
import random
import threading

import grpc

from settings import settings
from suite import both, equal, refused, seconds, true
from table import ALL, CURSOR_BIT, LIVE, OPI, V2, fields

SESSIONS = 100_000
STREAM = 50_000
# Ids of sessions that come and go begin here.
PASSING = 1 << 40


def _fill(table, count=SESSIONS):
    for start in range(1, count + 1, STREAM):
        reply = table.add(*[fields(number) for number in range(start, min(start + STREAM, count + 1))],
                          timeout=60)
        equal((reply.status, reply.mask), (0, 0), "reply")


class Passing(threading.Thread):
    """Adds sessions beside those that stay, and deletes them, until it is told to stop."""

    def __init__(self, daemon):
        super().__init__(daemon=True)
        self.table = OPI(daemon, daemon.connect())
        self.ended = threading.Event()
        self.rounds = 0
        self.problem = None

    def run(self):
        try:
            while not self.ended.is_set():
                ids = [PASSING + self.rounds * 64 + number for number in range(64)]
                self.table.add(*[fields(identity, number, source="10.9.9.9")
                                 for number, identity in enumerate(ids)])
                for identity in ids:
                    self.table.delete(identity)
                self.rounds += 1
        except grpc.RpcError as error:
            self.problem = str(error)

    def stop(self):
        self.ended.set()
        self.join()
        equal(self.problem, None, "calls beside the paging")
        true(self.rounds > 0, "nothing happened beside the paging")


def _expect_each_once(ids, what, count=SESSIONS):
    seen = collections.Counter(ids)
    lasting = {identity: times for identity, times in seen.items() if identity < PASSING}
    missing = sorted(set(range(1, count + 1)) - lasting.keys())[:5]
    equal((len(lasting), missing), (count, []), f"{what}: lasting sessions seen, and the first missing")
    twice = [identity for identity, times in seen.items() if times > 1][:5]
    equal(twice, [], f"{what}: seen more than once")


@seconds(120)
def test_each_lasting_session_exactly_once(case):
    daemon = case.daemon(settings(capacity=150_000, workers=2))
    table, other = OPI(daemon), V2(daemon)
    _fill(table)
    passing = Passing(daemon)
    passing.start()
    try:
        pages, key = 0, 0
        ids = []
        while key or not pages:
            found, key = table.page(key, ALL)
            pages += 1
            equal(key == 0 or key >= CURSOR_BIT, True, f"bit 63 of nextkey {key}")
            true(len(found) <= 1024, f"{len(found)} sessions in a page")
            ids += [each.sessionid for each in found]
        true(pages >= 98, f"{pages} pages")
        _expect_each_once(ids, "GetAllSession")
        _expect_each_once([each.sessionid for each in other.list(1000)], "GetAllSessions")
        _expect_each_once([each.session_id for each in daemon.sessions(LIVE)], "ListSessions")
    finally:
        passing.stop()
    equal(daemon.status().live_sessions, SESSIONS, "live sessions at the end")


@both
def test_forged_cursors(case):
    table = case.table(settings())
    table.add(*[fields(number) for number in range(1, 11)])
    chance = random.Random(4)
    for key in [CURSOR_BIT, CURSOR_BIT + 1, CURSOR_BIT + 1024, 2**64 - 1,
                *(CURSOR_BIT | chance.getrandbits(63) for _ in range(50))]:
        refused(lambda: table.page(key), grpc.StatusCode.INVALID_ARGUMENT)


def test_cursors_are_of_one_daemon_and_not_to_be_changed(case):
    first = V2(case.daemon(settings()))
    second = V2(case.daemon(settings()))
    for table in (first, second):
        table.add(*[fields(number) for number in range(1, 101)])
    found, key = first.page(size=10)
    equal((len(found), key >= CURSOR_BIT), (10, True), "first page, and bit 63 of its next_key")
    refused(lambda: second.page(key), grpc.StatusCode.INVALID_ARGUMENT)
    for bit in range(63):
        refused(lambda: first.page(key ^ 1 << bit), grpc.StatusCode.INVALID_ARGUMENT)
    found, _ = first.page(key, size=90)
    equal(len(found), 90, "the sessions after the first page")


def test_many_lists_at_once(case):
    """More unfinished lists than anybody needs: old cursors may be forgotten, new ones work."""
    table = V2(case.daemon(settings()))
    table.add(*[fields(number) for number in range(1, 101)])
    keys = [table.page(size=1)[1] for _ in range(2000)]
    equal(all(key >= CURSOR_BIT for key in keys), True, "bit 63 of all cursors")
    found, _ = table.page(keys[-1], size=200)
    equal(len(found), 99, "the sessions after the first, by the last cursor")
