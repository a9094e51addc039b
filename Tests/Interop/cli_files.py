"""The command line's files: what is read is never written to, and what is written is complete."""

import os
import re

from capture_file import header, record, udp_frame
from command_line import CONFIG, DEMO, SESSIONS

ENTRY = "- { session_id: %d, sourceip: 10.0.0.1, sourceport: 7, destinationip: 10.0.0.2, " \
        "destinationport: 80, protocolid: TCP, action: DROP }\n"
# The second one's tuple is in use.
TWICE = ENTRY % 1 + ENTRY % 2


def protected_files(line):
    """What is read is never written to, and a refused run leaves what an earlier one wrote."""
    copies = {name: _copy(line, path) for name, path in
              {"capture": DEMO, "sessions": SESSIONS, "configuration": CONFIG}.items()}
    arguments = ("replay", copies["capture"], "--sessions", copies["sessions"],
                 "--config", copies["configuration"])
    for name, path in copies.items():
        link = os.path.join(line.directory, f"link-to-{name}")
        os.symlink(path, link)
        before = _content(path)
        for named in (path, link):
            line.run(f"--sessions-out on the {name}", *arguments, "--sessions-out", named, status=2,
                     errors=["--sessions-out", re.escape(named)])
            line.expect(f"--sessions-out on the {name}", _content(path) == before, "the file has changed")
    ended = line.file("ended.jsonl", "of an earlier run\n")
    out = os.path.join(line.directory, "out")
    os.mkdir(out)
    earlier = [ended] + [line.file(f"out/{name}", "of an earlier run\n")
                         for name in ("lif-1.pcap", "mirror.pcap", "drop.pcap")]
    bad = line.file("bad.yaml", "sessions: [ { session_id: 1 } ]\n")
    small = line.file("small.yaml", "capacity: 3\n")
    writing = ("--write", out, "--sessions-out", ended)
    for name, *options in [
        ("bad sessions", DEMO, "--sessions", bad), ("bad configuration", DEMO, "--config", bad),
        ("sessions that do not fit", DEMO, "--sessions", SESSIONS, "--config", small),
        ("sessions twice", DEMO, "--sessions", line.file("twice.yaml", TWICE)),
        ("no port for the capture", DEMO, DEMO, DEMO, "--config", CONFIG),
        ("--workers 65", DEMO, "--workers", "65"),
    ]:
        line.run(f"refused: {name}", "replay", *options, *writing, status=2)
        for path in earlier:
            line.expect(f"refused: {name}", _content(path) == b"of an earlier run\n", f"{path} has changed")
        line.expect(f"refused: {name}", sorted(os.listdir(out)) == ["drop.pcap", "lif-1.pcap", "mirror.pcap"],
                    f"files: {sorted(os.listdir(out))}")


def written_files(line):
    """--write: with --sessions-out in it, of a cut capture; no path may be empty."""
    out = os.path.join(line.directory, "out")
    ended = os.path.join(out, "s.jsonl")
    line.run("--sessions-out in --write", "replay", DEMO, "--learn", "forward", "--write", out,
             "--sessions-out", ended)
    line.expect("--sessions-out in --write", set(os.listdir(out)) == {"lif-1.pcap", "s.jsonl"},
                f"files: {os.listdir(out)}")
    line.expect("--sessions-out in --write", _content(ended).startswith(b"{"), "no sessions")
    for option in ("--config", "--sessions", "--write", "--sessions-out"):
        line.run(f"{option}, empty", "replay", DEMO, option, "", status=2, errors=["empty"])
    line.run("an empty capture name", "replay", "", status=2, errors=["empty"])
    whole = b"".join(map(record, (udp_frame(port) for port in range(1000, 1100))))
    cut = line.file("cut.pcap", header() + whole + record(udp_frame())[:-1])
    for workers in ("1", "2"):
        out = os.path.join(line.directory, f"cut-{workers}")
        line.run(f"cut, --workers {workers}", "replay", cut, "--workers", workers, "--write", out, status=1,
                 errors=[re.escape(cut)])
        line.expect(f"cut, --workers {workers}", os.listdir(out) == ["lif-1.pcap"],
                    f"files: {os.listdir(out)}")
        line.expect(f"cut, --workers {workers}",
                    _content(os.path.join(out, "lif-1.pcap")) == header() + whole, "not all before the cut")


def _copy(line, path):
    """A copy of a file in the test's directory; its path."""
    return line.file(os.path.basename(path), _content(path))


def _content(path):
    with open(path, "rb") as file:
        return file.read()
