"""`sluice session` and `sluice show` beside gRPC: the same daemon, the same answers."""

import json
import os
import re
import select
import subprocess

from closing import open_, request, reset
from daemon import Daemon
from demo_capture import CONFIGS
from feed import Wire
from frames import of
from settings import settings
from suite import Failure, equal, eventually, true
from table import ACCEPTED, ALL, DROP, MIRROR, OPI, fields

TIME_LIMIT_SECONDS = 20


def _run(daemon, *arguments, status=0, environment=None):
    """A command to its end: (standard output, standard error)."""
    named = () if environment else ("--socket", daemon.socket)
    done = subprocess.run([daemon.sluice, *arguments, *named], capture_output=True, text=True, check=False,
                          stdin=subprocess.DEVNULL, timeout=TIME_LIMIT_SECONDS,
                          env={**os.environ, **(environment or {})})
    equal(done.returncode, status, f"exit status of {' '.join(arguments)} ({done.stderr.strip()})")
    return done.stdout, done.stderr


def _json(daemon, *arguments, **options):
    """The objects that a command prints, one a line."""
    output, _ = _run(daemon, *arguments, "--json", **options)
    try:
        return [json.loads(line) for line in output.splitlines()]
    except ValueError as error:
        raise Failure(f"{arguments}: no JSON: {error}: {output[:200]!r}") from error


def test_one_session_from_add_to_delete(case):
    daemon = case.daemon(settings())
    table = OPI(daemon)
    added, = _json(daemon, "session", "add", "--id", "7", "--inlif", "1", "--outlif", "2/30", "--source",
                   "10.0.0.1:1234", "--destination", "10.0.0.2:443", "--protocol", "tcp", "--action",
                   "mirror", "--next-hop", "192.0.2.9", "--timeout", "77")
    equal((added["added"], added["refused"]), (1, []), "added")
    session = daemon.session(7)
    equal((session.source_address, session.source_port, session.destination_address, session.destination_port,
           session.protocol, session.in_lif, session.out_lif, session.out_vlan, session.action),
          (bytes([10, 0, 0, 1]), 1234, bytes([10, 0, 0, 2]), 443, 6, 1, 2, 30, MIRROR), "session")
    for command in (("list",), ("get", "7"), ("show", "7")):
        found, = _json(daemon, "session", *command)
        equal({name: found[name] for name in ("session_id", "source", "source_port", "destination",
                                              "destination_port", "protocol", "action", "state")},
              {"session_id": 7, "source": "10.0.0.1", "source_port": 1234, "destination": "10.0.0.2",
               "destination_port": 443, "protocol": "_TCP", "action": "_MIRROR", "state": "_ESTABLISHED"},
              f"session {' '.join(command)}")
        shown, _ = _run(daemon, "session", *command)
        true("10.0.0.1" in shown, f"no address in session {command}")
    again = ("--inlif", "1", "--outlif", "2/30", "--source", "10.0.0.1:1234", "--destination", "10.0.0.2:443",
             "--protocol", "tcp", "--action", "drop")
    refused, = _json(daemon, "session", "add", "--id", "7", *again, status=1)
    equal((refused["added"], refused["refused"][0]["status"]), (0, "_SESSION_ALREADY_EXISTS"), "again")
    _run(daemon, "session", "add", "--id", "7", *again, "--replace")
    equal(daemon.session(7).action, DROP, "action after --replace")
    deleted, = _json(daemon, "session", "delete", "7")
    equal((deleted["session_id"], deleted["state"], table.ids()), (7, "_CLOSED", []), "deleted")
    for command in ("get", "delete", "show"):
        true("7" in _run(daemon, "session", command, "7", status=1)[1], f"session {command} does not name it")


def test_refusals_are_told(case):
    daemon = case.daemon(settings(capacity=1))
    good = ("session", "add", "--source", "10.0.0.1:1", "--destination", "10.0.0.2:2", "--protocol", "udp",
            "--action", "forward", "--outlif", "2")
    _, errors = _run(daemon, *good, "--inlif", "9", status=1)
    true("refused" in errors, f"{errors!r} does not say so")
    refused, = _json(daemon, *good, "--inlif", "9", status=1)
    true("inlif" in refused["refused"][0]["message"], f"the field is not named: {refused}")
    added, = _json(daemon, *good, "--inlif", "1")
    equal(added["assigned_session_ids"], OPI(daemon).ids(), "ids that the daemon chose")
    full, = _json(daemon, *good[:3], "10.0.0.9:1", *good[4:], "--inlif", "1", status=1)
    equal(full["refused"][0]["status"], "_SESSION_TABLE_FULL", "one too many")
    for wrong in (("--protocol", "icmp"), ("--action", "reject"), ("--source", "10.0.0.1")):
        _run(daemon, *good, "--inlif", "1", *wrong, status=2)


def test_lists_of_many(case):
    daemon = case.daemon(settings(capacity=10_000))
    equal(OPI(daemon).add(*[fields(number) for number in range(1, 5001)]).status, ACCEPTED, "5000")
    found = _json(daemon, "session", "list")
    equal(sorted(each["session_id"] for each in found), list(range(1, 5001)), "listed")
    equal(len(_json(daemon, "session", "list", "--limit", "7")), 7, "listed with --limit 7")
    equal(_json(daemon, "session", "list", "--state", "closed"), [], "closed ones")


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
    sessions, = _json(daemon, "show", "sessions")
    status = daemon.status()
    equal((sessions["live"], sessions["opened"], sessions["closed_rst"], sessions["lingering"]),
          (status.live_sessions, status.sessions_opened, status.closed_rst, status.lingering_sessions),
          "sessions")
    equal((sessions["live"], sessions["closed_rst"]), (2, 1), "live and closed by RST")
    memory, = _json(daemon, "show", "memory")
    true(memory["resident_bytes"] > 0, f"memory {memory}")
    for name, word in (("workers", "packets"), ("ports", "lif-1"), ("drops", "sessionDrop"),
                       ("sessions", "live"), ("memory", "resident"), ("status", "capacity")):
        true(word in _run(daemon, "show", name)[0], f"{word} is not in show {name}")
    repeated = _json(daemon, "show", "ports", "--interval", "0.1", "--count", "3")
    equal(len(repeated), 3, "outputs of --interval 0.1 --count 3")


def test_which_socket(case):
    daemon = case.daemon(settings())
    _run(daemon, "show", "status", environment={"SLUICE_SOCKET": daemon.socket})
    nobody = Daemon(case.sluice, case.directory, settings(), 9)
    _, errors = _run(nobody, "show", "status", status=1)
    true(nobody.socket in errors, f"the socket is not named: {errors!r}")
    daemon.kill()
    _, errors = _run(daemon, "session", "list", status=1)
    true(daemon.socket in errors, f"the socket is not named: {errors!r}")


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
