"""`sluice session` against a daemon: adding, reading, listing, watching, deleting."""

import json
import os
import re
import signal
import subprocess

from command_line import TIME_LIMIT_SECONDS
from daemon import CAPACITY, FLOW, Daemon, entries, rows

SESSION = {
    "session_id", "source", "source_port", "destination", "destination_port", "protocol", "action",
    "in_packets", "out_packets", "in_bytes", "out_bytes", "state", "close_code", "start_time", "end_time",
    "in_lif", "in_vlan", "out_lif", "out_vlan", "learned", "last_packet_time",
}


def session_usage(line):
    """Bad usage has status 2 and names the option, before any daemon is asked."""
    line.run("session --help", "session", "--help", output=["add", "watch", "closed", "SLUICE_SOCKET"])
    line.run("session add --help", "session", "add", "--help", output=["--next-hop", "--file", "--replace"])
    full = ["session", "add", "--protocol", "tcp", "--source", "10.0.0.1:1", "--destination", "10.0.0.2:2"]
    for name, arguments, errors in (
            ("nothing", ["session", "add"], ["--source", "--file"]),
            ("no action", full, ["--action"]),
            ("bad action", [*full, "--action", "pass"], ["--action", "pass", "forward"]),
            ("bad protocol", [*full[:3], "icmp", *full[4:], "--action", "drop"], ["icmp", "tcp"]),
            ("bad source", [*full[:5], "10.0.0.1", *full[6:], "--action", "drop"],
             ["--source", r"10\.0\.0\.1"]),
            ("port too large", [*full[:5], "10.0.0.1:65536", *full[6:], "--action", "drop"], ["--source"]),
            ("bare IPv6", [*full[:5], "fd00::1:7", *full[6:], "--action", "drop"], ["--source"]),
            ("two families", [*full[:5], "[fd00::1]:7", *full[6:], "--action", "drop"], ["IPv4", "IPv6"]),
            ("id 0", [*full, "--action", "drop", "--id", "0"], ["--id", "4611686018427387903"]),
            ("no next hop", [*full, "--action", "mirror"], ["--next-hop"]),
            ("idle next hop", [*full, "--action", "drop", "--next-hop", "10.0.0.9"], ["--next-hop"]),
            ("bad LIF", [*full, "--action", "drop", "--inlif", "1/4095"], ["--inlif"]),
            ("file and more", ["session", "add", "--file", "x.yaml", "--id", "7"], ["--id", "--file"]),
            ("get what", ["session", "get"], ["id"]),
            ("get 0", ["session", "get", "0"], ["0"]),
            ("delete what", ["session", "delete"], ["--closed"]),
            ("bad --state", ["session", "list", "--state", "open"], ["open", "established"]),
            ("bad --limit", ["session", "list", "--limit", "0"], ["--limit"]),
            ("bad --interval", ["session", "list", "--interval", "0"], ["--interval"]),
            ("idle --count", ["session", "list", "--count", "2"], ["--count", "--interval"])):
        line.run(name, *arguments, status=2, errors=errors)
    line.run("missing file", "session", "add", "--file", "/nonexistent.yaml", status=2,
             errors=["/nonexistent.yaml"])
    bad = line.file("bad.yaml", "- { session_id: 1, sourceip: 10.0.0.1 }\n")
    line.run("bad file", "session", "add", "--file", bad, status=2, errors=[re.escape(bad) + ":1:"])


def session_one(line):
    """One session's life: added, matched, read, changed, refused again, deleted."""
    with Daemon(line) as daemon:
        daemon.add(7, "--action", "forward", "--timeout", "60", source=FLOW[0], output=["1 session added"])
        seen = daemon.until("matched", lambda: _get(daemon, 7)["in_packets"] > 2 and _get(daemon, 7)) or {}
        line.expect("get", SESSION <= seen.keys(), f"{sorted(SESSION - seen.keys())} missing in {seen}")
        names = ("source", "source_port", "in_lif", "out_lif", "state", "end_time", "learned")
        line.expect("get", [seen.get(name) for name in names] ==
                    ["192.0.2.1", 4000, 1, 2, "_ESTABLISHED", None, False], f"{seen}")
        line.expect("get", seen.get("in_bytes") == 64 * seen.get("in_packets"), f"bytes of {seen}")
        daemon.run("show", "session", "show", "7",
                   output=["session 7", r"192\.0\.2\.1\.4000 +arrives on LIF 1", "FORWARD", "last packet"])
        answer = json.loads(daemon.add(7, "--action", "drop", "--json", status=1,
                                       errors=["1 of 1 sessions were refused"]))
        line.expect("twice",
                    answer["added"] == 0 and answer["refused"][0]["status"] == "_SESSION_ALREADY_EXISTS"
                    and answer["refused"][0]["session_id"] == 7, f"{answer}")
        daemon.add(8, "--action", "forward", "--inlif", "9", status=1,
                   output=["SESSION_REJECTED: inlif .*LIF 9"])
        daemon.add(7, "--action", "drop", "--replace", source=FLOW[0])
        changed = _get(daemon, 7)
        line.expect("--replace", changed["action"] == "_DROP" and changed["in_packets"] >= seen["in_packets"]
                    and changed["start_time"] == seen["start_time"], f"{changed}")
        daemon.run("delete", "session", "delete", "7", output=[r"^7 +UDP +192\.0\.2\.1\.4000 .* deleted$"])
        daemon.run("delete again", "session", "delete", "7", "77", status=1, errors=["no session 7, 77"])
        daemon.run("get none", "session", "get", "7", status=1, errors=["no session 7"])
        text = daemon.run("server's id", "session", "add", "--inlif", "1", "--outlif", "2", "--json",
                          "--protocol", "tcp", "--source", "[fd00::1]:1", "--destination", "[fd00::2]:2",
                          "--action", "drop")
        chosen = json.loads(text)["assigned_session_ids"]
        line.expect("server's id", len(chosen) == 1 and chosen[0] >> 62 == 1, text)
        daemon.run("get it", "session", "get", str(chosen[0]), output=[r"fd00::1\.1 +fd00::2\.2 +DROP +0 "])


def session_many(line):
    """A file in batches; a long list, page by page; what is over the capacity."""
    count = 10_000
    many = line.file("many.yaml", entries(range(1, count + 1)))
    again = line.file("again.yaml", entries(range(count + 1, count + 201), changed=(count + 100, 5)))
    over = line.file("over.yaml", entries(range(20_001, 20_001 + CAPACITY)))
    with Daemon(line) as daemon:
        lifs = ["--inlif", "1", "--outlif", "2"]
        daemon.run("no LIFs", "session", "add", "--file", again, status=1,
                   output=["0 sessions added", "LIF 0"])
        daemon.run("many", "session", "add", "--file", many, *lifs, output=[r"10,000 sessions added"])
        text = daemon.run("one of 200", "session", "add", "--file", again, *lifs, "--json", status=1)
        answer = json.loads(text)
        indices = [each["index"] for each in answer["refused"]]
        line.expect("one of 200", answer["added"] == 199 and indices == [99]
                    and "exists" in answer["refused"][0]["message"], text)
        listed = [json.loads(each) for each in daemon.run("list", "session", "list", "--json").splitlines()]
        line.expect("list", sorted(each["session_id"] for each in listed) ==
                    sorted({*range(1, count + 201)} - {count + 100}), f"{len(listed)} sessions listed")
        line.expect("list", all(SESSION <= each.keys() for each in listed), "names are missing")
        line.expect("--limit", len(rows(daemon.run("--limit", "session", "list", "--limit", "5000"))) == 5000,
                    "not 5000 rows")
        line.expect("--state", daemon.run("--state", "session", "list", "--state", "closing", "--json") == "",
                    "sessions that are not closing were listed")
        twice = daemon.run("--count", "session", "list", "--limit", "2", "--interval", "0.1", "--count", "2")
        line.expect("--count", len(rows(twice)) == 4 and twice.count("initiator") == 2, twice)
        full = json.loads(daemon.run("full", "session", "add", "--file", over, *lifs, "--json", status=1))
        statuses = {each["status"] for each in full["refused"]}
        line.expect("full", statuses == {"_SESSION_TABLE_FULL"}, f"{statuses}")
        # Batches are added whole or not at all: fewer than one of them is missing.
        free = CAPACITY - (count + 199)
        line.expect("full", free - 64 < full["added"] <= free,
                    f"{full['added']} added where {free} were free")
        daemon.run("full, show", "show", "sessions", output=[r"live +(19,9\d\d|20,000) +of 20,000"])


def session_closed(line):
    """Sessions that end by themselves: listed as often as one likes, taken once."""
    with Daemon(line) as daemon:
        for number in (1, 2):
            daemon.add(number, "--action", "forward", "--timeout", "1")
        daemon.until("closed", lambda: len(_lines(daemon, "closed")) == 2)
        for _ in range(2):
            ended = _lines(daemon, "closed")
            line.expect("closed", {(each["close_code"], each["state"]) for each in ended} ==
                        {("_TIMEOUT", "_CLOSED")} and len(ended) == 2, f"{ended}")
        daemon.run("closed, table", "session", "closed",
                   output=[r"^1 +UDP .*TIMEOUT$", r"^2 +UDP .*TIMEOUT$"])
        daemon.add(3, "--action", "forward")
        daemon.run("--closed spares", "session", "delete", "3", "--closed", status=1,
                   errors=["still live.* 3"])
        daemon.run("acknowledge", "session", "delete", "2", "--closed", output=["^2 .*TIMEOUT"])
        taken = _lines(daemon, "closed", "--drain")
        line.expect("--drain", [(each["session_id"], each["close_code"]) for each
                                in taken] == [(1, "_TIMEOUT")],
                    f"{taken}")
        line.expect("--drain", _lines(daemon, "closed") == [], "they are still there")
        daemon.add(4, "--action", "forward", "--timeout", "1")
        daemon.until("closed again", lambda: _lines(daemon, "closed"))
        daemon.run("all", "session", "delete", "--closed", output=["TIMEOUT"])
        line.expect("all", _lines(daemon, "closed") == [], "they are still there")


def session_watch(line):
    """Events in their order, a line each, as they come; nothing is taken away by watching."""
    with Daemon(line) as daemon:
        line.cases += 1
        command = [line.sluice, "session", "watch", "--json", "--socket", daemon.socket]
        watch = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        follow = subprocess.Popen([*command[:2], "closed", "--follow", *command[3:]], stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE, text=True)
        # Neither says when it has begun: sessions are added until both have seen one, then the real ones.
        for process, number in ((watch, 500), (follow, 600)):
            _wake(daemon, process, number)
        daemon.add(1, "--action", "forward", "--timeout", "1")
        daemon.add(2, "--action", "forward")
        daemon.add(2, "--action", "drop", "--replace")
        daemon.run("delete", "session", "delete", "2")
        wanted = {("ADDED", 1), ("ADDED", 2), ("CHANGED", 2), ("DELETED", 2), ("CLOSED", 1)}
        seen = []
        while len(seen) < len(wanted):
            event = json.loads(watch.stdout.readline() or "{}")
            if not event:
                break
            if event["session_id"] < 500:
                seen.append((event["event"], event["session_id"]))
                line.expect("watch", SESSION <= event.keys(), f"{event}")
        line.expect("watch", set(seen) == wanted and seen.index(("ADDED", 2)) < seen.index(("CHANGED", 2)),
                    f"{seen}")
        while True:
            ended = json.loads(follow.stdout.readline() or "{}")
            if not ended or ended["session_id"] == 1:
                break
        line.expect("closed --follow", ended.get("close_code") == "_TIMEOUT", f"{ended}")
        for process in (watch, follow):
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=TIME_LIMIT_SECONDS)
        line.expect("watch", any(each["session_id"] == 1 for each in _lines(daemon, "closed")),
                    "what was watched is no longer there")


def _wake(daemon, process, number):
    """Lets sessions end, one after the other, until the process has written a line."""
    os.set_blocking(process.stdout.fileno(), False)

    def begun():
        nonlocal number
        daemon.add(number, "--action", "forward", "--timeout", "1")
        number += 1
        return process.stdout.readline()

    daemon.until("watch begins", begun)
    os.set_blocking(process.stdout.fileno(), True)


def _get(daemon, number):
    return json.loads(daemon.run("get", "session", "get", str(number), "--json"))


def _lines(daemon, *arguments):
    text = daemon.run(" ".join(arguments), "session", *arguments, "--json")
    return [json.loads(each) for each in text.splitlines()]
