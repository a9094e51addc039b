"""SIGHUP and `sluice reload`: ports, policies and limits change under traffic, all of it or nothing."""

import json
import os
import signal
import subprocess

import frames
import stubs
from demo_capture import DEMO
from feed import Feed, Wire
from frames import of
from running import CALL_SECONDS
from settings import port, settings
from suite import equal, eventually, true
from table import FORWARD, MIRROR, OPI, fields
from tracing import Trace

PACKET = frames.udp("10.0.0.1", 1025, "10.0.0.2", 53)


class Changing(Wire):
    """Two ports that are FIFOs, and the configuration that they are in, to be changed."""

    def __init__(self, case, **others):
        super().__init__(case, **others)
        self.case = case
        self.others = {"captures": {"rate": "max"}, "capacity": 1000, "workers": 1, **others}
        self.ports = [port(f"lif-{lif}", lif, capture=feed.path, miss="forward")
                      for lif, feed in self.feeds.items()]

    def write(self, ports=None, **others):
        with open(self.daemon.config, "w", encoding="utf-8") as file:
            file.write(settings(ports or self.ports, **{**self.others, **others}))

    def reload(self):
        """(changes, problems)"""
        answer = self.daemon.dataplane.Reload(stubs.sluice.ReloadRequest(), timeout=CALL_SECONDS)
        return list(answer.changes), list(answer.problems)

    def change(self, ports=None, **others):
        """Changes that must be made."""
        self.write(ports, **others)
        changes, problems = self.reload()
        equal(problems, [], "problems")
        return changes

    def third(self):
        self.feeds[3] = Feed(self.case.path("lif-3.fifo"))
        return port("lif-3", 3, capture=self.feeds[3].path, miss="learn", peer=1)

    def state(self):
        """Everything that a refused reload must leave as it is."""
        ports = {name: (each.lif, each.peer, each.kind, each.source, each.miss, each.non_session,
                        each.received_packets, each.transmitted_packets, each.receiving, each.error)
                 for name, each in self.daemon.ports().items()}
        status = self.daemon.status()
        return ports, status.live_sessions, status.closed_retention, status.capacity, self.daemon.counters()[
            "packets"], sorted(os.listdir(f"/proc/{self.daemon.process.pid}/task"))


def _run(daemon, *arguments):
    return subprocess.run([daemon.sluice, "reload", "--socket", daemon.socket, *arguments], check=False,
                          capture_output=True, text=True, timeout=CALL_SECONDS, stdin=subprocess.DEVNULL)


def test_nothing_differs(case):
    wire = Changing(case)
    equal(wire.change(), [], "changes")
    done = _run(wire.daemon)
    equal((done.returncode, done.stdout), (0, "nothing differs\n"), "the command")
    wire.close()


def test_policies_change_and_counters_go_on(case):
    wire = Changing(case)
    wire.send(PACKET)
    equal(wire.daemon.counters()["forwarded"], 1, "forwarded")
    ports = [dict(wire.ports[0], miss="drop", non_session="drop"), wire.ports[1]]
    changes = wire.change(ports)
    equal(changes, ["port lif-1 (LIF 1) changed: miss drop, was forward; non_session drop, was forward"],
          "changes")
    wire.send(PACKET)
    wire.send(PACKET, lif=2)
    counters = wire.daemon.counters()
    equal((counters["forwarded"], counters["dropped"]), (2, 1), "forwarded and dropped")
    found = wire.daemon.ports()
    equal(found["lif-1"].received_packets, 2, "received by the first port, before and after")
    equal((found["lif-1"].miss, found["lif-1"].non_session), ("drop", "drop"), "policies that are shown")
    wire.close()


def test_a_trace_knows_ports_that_came_later(case):
    wire = Changing(case)
    late = dict(wire.third(), name="late", miss="drop")
    wire.change([dict(wire.ports[0], peer=2, name="early"), dict(wire.ports[1], peer=1), late])
    for lif, name, verdict, policy in ((3, "late", "drop", "drop"), (1, "early", "forward", "forward")):
        trace = Trace(wire.daemon, count=1, port=name)
        wire.send(PACKET, lif=lif)
        packet, = trace.packets()
        equal((packet.port, packet.verdict), (name, verdict), "the packet")
        texts = {step.name: step.text for step in packet.steps}
        true(texts["receive"].startswith(f"port {name} (LIF {lif})"), texts["receive"])
        equal(texts["policy"], f"miss {policy}", "the policy")
    wire.close()


def test_a_port_is_added_and_removed(case):
    wire = Changing(case)
    table = OPI(wire.daemon)
    table.add(fields(1, action=FORWARD))
    wire.send(of(fields(1)))
    third = wire.third()
    ports = [dict(wire.ports[0], peer=2), dict(wire.ports[1], peer=1), third]
    equal(wire.change(ports), ["port lif-3 (LIF 3) added"], "changes")
    wire.send(PACKET, lif=3)
    session, = [each for each in wire.daemon.sessions() if each.learned]
    equal((session.in_lif, session.out_lif), (3, 1), "LIFs of the learned session")
    equal(wire.daemon.ports()["lif-1"].transmitted_packets, 1, "sent by the first port")
    equal(table.add(fields(2, inlif=3)).status, 0, "a session on the new LIF")
    equal(wire.change(wire.ports), ["port lif-3 (LIF 3) removed"], "changes")
    equal(sorted(wire.daemon.ports()), ["lif-1", "lif-2"], "ports")
    wire.send(of(fields(1)))
    equal(table.get(1).counters[0], 2, "packets of the session that was there all the time")
    learned, = [each for each in wire.daemon.sessions() if each.learned]
    equal((learned.in_lif, learned.session_id), (3, session.session_id), "the learned session")
    # What would leave by it has nowhere to go.
    before = wire.daemon.drops().get("transmitFailed", 0)
    wire.send(of(fields(2), back=True), lif=2)
    equal(wire.daemon.drops().get("transmitFailed", 0) - before in (0, 1), True, "drops")
    # The same LIF anew: it counts from 0.
    equal(wire.change(ports), ["port lif-3 (LIF 3) added"], "changes")
    equal(wire.daemon.ports()["lif-3"].received_packets, 0, "received by the port that came back")
    wire.close()


def test_a_source_changes_while_the_other_goes_on(case):
    wire = Changing(case)
    wire.send(PACKET)
    wire.send(PACKET, lif=2)
    old, wire.feeds[2] = wire.feeds[2], Feed(case.path("other.fifo"))
    ports = [wire.ports[0], dict(wire.ports[1], capture=wire.feeds[2].path)]
    changes = wire.change(ports)
    equal(changes, ["port lif-2 (LIF 2) changed: what it receives from, opened anew"], "changes")
    wire.send(PACKET)
    wire.send(PACKET, lif=2)
    found = wire.daemon.ports()
    equal((found["lif-1"].received_packets, found["lif-2"].received_packets), (2, 2), "received")
    equal(found["lif-2"].source, wire.feeds[2].path, "source")
    old.close()
    wire.close()


def test_files_that_go_on_and_one_that_ends(case):
    """Files are merged into one feed: what is left of it goes on where it is."""
    ports = [port("a", 1, capture=DEMO), port("b", 2, capture=DEMO)]
    shared = {"captures": {"rate": 2000, "loop": "forever"}}
    daemon = case.daemon(settings(ports, **shared))
    eventually(lambda: daemon.ports()["b"].received_packets > 50, "packets by both")
    with open(daemon.config, "w", encoding="utf-8") as file:
        file.write(settings([ports[0]], **shared))
    equal(_run(daemon).stdout.splitlines()[-1], "port b (LIF 2) removed", "changes")
    before = daemon.ports()["a"].received_packets
    eventually(lambda: daemon.ports()["a"].received_packets > before + 100, "the other goes on")
    equal(list(daemon.ports()), ["a"], "ports")
    total = daemon.counters()
    verdicts = ("forwarded", "dropped", "mirrored", "snooped", "punted", "consumed")
    equal(sum(total[name] for name in verdicts), total["packets"], "verdicts")


def test_memory_ports(case):
    ports = [port("a", 1, memory={"flows": 10, "rate": 10000}), port("b", 2)]
    daemon = case.daemon(settings(ports, workers=2))
    eventually(lambda: daemon.ports()["a"].received_packets > 100, "packets")

    def change(ports):
        with open(daemon.config, "w", encoding="utf-8") as file:
            file.write(settings(ports, workers=2))
        done = _run(daemon)
        equal((done.returncode, done.stderr), (0, ""), "the command")
        return done.stdout
    three = [dict(ports[0], peer=2), dict(ports[1], peer=1),
             port("c", 3, peer=3, memory={"flows": 5, "rate": 5000})]
    true("port c (LIF 3) added" in change(three), "added")
    eventually(lambda: daemon.ports()["c"].received_packets > 100, "packets of the new port")
    true("port a (LIF 1) removed" in change([dict(ports[1], peer=2), three[2]]), "removed")
    before = daemon.counters()["packets"]
    eventually(lambda: daemon.counters()["packets"] > before + 100, "packets go on")
    total = daemon.counters()
    equal(total["handedOff"], total["takenOver"], "hand-offs cancel")


def test_neighbours_limits_and_timeouts(case):
    wire = Changing(case)
    table = OPI(wire.daemon)
    request = fields(1, action=MIRROR, hop="192.0.2.9")
    table.add(request)
    wire.send(of(request))
    equal(wire.daemon.counters()["copiesFailed"], 1, "copies failed without a neighbour")
    neighbours = [{"address": "192.0.2.9", "mac": "02:00:00:00:00:09", "lif": 2}]
    changes = wire.change(neighbors=neighbours, closed_retention=5, timeouts={"cache_maximum": 100},
                          api={"limits": {"sessions_per_stream": 2, "page_size": 3}})
    names = ("timeouts", "neighbors", "closed_retention", "api.limits")
    equal(changes, [f"{name} changed" for name in names], "changes")
    wire.send(of(request))
    counters = wire.daemon.counters()
    equal((counters["copiesMade"], counters["copiesFailed"]), (2, 1), "copies asked for, and failed")
    equal(wire.daemon.status().closed_retention, 5, "closed_retention")
    refused = table.add(fields(2, cachetimeout=101))
    true(refused.status != 0, "a timeout beyond the new limit")
    wire.close()


def _refused(wire, word, ports=None, line=True, **others):
    before = wire.state()
    wire.write(ports, **others)
    changes, problems = wire.reload()
    equal(changes, [], f"{word}: changes")
    true(any(word in each for each in problems), f"{word!r} is not in {problems}")
    if line:
        true(all(each.startswith(wire.daemon.config + ":") for each in problems), f"places in {problems}")
    equal(wire.state(), before, f"{word}: the state afterwards")
    return problems


def test_refused_keys_change_nothing(case):
    wire = Changing(case)
    wire.send(PACKET)
    for word, others in (
            ("workers: cannot change while it runs: restart to change it", {"workers": 2}),
            ("capacity: cannot change while it runs: restart to change it", {"capacity": 2000}),
            ("cores: cannot change", {"cores": "any"}),
            ("polling: cannot change", {"polling": "busy"}),
            ("api.socket: cannot change", {"api": {"socket": "/tmp/other.sock"}}),
            ("api.lif: cannot change", {"api": {"lif": "opaque"}}),
            ("api.limits.connections: cannot change", {"api": {"limits": {"connections": 7}}}),
            ("captures: play already", {"captures": {"rate": 1000}}),
            ("sessions: are added at the start only", {"sessions": [
                {"protocolid": "UDP", "sourceip": "10.0.0.1", "sourceport": 1, "destinationip": "10.0.0.2",
                 "destinationport": 2, "inlif": 1, "outlif": 2, "action": "FORWARD"}]})):
        # Beside a change that could be made.
        _refused(wire, word, [dict(wire.ports[0], miss="drop"), wire.ports[1]], **others)
    wire.send(PACKET)
    equal(wire.daemon.counters()["forwarded"], 2, "forwarded as before")
    wire.close()


def test_refused_files_change_nothing(case):
    wire = Changing(case)
    wire.send(PACKET)
    problems = _refused(wire, "ports[1].miss", [wire.ports[0], dict(wire.ports[1], miss="perhaps")])
    true(".yaml:3:" in problems[0], f"line and column in {problems}")
    _refused(wire, "no-such-file", [*wire.ports, port("lif-3", 3, capture="/no-such-file.pcap")])
    _refused(wire, "ports[2].interface: lo needs CAP_NET_ADMIN, CAP_NET_RAW",
             [*wire.ports, port("lif-3", 3, interface="lo")])
    # No capability to read what is somebody else's is kept.
    os.chmod(wire.daemon.config, 0o600)
    os.chown(wire.daemon.config, 54321, 54321)
    true("check that this user may read it" in wire.reload()[1][0], "a file of somebody else's")
    os.remove(wire.daemon.config)
    before = wire.state()
    equal(wire.reload()[0], [], "changes")
    equal(wire.state(), before, "the state without a file")
    done = _run(wire.daemon)
    equal(done.returncode, 1, "exit status of a refused reload")
    true("reload refused, nothing was changed" in done.stderr and "no such file" in done.stderr, done.stderr)
    done = _run(wire.daemon, "--json")
    true("no such file" in json.loads(done.stdout)["problems"][0], done.stdout)
    true("reload refused, nothing was changed" in wire.daemon.said(), "the log")
    wire.close()


def test_by_signal(case):
    wire = Changing(case)
    wire.write([dict(wire.ports[0], miss="drop"), wire.ports[1]])
    wire.daemon.process.send_signal(signal.SIGHUP)
    eventually(lambda: wire.daemon.ports()["lif-1"].miss == "drop", "the policy changes")
    wire.write(capacity=5)
    wire.daemon.process.send_signal(signal.SIGHUP)
    eventually(lambda: "capacity: cannot change" in wire.daemon.said(), "the log says why not")
    true("sluice: reloaded: port lif-1" in wire.daemon.said(), "the log says what changed")
    wire.close()


def test_many_times_under_full_load(case):
    """Each worker changes between two bursts: nothing is lost, nothing is counted twice."""
    ports = [port("a", 1, memory={"flows": 1000}, miss="learn"), port("b", 2, miss="learn")]
    daemon = case.daemon(settings(ports, workers=2, capacity=5000))
    for number in range(20):
        third = [] if number % 2 else [port("c", 3, peer=1, memory={"flows": 100}, miss="learn")]
        mine = [dict(ports[0], peer=2, non_session=("drop", "forward")[number % 2]), dict(ports[1], peer=1)]
        with open(daemon.config, "w", encoding="utf-8") as file:
            file.write(settings(mine + third, workers=2, capacity=5000))
        done = _run(daemon)
        equal((done.returncode, done.stderr), (0, ""), f"reload {number}")
    before = daemon.counters()["packets"]
    eventually(lambda: daemon.counters()["packets"] > before, "packets go on")
    status, seconds = daemon.terminate()
    equal(status, 0, "exit status")
    true(seconds < 2, f"it took {seconds} s to end")
