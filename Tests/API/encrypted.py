"""TCP with TLS (design decision 20): who is let in, and each listener's own byte order."""

import contextlib
import os
import socket
import subprocess

import grpc

from running import Daemon
from settings import settings
from suite import equal, true
from table import ACCEPTED, OPI, V2, fields


def _openssl(directory, *arguments):
    subprocess.run(["openssl", *arguments], cwd=directory, check=True, capture_output=True)


def _certificates(directory):
    """A CA, and certificates by it for the server and a client; another CA's client beside them."""
    for ca in ("ca", "other"):
        _openssl(directory, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                 "-keyout", f"{ca}.key", "-out", f"{ca}.pem", "-subj", f"/CN={ca}", "-days", "2")
    with open(os.path.join(directory, "names"), "w", encoding="utf-8") as file:
        file.write("subjectAltName=IP:127.0.0.1,DNS:localhost\n")
    for name, ca in (("server", "ca"), ("client", "ca"), ("stranger", "other")):
        _openssl(directory, "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                 "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}")
        _openssl(directory, "x509", "-req", "-in", f"{name}.csr", "-CA", f"{ca}.pem", "-CAkey", f"{ca}.key",
                 "-CAcreateserial", "-days", "2", "-extfile", "names", "-out", f"{name}.pem")


def _free_port():
    with contextlib.closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class TLS:
    """A daemon with a listener that wants certificates and one that takes anybody and has host numbers."""

    def __init__(self, case):
        self.case = case
        _certificates(case.directory)
        self.mutual, self.open = _free_port(), _free_port()
        files = {"certificate": case.path("server.pem"), "key": case.path("server.key")}
        self.daemon = case.daemon(settings(api={"listen": [
            {"address": f"127.0.0.1:{self.mutual}", **files, "client_ca": case.path("ca.pem")},
            {"address": f"127.0.0.1:{self.open}", **files, "client_auth": "none", "ipv4_encoding": "host"}]}))

    def channel(self, tcp_port, name=None):
        """A channel over TLS with the certificate of that name."""
        files = ["ca.pem"] + ([f"{name}.key", f"{name}.pem"] if name else [])
        credentials = grpc.ssl_channel_credentials(*map(self._content, files))
        channel = grpc.secure_channel(f"127.0.0.1:{tcp_port}", credentials)
        self.daemon.channels.append(channel)
        return channel

    def _content(self, name):
        with open(self.case.path(name), "rb") as file:
            return file.read()


def _is_let_in(channel):
    try:
        OPI(None, channel).get(1, timeout=3)
        return True
    except grpc.RpcError as error:
        equal(error.code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED), True,
              f"status {error.code()}")
        return False


def test_who_is_let_in(case):
    tls = TLS(case)
    equal({name: _is_let_in(tls.channel(tls.mutual, name)) for name in ("client", "stranger", None)},
          {"client": True, "stranger": False, None: False}, "who is let in with mutual TLS")
    equal(_is_let_in(tls.channel(tls.open)), True, "anybody where client_auth is none")
    for tcp_port in (tls.mutual, tls.open):
        plain = grpc.insecure_channel(f"127.0.0.1:{tcp_port}")
        tls.daemon.channels.append(plain)
        equal(_is_let_in(plain), False, "without TLS")
    true("client_auth" in tls.daemon.said(), f"no warning of client_auth none in {tls.daemon.said()!r}")
    equal(_is_let_in(tls.daemon.connect()), True, "the control socket")


def test_a1_byte_order_by_listener(case):
    tls = TLS(case)
    mutual, anybody = tls.channel(tls.mutual, "client"), tls.channel(tls.open)
    for identity, (channel, encoding) in enumerate(((mutual, "inet_pton"), (anybody, "host")), 1):
        for generation in (OPI, V2):
            table = generation(tls.daemon, channel)
            request = fields(identity, source="10.1.2.3", encoding=encoding)
            equal(table.add(request).status, ACCEPTED, f"added by {encoding}")
            equal(tls.daemon.session(identity).source_address, bytes([10, 1, 2, 3]), f"source by {encoding}")
            table.delete(identity)


def test_refused_at_the_start(case):
    _certificates(case.directory)
    good = {"address": f"127.0.0.1:{_free_port()}", "certificate": case.path("server.pem"),
            "key": case.path("server.key"), "client_ca": case.path("ca.pem")}
    for number, (change, word) in enumerate((
            ({"certificate": "/nonexistent.pem"}, "/nonexistent.pem"),
            ({"key": "/nonexistent.key"}, "/nonexistent.key"),
            ({"key": case.path("client.key")}, "key"), ({"client_ca": None}, "client_ca"),
            ({"certificate": case.path("names")}, "names"), ({"address": "localhost:1"}, "localhost"))):
        listener = {name: value for name, value in (good | change).items() if value is not None}
        daemon = Daemon(case.sluice, case.directory, settings(api={"listen": [listener]}), 10 + number)
        status = daemon.refusal()
        true(status in (1, 2), f"{change}: exit status {status}")
        true(word in daemon.said(), f"{word!r} is not in {daemon.said()!r}")
