"""Clients that are gone all at once: killed in mid-stream, connections cut at every byte."""

import os
import signal
import subprocess
import sys
import time

import http2
from bystander import Bystander
from settings import settings
from suite import equal, eventually, true
from table import OPI, V2, fields

PATH = "/opi.security.firewall.v1.SessionTable/AddSession"
# A client of its own process: streams requests until it is killed.
CLIENT = """
import sys
sys.path[:0] = sys.argv[2:]
import grpc, stubs
from table import OPI, fields
class Daemon: channel = grpc.insecure_channel("unix:" + sys.argv[1])
table = OPI(Daemon)
def requests():
    message = table.request(**fields(1))
    for number in range(2, 60_000):
        message.session_id = number
        message.sourceport = number
        yield message
        if number == 100: print("on its way", flush=True)
    import time; time.sleep(60)
table.stub.AddSession(requests())
"""


def test_killed_in_mid_stream(case):
    daemon = case.daemon(settings(capacity=100_000))
    here = os.path.dirname(os.path.abspath(__file__))
    with Bystander(daemon):
        for _ in range(2):
            client = subprocess.Popen([sys.executable, "-c", CLIENT, daemon.socket, *sys.path[:2], here],
                                      stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            said = client.stdout.readline()
            time.sleep(0.1)
            client.send_signal(signal.SIGKILL)
            client.wait()
            errors = client.stderr.read()
            client.stdout.close()
            client.stderr.close()
            equal((said, errors), (b"on its way\n", b""), "what the client said")
        time.sleep(0.3)
    status = daemon.status()
    equal(status.live_sessions, 0, "sessions of killed clients")


def test_cut_at_every_byte(case):
    """A whole call in bytes, cut at each place, on a connection each: nothing without its end is inserted."""
    daemon = case.daemon(settings())
    table = OPI(daemon)
    body = table.request(**fields(1)).SerializeToString()
    whole = (http2.PREFACE + http2.frame(http2.SETTINGS) + http2.frame(
        http2.HEADERS, http2.END_HEADERS, 1, http2.headers(PATH))
        + http2.frame(http2.DATA, http2.END_STREAM, 1, http2.message(body)))
    with Bystander(daemon):
        for end in range(0, len(whole), 3):
            client = http2.connect(daemon.socket)
            client.sendall(whole[:end])
            client.close()
        time.sleep(0.3)
    equal(table.ids(), [], "sessions")
    client = http2.connect(daemon.socket)
    client.sendall(whole)
    eventually(lambda: table.ids() == [1], "the whole call adds its session")
    client.close()


def test_gone_before_the_answer(case):
    """Lists, deletes and drains whose callers do not wait: no record is lost twice or given twice."""
    daemon = case.daemon(settings(capacity=3000))
    table = OPI(daemon)
    table.add(*[fields(number, timeout=1) for number in range(1, 2001)])
    eventually(lambda: daemon.status().closed_retained == 2000, "sessions close", 5)
    with Bystander(daemon):
        for _ in range(50):
            connection = http2.Connection(daemon.socket, window=0)
            connection.call("/openoffload.v2.SessionTable/GetClosedSessions", b"")
            connection.call("/opi.security.firewall.v1.SessionTable/GetAllSession", b"\x10\x04")
            connection.close()
        time.sleep(0.5)
    found = [each.sessionid for each in V2(daemon).closed()[0]]
    equal(len(found), len(set(found)), "closed sessions, each once")
    # Without a window nothing can have been sent: every record is still there.
    true(sorted(found) == list(range(1, 2001)), f"{len(found)} of 2000 records are left")


def test_many_short_lives(case):
    daemon = case.daemon(settings())
    with Bystander(daemon):
        for number in range(300):
            connection = http2.Connection(daemon.socket)
            if number % 3:
                connection.call(PATH, ends=False)
            connection.close()
    equal(daemon.status().live_sessions, 0, "sessions")
