"""Each message as bytes on the wire, written and read by hand: field numbers and layouts of semantics 2.1."""

import grpc

from settings import settings
from suite import both, equal, refused, true
from table import CURSOR_BIT, OPI, V2, fields
from wire import bytes_field, read, varint, varint_field

SIX = bytes(range(16))


class Raw:
    """Calls with bytes in and bytes out."""

    def __init__(self, daemon, generation):
        self.channel, self.package = daemon.channel, generation.package

    def _path(self, rpc):
        return f"/{self.package}.SessionTable/{rpc}"

    def unary(self, rpc, message):
        return self.channel.unary_unary(self._path(rpc))(message, timeout=20)

    def stream(self, rpc, message):
        return list(self.channel.unary_stream(self._path(rpc))(message, timeout=20))

    def add(self, *messages):
        return self.channel.stream_unary(self._path("AddSession"))(iter(messages), timeout=20)


def action(kind, hop=None, hop_v6=None):
    message = varint_field(1, kind) if kind else b""
    message += varint_field(2, hop) if hop is not None else b""
    return bytes_field(12, message + (bytes_field(3, hop_v6) if hop_v6 else b""))


def session(identity, port=4000, kind=1):
    """10.0.0.1:port to 10.0.0.2:80, TCP, LIFs 1 and 2, 600 seconds."""
    return (varint_field(1, identity) + varint_field(2, 1) + varint_field(3, 2)
            + varint_field(5, 0x0100000A) + varint_field(7, port) + varint_field(8, 0x0200000A)
            + varint_field(10, 80) + varint_field(11, 6) + action(kind) + varint_field(13, 600))


def _expect_time(content):
    """A Timestamp: seconds of this century, nanoseconds below a billion; nothing else."""
    parts = dict(read(content))
    true(set(parts) <= {1, 2} and parts[1] > 1_600_000_000 and parts.get(2, 0) < 10**9, f"time {parts}")
    equal(content, varint_field(1, parts[1]) + (varint_field(2, parts[2]) if parts.get(2) else b""), "time")


@both
def test_add_session(case):
    daemon = case.daemon(settings())
    raw = Raw(daemon, case.generation)
    equal(session(1)[:10].hex(), "0801100118022 88a8080".replace(" ", ""), "the test's own bytes")
    reply = raw.add(session(1))
    equal([number for number, _ in read(reply)], [3], "fields of a reply to a good stream: starttime")
    _expect_time(read(reply)[0][1])
    equal(raw.add(session(1)).hex(), "080410012204080110" "04", "a duplicate")
    equal(raw.add(), b"", "an empty stream")
    found = daemon.session(1)
    equal((found.source_address, found.source_port, found.destination_address, found.destination_port,
           found.protocol, found.in_lif, found.out_lif, found.action),
          (bytes([10, 0, 0, 1]), 4000, bytes([10, 0, 0, 2]), 80, 6, 1, 2, 1), "session")


@both
def test_add_session_with_every_field(case):
    daemon = case.daemon(settings())
    raw = Raw(daemon, case.generation)
    message = (varint_field(1, 300) + varint_field(2, 1 | 5 << 16) + varint_field(3, 2 | 6 << 16)
               + varint_field(4, 1) + bytes_field(6, SIX) + varint_field(7, 65535)
               + bytes_field(9, SIX[::-1]) + varint_field(10, 1) + varint_field(11, 17)
               + action(2, hop_v6=SIX) + varint_field(13, 86400))
    equal([number for number, _ in read(raw.add(message))], [3], "fields of the reply")
    found = daemon.session(300)
    equal((found.source_address, found.destination_address, found.source_port, found.destination_port,
           found.protocol, found.in_lif, found.in_vlan, found.out_lif, found.out_vlan, found.action),
          (SIX, SIX[::-1], 65535, 1, 17, 1, 5, 2, 6, 2), "session")
    reply = read(raw.add(session(1), session(2, kind=9), session(300, port=1)))
    equal([number for number, _ in reply], [1, 2, 3, 4, 4], "fields of a reply to a mixed stream")
    equal((reply[0][1], reply[1][1]), (1, 0b110), "requeststatus and errorstatus")
    equal([reply[3][1], reply[4][1]], [varint_field(1, 2) + varint_field(2, 1),
                                       varint_field(1, 300) + varint_field(2, 4)], "responseerror")


@both
def test_what_protobuf_allows_beside_the_usual(case):
    """Any order, the last of a scalar, actions in two parts, long varints, negative numbers."""
    daemon = case.daemon(settings())
    raw = Raw(daemon, case.generation)
    parts = [varint_field(13, 600), action(1), varint_field(11, 6), varint_field(10, 80),
             varint_field(8, 0x0200000A), varint_field(7, 1), varint_field(7, 4000),
             varint_field(5, 0x0100000A), varint_field(3, 2), varint_field(2, 1), b"\x08\x81\x80\x80\x00"]
    equal([number for number, _ in read(raw.add(b"".join(parts)))], [3], "backwards, port twice, id 1 long")
    found = daemon.session(1)
    equal((found.source_port, found.action), (4000, 1), "port and action")
    split = session(2, port=2, kind=0) + bytes_field(12, varint_field(1, 1))
    equal([number for number, _ in read(raw.add(split))], [3], "an action in two parts")
    equal(daemon.session(2).action, 1, "action of two parts")
    # int32 -1 is ten bytes, and the high bits of a uint32 are cut off by every decoder.
    equal(read(raw.add(session(3, port=3) + varint_field(2, -1)))[:2], [(1, 1), (2, 1)], "inlif -1")
    equal(read(raw.add(session(3, port=3) + varint_field(4, -1)))[:2], [(1, 1), (2, 1)], "ipversion -1")
    equal([number for number, _ in read(raw.add(session(3, port=3 + 2**32)))], [3], "a port of 33 bits")
    equal(daemon.session(3).source_port, 3, "its low 32 bits")


@both
def test_get_and_delete(case):
    daemon = case.daemon(settings())
    raw = Raw(daemon, case.generation)
    raw.add(session(5))
    live = raw.unary("GetSession", b"\x08\x05")
    equal([number for number, _ in read(live)], [1, 9], "fields of a live session: id, starttime")
    _expect_time(dict(read(live))[9])
    reply = raw.unary(case.generation.list_rpc, b"")
    equal(reply, bytes_field(1, live), "the list of all")
    deleted = raw.unary("DeleteSession", b"\x08\x05")
    equal([number for number, _ in read(deleted)], [1, 6, 9, 10], "fields: id, state, starttime, endtime")
    equal((dict(read(deleted))[1], dict(read(deleted))[6]), (5, 3), "id and _CLOSED")
    equal(dict(read(deleted))[9], dict(read(live))[9], "starttime")
    _expect_time(dict(read(deleted))[10])
    equal(raw.unary(case.generation.list_rpc, b""), b"", "an empty list")
    large = varint_field(1, 2**64 - 1)
    if case.generation is OPI:
        equal(raw.unary("GetSession", large), large + b"\x40\x02", "nobody: the id, status 2 in field 8")
        equal(raw.unary("DeleteSession", b"\x08\x05"), b"\x08\x05\x40\x02", "nobody")
        equal(raw.unary("GetSession", b""), b"\x40\x02", "id 0")
    else:
        refused(lambda: raw.unary("GetSession", large), grpc.StatusCode.NOT_FOUND, "Get Session Not Found")
        equal(raw.stream("GetClosedSessions", b""), [], "closed sessions")


def test_pages_of_the_seed(case):
    """SessionRequestArgs: sessionid 1, sessionstate 2; SessionResponses: sessioninfo 1, nextkey 2."""
    daemon = case.daemon(settings(capacity=3000))
    raw = Raw(daemon, OPI)
    OPI(daemon).add(*[fields(number) for number in range(1, 1101)])
    reply = read(raw.unary("GetAllSession", varint_field(2, 4)))
    equal([number for number, _ in reply], [1] * 1024 + [2], "fields of a full page")
    cursor = reply[-1][1]
    equal(cursor >= CURSOR_BIT, True, "bit 63 of the cursor")
    reply = read(raw.unary("GetAllSession", varint_field(1, cursor) + varint_field(2, 4)))
    equal([number for number, _ in reply], [1] * 76, "fields of the last page")
    equal(raw.unary("GetAllSession", varint_field(2, 3)), b"", "no closed ones")
    equal([number for number, _ in read(raw.unary("GetAllSession", varint_field(1, 7)))], [1], "one session")


def test_pages_of_the_later_generation(case):
    """SessionRequestArgs: page_size 1, page 2, start_session 3; SessionResponses as the seed's."""
    daemon = case.daemon(settings())
    raw = Raw(daemon, V2)
    V2(daemon).add(*[fields(number) for number in range(1, 11)])
    reply = read(raw.unary("GetAllSessions", varint_field(1, 6) + varint_field(2, 1)))
    equal([number for number, _ in reply], [1] * 6 + [2], "fields of a page of 6")
    reply = read(raw.unary("GetAllSessions", varint_field(1, 6) + varint_field(3, reply[-1][1])))
    equal([number for number, _ in reply], [1] * 4, "fields of the last page")


@both
def test_bytes_that_are_no_message(case):
    daemon = case.daemon(settings())
    raw = Raw(daemon, case.generation)
    for broken in (b"\x08", b"\x08" + b"\xff" * 10, b"\x62\x7f\x00", b"\x0f\x00", b"\x00\x01", b"\x0a\x05ab",
                   varint(12 << 3 | 2) + varint(2**40), b"\x62\x02\x08", b"\x07"):
        for call in (lambda: raw.add(session(1), broken, session(2, port=2)), lambda: raw.add(broken)):
            try:
                reply = call()
            except grpc.RpcError as error:
                true(error.code() in (grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.INTERNAL,
                                      grpc.StatusCode.UNKNOWN), f"status {error.code()} for {broken.hex()}")
            else:
                true(False, f"{broken.hex()} was taken for a message: {reply.hex()}")
    equal(case.generation(daemon).ids(), [], "sessions")
