"""The demo capture through a running daemon, its sessions added over gRPC: counters and ends to the packet.

Judges: `sluice replay` of the same file, and the interop tests' model that reads the file with tshark.
"""

import dataclasses
import os
import time

import yaml

import checks
import table as words
from capture_file import header, record
from connection import follow
from feed import Feed
from packets import Tuple, read_with_scapy, read_with_tshark
from replay import Session, replay
from settings import port, settings
from suite import both, equal, eventually, seconds, true
from table import ALL, CLOSED, OPI, RETAINED, V2, fields

HERE = os.path.dirname(os.path.abspath(__file__))
CONFIGS = os.path.join(os.path.dirname(os.path.dirname(HERE)), "configs")
DEMO = os.path.join(CONFIGS, "demo.pcap")
NEIGHBORS = [{"address": "10.1.0.99", "mac": "02:00:00:00:00:99", "lif": 1},
             {"address": "fd00:1::99", "mac": "02:00:00:00:00:99", "lif": 1}]
STATES = ("_ESTABLISHED", "_CLOSING_1", "_CLOSING_2", "_CLOSED")
CLOSE_CODES = ("_NOT_CLOSED", "_FINACK", "_RST", "_TIMEOUT")


class Demo:
    """The demo's sessions file, as requests of the API and as the model needs them."""

    def __init__(self, timeout=None):
        with open(os.path.join(CONFIGS, "demo-sessions.yaml"), encoding="utf-8") as file:
            self.rows = yaml.safe_load(file)["sessions"]
        for row in self.rows:
            row["cachetimeout"] = timeout or row["cachetimeout"]

    def write(self, path):
        with open(path, "w", encoding="utf-8") as file:
            yaml.safe_dump({"sessions": self.rows}, file)
        return path

    def tuples(self):
        return [(Tuple(row["sourceip"], row["sourceport"], row["destinationip"], row["destinationport"],
                       f"_{row['protocolid']}"), row["cachetimeout"]) for row in self.rows]

    def requests(self):
        for row in self.rows:
            action = row["action"]
            yield fields(
                row["session_id"], source=row["sourceip"], destination=row["destinationip"],
                sourceport=row["sourceport"], destinationport=row["destinationport"],
                protocolid=getattr(words, row["protocolid"]), action=getattr(words, action["actiontype"]),
                hop=action.get("actionnexthop") or action.get("actionnexthopv6"),
                timeout=row["cachetimeout"], inlif=0, outlif=0)


def _session(found, row, tuple5):
    """What the API says of a session, as `replay --sessions-out` would; times are another clock's."""
    return Session(
        session_id=found.sessionid, tuple5=tuple5, packets=(found.inpackets, found.outpackets),
        bytes=(found.inbytes, found.outbytes), state=STATES[found.sessionstate],
        close_code=CLOSE_CODES[found.sessionclosecode], start=None, end=found.endtime,
        action=f"_{row['action']['actiontype']}")


def _expect_same(table, demo, capture, packets, directory, config):
    """All sessions by the daemon, by `replay`, and by the model."""
    run = replay(table.daemon.sluice, capture, directory, "--config", config,
                 "--sessions", demo.write(f"{directory}.yaml"))
    equal(run.status, 0, f"replay's exit status ({run.errors})")
    by_replay = {session.session_id: session for session in run.sessions}
    connections, _ = follow(packets, demo.tuples())
    listed = {each.sessionid: each for each in OPI(table.daemon).list(ALL)}
    equal(sorted(listed), sorted(by_replay), "sessions listed and replayed")
    for row, connection, (tuple5, _) in zip(demo.rows, connections, demo.tuples()):
        identity = row["session_id"]
        found = _session(table.get(identity), row, tuple5)
        equal(vars(_session(listed[identity], row, tuple5)), vars(found), "listed and got")
        live, offline = (dataclasses.replace(each, start=None, end=each.end is not None)
                         for each in (found, by_replay[identity]))
        equal(vars(live), vars(offline), f"session {identity} by the daemon and by replay")
        # A time that the model accepts: it knows the capture's clock only.
        timeout = connection.last + connection.timeout * 10**9
        end = timeout if found.close_code == "_TIMEOUT" else connection.start
        found = dataclasses.replace(found, end=end if found.end is not None else None)
        equal(list(checks.differences(connection, found, with_start=False)), [], "by tshark's packets")
    return run, by_replay


def _expect_closed(table, by_replay):
    """GetClosedSessions has each closed one exactly once, as GetSession shows it."""
    closed = {identity for identity, session in by_replay.items() if session.state == "_CLOSED"}
    true(closed, "nothing closed: nothing to compare")
    eventually(lambda: table.daemon.status().closed_retained == len(closed), f"{len(closed)} records")
    got = {identity: vars(table.get(identity)) for identity in closed}
    equal(sorted(each.sessionid for each in OPI(table.daemon).list(RETAINED)), sorted(closed), "retained")
    records, _ = V2(table.daemon).closed()
    equal(sorted(each.sessionid for each in records), sorted(closed), "records of GetClosedSessions")
    for each in records:
        equal(vars(each), got[each.sessionid], f"record and GetSession of {each.sessionid}")
        equal(each.sessionstate, CLOSED, "state")


def _expect_summary(daemon, run):
    """The daemon's counters, with replay's summary of the same packets."""
    counters, total = daemon.counters(), run.summary
    verdicts = total["verdicts"]
    equal({name: counters[name] for name in ("packets", "bytes", "matched", "missed", "other", "forwarded",
                                             "dropped", "mirrored", "snooped", "punted", "copiesMade",
                                             "copiesFailed", "transmitted")},
          {"packets": total["packets"], "bytes": total["bytes"], "matched": total["matched"],
           "missed": total["missed"], "other": total["other"], "forwarded": verdicts["forward"],
           "dropped": verdicts["drop"], "mirrored": verdicts["mirror"], "snooped": verdicts["snoop"],
           "punted": verdicts["punt"], "copiesMade": total["copies"]["made"],
           "copiesFailed": total["copies"]["failed"], "transmitted": total["transmitted"]}, "counters")
    equal(daemon.drops(), total["drops"], "drops by reason")
    status, sessions = daemon.status(), total["sessions"]
    equal({"opened": status.sessions_opened, "live": status.live_sessions, "closed": {
        "finack": status.closed_finack, "rst": status.closed_rst, "timeout": status.closed_timeout}},
        sessions, "sessions")


def _replay_config(case):
    path = case.path("replay.yaml")
    with open(path, "w", encoding="utf-8") as file:
        file.write(settings([port("demo", 1, capture=DEMO)], capacity=100_000, neighbors=NEIGHBORS))
    return path


@both
def test_all_at_once(case):
    """Through a pipe at full speed, its packet times a microsecond apart: in neither can time run out."""
    for workers in (1, 2):
        capture = case.path(f"hurried-{workers}.pcap")
        start = 1_700_000_000
        content = header() + b"".join(
            record(packet.content, start, number, original=packet.length)
            for number, packet in enumerate(read_with_scapy(DEMO)))
        with open(capture, "wb") as file:
            file.write(content)
        feed = Feed(case.path(f"demo-{workers}.fifo"))
        daemon = case.daemon(settings(
            [port("demo", 1, capture=feed.path)], capacity=100_000, workers=workers, neighbors=NEIGHBORS,
            api={"lif": "opaque"}))
        demo, table = Demo(timeout=3600), case.generation(daemon)
        equal(table.add(*demo.requests()).summary, (0, 0, []), "the demo's sessions")
        feed.write(content[len(header()):])
        feed.close()
        eventually(lambda: not daemon.ports()["demo"].receiving, "the port has received all")
        packets = read_with_tshark(capture)
        eventually(lambda: daemon.counters()["packets"] == len(packets), "all packets have their verdict")
        run, by_replay = _expect_same(table, demo, capture, packets, case.path(f"by-replay-{workers}"),
                                      _replay_config(case))
        _expect_closed(table, by_replay)
        _expect_summary(daemon, run)


@seconds(90)
def test_at_its_own_pace(case):
    """The capture as it was recorded, 13 seconds long: sessions that fall silent time out as in replay."""
    feed = Feed(case.path("demo.fifo"))
    daemon = case.daemon(settings(
        [port("demo", 1, capture=feed.path)], capacity=100_000, neighbors=NEIGHBORS, api={"lif": "opaque"}))
    demo, table = Demo(), OPI(daemon)
    equal(table.add(*demo.requests()).summary, (0, 0, []), "the demo's sessions")
    packets, raw = read_with_tshark(DEMO), read_with_scapy(DEMO)
    start = time.monotonic()
    for packet in raw:
        time.sleep(max(0.0, start + (packet.time - raw[0].time) / 1e9 - time.monotonic()))
        feed.write(record(packet.content, original=packet.length))
    feed.close()
    eventually(lambda: not daemon.ports()["demo"].receiving, "the port has received all", 5)
    eventually(lambda: daemon.counters()["packets"] == len(packets), "all packets have their verdict")
    run, by_replay = _expect_same(table, demo, DEMO, packets, case.path("by-replay"), _replay_config(case))
    _expect_closed(table, by_replay)
    _expect_summary(daemon, run)
