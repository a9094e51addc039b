"""`replay --port` as far as it goes without an interface: the rest is Tests/Live/replay_port.py."""

import os

from capture_file import header
from command_line import DEMO, ROOT

VECTORS = os.path.join(ROOT, "Tests", "Vectors", "captures")


def port(line):
    """--port and --multiplier: what is refused, by name and with what mends it."""
    line.run("--port in the help", "replay", "--help",
             output=["--port <interface>", "--multiplier <factor>", "CAP_NET_RAW",
                     r"with\s+--port\s+capture"])
    line.run("--port nosuch", "replay", DEMO, "--port", "nosuch", status=1,
             errors=["--port", "no interface nosuch", "ip link"])
    line.run("--port, a long name", "replay", DEMO, "--port", "a" * 40, status=1, errors=["no interface aaa"])
    line.run("--port lo", "replay", DEMO, "--port", "lo", status=1, errors=["lo is no Ethernet device"])
    line.run("--port, no name", "replay", DEMO, "--port", "", status=2, errors=["--port", "empty name"])
    line.run("--port, no capture", "replay", "--port", "lo", status=2, errors=["name the captures"])
    line.run("--port, raw IP", "replay", os.path.join(VECTORS, "raw-ip.pcap"), "--port", "lo", status=1,
             errors=["raw-ip.pcap", "link type 101", "Ethernet"])
    line.run("--port, another link type of two", "replay", DEMO, line.file("ppp.pcap", header(link=9)),
             "--port", "lo", status=1, errors=["ppp.pcap", "link type 9"])
    line.run("--port, missing capture", "replay", "/nonexistent/file.pcap", "--port", "lo", status=1,
             errors=["/nonexistent/file.pcap", "No such file"])
    line.run("--port, bad --filter", "replay", DEMO, "--port", "lo", "--filter", "tcp prot 80", status=2,
             errors=['--filter "tcp prot 80": '])
    line.run("--port, --loop of standard input", "replay", "-", "--port", "lo", "--loop", "2", status=2,
             errors=["--loop", "standard input"])
    for option in (("--config", "x.yaml"), ("--sessions", "x.yaml"), ("--learn", "forward"),
                   ("--workers", "2"), ("--split", "mac"), ("--write", "out"), ("--sessions-out", "x"),
                   ("--show-sessions",)):
        line.run(f"--port {option[0]}", "replay", DEMO, "--port", "lo", *option, status=2,
                 errors=[f"{option[0]} and --port"])
    for factor in ("0", "-1", "fast", "1e9", "inf", "nan", "2000000", ""):
        line.run(f"--multiplier {factor}", "replay", DEMO, "--rate", "capture", f"--multiplier={factor}",
                 status=2, errors=["--multiplier", "such as 2 or 0.5|empty|Missing|missing"])
    for rate in ((), ("--rate", "max"), ("--rate", "10k"), ("--rate", "10k", "--port", "lo")):
        line.run(f"--multiplier {rate}", "replay", DEMO, "--multiplier", "2", *rate, status=2,
                 errors=["--multiplier", "--rate capture"])
    # 13 seconds of traffic.
    line.run("--multiplier without a port", "replay", DEMO, "--rate", "capture", "--multiplier", "100",
             output=["^  received +1,774"])
