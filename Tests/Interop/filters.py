"""`--filter` against tcpdump: replaying what tcpdump lets through a filter has the same result."""

import os
import subprocess

from replay import TIME_LIMIT_SECONDS, replay

EXPRESSIONS = (
    "tcp", "udp or icmp", "ip6", "not ip", "greater 500", "less 80", "src port 80 or dst port 53",
    "tcp[tcpflags] & (tcp-syn|tcp-fin) != 0", "ip[6:2] & 0x1fff != 0",
    "dst net 10.1.0.0/24 and not tcp port 80")


def examine(sluice, capture, directory):
    """All expressions on one capture: (what was compared, [(check, difference)])."""
    found, kept = [], 0
    for number, expression in enumerate(EXPRESSIONS):
        place = os.path.join(directory, str(number))
        os.makedirs(place)
        filtered = os.path.join(place, "filtered.pcap")
        precision = ["--nano"] if _is_nanosecond(capture) else []
        done = subprocess.run(["tcpdump", *precision, "-r", capture, "-w", filtered, expression],
                              capture_output=True, text=True, timeout=TIME_LIMIT_SECONDS, check=False)
        if done.returncode != 0:
            found.append((expression, f"tcpdump: {done.stderr.strip()}"))
            continue
        expected = replay(sluice, filtered, os.path.join(place, "expected"), "--learn", "forward")
        for workers in ("1", "2"):
            run = replay(sluice, capture, os.path.join(place, workers), "--learn", "forward",
                         "--filter", expression, "--workers", workers)
            found += [(f"{expression}, {workers} workers", line) for line in _differences(run, expected)]
        kept += expected.summary.get("packets", 0)
    return f"{len(EXPRESSIONS)} filters, {kept} packets let in", found


def _is_nanosecond(capture):
    """Whether a classic capture has nanoseconds, which tcpdump keeps only when asked to."""
    with open(capture, "rb") as file:
        return file.read(4) in (b"\x4d\x3c\xb2\xa1", b"\xa1\xb2\x3c\x4d")


def _differences(run, expected):
    if run.status != 0 or expected.status != 0:
        return [f"exit status {run.status}, {expected.status}: {run.errors}{expected.errors}"]
    lines = []
    for field in ("packets", "bytes", "matched", "missed", "other", "verdicts", "drops", "sessions"):
        if run.summary[field] != expected.summary[field]:
            lines.append(f"{field}: {run.summary[field]}, tcpdump's: {expected.summary[field]}")
    if _sessions(run) != _sessions(expected):
        lines.append("other sessions than those of tcpdump's packets")
    if _content(run) != _content(expected):
        lines.append("other packets were written than tcpdump's")
    return lines


def _sessions(run):
    """All but the ids, which depend on the order among workers."""
    return sorted(repr((each.tuple5, each.packets, each.bytes, each.state, each.start, each.end))
                  for each in run.sessions)


def _content(run):
    """The packets that left; of a capture without any, nothing."""
    path = run.written("lif-1.pcap")
    if path is None:
        return b""
    with open(path, "rb") as file:
        return file.read()[24:]     # the file's header: tcpdump's may have another snap length
