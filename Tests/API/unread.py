"""Clients that ask and never read: windows of zero, sockets that are not drained."""

import time

import grpc

import http2
import stubs
from bystander import Bystander
from settings import settings
from suite import equal, eventually, seconds, true
from table import OPI, V2, fields

LIST = "/opi.security.firewall.v1.SessionTable/GetAllSession"
CLOSED = "/openoffload.v2.SessionTable/GetClosedSessions"
WATCH = "/sluice.v1.Dataplane/WatchSessions"
SESSIONS = 20_000


def _filled(case, **others):
    daemon = case.daemon(settings(capacity=50_000, **others))
    OPI(daemon).add(*[fields(number) for number in range(1, SESSIONS + 1)])
    return daemon


@seconds(90)
def test_lists_that_nobody_reads(case):
    """8 connections of 100 lists of 1024 sessions, with a window of zero, then one that is never renewed."""
    daemon = _filled(case)
    with Bystander(daemon):
        for window in (0, 65535):
            connections = [http2.Connection(daemon.socket, window) for _ in range(8)]
            for connection in connections:
                for _ in range(100):
                    connection.call(LIST, b"")
            time.sleep(1.5)
            for connection in connections:
                connection.close()


@seconds(150)
def test_answers_that_nobody_reads_are_bounded(case):
    """Above 256 MiB of them there are no lists; later there are again."""
    daemon = _filled(case)
    request = stubs.sluice.ListSessionsRequest(page_size=4096)
    connections = []

    def ask():
        connections.append(http2.Connection(daemon.socket, 0))
        # The lists of those before are being made: on busy cores it is a while until these are read.
        connections[-1].socket.settimeout(30)
        for _ in range(100):
            connections[-1].call("/sluice.v1.Dataplane/ListSessions", request.SerializeToString())

    def refusal():
        for call in (lambda: daemon.dataplane.ListSessions(request, timeout=10), lambda: OPI(daemon).page(0)):
            try:
                call()
                return False
            except grpc.RpcError as error:
                equal(error.code(), grpc.StatusCode.RESOURCE_EXHAUSTED, "status")
        return True

    def refusal_while_asking():
        """Lists that begin together reserve more than their answers take: the first refusals are early."""
        ask()
        return refusal()

    for _ in range(16):
        ask()
    eventually(refusal_while_asking, "lists are refused", 30)
    true(daemon.resident_bytes() < 600 << 20, f"{daemon.resident_bytes() >> 20} MiB are resident")
    for connection in connections:
        connection.close()
    eventually(lambda: len(OPI(daemon).list()) == SESSIONS if not refusal() else False, "lists again", 10)


@seconds(90)
def test_a_flood_of_calls_that_nobody_reads(case):
    """As many calls as the socket takes, answers large and small, nothing read: the server stops reading."""
    daemon = _filled(case)
    with Bystander(daemon):
        connection = http2.Connection(daemon.socket, 2**31 - 1)
        connection.socket.settimeout(2)
        connection.socket.sendall(http2.frame(http2.WINDOW_UPDATE, 0, 0, (2**31 - 65536).to_bytes(4, "big")))
        sent = 0
        try:
            while sent < 20_000:
                connection.call(LIST, b"")
                sent += 1
        except (ConnectionError, TimeoutError):
            pass
        time.sleep(1)
        connection.close()


@seconds(90)
def test_closed_sessions_that_nobody_reads(case):
    """What a caller's window has no room for goes to another; none goes to two, and none is lost."""
    daemon = case.daemon(settings(capacity=20_000))
    count, calls = 12_000, 2
    OPI(daemon).add(*[fields(number, timeout=1) for number in range(1, count + 1)])
    eventually(lambda: daemon.status().closed_retained == count, "sessions close", 8)
    with Bystander(daemon):
        connections = [http2.Connection(daemon.socket, 0) for _ in range(calls // 2)]
        for connection in connections:
            connection.call(CLOSED, b"", others=[("x-follow", "true")])
            connection.call(CLOSED, b"")
        time.sleep(0.5)
        found = [each.sessionid for each in V2(daemon).closed()[0]]
        for connection in connections:
            connection.close()
        time.sleep(0.5)
        found += [each.sessionid for each in V2(daemon).closed()[0]]
    equal(len(found), len(set(found)), "records, each once")
    true(set(found) <= set(range(1, count + 1)), "records of sessions that never were")
    equal(len(found), count, "records")
    equal(daemon.status().closed_retained, 0, "retained at the end")


@seconds(90)
def test_watchers_that_do_not_read(case):
    daemon = case.daemon(settings(capacity=50_000))
    table = OPI(daemon)
    with Bystander(daemon):
        connections = [http2.Connection(daemon.socket, 0) for _ in range(10)]
        for connection in connections:
            for _ in range(10):
                connection.call(WATCH, b"")
        for start in (1, 10_001, 20_001):
            table.add(*[fields(number) for number in range(start, start + 10_000)])
        for connection in connections:
            connection.close()
    true(daemon.status().sessions_opened >= 30_000, "sessions opened")


def test_one_that_reads_late_gets_all(case):
    """Slowness is no fault: a follower that pauses gets each record once."""
    daemon = case.daemon(settings(capacity=5000))
    call = V2(daemon, daemon.connect(**{"grpc.http2.lookahead_bytes": 1024})).follow()
    OPI(daemon).add(*[fields(number, timeout=1) for number in range(1, 3001)])
    eventually(lambda: daemon.status().closed_timeout == 3000, "sessions close", 5)
    time.sleep(1)
    found = [next(call).session_id for _ in range(3000)]
    call.cancel()
    equal(sorted(found), list(range(1, 3001)), "records")
