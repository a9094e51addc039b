"""Clients that stop half-way and hold on: streams, connections without a word, thousands of connections."""

import resource
import time

import grpc

import http2
from bystander import Bystander
from settings import settings
from suite import equal, eventually, seconds, true
from table import ACCEPTED, OPI, fields


def _add_path():
    return "/opi.security.firewall.v1.SessionTable/AddSession"


def _open_files(count):
    """Lets this process have so many open files."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = count if hard == resource.RLIM_INFINITY else min(count, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))


def test_streams_that_say_nothing(case):
    """Calls of all kinds without a message, on several connections."""
    daemon = case.daemon(settings(api={"limits": {"idle_seconds": 1}}))
    with Bystander(daemon):
        connections = [http2.Connection(daemon.socket) for _ in range(8)]
        for connection in connections:
            for _ in range(25):
                for rpc in ("AddSession", "GetSession", "GetAllSession"):
                    connection.call(_add_path().replace("AddSession", rpc), ends=False)
        time.sleep(2.5)
        for connection in connections:
            connection.close()
    equal(daemon.status().sessions_opened, OPI(daemon).daemon.status().sessions_deleted, "sessions left")


@seconds(60)
def test_long_messages_that_never_end(case):
    """What they may hold together is bounded; short messages are still taken."""
    daemon = case.daemon(settings())
    content = http2.frame(http2.DATA, 0, 0, bytes(16384))
    with Bystander(daemon):
        connections = [http2.Connection(daemon.socket, 2**31 - 1) for _ in range(8)]
        for connection in connections:
            for _ in range(20):
                stream = connection.call(_add_path(), ends=False)
                begin = http2.frame(http2.DATA, 0, stream, b"\0" + (4 << 20).to_bytes(4, "big"))
                part = content[:5] + stream.to_bytes(4, "big") + content[9:]
                # As much as the window of a stream has room for.
                connection.socket.sendall(begin + part * 3)
        time.sleep(1)
        for connection in connections:
            connection.close()


def test_connections_that_say_nothing(case):
    daemon = case.daemon(settings())
    with Bystander(daemon):
        clients = [http2.connect(daemon.socket) for _ in range(100)]
        time.sleep(1)
        for client in clients:
            client.close()


@seconds(90)
def test_a_connection_without_preface_is_closed(case):
    daemon = case.daemon(settings())
    clients = [http2.connect(daemon.socket) for _ in range(3)]
    clients[1].sendall(http2.PREFACE[:10])
    start = time.monotonic()
    for client in clients:
        true(http2.closed_by_peer(client, 30), f"still open after {time.monotonic() - start:.0f} s")
        client.close()
    true(time.monotonic() - start > 2, "closed at once")


@seconds(120)
def test_thousands_of_connections(case):
    """No more than the limit are served, the others are closed; room is there again when they have gone."""
    _open_files(8192)
    daemon = case.daemon(settings(api={"limits": {"connections": 64}}))
    with Bystander(daemon):
        clients = []
        for _ in range(3000):
            try:
                clients.append(http2.connect(daemon.socket))
            except (BlockingIOError, ConnectionError, TimeoutError):
                time.sleep(0.01)
        true(len(clients) > 2000, f"only {len(clients)} connections could be made at all")
        eventually(lambda: _open(clients) <= 64, "all but 64 connections are closed by the server", 15)
        for client in clients:
            client.close()
        eventually(daemon.is_serving, "there is room again", 5)


def _open(clients):
    """How many of them the server has not closed."""
    count = 0
    for client in clients:
        client.setblocking(False)
        try:
            content = client.recv(4096)
            while content:
                content = client.recv(4096)
        except BlockingIOError:
            count += 1
        except ConnectionError:
            pass
    return count


def test_more_calls_than_a_connection_may_have(case):
    daemon = case.daemon(settings(api={"limits": {"calls_per_connection": 16}}))
    with Bystander(daemon):
        connection = http2.Connection(daemon.socket)
        try:
            for _ in range(1000):
                connection.call(_add_path(), ends=False)
        except (ConnectionError, TimeoutError):
            pass
        time.sleep(0.5)
        connection.close()


@seconds(90)
def test_many_unfinished_streams_are_bounded(case):
    """Sixty streams of 60 000 requests each that are never finished: memory has a limit."""
    daemon = case.daemon(settings(capacity=100_000))
    table = OPI(daemon)
    content = b"".join(http2.message(table.request(**fields(number)).SerializeToString())
                       for number in range(1, 60_001))
    # What all of them may hold together is used up: others can read, and add when they have gone.
    with Bystander(daemon, growth=400 << 20, adds=False):
        connections = []
        for _ in range(60):
            connection = http2.Connection(daemon.socket)
            stream = connection.call(_add_path(), ends=False)
            connections.append(connection)
            _push(connection, stream, content)
        for connection in connections:
            connection.close()
    equal(daemon.status().sessions_opened, 0, "sessions opened")
    eventually(lambda: _is_added(table), "there is room for other streams")


def _is_added(table):
    try:
        return table.add(fields(1)).status == ACCEPTED
    except grpc.RpcError:
        return False


def _push(connection, stream, content):
    """Sends as much of `content` as the server's windows take within a little while."""
    connection.socket.settimeout(0.2)
    position, window, total = 0, 65535, 65535
    while position < len(content):
        room = min(window, total, 16384, len(content) - position)
        try:
            if room > 0:
                part = content[position:position + room]
                connection.socket.sendall(http2.frame(http2.DATA, 0, stream, part))
                position, window, total = position + room, window - room, total - room
                continue
            for kind, number, body in _frames(connection.socket):
                if kind == http2.WINDOW_UPDATE:
                    more = int.from_bytes(body, "big")
                    window, total = window + more * (number == stream), total + more * (number == 0)
                elif kind == http2.SETTINGS and body:
                    window += _initial_window(body)
                elif kind in (http2.RST_STREAM, http2.GOAWAY, http2.HEADERS):
                    return
        except (ConnectionError, TimeoutError):
            return


def _initial_window(body):
    """By how much the server's SETTINGS_INITIAL_WINDOW_SIZE differs from the default."""
    for start in range(0, len(body), 6):
        if int.from_bytes(body[start:start + 2], "big") == http2.INITIAL_WINDOW_SIZE:
            return int.from_bytes(body[start + 2:start + 6], "big") - 65535
    return 0


def _frames(client):
    """Whole frames of one read: (kind, stream, content)."""
    content = client.recv(65536)
    if not content:
        raise ConnectionError("closed")
    while content:
        while len(content) < 9 or len(content) < 9 + int.from_bytes(content[:3], "big"):
            more = client.recv(65536)
            if not more:
                raise ConnectionError("closed")
            content += more
        length = int.from_bytes(content[:3], "big")
        yield content[3], int.from_bytes(content[5:9], "big"), content[9:9 + length]
        content = content[9 + length:]
