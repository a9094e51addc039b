"""Bytes that are no gRPC: noise, other protocols, broken HTTP/2, broken frames, random protobuf."""

import random
import time

import grpc

import http2
from bystander import Bystander
from settings import settings
from suite import both, equal, true
from table import OPI, fields
from wire import bytes_field, varint

PATH = "/opi.security.firewall.v1.SessionTable/AddSession"
TLS_HELLO = bytes.fromhex("16030100a5010000a10303") + bytes(160)


def _send(daemon, content):
    """Sends bytes on a connection of their own and lets the server say what it likes."""
    client = http2.connect(daemon.socket)
    client.settimeout(0.05)
    try:
        client.sendall(content)
        client.recv(65536)
    except (ConnectionError, TimeoutError):
        pass
    client.close()


def test_other_protocols(case):
    daemon = case.daemon(settings())
    chance = random.Random(1)
    with Bystander(daemon):
        for content in (
                b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n", TLS_HELLO,
                b"\0" * 100_000, b"SSH-2.0-OpenSSH\r\n", b"GET / HTTP/1.1\r\nX: " + b"a" * 1_000_000):
            _send(daemon, content)
        for _ in range(100):
            _send(daemon, chance.randbytes(chance.randint(1, 3000)))


def test_broken_http2(case):
    daemon = case.daemon(settings())
    start = http2.PREFACE + http2.frame(http2.SETTINGS)
    good = http2.frame(http2.HEADERS, http2.END_HEADERS, 1, http2.headers(PATH))
    chance = random.Random(2)
    with Bystander(daemon):
        for content in (
                http2.frame(http2.DATA, 0, 1, b"x"), http2.frame(http2.HEADERS, 4, 1, b"\xff" * 50),
                http2.frame(http2.HEADERS, 4, 2, http2.headers(PATH)),
                http2.frame(http2.SETTINGS, 0, 0, b"abc"),
                http2.frame(http2.WINDOW_UPDATE, 0, 0, b"\0\0\0\0"), http2.frame(99, 255, 7, b"unknown"),
                http2.frame(http2.WINDOW_UPDATE, 0, 0, b"\x7f\xff\xff\xff") * 3, b"\xff\xff\xff\0\0\0\0\0\1",
                http2.frame(http2.PING, 0, 0, b"12345678") * 5000, http2.frame(http2.SETTINGS) * 5000,
                good + http2.frame(http2.RST_STREAM, 0, 1, b"\0\0\0\x08") + http2.frame(http2.DATA, 1, 1),
                good + good, good + http2.frame(9, 0, 1, b"x"),
                http2.frame(http2.HEADERS, 0, 1, http2.headers(PATH)) + http2.frame(9, 0, 1, b"\0") * 2000):
            _send(daemon, start + content)
        for _ in range(100):
            kind, flags, stream = chance.randint(0, 12), chance.randint(0, 255), chance.randint(0, 9)
            content = chance.randbytes(chance.randint(0, 90))
            _send(daemon, start + good + http2.frame(kind, flags, stream, content))


def test_calls_opened_and_reset(case):
    """Rapid reset: thousands of calls that are begun and taken back."""
    daemon = case.daemon(settings())
    with Bystander(daemon):
        for _ in range(5):
            connection = http2.Connection(daemon.socket)
            try:
                for _ in range(2000):
                    stream = connection.call(PATH, ends=False)
                    connection.socket.sendall(http2.frame(http2.RST_STREAM, 0, stream, b"\0\0\0\x08"))
            except (ConnectionError, TimeoutError):
                pass
            connection.close()
    equal(daemon.status().live_sessions, 0, "sessions")


def test_headers_that_are_no_call(case):
    """Each on a connection of its own: the server may end one that breaks the rules."""
    daemon = case.daemon(settings())
    odd = [(PATH, [other]) for other in (
        ("grpc-timeout", "x"), ("grpc-timeout", "99999999999H"), ("grpc-encoding", "zip"),
        ("x-upsert", "\x7f"), ("x" * 100, "y" * 4000), ("grpc-timeout", "1n"))]
    odd += [(path, []) for path in ("", "/", "//", "AddSession", "/a/b/c", "/" + "x" * 5000)]
    with Bystander(daemon):
        connections = [http2.Connection(daemon.socket) for _ in odd]
        for connection, (path, others) in zip(connections, odd):
            connection.call(path, b"", others=others)
        time.sleep(0.3)
        for connection in connections:
            connection.close()


def test_broken_grpc_frames(case):
    """Lengths that are not true, compression without a name, a flag that there is not."""
    daemon = case.daemon(settings())
    message = http2.message(OPI(daemon).request(**fields(1)).SerializeToString())
    with Bystander(daemon):
        for content in (b"\1" + message[1:], b"\0\xff\xff\xff\xff" + message[5:], b"\0\x7f\xff\xff\xff",
                        message[:-1], message[:3], message[:5], b"\5" + message[1:]):
            _stream(daemon, content)
    equal(OPI(daemon).ids(), [], "sessions")


def test_an_answer_before_the_end_of_the_request(case):
    """The rest of the request is refused with NO_ERROR (RFC 9113 8.1): the answer is what counts."""
    daemon = case.daemon(settings(api={"limits": {"message_bytes": 1024}}))
    for content in (b"\1\0\0\0\0", b"\0\0\0\x10\0"):
        connection = http2.Connection(daemon.socket)
        stream = connection.call(PATH, ends=False)
        connection.socket.sendall(http2.frame(http2.DATA, 0, stream, content))
        (kind, flags, _), (reset, _, code) = list(connection.frames(stream))[-2:]
        equal((kind, flags & http2.END_STREAM, reset, code),
              (http2.HEADERS, http2.END_STREAM, http2.RST_STREAM, bytes(4)), "how the call ends")
        connection.close()


def test_trailers_from_a_client(case):
    """No client of gRPC sends any: what came before is of a broken stream, and nothing is added."""
    daemon = case.daemon(settings())
    connection = http2.Connection(daemon.socket)
    stream = connection.call(PATH, OPI(daemon).request(**fields(1)).SerializeToString(), ends=False)
    end = http2.END_STREAM | http2.END_HEADERS
    connection.socket.sendall(http2.frame(http2.HEADERS, end, stream, b"\0\1x\1y"))
    kind, flags, _ = next(connection.frames(stream))
    equal((kind, flags & http2.END_STREAM), (http2.HEADERS, http2.END_STREAM), "the answer")
    equal(OPI(daemon).ids(), [], "sessions")
    connection.close()


def test_broken_connections_leave_nothing(case):
    """A call and a connection error in one write."""
    daemon = case.daemon(settings())
    start = http2.PREFACE + http2.frame(http2.SETTINGS) + http2.frame(
        http2.HEADERS, http2.END_HEADERS, 1, http2.headers(PATH))
    wrong = http2.frame(http2.WINDOW_UPDATE, 0, 0, bytes(4))

    def break_some():
        for _ in range(500):
            client = http2.connect(daemon.socket)
            client.sendall(start + wrong)
            true(http2.closed_by_peer(client, 5), "the server closes")
            client.close()

    break_some()
    before = daemon.resident_bytes()
    break_some()
    break_some()
    true(daemon.resident_bytes() - before < 8 << 20, "memory grows with broken connections")


def test_a_stream_that_ends_in_mid_message(case):
    """What came before is of a stream that broke: nothing is added."""
    daemon = case.daemon(settings())
    message = http2.message(OPI(daemon).request(**fields(1)).SerializeToString())
    with Bystander(daemon):
        for length in (1, 4, 5, len(message) - 1):
            _stream(daemon, message + message[:length])
    equal(OPI(daemon).ids(), [], "sessions")


def _stream(daemon, content):
    """An AddSession whose data are these bytes, half-closed."""
    connection = http2.Connection(daemon.socket)
    stream = connection.call(PATH, ends=False)
    connection.socket.sendall(http2.frame(http2.DATA, http2.END_STREAM, stream, content))
    time.sleep(0.05)
    connection.close()


@both
def test_random_protobuf(case):
    """Random fields of right and wrong kinds: refused or accepted, the daemon counts what it has."""
    daemon = case.daemon(settings(api={"lif": "opaque"}))
    table = case.generation(daemon)
    chance = random.Random(3)
    with Bystander(daemon):
        for number in range(600):
            if number % 100 == 0:
                # A connection may have so many broken streams only, as a measure against rapid reset.
                channel = daemon.connect()
                add = channel.stream_unary(f"/{table.package}.SessionTable/AddSession")
                calls = [channel.unary_unary(f"/{table.package}.SessionTable/{rpc}")
                         for rpc in ("GetSession", "DeleteSession", table.list_rpc)]
            for call in (lambda: add(iter([_random_message(chance) for _ in range(5)]), timeout=5),
                         lambda: chance.choice(calls)(_random_message(chance), timeout=5)):
                try:
                    call()
                except grpc.RpcError as error:
                    true(error.code() not in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED),
                         f"{error.code()}: {error.details()}")
    equal(len(table.ids()), daemon.status().live_sessions, "sessions listed and counted")


def _random_message(chance):
    if chance.random() < 0.1:
        return chance.randbytes(chance.randint(0, 60))
    parts = []
    for _ in range(chance.randint(0, 16)):
        number = chance.randint(1, 14)
        value = chance.choice((0, 1, 2, 6, 17, 80, 65535, 65536, 2**31, 2**32, 2**62, 2**63, 2**64 - 1,
                               chance.getrandbits(chance.randint(1, 64))))
        kind = chance.choice((0, 0, 0, 2, 2, 1, 5, 3, 4, 7))
        if number in (6, 9, 12) and chance.random() < 0.8:
            parts.append(bytes_field(number, chance.choice((
                b"", chance.randbytes(16), chance.randbytes(chance.randint(0, 40)), b"\x08\x01",
                b"\x08\x00"))))
        elif kind == 2:
            parts.append(bytes_field(number, chance.randbytes(chance.randint(0, 20))))
        else:
            size = {0: varint(value), 1: chance.randbytes(8), 5: chance.randbytes(4)}.get(kind, b"")
            parts.append(varint(number << 3 | kind) + size)
    return b"".join(parts)
