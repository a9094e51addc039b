"""Kinds of conversation between the two hosts, each a function with fixed addresses and ports."""

import os
import socket
import struct
import subprocess
import threading
import time

from netns import namespace

# Link name -> (IPv4 of the left and right host, IPv6 of the left and right host).
LINKS = {
    "plain": ("10.1.0.1", "10.1.0.2", "fd00:1::1", "fd00:1::2"),
    "vlan": ("10.1.100.1", "10.1.100.2", "fd00:100::1", "fd00:100::2"),
    "tun": ("10.1.50.1", "10.1.50.2", "fd00:50::1", "fd00:50::2"),
    "qinq": ("10.1.200.1", "10.1.200.2", "fd00:200::1", "fd00:200::2"),
}
TCP_REPAIR = 19     # linux/tcp.h


class Hosts:
    """The two namespaces, and the addresses that they have on each link."""

    def __init__(self, left, right):
        self.left, self.right = left, right

    def addresses(self, link, version):
        """(left address, right address) on `link` for IP `version` 4 or 6."""
        all_four = LINKS[link]
        return all_four[:2] if version == 4 else all_four[2:]

    def bound(self, host, kind, address, port):
        """A socket of the namespace `host`, bound to its address."""
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        with namespace(host):
            sock = socket.socket(family, kind)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((address, port))
        sock.settimeout(20)
        return sock

    def tcp(self, link, version, source_port, port):
        """A connection from left to right: (initiator's socket, responder's socket)."""
        left, right = self.addresses(link, version)
        listener = self.bound(self.right, socket.SOCK_STREAM, right, port)
        listener.listen(8)
        client = self.bound(self.left, socket.SOCK_STREAM, left, source_port)
        client.connect((right, port))
        server, _ = listener.accept()
        server.settimeout(20)
        listener.close()
        return client, server

    def udp(self, link, version, source_port, port):
        """Two UDP sockets connected to each other: (initiator's, responder's)."""
        left, right = self.addresses(link, version)
        server = self.bound(self.right, socket.SOCK_DGRAM, right, port)
        client = self.bound(self.left, socket.SOCK_DGRAM, left, source_port)
        client.connect((right, port))
        server.connect((left, source_port))
        return client, server

    def run_left(self, *command):
        """Runs a program on the left host until it ends; its exit status does not matter."""
        subprocess.run(["ip", "netns", "exec", self.left, *command], stdin=subprocess.DEVNULL,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)


def drain(sock):
    """Reads until the other side's FIN; a reset ends it too."""
    try:
        while sock.recv(65536):
            pass
    except ConnectionResetError:
        pass


def close_with_reset(sock):
    """RST instead of FIN."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def http(hosts, link, version, source_port, *paths, rate=None):
    """curl fetches `paths` over one connection from the HTTP server on port 80."""
    address = hosts.addresses(link, version)[1]
    host = f"[{address}]" if version == 6 else address
    command = ["curl", "-s", "--max-time", "20", "--local-port", str(source_port)]
    if rate:
        command += ["--limit-rate", rate]
    for path in paths:
        command += ["-o", os.devnull, f"http://{host}/{path}"]
    hosts.run_left(*command)


def chat(hosts, link, version, source_port, port, times, close=True):
    """Request and answer at each of `times` (seconds after the start), then an orderly close."""
    start = time.monotonic()
    client, server = hosts.tcp(link, version, source_port, port)
    for number, at in enumerate(times):
        time.sleep(max(0, start + at - time.monotonic()))
        client.sendall(b"question %d\n" % number)
        server.recv(100)
        server.sendall(b"answer %d\n" % number * 20)
        client.recv(1000)
    if not close:
        return client, server
    client.close()
    drain(server)
    server.close()
    return None


def half_close(hosts, link, version, source_port, port, chunks=8, pause=0.25):
    """The initiator sends its FIN first; the responder goes on sending, then closes."""
    client, server = hosts.tcp(link, version, source_port, port)
    client.sendall(b"everything, please\n")
    client.shutdown(socket.SHUT_WR)
    drain(server)
    for _ in range(chunks):
        time.sleep(pause)
        server.sendall(bytes(3000))
    server.close()
    drain(client)
    client.close()


def half_close_by_responder(hosts, link, version, source_port, port, chunks=6, pause=0.3):
    """The responder sends its FIN first; the initiator goes on sending."""
    client, server = hosts.tcp(link, version, source_port, port)
    server.sendall(b"send me all you have\n")
    server.shutdown(socket.SHUT_WR)
    drain(client)
    for _ in range(chunks):
        time.sleep(pause)
        client.sendall(bytes(2000))
    client.close()
    drain(server)
    server.close()


def simultaneous_close(hosts, link, version, source_port, port):
    """Both FINs are on the way before either arrives (the relay delays by milliseconds)."""
    client, server = hosts.tcp(link, version, source_port, port)
    client.sendall(b"hello\n")
    server.recv(100)
    time.sleep(0.2)
    client.shutdown(socket.SHUT_WR)
    server.shutdown(socket.SHUT_WR)
    time.sleep(0.2)
    client.close()
    server.close()


def simultaneous_open(hosts, link, version, left_port, right_port):
    """Both sides send a SYN before either arrives; then an orderly close."""
    left, right = hosts.addresses(link, version)
    first = hosts.bound(hosts.left, socket.SOCK_STREAM, left, left_port)
    second = hosts.bound(hosts.right, socket.SOCK_STREAM, right, right_port)
    first.setblocking(False)
    second.setblocking(False)
    first.connect_ex((right, right_port))
    second.connect_ex((left, left_port))
    time.sleep(0.3)
    first.setblocking(True)
    second.setblocking(True)
    first.sendall(b"we both called\n")
    second.recv(100)
    first.close()
    drain(second)
    second.close()


def short_connection(hosts, version, source_port, port, first_to_close):
    """One request, one answer. The side that does not close first leaves no TIME-WAIT behind."""
    client, server = hosts.tcp("plain", version, source_port, port)
    client.sendall(b"ping\n")
    server.recv(100)
    server.sendall(b"pong\n")
    client.recv(100)
    first, second = (client, server) if first_to_close == "initiator" else (server, client)
    if first_to_close == "nobody":
        close_with_reset(client)
        server.close()
        return
    first.close()
    drain(second)
    second.close()
    time.sleep(0.01)


def forgotten(hosts, version, source_port, port, after_fin):
    """The initiator forgets its connection, like a host that restarts, and calls again.

    With `after_fin` it has sent its FIN before. The SYN meets a responder in ESTABLISHED or
    CLOSE-WAIT; its challenge ACK is answered by a RST, and the SYN that is sent again soon
    after opens the new connection.
    """
    client, server = hosts.tcp("plain", version, source_port, port)
    client.sendall(b"remember me\n")
    server.recv(100)
    if after_fin:
        client.shutdown(socket.SHUT_WR)
        drain(server)
    time.sleep(0.1)
    client.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, 1)
    client.close()       # in repair mode the kernel sends nothing
    again, responder = hosts.tcp("plain", version, source_port, port)
    server.close()
    again.sendall(b"me again\n")
    responder.recv(100)
    responder.close()
    drain(again)
    again.close()


def refused(hosts, link, version, source_port, port):
    """A SYN to a closed port, answered by a RST."""
    left, right = hosts.addresses(link, version)
    client = hosts.bound(hosts.left, socket.SOCK_STREAM, left, source_port)
    client.connect_ex((right, port))
    client.close()


def unanswered(hosts, source_port, port, seconds):
    """A SYN to a host that never answers (its neighbour entry is static), sent again by TCP."""
    client = hosts.bound(hosts.left, socket.SOCK_STREAM, LINKS["plain"][0], source_port)
    client.settimeout(seconds)
    try:
        client.connect(("10.1.0.9", port))
    except OSError:
        pass
    client.close()


def reset_in_transfer(hosts, link, version, source_port, port, by_initiator=True):
    """One side resets while data is under way from the responder."""
    client, server = hosts.tcp(link, version, source_port, port)
    server.settimeout(2)
    sender = threading.Thread(target=_send_until_broken, args=(server, 40, 0.01))
    sender.start()
    time.sleep(0.15)
    close_with_reset(client if by_initiator else server)
    sender.join()
    (server if by_initiator else client).close()


def reset_after_fin(hosts, link, version, source_port, port):
    """The initiator closes, data still comes, and its kernel answers that with a RST."""
    client, server = hosts.tcp(link, version, source_port, port)
    client.sendall(b"on second thoughts\n")
    server.recv(100)
    client.close()
    time.sleep(0.1)
    _send_until_broken(server, 3, 0.1)
    server.close()


def _send_until_broken(sock, chunks, pause):
    try:
        for _ in range(chunks):
            sock.sendall(bytes(2500))
            time.sleep(pause)
    except OSError:
        pass


def udp_exchange(hosts, link, version, source_port, port, times, answer_bytes=200):
    """A request and an answer at each of `times` (seconds after the start)."""
    start = time.monotonic()
    client, server = hosts.udp(link, version, source_port, port)
    for number, at in enumerate(times):
        time.sleep(max(0, start + at - time.monotonic()))
        client.send(b"query %d" % number)
        server.recv(2000)
        server.send(bytes(answer_bytes))
        client.recv(2000)
    client.close()
    server.close()


def udp_one_way(hosts, link, version, source_port, port, count, size, pause=0.05):
    """Datagrams in one direction only; above the MTU they are sent in fragments."""
    client, server = hosts.udp(link, version, source_port, port)
    for _ in range(count):
        client.send(bytes(size))
        time.sleep(pause)
    client.close()
    server.close()


def udp_refused(hosts, link, version, source_port, port):
    """A datagram to a closed port, answered by an ICMP error that quotes it."""
    left, right = hosts.addresses(link, version)
    client = hosts.bound(hosts.left, socket.SOCK_DGRAM, left, source_port)
    client.sendto(b"anybody there?", (right, port))
    time.sleep(0.2)
    client.close()


def ping(hosts, link, version, count):
    """ICMP or ICMPv6 echo; the other host's kernel answers."""
    kind, protocol = (8, socket.IPPROTO_ICMP) if version == 4 else (128, socket.IPPROTO_ICMPV6)
    family = socket.AF_INET if version == 4 else socket.AF_INET6
    left, right = hosts.addresses(link, version)
    with namespace(hosts.left):
        sock = socket.socket(family, socket.SOCK_RAW, protocol)
    sock.bind((left, 0))
    for number in range(1, count + 1):
        message = struct.pack("!BBHHH", kind, 0, 0, 7, number) + bytes(range(56))
        total = sum(struct.unpack("!32H", message))      # ICMPv6: the kernel writes the checksum
        checksum = ~(total % 0xFFFF) & 0xFFFF if version == 4 else 0
        sock.sendto(message[:2] + struct.pack("!H", checksum) + message[4:], (right, 0))
        time.sleep(0.3)
    sock.close()
