"""`sluice session` and `sluice show` beside gRPC: the same daemon, the same answers.

What the commands take and print is in Tests/Interop/cli_session.py and cli_show.py.
"""

import fcntl
import json
import os
import re
import select
import signal
import struct
import subprocess
import termios

import grpc
import stubs
from closing import open_, request, reset
from demo_capture import CONFIGS
from feed import Wire
from frames import of
from settings import settings
from suite import Failure, equal, eventually, refused, true
from table import ALL, DROP, OPI, fields

TIME_LIMIT_SECONDS = 20


def _json(daemon, *arguments):
    """The objects that a command prints, one a line."""
    command = [daemon.sluice, *arguments, "--json", "--socket", daemon.socket]
    done = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL,
                          timeout=TIME_LIMIT_SECONDS)
    equal(done.returncode, 0, f"exit status of {' '.join(arguments)} ({done.stderr.strip()})")
    try:
        return [json.loads(line) for line in done.stdout.splitlines()]
    except ValueError as error:
        raise Failure(f"{arguments}: no JSON: {error}: {done.stdout[:200]!r}") from error


def test_closed_and_watch(case):
    wire = Wire(case)
    daemon, table = wire.daemon, OPI(wire.daemon)
    watch = subprocess.Popen([daemon.sluice, "session", "watch", "--json", "--socket", daemon.socket],
                             stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        _await_watcher(table, watch)
        table.add(request(1, timeout=2))
        open_(wire, request(1))
        reset(wire, request(1))
        events = [json.loads(watch.stdout.readline()) for _ in range(2)]
        found = [(each["event"], each["session_id"]) for each in events]
        equal(found, [("ADDED", 1), ("CLOSED", 1)], "events")
        equal((events[1]["close_code"], events[1]["in_packets"]), ("_RST", 3), "the close")
    finally:
        watch.terminate()
        watch.wait(5)
        watch.stdout.close()
    for _ in range(2):
        closed, = _json(daemon, "session", "closed")
        found = closed["session_id"], closed["close_code"], closed["source"]
        equal(found, (1, "_RST", "10.0.0.1"), "closed")
    eventually(lambda: _json(daemon, "session", "closed", "--drain"), "drained once it no longer lingers", 5)
    equal((_json(daemon, "session", "closed"), table.list(3)), ([], []), "closed ones after the drain")


def _await_watcher(table, watch):
    """Adds and deletes until the watcher tells: it has begun then. What it tells of that is read."""
    has_begun = False
    while not has_begun:
        table.add(fields(1000))
        table.delete(1000)
        has_begun = bool(select.select([watch.stdout], [], [], 0.1)[0])
    table.add(fields(1001))
    table.delete(1001)
    last = None
    while last != ("DELETED", 1001):
        event = json.loads(watch.stdout.readline())
        last = event["event"], event["session_id"]


def test_show_says_what_grpc_says(case):
    wire = Wire(case, workers=2)
    daemon = wire.daemon
    OPI(daemon).add(fields(1), request(2), fields(3, action=DROP))
    open_(wire, request(2))
    reset(wire, request(2))
    wire.send(of(fields(3)), of(fields(1)))
    workers, = _json(daemon, "show", "workers")
    totals = daemon.counters()
    equal(sum(worker["counters"]["packets"] for worker in workers["workers"]), totals["packets"], "packets")
    ports, = _json(daemon, "show", "ports")
    equal({each["name"]: each["received_packets"] for each in ports["ports"]},
          {name: each.received_packets for name, each in daemon.ports().items()}, "received by port")
    drops, = _json(daemon, "show", "drops")
    equal({each["reason"]: each["packets"] for each in drops["drops"]}, {"sessionDrop": 1}, "drops")
    equal(drops["drops"][0]["ports"], {"lif-1": 1}, "drops by port")
    sessions, = _json(daemon, "show", "sessions")
    status = daemon.status()
    equal((sessions["live"], sessions["opened"], sessions["closed_rst"], sessions["lingering"]),
          (status.live_sessions, status.sessions_opened, status.closed_rst, status.lingering_sessions),
          "sessions")
    equal((sessions["live"], sessions["closed_rst"]), (2, 1), "live and closed by RST")
    memory, = _json(daemon, "show", "memory")
    true(memory["resident_bytes"] > 0, f"memory {memory}")


def test_show_neighbors(case):
    """Ports that are not routed have those of the configuration alone, which no worker looks after."""
    daemon = case.daemon(settings(neighbors=[
        {"address": "192.0.2.9", "mac": "02:00:00:00:00:09", "lif": 2, "vlan": 7},
        {"address": "2001:db8::9", "mac": "02:00:00:00:00:0a", "lif": 1}]))
    shared = {"state": "static", "seconds_left": 0, "waiting": 0, "workers": 0}
    found, = _json(daemon, "show", "neighbors")
    equal(found["neighbors"], [
        {"port": "a", "lif": 1, "vlan": 0, "address": "2001:db8::9", "mac": "02:00:00:00:00:0a", **shared},
        {"port": "b", "lif": 2, "vlan": 7, "address": "192.0.2.9", "mac": "02:00:00:00:00:09", **shared},
    ], "neighbors")
    request = stubs.sluice.ListNeighborsRequest
    equal([each.lif for each in daemon.dataplane.ListNeighbors(request(port="b"), timeout=5).neighbors], [2],
          "of one port")
    refused(lambda: daemon.dataplane.ListNeighbors(request(port="x" * 100), timeout=5),
            grpc.StatusCode.NOT_FOUND, f"port {'x' * 64} is not configured")


def test_the_demo(case):
    """configs/demo.yaml as it is, its sessions by `session add --file`: they count from then on."""
    with open(os.path.join(CONFIGS, "demo.yaml"), encoding="utf-8") as file:
        text = re.sub(r"\bdemo\.pcap\b", os.path.join(CONFIGS, "demo.pcap"), file.read())
    daemon = case.daemon(text)
    sessions = os.path.join(CONFIGS, "demo-sessions.yaml")
    added, = _json(daemon, "session", "add", "--file", sessions, "--inlif", "1", "--outlif", "2")
    equal((added["added"], added["refused"]), (34, []), "added")
    eventually(lambda: daemon.counters()["matched"] > 100, "packets match", 20)
    listed = _json(daemon, "session", "list", "--state", "all")
    equal(sorted(each["session_id"] for each in listed), list(range(1, 35)), "sessions")
    true(sum(each["in_packets"] + each["out_packets"] for each in listed) >= 100, "packets of sessions")
    equal(len(OPI(daemon).list(ALL)), 34, "by GetAllSession")


def test_top(case):
    """The busiest sessions come first, at the rates of their packets; a terminal is filled and put back."""
    wire = Wire(case)
    OPI(wire.daemon).add(*[fields(number) for number in (1, 2, 3)])
    top = subprocess.Popen(
        [wire.daemon.sluice, "top", "--json", "--count", "3", "--interval", "1", "--sessions", "2",
         "--socket", wire.daemon.socket], stdout=subprocess.PIPE, text=True)
    while top.poll() is None:
        wire.send(*[of(fields(2), payload=10)] * 4, *[of(fields(3), payload=1000)] * 2)
    readings = [json.loads(line) for line in top.stdout]
    top.stdout.close()
    equal((top.returncode, len(readings)), (0, 3), "exit status and readings")
    for reading in readings:
        equal([each["session_id"] for each in reading["sessions"]], [2, 3], "the busiest by packets")
        first, second = reading["sessions"]
        true(1.5 < first["packets_per_second"] / second["packets_per_second"] < 2.5, f"rates: {reading}")
        worker, = reading["workers"]["workers"]
        true(worker["rates"]["packets_per_second"] > 0.5 * first["packets_per_second"], "the worker's rate")
        equal(reading["status"]["live_sessions"], 3, "live sessions")
    by_bytes, = _json(wire.daemon, "top", "--count", "1", "--by", "bytes")
    equal(len(by_bytes["sessions"]), 3, "sessions")
    text = subprocess.run([wire.daemon.sluice, "top", "--count", "2", "--interval", "0.1", "--socket",
                           wire.daemon.socket], capture_output=True, text=True, check=True, timeout=20).stdout
    equal([len(re.findall(word, text)) for word in ("up ", "packets/s", "lif-1", "10.0.0.1.1026", "\x1b")],
          [2, 4, 2, 2, 0], f"two readings: {text}")
    _on_a_terminal(wire.daemon)


def _on_a_terminal(daemon):
    ours, terminal = os.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 6, 50, 0, 0))
    top = subprocess.Popen([daemon.sluice, "top", "--interval", "0.1", "--socket", daemon.socket],
                           stdin=subprocess.DEVNULL, stdout=terminal, stderr=terminal)
    os.close(terminal)
    found = b""
    while found.count(b"\x1b[J") < 3:
        found += os.read(ours, 65536)
    top.send_signal(signal.SIGINT)
    try:
        while True:
            found += os.read(ours, 65536)
    except OSError:
        pass
    os.close(ours)
    equal(top.wait(TIME_LIMIT_SECONDS), 130, "exit status of Ctrl-C")
    true(found.startswith(b"\x1b[?1049h") and found.endswith(b"\x1b[?25h\x1b[?1049l"), "it is put back")
    screen = found.split(b"\x1b[H")[1].split(b"\x1b[J")[0].split(b"\x1b[K")
    equal((len(screen) - 1, all(len(line.strip()) <= 50 for line in screen)), (5, True), f"fits: {screen}")
