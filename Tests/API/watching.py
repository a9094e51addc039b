"""sluice.v1: what the dataplane says of itself, and the events of sessions."""

import threading

import grpc

import stubs
from closing import open_, request, reset
from feed import Wire
from settings import settings
from suite import both, equal, eventually, refused, true
from table import ACCEPTED, DROP, FORWARD, OPI, RST, CLOSED, fields

ADDED, CHANGED, DELETED, ENDED = range(4)


def _watch(daemon):
    watch = daemon.dataplane.WatchSessions(stubs.sluice.WatchSessionsRequest(), timeout=30)
    watch.initial_metadata()
    return watch


def test_so_many_watch_and_no_more(case):
    daemon = case.daemon(settings())
    watches = [_watch(daemon) for _ in range(64)]
    more = daemon.dataplane.WatchSessions(stubs.sluice.WatchSessionsRequest(), timeout=10)
    refused(lambda: next(more), grpc.StatusCode.RESOURCE_EXHAUSTED)
    for watch in watches:
        watch.cancel()
    eventually(lambda: _answers(daemon), "one can watch again")


def _answers(daemon):
    try:
        _watch(daemon).cancel()
        return True
    except grpc.RpcError:
        return False


def test_events_in_order(case):
    wire = Wire(case)
    table = OPI(wire.daemon)
    watches = [_watch(wire.daemon) for _ in range(2)]
    table.add(request(1), fields(2))
    table.upsert(fields(2, action=DROP))
    open_(wire, request(1))
    reset(wire, request(1))
    table.delete(2)
    for watch in watches:
        found = [next(watch) for _ in range(5)]
        equal(sorted((event.kind, event.session.session_id) for event in found[:2]), [(ADDED, 1), (ADDED, 2)],
              "the first events")
        equal({(event.kind, event.session.session_id) for event in found[2:]},
              {(CHANGED, 2), (ENDED, 1), (DELETED, 2)}, "the other events")
        events = {(event.kind, event.session.session_id): event.session for event in found}
        equal([events[key].action for key in ((ADDED, 2), (CHANGED, 2))], [FORWARD, DROP], "actions")
        ended = events[ENDED, 1]
        end = ended.state, ended.close_code, ended.in_packets, ended.out_packets
        equal(end, (CLOSED, RST, 3, 1), "end")
        true(ended.HasField("end_time") and not events[ADDED, 1].HasField("end_time"), "end_time")
        equal(sum(event.lost for event in found), 0, "lost")
        watch.cancel()


def test_a_watcher_that_does_not_read_loses_and_is_told(case):
    """10 000 sessions open before it reads; nobody waits for it, and what it lost is counted."""
    daemon = case.daemon(settings(capacity=20_000))
    table = OPI(daemon)
    watch = _watch(daemon)
    equal(table.add(*[fields(number) for number in range(1, 10_001)]).summary, (ACCEPTED, 0, []), "added")
    stopped = threading.Event()

    def go_on():
        """Sessions 10 001, 10 002, ..., one after another: some of them find room again."""
        number = 10_001
        while not stopped.wait(0.05):
            table.add(fields(number))
            number += 1

    going_on = threading.Thread(target=go_on, daemon=True)
    going_on.start()
    seen = lost = last = 0
    while last <= 10_000:
        event = next(watch)
        seen, lost, last = seen + 1, lost + event.lost, event.session.session_id
    stopped.set()
    going_on.join()
    watch.cancel()
    equal(seen + lost, last, "events seen and lost until the last one that was seen")


def test_status_ports_and_workers(case):
    wire = Wire(case, workers=2, capacity=77, closed_retention=99)
    table = OPI(wire.daemon)
    table.add(fields(1), request(2))
    open_(wire, request(2))
    reset(wire, request(2))
    status = wire.daemon.status()
    equal((status.workers, status.capacity, status.closed_retention), (2, 77, 99), "configuration")
    equal((status.live_sessions, status.lingering_sessions, status.sessions_opened, status.closed_rst),
          (1, 1, 2, 1), "sessions")
    true(status.version and status.commit and status.HasField("start_time"), "version, commit or start_time")
    ports = wire.daemon.ports()
    equal({name: (each.lif, each.peer, each.kind, each.receiving) for name, each in ports.items()},
          {"lif-1": (1, 2, "capture", True), "lif-2": (2, 1, "capture", True)}, "ports")
    equal((ports["lif-1"].source, ports["lif-1"].miss), (wire.feeds[1].path, "forward"), "source and policy")
    equal((ports["lif-1"].received_packets, ports["lif-2"].received_packets), (3, 1), "received")
    wire.feeds[1].close()
    eventually(lambda: not wire.daemon.ports()["lif-1"].receiving, "an ended capture is not receiving")
    equal(wire.daemon.ports()["lif-1"].error, "", "an end is no error")
    equal(table.ids(), [1], "sessions")


@both
def test_one_session_by_id(case):
    table = case.table(settings())
    table.add(fields(5))
    equal(table.daemon.session(5).session_id, 5, "session 5")
    equal(table.daemon.session(6), None, "session 6")


def test_memory(case):
    daemon = case.daemon(settings())
    memory = daemon.dataplane.GetMemory(stubs.sluice.GetMemoryRequest(), timeout=5)
    true(0.5 < memory.resident_bytes / daemon.resident_bytes() < 2, f"resident {memory.resident_bytes}")
    true(memory.table_bytes > 0 and memory.pool_bytes > 0, "no tables, or no pool")
    true(memory.pages in ("2M", "4K"), f"pages {memory.pages}")
