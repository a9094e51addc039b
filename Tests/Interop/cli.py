"""The command line of the release binary: options, output, exit status, signals, progress.

    /usr/bin/python3 Tests/Interop/cli.py --sluice BINARY [GROUP...]

Exit status 1 and one line per difference.
"""

import argparse
import json
import os
import pty
import re
import signal
import subprocess
import sys
import tempfile
import time

from capture_file import header, record, udp_frame
from cli_captures import captures, standard_input
from cli_drops import drop_reasons
from cli_files import protected_files, written_files
from cli_generate import (
    generate_interrupted, generate_known_ends, generate_refusals, generate_self_test, generate_written)
from cli_port import port
from cli_run import (
    client_interrupted, client_without_daemon, run_after_kill, run_and_stop, run_ends_at_once, run_notifies,
    run_usage)
from cli_session import session_closed, session_many, session_one, session_usage, session_watch
from cli_shaping import filters, loops, rates, splits
from cli_show import capture_usage, show_json, show_text
from command_line import CONFIG, DEMO, LONG_CAPTURE_PACKETS, ROOT, SESSIONS, TIME_LIMIT_SECONDS, CommandLine

SUMMARY = {
    "packets": int, "bytes": int, "matched": int, "missed": int, "other": int,
    "verdicts": {"forward": int, "drop": int, "mirror": int, "snoop": int, "punt": int, "consume": int},
    "drops": dict,
    "sessions": {"opened": int, "live": int, "closed": {"finack": int, "rst": int, "timeout": int}},
    "transmitted": int, "generated": int, "copies": {"made": int, "failed": int}, "held": int,
    "handed_off": int, "rounds": int, "workers": list, "seconds": float, "cpu_seconds": float,
    "packets_per_second": float, "bits_per_second": float,
}
SESSION = {
    "session_id", "source", "source_port", "destination", "destination_port", "protocol", "action",
    "in_packets", "out_packets", "in_bytes", "out_bytes", "state", "close_code", "start_time", "end_time",
}


def help_and_version(line):
    line.run("--help", "--help",
             output=["replay", "run", "session", "show", "generate", "config", "Exit status"])
    line.run("replay --help", "replay", "--help",
             output=["--config", "--sessions", "--learn", "--workers", "--filter", "--split", "--rate",
                     "--loop", "--write", "--sessions-out", "--json"])
    line.run("--version", "--version", output=[r"sluice \d+\.\d+", "release build", r"commit \w{7,}", "CPU"])


def usage(line):
    """Bad usage has status 2 and says what would be good."""
    line.run("no capture", "replay", status=2, errors=["capture"])
    line.run("unknown option", "replay", DEMO, "--nope", status=2, errors=["--nope", "Usage|USAGE"])
    line.run("unknown command", "nonsense", status=2, errors=["nonsense"])
    line.run("bad --learn", "replay", DEMO, "--learn", "mirror", status=2,
             errors=["--learn", "mirror", "forward", "drop"])
    line.run("--workers 0", "replay", DEMO, "--workers", "0", status=2, errors=["--workers", r"1\.\.\.64"])
    line.run("--workers many", "replay", DEMO, "--workers", "many", status=2, errors=["--workers", "many"])
    line.run("missing capture", "replay", "/nonexistent/file.pcap", status=1,
             errors=["/nonexistent/file.pcap", "No such file"])
    line.run("a directory", "replay", line.directory, status=1, errors=[line.directory, "directory"])
    line.run("missing configuration", "replay", DEMO, "--config", "/nonexistent.yaml", status=2,
             errors=["/nonexistent.yaml"])


def configuration(line):
    """`config check`, and files refused by line and column."""
    for name in ("demo", "minimal", "two-ports", "gre"):
        line.run(f"config check {name}", "config", "check", os.path.join(ROOT, "configs", f"{name}.yaml"))
    bad = line.file("bad.yaml", "ports:\n  - { name: a, lif: 1, miss: learnn }\n")
    where = re.escape(bad) + ":2:30: .*miss.*learnn.*learn"
    line.run("config check, bad", "config", "check", bad, status=2, errors=[where])
    line.run("replay, bad configuration", "replay", DEMO, "--config", bad, status=2, errors=[where])
    entry = "- { session_id: 1, sourceip: 10.0.0.1, sourceport: 70000, destinationip: 10.0.0.2, " \
            "destinationport: 80, protocolid: TCP, action: DROP }\n"
    bad = line.file("bad-sessions.yaml", entry)
    line.run("bad session", "replay", DEMO, "--sessions", bad, status=2,
             errors=[re.escape(bad) + r":1:\d+: .*sourceport.*70000"])
    small = line.file("small.yaml", "capacity: 3\n")
    line.run("capacity below the sessions", "replay", DEMO, "--sessions", SESSIONS, "--config", small,
             status=2, errors=["capacity"])


def summaries(line):
    """The text for people, and the fields that programs rely on."""
    line.run("text", "replay", DEMO, "--sessions", SESSIONS, "--config", CONFIG,
             output=["packets", "forward", "sessions", "FIN/ACK", "drops", "copies"])
    text = line.run("--json", "replay", DEMO, "--learn", "forward", "--workers", "2", "--json")
    summary = _json(line, "--json", text)
    if summary is None:
        return
    _compare(line, "--json", summary, SUMMARY)
    line.expect("--json", summary["packets"] == sum(summary["verdicts"].values()), "verdicts do not add up")
    drops = sum(summary["drops"].values())
    line.expect("--json", summary["verdicts"]["drop"] == drops, "drops do not add up")
    workers = summary["workers"]
    is_complete = len(workers) == 2 and all({"packets", "handed_off"} <= each.keys() for each in workers)
    line.expect("--json", is_complete, f"workers: {workers}")
    empty = line.file("empty.pcap", header())
    summary = _json(line, "no packets", line.run("no packets", "replay", empty, "--json")) or {}
    line.expect("no packets", summary.get("packets") == 0, f"packets: {summary.get('packets')}")


def ended_sessions(line):
    """--sessions-out: a valid object a line, every field in it."""
    path = os.path.join(line.directory, "ended.jsonl")
    text = line.run("--sessions-out", "replay", DEMO, "--learn", "forward", "--sessions-out", path, "--json")
    summary = _json(line, "--sessions-out", text) or {}
    with open(path, encoding="utf-8") as lines:
        rows = [_json(line, "--sessions-out", text) or {} for text in lines]
    line.expect("--sessions-out", len(rows) == summary.get("sessions", {}).get("opened"),
                f"{len(rows)} lines for {summary.get('sessions')}")
    for row in rows:
        missing = SESSION - row.keys()
        # A live session has not ended.
        if row.get("close_code") == "_NOT_CLOSED":
            missing -= {"end_time"}
        line.expect("--sessions-out", not missing, f"{sorted(missing)} missing in {row}")


def session_table(line):
    """--show-sessions: a row for each session."""
    out = os.path.join(line.directory, "shown.jsonl")
    text = line.run("--show-sessions", "replay", DEMO, "--sessions", SESSIONS, "--config", CONFIG,
                    "--show-sessions", "--sessions-out", out, output=["initiator", "FINACK", "live"])
    rows = re.findall(r"^\S+ +(?:TCP|UDP) +\S+\.\d+ +\S+\.\d+ +", text, re.MULTILINE)
    with open(out, encoding="utf-8") as lines:
        count = len(lines.readlines())
    line.expect("--show-sessions", len(rows) == count > 0, f"{len(rows)} rows for {count} sessions")


def interrupted(line):
    """Ctrl-C in mid-run: the summary so far, status 130."""
    line.cases += 1
    process = subprocess.Popen([line.sluice, "replay", line.long_capture(), "--json"], text=True,
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    is_caught = _await_handler(process)
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=TIME_LIMIT_SECONDS)
    line.expect("Ctrl-C", is_caught, "the run was over, or took no notice of SIGINT, before it could be sent")
    line.expect("Ctrl-C", process.returncode == 130, f"exit status {process.returncode}: {errors[:200]}")
    summary = _json(line, "Ctrl-C", output)
    if summary is not None:
        line.expect("Ctrl-C", summary["packets"] < LONG_CAPTURE_PACKETS, "the run went on to its end")
        verdicts = sum(summary["verdicts"].values())
        line.expect("Ctrl-C", summary["packets"] == verdicts, "verdicts do not add up")


def progress(line):
    """A line of progress on a terminal, nothing where standard error is none."""
    line.cases += 1
    controller, terminal = pty.openpty()
    process = subprocess.Popen([line.sluice, "replay", line.long_capture(), "--json"],
                               stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=terminal)
    os.close(terminal)
    _await_handler(process)
    # Long enough that a line is due even on a machine that needs less than a second for the capture.
    process.send_signal(signal.SIGSTOP)
    time.sleep(0.7)
    process.send_signal(signal.SIGCONT)
    shown = _read_to_end(controller)
    line.expect("progress", process.wait(TIME_LIMIT_SECONDS) == 0, f"exit status {process.returncode}")
    line.expect("progress", b"%" in shown, f"no progress on a terminal: {shown[:200]!r}")
    done = subprocess.run([line.sluice, "replay", line.long_capture(), "--json"], capture_output=True,
                          stdin=subprocess.DEVNULL, timeout=TIME_LIMIT_SECONDS, check=False)
    line.expect("progress", done.stderr == b"", f"not on a terminal, but shown: {done.stderr[:200]!r}")


def closed_output(line):
    """A reader that goes away ends the run without a signal."""
    line.cases += 1
    reader, writer = os.pipe()
    os.close(reader)
    process = subprocess.Popen([line.sluice, "replay", DEMO], stdin=subprocess.DEVNULL, stdout=writer,
                               stderr=subprocess.PIPE)
    os.close(writer)
    process.communicate(timeout=TIME_LIMIT_SECONDS)
    line.expect("closed output", process.returncode in (0, 1), f"exit status {process.returncode}")
    frames = line.file("frames.pcap", header() + b"".join(map(record, map(udp_frame, range(3)))))
    line.run("full output", "replay", frames, "--sessions-out", "/dev/full", "--learn", "forward", status=1,
             errors=["/dev/full"])


def _json(line, name, text):
    try:
        return json.loads(text)
    except ValueError as error:
        line.expect(name, False, f"no JSON: {error}: {text[:100]!r}")
        return None


def _compare(line, name, value, wanted, path=""):
    for key, kind in wanted.items():
        found = value.get(key)
        if isinstance(kind, dict):
            line.expect(name, isinstance(found, dict), f"{path}{key} is {found!r}")
            _compare(line, name, found if isinstance(found, dict) else {}, kind, f"{path}{key}.")
        else:
            kinds = (int, float) if kind is float else kind
            line.expect(name, isinstance(found, kinds), f"{path}{key} is {found!r}")


def _await_handler(process):
    """Waits until the process takes notice of SIGINT; whether it does and still runs."""
    while process.poll() is None:
        with open(f"/proc/{process.pid}/status", encoding="utf-8") as status:
            masks = dict(text.split(":", 1) for text in status)
        noticed = int(masks["SigCgt"], 16) | int(masks["SigIgn"], 16) | int(masks["SigBlk"], 16)
        if noticed & 1 << (signal.SIGINT - 1):
            time.sleep(0.05)
            return process.poll() is None
        time.sleep(0.001)
    return False


def _read_to_end(descriptor):
    shown = b""
    while True:
        try:
            part = os.read(descriptor, 4096)
        except OSError:     # the terminal's last user has gone
            part = b""
        if not part:
            os.close(descriptor)
            return shown
        shown += part


GROUPS = (
    help_and_version, usage, configuration, summaries, ended_sessions, session_table, protected_files,
    written_files, captures, standard_input, filters, splits, rates, loops, port, interrupted, progress,
    closed_output, generate_written, generate_known_ends, generate_self_test, generate_refusals,
    generate_interrupted, run_usage, run_and_stop, run_ends_at_once, run_after_kill, run_notifies,
    client_without_daemon, client_interrupted, session_usage, session_one, session_many, session_closed,
    session_watch, show_text, show_json, capture_usage, drop_reasons)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sluice", required=True, help="the binary under test")
    parser.add_argument("groups", nargs="*", help="names of groups; all by default")
    options = parser.parse_args()
    cases, problems = 0, []
    for group in (group for group in GROUPS if not options.groups or group.__name__ in options.groups):
        with tempfile.TemporaryDirectory(prefix="sluice-cli-") as directory:
            line = CommandLine(os.path.abspath(options.sluice), directory)
            group(line)
        print(f"{'FAIL' if line.problems else 'ok  '}  {group.__name__}: {line.cases} cases")
        for problem in line.problems:
            print(f"        {problem}")
        cases += line.cases
        problems += line.problems
    print(f"{cases} cases, {len(problems)} problems")
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
