"""Records of closed sessions: GetClosedSessions drains, follows, shares; Delete acknowledges; losses."""

import threading
import time

import grpc

import stubs
from closing import open_, request, reset
from feed import Wire
from frames import of
from settings import settings
from suite import both, equal, eventually, refused, true
from table import CLOSED, NONEXISTENT, OPI, RST, TIMEOUT, V2, fields


def _close(daemon, first, count):
    """Sessions that end by their timeout of a second; returns when all have."""
    before = daemon.status().closed_timeout
    reply = OPI(daemon).add(*[fields(first + number, timeout=1) for number in range(count)])
    equal(reply.summary, (0, 0, []), "added")
    eventually(lambda: daemon.status().closed_timeout == before + count, f"{count} sessions time out", 5)


def _retained(daemon, count):
    eventually(lambda: daemon.status().closed_retained == count, f"{count} records are retained")


def test_drained_once_and_finished(case):
    daemon = case.daemon(settings())
    table = V2(daemon)
    equal(table.closed()[0], [], "when there are none")
    _close(daemon, 1, 100)
    _retained(daemon, 100)
    found, trailers = table.closed()
    equal(sorted(each.sessionid for each in found), list(range(1, 101)), "closed sessions")
    for each in found:
        equal((each.ending, each.counters, each.endtime - each.starttime),
              ((CLOSED, TIMEOUT), (0, 0, 0, 0), 10**9), f"session {each.sessionid}")
    equal(trailers.get("x-closed-lost"), "0", "x-closed-lost")
    equal((table.closed()[0], OPI(daemon).list(3)), ([], []), "after that")
    refused(lambda: table.get(1), grpc.StatusCode.NOT_FOUND)


def test_by_id_beside_a_live_one(case):
    """An id in use again: the record shows where closed sessions are asked for (decision A5)."""
    daemon = case.daemon(settings())
    table = OPI(daemon)
    _close(daemon, 7, 1)
    _retained(daemon, 1)
    table.add(fields(7))
    states = {state: sorted(each.ending[0] == CLOSED for each in table.page(7, state)[0])
              for state in (0, 3, 4)}
    equal(states, {0: [False], 3: [True], 4: [False, True]}, "whether closed, by filter")


def test_by_page_size(case):
    daemon = case.daemon(settings())
    table = V2(daemon)
    _close(daemon, 1, 100)
    _retained(daemon, 100)
    parts = [table.closed(size=30)[0] for _ in range(5)]
    equal([len(part) for part in parts], [30, 30, 30, 10, 0], "records by call")
    equal(sorted(each.sessionid for part in parts for each in part), list(range(1, 101)), "all, each once")


def test_two_consumers_share(case):
    daemon = case.daemon(settings(capacity=5000))
    _close(daemon, 1, 3000)
    _retained(daemon, 3000)
    found = [[], []]

    def drain(part):
        table = V2(daemon, daemon.connect())
        while True:
            records, _ = table.closed(size=100)
            if not records:
                return
            part += [each.sessionid for each in records]

    threads = [threading.Thread(target=drain, args=(part,)) for part in found]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    rest = [each.sessionid for each in V2(daemon).closed()[0]]
    equal(sorted(found[0] + found[1] + rest), list(range(1, 3001)), "each record once")


def test_x_follow_pushes(case):
    daemon = case.daemon(settings())
    _close(daemon, 1, 5)
    _retained(daemon, 5)
    calls = [V2(daemon, daemon.connect()).follow() for _ in range(2)]
    found, lock = [], threading.Lock()

    def read(call):
        try:
            for each in call:
                with lock:
                    found.append((each.session_id, time.monotonic()))
        except grpc.RpcError as error:
            if error.code() != grpc.StatusCode.CANCELLED:
                raise

    threads = [threading.Thread(target=read, args=(call,), daemon=True) for call in calls]
    for thread in threads:
        thread.start()
    eventually(lambda: len(found) == 5, "the retained ones are sent")
    _close(daemon, 11, 20)
    end = time.monotonic()
    eventually(lambda: len(found) == 25, "those that close are pushed", 2)
    true(all(at < end + 1 for _, at in found), "pushed late")
    for call in calls:
        call.cancel()
    for thread in threads:
        thread.join(5)
    equal(sorted(identity for identity, _ in found), [*range(1, 6), *range(11, 31)], "each once over both")
    _close(daemon, 41, 3)
    _retained(daemon, 3)
    equal(sorted(each.sessionid for each in V2(daemon).closed()[0]), [41, 42, 43], "after the followers left")


def test_ends_are_pushed_when_they_happen(case):
    """An RST is seen at once in lists and by watchers; its record comes when no late packet can."""
    wire = Wire(case)
    table = V2(wire.daemon)
    watch = wire.daemon.dataplane.WatchSessions(stubs.sluice.WatchSessionsRequest(), timeout=30)
    watch.initial_metadata()
    asked = request(1, timeout=2)
    table.add(asked)
    open_(wire, asked)
    call = table.follow()
    start = time.monotonic()
    reset(wire, asked)
    equal((table.get(1).ending, next(watch).kind, next(watch).kind), ((CLOSED, RST), 0, 3), "at once")
    equal([each.sessionid for each in OPI(wire.daemon).list(3)], [1], "listed at once")
    wire.send(of(asked, sequence=102, acknowledged=501, payload=0))
    true(time.monotonic() - start < 1, "the test was too slow")
    found = next(call)
    took = time.monotonic() - start
    true(took < 3.5, f"pushed after {took:.1f} s although it may linger for 2 s only")
    equal((found.session_id, found.session_close_code, found.in_packets, found.out_packets), (1, RST, 4, 1),
          "record, the late packet included")
    call.cancel()


@both
def test_delete_acknowledges(case):
    daemon = case.daemon(settings())
    table = case.generation(daemon)
    _close(daemon, 1, 3)
    _retained(daemon, 3)
    found = table.delete(2)
    equal((found.ending, found.endtime - found.starttime), ((CLOSED, TIMEOUT), 10**9), "the acknowledged one")
    equal(sorted(each.sessionid for each in OPI(daemon).list(3)), [1, 3], "retained")
    if case.generation is OPI:
        equal(table.delete(2).requeststatus, NONEXISTENT, "again")
    else:
        refused(lambda: table.delete(2), grpc.StatusCode.NOT_FOUND)
    equal(sorted(each.sessionid for each in V2(daemon).closed()[0]), [1, 3], "GetClosedSessions")


def test_losses_are_counted(case):
    daemon = case.daemon(settings(closed_retention=10))
    _close(daemon, 1, 25)
    _retained(daemon, 10)
    status = daemon.status()
    equal((status.closed_retained, status.closed_retention, status.closed_lost), (10, 10, 15), "status")
    found, trailers = V2(daemon).closed()
    equal((len(found), trailers.get("x-closed-lost")), (10, "15"), "records, and x-closed-lost")
    _close(daemon, 31, 5)
    _retained(daemon, 5)
    later = [each.sessionid for each in V2(daemon).closed()[0]]
    equal(sorted(later), list(range(31, 36)), "those that came later")
    equal(daemon.status().closed_lost, 15, "lost at the end")


def test_without_retention(case):
    daemon = case.daemon(settings(closed_retention=0))
    _close(daemon, 1, 5)
    equal(OPI(daemon).list(3), [], "retained")
    eventually(lambda: daemon.status().closed_lost == 5, "all are lost, and counted")
    equal(V2(daemon).closed()[0], [], "GetClosedSessions")


def test_watching_acknowledges_nothing(case):
    daemon = case.daemon(settings())
    watch = daemon.dataplane.WatchSessions(stubs.sluice.WatchSessionsRequest(), timeout=30)
    watch.initial_metadata()
    _close(daemon, 1, 10)
    closed = []
    for event in watch:
        if event.kind == stubs.sluice.SessionEvent.CLOSED:
            closed.append(event.session.session_id)
            if len(closed) == 10:
                break
    watch.cancel()
    equal(sorted(closed), list(range(1, 11)), "closed sessions that were watched")
    _retained(daemon, 10)
    equal(sorted(each.sessionid for each in V2(daemon).closed()[0]), list(range(1, 11)), "GetClosedSessions")


def test_a_consumer_that_goes_leaves_its_records(case):
    """What was not read by a follower that went is there for the next; nothing twice to the living."""
    daemon = case.daemon(settings(capacity=5000))
    _close(daemon, 1, 500)
    _retained(daemon, 500)
    table = V2(daemon, daemon.connect())
    call = table.follow()
    taken = {next(call).session_id for _ in range(3)}
    call.cancel()
    time.sleep(0.5)
    rest = [each.sessionid for each in V2(daemon).closed()[0]]
    equal(len(rest), len(set(rest)), "records of the second call, each once")
    true(set(rest) | taken <= set(range(1, 501)), "records of sessions that never were")
    equal(daemon.status().closed_retained, 0, "retained at the end")
