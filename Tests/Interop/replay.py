"""Runs `sluice replay` and reads what it leaves: the summary, the sessions and the written captures."""

import dataclasses
import datetime
import json
import os
import re
import subprocess

from packets import Tuple

TIME_LIMIT_SECONDS = 120


@dataclasses.dataclass
class Session:
    """One line of --sessions-out."""

    session_id: int
    tuple5: Tuple
    packets: tuple       # (in, out)
    bytes: tuple         # (in, out)
    state: str
    close_code: str
    start: int | None    # nanoseconds since 1970
    end: int | None
    action: str


@dataclasses.dataclass
class Replay:
    """One run: its exit status, output, summary, sessions and the directory of --write."""

    status: int
    errors: str
    summary: dict
    sessions: list
    directory: str

    def written(self, name):
        """The path of a written capture, or None when it was not made."""
        path = os.path.join(self.directory, name)
        return path if os.path.exists(path) else None


def replay(sluice, capture, directory, *options):
    """Replays a capture with everything written to `directory` (made here)."""
    written = os.path.join(directory, "written")
    os.makedirs(written)
    sessions_out = os.path.join(directory, "sessions.jsonl")
    command = [sluice, "replay", capture, "--sessions-out", sessions_out, "--write", written, "--json"]
    done = subprocess.run([*command, *options], capture_output=True, text=True, check=False,
                          timeout=TIME_LIMIT_SECONDS)
    if done.returncode != 0:
        return Replay(done.returncode, done.stderr, {}, [], written)
    with open(sessions_out, encoding="utf-8") as lines:
        sessions = [_session(json.loads(line)) for line in lines]
    return Replay(0, done.stderr, json.loads(done.stdout), sessions, written)


def _session(row):
    return Session(
        session_id=int(row["session_id"]),
        tuple5=Tuple(row["source"], row["source_port"], row["destination"], row["destination_port"],
                     row["protocol"]),
        packets=(row["in_packets"], row["out_packets"]), bytes=(row["in_bytes"], row["out_bytes"]),
        state=row["state"], close_code=row["close_code"],
        start=parse_time(row.get("start_time")), end=parse_time(row.get("end_time")), action=row["action"])


def parse_time(text):
    """RFC 3339 to nanoseconds since 1970; None for no time."""
    if not text:
        return None
    match = re.fullmatch(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)", text)
    if match is None:
        raise ValueError(f"not an RFC 3339 time: {text}")
    whole = datetime.datetime.fromisoformat(match[1] + match[3].replace("Z", "+00:00"))
    return int(whole.timestamp()) * 10**9 + int((match[2] or "").ljust(9, "0"))
