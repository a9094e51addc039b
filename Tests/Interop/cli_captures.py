"""The command line's captures: standard input, pipes, and the interfaces of a pcapng."""

import os
import re
import signal
import subprocess

from capture_file import enhanced, header, interface, record, section, udp_frame
from command_line import DEMO, TIME_LIMIT_SECONDS

TWO_PORTS = "ports:\n- { name: a, lif: 10 }\n- { name: b, lif: 20 }\n"


def captures(line):
    """Which LIFs interfaces arrive on, and what is said of captures that cannot be read."""
    content = section() + interface() * 2 + enhanced(udp_frame(1)) + enhanced(udp_frame(2), number=1) * 2
    two = line.file("two.pcapng", content)
    _written(line, "two interfaces", {"lif-2.pcap": 1, "lif-1.pcap": 2}, two)
    _written(line, "two interfaces and a capture", {"lif-1.pcap": 1, "lif-2.pcap": 2, "lif-3.pcap": 1774},
             two, DEMO)
    ports = line.file("ports.yaml", TWO_PORTS)
    _written(line, "two ports", {"lif-20.pcap": 1, "lif-10.pcap": 2}, two, "--config", ports)
    one = line.file("one.yaml", "ports:\n- { name: a, lif: 10 }\n")
    line.run("an interface without port", "replay", two, "--config", one, status=2,
             errors=["2 interfaces in .*two.pcapng", "1 configured port", "capture"])
    named = line.file("named.yaml", "ports:\n- { name: a, lif: 10, capture: two.pcapng }\n")
    _written(line, "a port's own capture", {"lif-10.pcap": 3}, "--config", named)
    mixed = line.file("two.pcapng", section() + interface() + interface(113) + enhanced(udp_frame()))
    line.run("link types on one port", "replay", "--config", named, status=1,
             errors=[mixed, "link types 1 and 113"])


def standard_input(line):
    """`-` once; nothing on it, a terminal, a file that must not be written to, a wait that is interrupted."""
    line.run("nothing on standard input", "replay", "-", status=1, errors=["standard input", "empty"])
    line.run("standard input twice", "replay", "-", "-", status=2, errors=["more than once"])
    copy = line.file("in.pcap", header() + record(udp_frame()))
    for content in ("--sessions-out", "--write"):
        target = copy if content == "--sessions-out" else os.path.join(line.directory, "out")
        if content == "--write":
            os.mkdir(target)
            copy = line.file("out/lif-1.pcap", header() + record(udp_frame()))
        with open(copy, "rb") as file:
            done = subprocess.run([line.sluice, "replay", "-", content, target], stdin=file,
                                  capture_output=True, text=True, timeout=TIME_LIMIT_SECONDS, check=False)
        name = f"{content} on standard input's file"
        line.expect(name, done.returncode == 2 and content in done.stderr,
                    f"{done.returncode}: {done.stderr}")
        line.expect(name, os.path.getsize(copy) > 24, "the file has changed")
    _interrupted(line)


def _interrupted(line):
    """Ctrl-C while a pipe is silent: what came is summed up."""
    process = subprocess.Popen([line.sluice, "replay", "-", "--json"], stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdin.write(header() + record(udp_frame()) * 5)
    process.stdin.flush()
    while process.poll() is None:
        with open(f"/proc/{process.pid}/status", encoding="utf-8") as status:
            caught = re.search(r"SigCgt:\s*(\w+)", status.read())
        if int(caught[1], 16) & 1 << (signal.SIGINT - 1):
            break
    process.send_signal(signal.SIGINT)
    try:
        process.wait(TIME_LIMIT_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
    output = process.stdout.read().decode()
    process.stdin.close()
    line.cases += 1
    line.expect("interrupted pipe", process.returncode == 130, f"exit status {process.returncode}")
    line.expect("interrupted pipe", re.search('"packets":[0-5],', output), output[:200])


def _written(line, name, wanted, *arguments):
    """Runs a case; how many packets each written file must have."""
    out = os.path.join(line.directory, name.replace(" ", "-"))
    line.run(name, "replay", *arguments, "--write", out)
    found = {file: _packets(os.path.join(out, file)) for file in os.listdir(out)}
    line.expect(name, found == wanted, f"{found}, not {wanted}")


def _packets(path):
    with open(path, "rb") as file:
        content = file.read()
    count, offset = 0, len(header())
    while offset < len(content):
        offset += 16 + int.from_bytes(content[offset + 8:offset + 12], "little")
        count += 1
    return count
