"""HTTP/2 by hand (RFC 9113), for clients that no library would be: they stall, break off and never read."""

import socket
import struct
import time

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE = 0, 1, 3, 4, 6, 7, 8
END_STREAM, ACK, END_HEADERS = 1, 1, 4
INITIAL_WINDOW_SIZE = 4


def connect(path):
    """A connected socket; 5 seconds for each call on it. It waits until the server has room for it."""
    client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    end = time.monotonic() + 5
    while True:
        try:
            client.connect(path)
            break
        except BlockingIOError:
            if time.monotonic() > end:
                raise
            time.sleep(0.01)
    client.settimeout(5)
    return client


def closed_by_peer(client, seconds):
    """Whether the other side closes when nothing comes from here, whatever it sends before."""
    client.settimeout(seconds)
    try:
        while client.recv(65536):
            pass
        return True
    except ConnectionError:
        return True
    except TimeoutError:
        return False


def frame(kind, flags=0, stream=0, content=b""):
    return struct.pack("!I", len(content))[1:] + bytes([kind, flags]) + struct.pack("!I", stream) + content


def message(content):
    """gRPC's frame of one message, not compressed."""
    return struct.pack("!BI", 0, len(content)) + content


def headers(path, *others):
    """HPACK without tables: literals that are not indexed (RFC 7541 §6.2.2)."""
    pairs = [(":method", "POST"), (":scheme", "http"), (":path", path), (":authority", "localhost"),
             ("te", "trailers"), ("content-type", "application/grpc"), *others]
    return b"".join(b"\0" + _length(len(name)) + name.encode() + _length(len(value)) + value.encode()
                    for name, value in pairs)


def _length(number):
    """A string's length in HPACK's integers of 7 bits (RFC 7541 §5.1)."""
    if number < 127:
        return bytes([number])
    encoded, number = b"\x7f", number - 127
    while number >= 128:
        encoded, number = encoded + bytes([number & 127 | 128]), number >> 7
    return encoded + bytes([number])


class Connection:
    """One connection after the preface, told what window the server has for each of our streams."""

    def __init__(self, path, window=65535):
        self.socket = connect(path)
        self.stream = -1
        settings = struct.pack("!HI", INITIAL_WINDOW_SIZE, window)
        self.socket.sendall(PREFACE + frame(SETTINGS, content=settings))

    def call(self, path, *contents, ends=True, others=()):
        """Starts a call and sends its messages; the number of its stream."""
        self.stream += 2
        sent = frame(HEADERS, END_HEADERS, self.stream, headers(path, *others))
        body = b"".join(message(content) for content in contents)
        for start in range(0, len(body), 16384):
            sent += frame(DATA, 0, self.stream, body[start:start + 16384])
        if ends:
            sent += frame(DATA, END_STREAM, self.stream)
        self.socket.sendall(sent)
        return self.stream

    def frames(self, stream):
        """What comes for a stream: kind, flags and content of each frame, to the one that ends it for us."""
        while True:
            head = self._read(9)
            content = self._read(int.from_bytes(head[:3], "big"))
            if int.from_bytes(head[5:], "big") == stream:
                yield head[3], head[4], content
                if head[3] == RST_STREAM:
                    return

    def _read(self, count):
        content = b""
        while len(content) < count:
            part = self.socket.recv(count - len(content))
            if not part:
                raise ConnectionError("the server closed")
            content += part
        return content

    def close(self):
        self.socket.close()
