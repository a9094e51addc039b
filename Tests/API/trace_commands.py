"""`sluice trace` and `sluice replay --trace`: the text for people, and an object a line."""

import json
import re
import subprocess

from demo_capture import DEMO
from feed import Wire
from frames import ACK, FIN, of
from settings import settings
from suite import equal, true
from table import DROP, OPI, TCP, fields

TIME_LIMIT_SECONDS = 20


def command(daemon, *arguments):
    return subprocess.Popen([daemon.sluice, "trace", *arguments, "--socket", daemon.socket],
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_the_command(case):
    """The numbered text, and an object a line."""
    wire = Wire(case)
    OPI(wire.daemon).add(fields(1, protocolid=TCP), fields(2, action=DROP))
    processes = [command(wire.daemon, "-n", "2", *more) for more in ([], ["--json"])]
    packets = [of(fields(1, protocolid=TCP), flags=FIN | ACK), of(fields(2))]
    for process in processes:
        equal(process.stderr.readline(), "sluice: tracing; Ctrl-C ends it\n", "it says that it traces")
    wire.send(*packets)
    text, said = processes[0].communicate(timeout=TIME_LIMIT_SECONDS)
    equal((processes[0].returncode, said), (0, ""), "the command")
    lines = text.splitlines()
    true(re.fullmatch(r"packet 1: \S+Z, port lif-1", lines[0]), lines[0])
    equal(lines[1], "    IP 10.0.0.1.1025 > 10.0.0.2.1: Flags [F.], seq 1:11, ack 1, win 65535, length 10",
          "what it is")
    equal(lines[2], "  1  worker 0  receive   port lif-1 (LIF 1), 64 bytes", "the first step")
    equal(lines[5], "  4  worker 0  session   1: forward, from its initiator, established to closing1",
          "the session")
    equal(lines[7], "  6  worker 0  verdict   forward", "the last step")
    true(lines[8].startswith("packet 2: "), lines[8])
    equal(lines[-1], "  5  worker 0  verdict  drop, sessionDrop: The session's action is DROP.", "the end")
    text, said = processes[1].communicate(timeout=TIME_LIMIT_SECONDS)
    equal((processes[1].returncode, said), (0, ""), "the command with --json")
    found = [json.loads(line) for line in text.splitlines()]
    names = ("verdict", "drop_reason", "out_port", "port", "length")
    equal([tuple(each[name] for name in names) for each in found],
          [("forward", "", "lif-2", "lif-1", 64), ("drop", "sessionDrop", "", "lif-1", 52)], "objects")
    session = next(step for step in found[0]["steps"] if step["step"] == "session")
    equal((session["worker"], session["details"]["stateBefore"], session["details"]["stateAfter"]),
          (0, "established", "closing1"), "its session")


def test_commands_end_well(case):
    daemon = case.daemon(settings())

    def run(*arguments):
        process = command(daemon, *arguments)
        _, said = process.communicate(timeout=TIME_LIMIT_SECONDS)
        return process.returncode, said
    for arguments, status, words in (
            (("-n", "0"), 2, "1...10000"), (("-n", "10001"), 2, "1...10000"), (("-n", "-1"), 2, "count"),
            (("--session", "0"), 2, "no session"), (("--filter", ""), 2, "empty"),
            (("--port", ""), 2, "empty"),
            (("--port", "x"), 1, "port x is not configured"), (("--session", "9"), 1, "no session 9"),
            (("--filter", "tcp prt"), 1, "syntax error")):
        code, said = run(*arguments)
        equal((code, words in said), (status, True), f"{arguments}: {said}")


def _replay(case, *arguments):
    done = subprocess.run([case.sluice, "replay", DEMO, *arguments], capture_output=True, text=True,
                          check=False, timeout=TIME_LIMIT_SECONDS)
    return done.returncode, done.stdout, done.stderr


def test_a_replay(case):
    """The first packets of a capture, the same with two workers, before a summary that is the same."""
    found = []
    for workers in ("1", "2"):
        status, text, said = _replay(case, "--learn", "forward", "--workers", workers, "--trace", "40",
                                     "--json")
        equal(status, 0, f"exit status: {said}")
        *lines, summary = [json.loads(line) for line in text.splitlines()]
        equal(len(lines), 40, "journeys")
        found.append(sorted((line["time_nanoseconds"], line["packet"], line["verdict"]) for line in lines))
        equal((summary["packets"], summary["handed_off"] > 0), (1774, workers == "2"), "the summary")
        true(all(line["steps"][-1]["step"] == "verdict" for line in lines), "the ends")
    equal(found[0], found[1], "the same from two workers")
    _, text, _ = _replay(case, "--trace", "1", "--filter", "tcp")
    lines = text.splitlines()
    true(lines[0].startswith("packet 1: 20") and lines[0].endswith(", port lif-1"), lines[0])
    equal(lines[5:7], ["  4  worker 0  session   none", "  5  worker 0  policy    miss forward"], "the miss")
    for arguments, word in ((("--trace", "0"), "1...10000"), (("--trace", "10001"), "1...10000"),
                            (("--trace", "1", "--port", "lo"), "--trace and --port")):
        status, _, said = _replay(case, *arguments)
        equal((status, word in said), (2, True), f"{arguments}: {said}")
