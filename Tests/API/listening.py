"""The control socket: whose it is, its permissions, and the daemon's end (design decision 20)."""

import os
import signal
import socket
import stat
import threading
import time

import grpc

import stubs
from running import Daemon
from settings import port, settings
from suite import equal, eventually, true
from table import OPI, V2, fields

STOP_SECONDS = 1.0


def _expect_refused(case, sluice_settings, status, *words, path=None, number=50):
    """A daemon that must not start."""
    daemon = Daemon(case.sluice, case.directory, sluice_settings, number, socket=path)
    equal(daemon.refusal(), status, f"exit status ({daemon.said()})")
    for word in words:
        true(word in daemon.said(), f"{word!r} is not in {daemon.said()!r}")


def test_a_live_daemon_is_never_displaced(case):
    first = case.daemon(settings())
    table = OPI(first)
    table.add(fields(1))
    for number in range(3):
        _expect_refused(case, settings(), 1, first.socket, path=first.socket, number=50 + number)
    equal(table.ids(), [1], "sessions of the first one")
    equal(first.is_serving(), True, "the first one takes new connections")


def test_a_socket_left_behind_is_replaced(case):
    first = case.daemon(settings())
    first.kill()
    true(os.path.exists(first.socket), "the socket of a killed daemon is gone: nothing to test")
    second = case.daemon(settings(), socket=first.socket)
    equal(OPI(second).ids(), [], "sessions of the second one")
    equal(second.terminate()[0], 0, "exit status")
    equal(os.path.exists(first.socket), False, "the socket is there after the end")


def test_other_files_and_strangers_sockets_are_left_alone(case):
    path = case.path("precious")
    with open(path, "w", encoding="utf-8") as file:
        file.write("words")
    _expect_refused(case, settings(), 1, path, path=path)
    with open(path, encoding="utf-8") as file:
        equal(file.read(), "words", "the file's content")
    path = case.path("stranger.sock")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as stranger:
        stranger.bind(path)
        stranger.listen()
        _expect_refused(case, settings(), 1, path, path=path, number=51)
        true(os.path.exists(path), "a stranger's socket was removed")
    path = case.path("missing/control.sock")
    _expect_refused(case, settings(), 1, path, path=path, number=52)


def test_permissions(case):
    for number, (api, mode) in enumerate(((None, 0o660), ({"socket_mode": "0600"}, 0o600))):
        daemon = case.daemon(settings(api=api))
        status = os.stat(daemon.socket)
        equal((stat.S_IMODE(status.st_mode), status.st_gid), (mode, os.getegid()), f"mode and group {number}")


def test_capabilities_are_dropped(case):
    """No thread keeps what it may only need to start with."""
    daemon = case.daemon(settings(workers=2))
    table = OPI(daemon)
    table.add(fields(1))
    tasks = f"/proc/{daemon.process.pid}/task"
    threads = {}
    for task in os.listdir(tasks):
        with open(f"{tasks}/{task}/status", encoding="ascii") as lines:
            status = dict(line.rstrip("\n").split(":\t", 1) for line in lines)
        threads[status["Name"]] = status
    true({"sluice", "sluice-ctl"} <= set(threads), f"threads: {sorted(threads)}")
    for name, status in threads.items():
        for kind in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
            equal(int(status[kind], 16), 0, f"{kind} of thread {name}")
        equal(status["NoNewPrivs"], "1", f"NoNewPrivs of thread {name}")


def test_bad_configurations_do_not_start(case):
    for number, (text, word) in enumerate((
            (settings(capacity=0), "capacity"), ("ports: [", "yaml"),
            (settings(api={"lif": "loose"}), "lif"),
            (settings(api={"ipv4_encoding": "network"}), "ipv4_encoding"),
            (settings(ports=[port("a", 1, capture="/nonexistent.pcap")]), "/nonexistent.pcap"))):
        daemon = Daemon(case.sluice, case.directory, text, 60 + number)
        status = daemon.refusal()
        true(status in (1, 2), f"{word}: exit status {status}")
        true(word in daemon.said(), f"{word!r} is not in {daemon.said()!r}")
        equal(os.path.exists(daemon.socket), False, f"{word}: the socket is there")


def test_sigterm_at_rest(case):
    daemon = case.daemon(settings(workers=2))
    OPI(daemon).add(*[fields(number) for number in range(1, 101)])
    status, took = daemon.terminate()
    equal(status, 0, "exit status")
    true(took < STOP_SECONDS, f"it took {took:.2f} s")
    equal(os.path.exists(daemon.socket), False, "the socket is there")


def test_sigterm_with_calls_in_flight(case):
    """A stream half sent, two that follow, a list, a health watch, an idle connection: within a second."""
    daemon = case.daemon(settings(workers=2, capacity=5000))
    table = OPI(daemon)
    table.add(*[fields(number) for number in range(1, 4001)])
    finish = threading.Event()

    def half():
        yield table.request(**fields(5000))
        finish.wait(20)

    calls = [
        table.stub.AddSession.future(half()), V2(daemon).follow(),
        daemon.dataplane.WatchSessions(stubs.sluice.WatchSessionsRequest()),
        stubs.health_grpc.HealthStub(daemon.channel).Watch(stubs.health.HealthCheckRequest()),
    ]
    for call in calls[1:]:
        threading.Thread(target=_drain, args=(call,), daemon=True).start()
    idle = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    idle.connect(daemon.socket)
    busy = threading.Thread(target=_list_on, args=(daemon,), daemon=True)
    busy.start()
    time.sleep(0.5)
    status, took = daemon.terminate()
    finish.set()
    idle.close()
    busy.join(5)
    equal(status, 0, f"exit status ({daemon.said()})")
    true(took < STOP_SECONDS, f"it took {took:.2f} s")
    eventually(lambda: all(call.done() if hasattr(call, "done") else not call.is_active() for call in calls),
               "all calls have ended")


def _drain(call):
    try:
        for _ in call:
            pass
    except grpc.RpcError:
        pass


def _list_on(daemon):
    table = OPI(daemon, daemon.connect())
    try:
        while True:
            table.list()
    except grpc.RpcError:
        pass


def test_two_sigterms_and_sigint(case):
    daemon = case.daemon(settings())
    daemon.process.send_signal(signal.SIGTERM)
    daemon.process.send_signal(signal.SIGTERM)
    true(daemon.process.wait(5) in (0, 130, 143, -15), f"exit status {daemon.process.returncode}")
    daemon.expected_status = daemon.process.returncode
    daemon = case.daemon(settings())
    daemon.process.send_signal(signal.SIGINT)
    true(daemon.process.wait(5) in (0, 130), f"exit status {daemon.process.returncode} after SIGINT")
    daemon.expected_status = daemon.process.returncode
