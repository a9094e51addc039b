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
from table import ALL, OPI, V2, fields

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
                timeout=row["cachetimeout"],
                inlif=row.get("invlan", 0) << 16, outlif=row.get("outvlan", 0) << 16)


def _session(found, row, tuple5):
    """What the API says of a session, as `replay --sessions-out` would; times are another clock's."""
    return Session(
        session_id=found.sessionid, tuple5=tuple5, packets=(found.inpackets, found.outpackets),
        bytes=(found.inbytes, found.outbytes), state=STATES[found.sessionstate],
        close_code=CLOSE_CODES[found.sessionclosecode], start=None, end=found.endtime,
        action=f"_{row['action']['actiontype']}")


class Judges:
    """What `replay` and the model over tshark's packets make of a capture with the demo's sessions."""

    def __init__(self, case, demo, capture):
        config = case.path("replay.yaml")
        with open(config, "w", encoding="utf-8") as file:
            file.write(settings([port("demo", 1, capture=DEMO)], capacity=100_000, neighbors=NEIGHBORS))
        self.demo = demo
        self.run = replay(case.sluice, capture, case.path("by-replay"), "--config", config,
                          "--sessions", demo.write(case.path("sessions.yaml")))
        equal(self.run.status, 0, f"replay's exit status ({self.run.errors})")
        self.sessions = {session.session_id: session for session in self.run.sessions}
        self.packets = read_with_tshark(capture)
        self.connections, _ = follow(self.packets, demo.tuples())

    def expect_same(self, table):
        """All sessions by GetSession and by the list."""
        found = {row["session_id"]: table.get(row["session_id"]) for row in self.demo.rows}
        listed = {each.sessionid: each for each in OPI(table.daemon).list(ALL)}
        equal(sorted(listed), sorted(self.sessions), "sessions listed and replayed")
        for row, connection, (tuple5, _) in zip(self.demo.rows, self.connections, self.demo.tuples()):
            identity = row["session_id"]
            equal(vars(listed[identity]), vars(found[identity]), "listed and got")
            session = _session(found[identity], row, tuple5)
            live, offline = (dataclasses.replace(each, start=None, end=each.end is not None)
                             for each in (session, self.sessions[identity]))
            equal(vars(live), vars(offline), f"session {identity} by the daemon and by replay")
            # A time that the model accepts: it knows the capture's clock only.
            timeout = connection.last + connection.timeout * 10**9
            end = timeout if session.close_code == "_TIMEOUT" else connection.start
            session = dataclasses.replace(session, end=end if session.end is not None else None)
            differences = list(checks.differences(connection, session, with_start=False))
            equal(differences, [], f"session {identity} by tshark's packets")

    def expect_closed(self, table, seconds_):
        """GetClosedSessions has each that closed exactly once, with its last counters."""
        end, records = time.monotonic() + seconds_, []
        closed = {identity for identity, each in self.sessions.items() if each.state == "_CLOSED"}
        true(closed, "nothing closed: nothing to compare")
        while closed - {each.sessionid for each in records} and time.monotonic() < end:
            records += V2(table.daemon).closed()[0]
            time.sleep(0.1)
        records += V2(table.daemon).closed()[0]
        ids = [each.sessionid for each in records]
        equal((len(ids), closed - set(ids)), (len(set(ids)), set()), "records, each once; those missing")
        for row, (tuple5, _) in zip(self.demo.rows, self.demo.tuples()):
            for each in (each for each in records if each.sessionid == row["session_id"]):
                session, offline = _session(each, row, tuple5), self.sessions[each.sessionid]
                equal((session.packets, session.bytes), (offline.packets, offline.bytes), "record's counters")
                # What replay left live has timed out since.
                code = offline.close_code if each.sessionid in closed else "_TIMEOUT"
                equal((session.state, session.close_code), ("_CLOSED", code), "record's end")


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
    equal({"opened": status.sessions_opened, "live": status.live_sessions, "deleted": status.sessions_deleted,
           "closed": {"finack": status.closed_finack, "rst": status.closed_rst,
                      "timeout": status.closed_timeout}}, {"deleted": 0, **sessions}, "sessions")


@both
def test_all_at_once(case):
    """Through a pipe at full speed, its packet times a microsecond apart: in neither can time run out."""
    capture = case.path("hurried.pcap")
    content = header() + b"".join(
        record(packet.content, fraction=number, original=packet.length)
        for number, packet in enumerate(read_with_scapy(DEMO)))
    with open(capture, "wb") as file:
        file.write(content)
    # Closed ones linger for no longer than that.
    demo = Demo(timeout=4)
    judges = Judges(case, demo, capture)
    feed = Feed(case.path("demo.fifo"))
    daemon = case.daemon(settings(
        [port("demo", 1, capture=feed.path)], capacity=100_000, neighbors=NEIGHBORS,
        workers=1 if case.generation is OPI else 2, api={"lif": "opaque"}))
    table = case.generation(daemon)
    equal(table.add(*demo.requests()).summary, (0, 0, []), "the demo's sessions")
    feed.write(content[len(header()):])
    feed.close()
    eventually(lambda: daemon.counters()["packets"] == len(judges.packets), "all have their verdict")
    equal(daemon.ports()["demo"].receiving, False, "receiving after the end")
    _expect_summary(daemon, judges.run)
    judges.expect_same(table)
    judges.expect_closed(table, 10)


@seconds(90)
def test_at_its_own_pace(case):
    """The capture as it was recorded, 13 seconds long: sessions that fall silent time out as in replay."""
    demo = Demo()
    judges = Judges(case, demo, DEMO)
    feed = Feed(case.path("demo.fifo"))
    daemon = case.daemon(settings(
        [port("demo", 1, capture=feed.path)], capacity=100_000, neighbors=NEIGHBORS, api={"lif": "opaque"}))
    table, raw = OPI(daemon), read_with_scapy(DEMO)
    equal(table.add(*demo.requests()).summary, (0, 0, []), "the demo's sessions")
    start = time.monotonic()
    for packet in raw:
        time.sleep(max(0.0, start + (packet.time - raw[0].time) / 1e9 - time.monotonic()))
        feed.write(record(packet.content, original=packet.length))
    feed.close()
    eventually(lambda: daemon.counters()["packets"] == len(raw), "all have their verdict")
    _expect_summary(daemon, judges.run)
    judges.expect_same(table)
    judges.expect_closed(table, 12)
