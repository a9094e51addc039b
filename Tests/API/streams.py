"""AddSession streams: the longest, the broken and the unfinished; nothing is inserted before half-close."""

import threading
import time

import grpc

from settings import settings
from suite import both, equal, eventually, refused, seconds, true
from table import ACCEPTED, EXISTS, TABLE_FULL, V2, fields

LONGEST = 65_536


class Slowly:
    """Requests that come as the test lets them, then nothing until it says so."""

    def __init__(self, messages):
        self.messages = messages
        self.sent = threading.Event()
        self.finish = threading.Event()

    def __iter__(self):
        yield from self.messages
        self.sent.set()
        self.finish.wait(30)


@seconds(120)
@both
def test_65536_and_one_more(case):
    table = case.table(settings(capacity=100_000, workers=2))
    messages = [table.request(**fields(number)) for number in range(1, LONGEST + 2)]
    refused(lambda: table.add(*messages, timeout=60), grpc.StatusCode.RESOURCE_EXHAUSTED)
    equal((table.daemon.status().live_sessions, table.page()[0]), (0, []), "sessions after one too many")
    equal(table.add(*messages[:LONGEST], timeout=60).summary, (ACCEPTED, 0, []), "65 536")
    equal(table.daemon.status().live_sessions, LONGEST, "sessions")
    if case.generation is V2:
        return
    reply = table.add(*messages[:LONGEST], timeout=60)
    equal((reply.status, reply.mask, len(reply.errors)), (EXISTS, 2**64 - 1, LONGEST), "all again")
    equal(reply.errors[-1], (LONGEST, EXISTS), "the last one's error")


@both
def test_a_smaller_limit(case):
    table = case.table(settings(api={"limits": {"sessions_per_stream": 100}}))
    refused(lambda: table.add(*[fields(number) for number in range(1, 102)]),
            grpc.StatusCode.RESOURCE_EXHAUSTED, "100")
    equal(table.ids(), [], "sessions after 101")
    equal(table.add(*[fields(number) for number in range(1, 101)]).status, ACCEPTED, "100")


@both
def test_cancelled_before_its_end(case):
    table = case.table(settings())
    stream = Slowly([table.request(**fields(number)) for number in range(1, 101)])
    call = table.stub.AddSession.future(iter(stream))
    true(stream.sent.wait(10), "the messages are not sent")
    time.sleep(0.2)
    equal(table.ids(), [], "sessions before the end of the stream")
    call.cancel()
    stream.finish.set()
    time.sleep(0.2)
    equal((table.ids(), table.daemon.status().sessions_opened), ([], 0), "sessions after cancelling")
    equal(table.add(fields(1)).status, ACCEPTED, "added in another stream")


@both
def test_deadline_before_its_end(case):
    table = case.table(settings())
    stream = Slowly([table.request(**fields(number)) for number in range(1, 101)])
    refused(lambda: table.stub.AddSession(iter(stream), timeout=0.5), grpc.StatusCode.DEADLINE_EXCEEDED)
    stream.finish.set()
    time.sleep(0.2)
    equal((table.ids(), table.daemon.status().sessions_opened), ([], 0), "sessions")


@both
def test_finished_late_is_finished(case):
    table = case.table(settings())
    stream = Slowly([table.request(**fields(number)) for number in range(1, 4)])
    call = table.stub.AddSession.future(iter(stream), timeout=20)
    time.sleep(0.5)
    table.add(fields(2))
    stream.finish.set()
    call.result()
    equal(table.ids(), [1, 2, 3], "sessions")


@both
def test_a_silent_stream_is_ended_by_the_server(case):
    table = case.table(settings(api={"limits": {"idle_seconds": 1}}))
    stream = Slowly([table.request(**fields(1))])
    start = time.monotonic()
    refused(lambda: table.stub.AddSession(iter(stream), timeout=20),
            grpc.StatusCode.DEADLINE_EXCEEDED, "1 second")
    true(0.7 < time.monotonic() - start < 4, f"ended after {time.monotonic() - start:.1f} s")
    stream.finish.set()
    equal(table.ids(), [], "sessions")


@both
def test_streams_side_by_side(case):
    """Eight streams at once for the same 200 sessions: each session is accepted exactly once."""
    table = case.table(settings(workers=2))
    replies = _side_by_side(table, [[fields(number) for number in range(1, 201)]] * 8)
    accepted = sum(200 - len(reply.errors) for reply in replies)
    equal(accepted, 200, "sessions accepted over all streams")
    equal({error[1] for reply in replies for error in reply.errors}, {EXISTS}, "why others were not")
    equal(table.ids(), list(range(1, 201)), "sessions")
    equal(table.daemon.status().sessions_opened, 200, "sessions opened")


@both
def test_a9_streams_side_by_side_for_the_last_places(case):
    """Each of ten streams is accepted as a whole or refused as a whole; no place is lost or given twice."""
    for workers, size, rounds in ((1, 30, 5), (1, 300, 1), (2, 30, 5), (2, 300, 1)):
        table = case.table(settings(workers=workers, capacity=4 * size - 1))
        for _ in range(rounds):
            replies = _side_by_side(
                table, [[fields(number) for number in range(start, start + size)]
                        for start in range(1, 10 * size, size)])
            equal(sorted((reply.status, len(reply.errors)) for reply in replies),
                  [(ACCEPTED, 0)] * 3 + [(TABLE_FULL, size)] * 7, "replies: status and errors")
            equal((len(table.ids()), table.daemon.status().live_sessions), (3 * size,) * 2, "sessions")
            table.clear()


def _side_by_side(table, streams):
    """Sends streams at the same time, each on a connection of its own; their replies."""
    replies = [None] * len(streams)

    def add(index):
        own = type(table)(table.daemon, table.daemon.connect())
        replies[index] = own.add(*streams[index])

    threads = [threading.Thread(target=add, args=(index,)) for index in range(len(streams))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return replies


@both
def test_a_message_that_is_too_large(case):
    table = case.table(settings())
    large = fields(1, source="2001:db8::1", destination="2001:db8::2", sourceipv6=bytes(5 << 20))
    codes = []
    for _ in range(8):
        try:
            table.add(fields(2), large)
        except grpc.RpcError as error:
            codes.append(error.code())
    # Who goes on to send may see the stream's reset before its status.
    codes = [code for code in codes if code != grpc.StatusCode.CANCELLED]
    equal((set(codes), len(codes) > 3), ({grpc.StatusCode.RESOURCE_EXHAUSTED}, True), "status")
    equal(table.ids(), [], "sessions")


@both
def test_unknown_methods_and_services(case):
    table = case.table(settings())
    for path in (f"/{table.package}.SessionTable/AddSessions", f"/{table.package}.SessionTables/AddSession",
                 "/", "/openoffload.v1alpha1.SessionTable/getSession"):
        refused(lambda: table.channel.unary_unary(path)(b"", timeout=5), grpc.StatusCode.UNIMPLEMENTED)


@both
def test_compressed_messages(case):
    """Refused by name, however much of the stream has come, and never misread."""
    table = case.table(settings())
    for count in (1, 3, 200):
        requests = [table.request(**fields(number)) for number in range(1, count + 1)]
        refused(lambda: table.stub.AddSession(iter(requests), compression=grpc.Compression.Gzip, timeout=10),
                grpc.StatusCode.UNIMPLEMENTED)
        equal(table.ids(), [], "sessions")
    eventually(table.daemon.is_serving, "the daemon serves")
