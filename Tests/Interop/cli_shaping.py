"""The command line's options about which packets come in, on which side, when and how often."""

import json
import os
import signal
import subprocess
import time

from capture_file import header, record, udp_frame
from command_line import DEMO, ROOT, TIME_LIMIT_SECONDS

VECTORS = os.path.join(ROOT, "Tests", "Vectors", "captures")
DEMO_PACKETS = 1774


def filters(line):
    """--filter: refusals that name the expression; what is left out is counted apart."""
    line.run("bad --filter", "replay", DEMO, "--filter", "tcp prot 80", status=2,
             errors=['--filter "tcp prot 80": ', "syntax error", "demo.pcap"])
    raw = os.path.join(VECTORS, "raw-ip.pcap")
    line.run("--filter for another link", "replay", raw, "--filter", "vlan 7", status=2,
             errors=['--filter "vlan 7": ', "raw-ip.pcap", "link type 101"])
    summary = json.loads(line.run("--filter", "replay", DEMO, "--filter", "udp", "--json"))
    line.expect("--filter", summary["packets"] > 0, "nothing was let in")
    line.expect("--filter", summary["packets"] + summary["notes"]["filteredOut"] == DEMO_PACKETS,
                f"{summary['packets']} packets, {summary['notes']['filteredOut']} left out")
    line.run("--filter, text", "replay", DEMO, "--filter", "udp", output=["filteredOut +[0-9,]+ +left out"])


def splits(line):
    """--split: refusals, and two files where one capture came in."""
    line.run("--split, two captures", "replay", DEMO, DEMO, "--split", "mac", status=2, errors=["2 captures"])
    line.run("--split, bits behind", "replay", DEMO, "--split", "10.0.0.1/8", status=2,
             errors=["--split 10.0.0.1/8", "10.0.0.0/8"])
    line.run("--split nonsense", "replay", DEMO, "--split", "both", status=2,
             errors=["both", "client-server", "mac", "PREFIX"])
    line.run("--split mac, no Ethernet", "replay", os.path.join(VECTORS, "raw-ip.pcap"), "--split", "mac",
             status=2, errors=["link type 101", "client-server"])
    for number, split in enumerate(("client-server", "mac", "10.0.0.0/8,2001:db8::/32")):
        out = os.path.join(line.directory, f"split-{number}")
        line.run(f"--split {split}", "replay", DEMO, "--split", split, "--write", out)
        written = sorted(os.listdir(out))
        line.expect(f"--split {split}", "lif-2.pcap" in written, f"files: {written}")


def rates(line):
    """--rate: refusals; lower bounds of the time that it takes; Ctrl-C in a wait."""
    for rate in ("0", "fast", "-5", "10G"):
        line.run(f"--rate {rate}", "replay", DEMO, f"--rate={rate}", status=2,
                 errors=["--rate", "capture", "10k"])
    few = line.file("few.pcap", header() + b"".join(
        record(udp_frame(port), fraction=100_000 * (port - 1000)) for port in range(1000, 1006)))
    for rate, least in (("10", 0.5), ("capture", 0.5), ("0.01k", 0.5)):
        summary = json.loads(line.run(f"--rate {rate}", "replay", few, "--rate", rate, "--json"))
        line.expect(f"--rate {rate}", summary["seconds"] >= least, f"only {summary['seconds']} seconds")
        line.expect(f"--rate {rate}", summary["packets"] == 6, f"{summary['packets']} packets")
    # Two packets more than a day after the first: the second of them confirms the gap, and is waited for.
    gap = line.file("gap.pcap", header() + record(udp_frame(), seconds=1_700_000_000) + 2 * record(
        udp_frame(), seconds=1_700_200_000))
    _interrupt(line, "Ctrl-C in a wait of days", 2, "replay", gap, "--rate", "capture", "--json")


def loops(line):
    """--loop: refusals, totals, and no end but Ctrl-C."""
    for rounds in ("0", "-1", "twice"):
        line.run(f"--loop {rounds}", "replay", DEMO, f"--loop={rounds}", status=2,
                 errors=["--loop", "forever"])
    line.run("--loop of standard input", "replay", "-", "--loop", "2", status=2,
             errors=["--loop", r"standard input \(-\)"])
    summary = json.loads(line.run("--loop", "replay", DEMO, "--loop", "5", "--json"))
    line.expect("--loop", (summary["packets"], summary["rounds"]) == (5 * DEMO_PACKETS, 5),
                f"{summary['packets']} packets in {summary['rounds']} rounds")
    _interrupt(line, "--loop forever", None, "replay", DEMO, "--loop", "forever", "--json")


def _interrupt(line, name, packets, *arguments):
    """Ctrl-C after a while: status 130 and a summary, of so many packets if known."""
    line.cases += 1
    process = subprocess.Popen([line.sluice, *arguments], text=True, stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    time.sleep(1)
    line.expect(name, process.poll() is None, f"it ended by itself with {process.returncode}")
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=TIME_LIMIT_SECONDS)
    line.expect(name, process.returncode == 130, f"exit status {process.returncode}: {errors[:200]}")
    summary = json.loads(output or "{}")
    found = summary.get("packets", 0)
    line.expect(name, found == packets if packets is not None else found > 0, f"{found} packets")
