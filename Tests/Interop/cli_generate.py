"""`sluice generate`: options, refusals, what it writes by tshark's reading, the self-test, Ctrl-C."""

import collections
import json
import os
import pty
import signal
import subprocess

from command_line import TIME_LIMIT_SECONDS

# Bad by tshark's reading: wrong checksums, what cannot be dissected, and all that it calls an error.
BAD = "_ws.malformed || ip.checksum.status == 0 || tcp.checksum.status == 0 || udp.checksum.status == 0 " \
      "|| _ws.expert.severity == error"
CHECKED = ("ip.check_checksum", "tcp.check_checksum", "udp.check_checksum")
VARIANTS = {
    "plain": (),
    "both families, QinQ": ("--ip", "both", "--qinq", "10.20"),
    "VLAN, IPv6": ("--ip", "6", "--vlan", "4094"),
    "zipf, many retransmits": ("--distribution", "zipf", "--retransmit", "0.4"),
    "fragments": ("--ip", "both", "--fragments", "0.3"),
    "slow": ("--flows", "40", "--packets", "900", "--rate", "5"),
    "large": ("--size", "9014", "--flows", "100", "--packets", "3000"),
    "TCP only": ("--protocol", "tcp"),
    "UDP only": ("--protocol", "udp"),
    "few packets": ("--flows", "500", "--packets", "1200"),
    "one flow": ("--flows", "1", "--packets", "5"),
    "steady": ("--shape", "steady", "--size", "64"),
}
# By FIN, RST and silence, and not at all.
SAMPLE = ("--flows", "50000", "--seed", "7")
SAMPLE_ENDS = {"finack": 12500, "rst": 4687, "timeout": 23438, "live": 9375}


def generate_written(line):
    """tshark finds nothing wrong and the conversations that were asked for; replay finds their ends."""
    for name, options in VARIANTS.items():
        path = os.path.join(line.directory, "gen.pcap")
        arguments = [*(() if "--flows" in options else ("--flows", "500", "--packets", "10000")), *options]
        made = json.loads(line.run(name, "generate", *arguments, "--seed", "7", "--write", path, "--json"))
        wanted = {option: int(value) for option, value in zip(arguments, arguments[1:]) if value.isdigit()}
        line.expect(name, made["packets"] == wanted["--packets"], f"{made['packets']} packets")
        line.expect(name, sum(made["sessions"].values()) == wanted["--flows"], f"{made['sessions']}")
        for workers in ("1", "2"):
            text = line.run(name, "replay", path, "--learn", "forward", "--workers", workers, "--json")
            replay = json.loads(text)
            line.expect(name, _ends(replay) == made["sessions"] and _same(made, replay),
                        f"{made}, but replay with {workers} workers: {replay}")
        bad = _tshark(path, "-Y", BAD)
        line.expect(name, not bad, f"tshark: {bad[:3]}")
        conversations = [text for kind in ("tcp", "udp")
                         for text in _tshark(path, "-q", "-z", f"conv,{kind}") if "<->" in text]
        line.expect(name, len(conversations) == wanted["--flows"], f"{len(conversations)} conversations")
        _expect_ends(line, name, path, made["sessions"])
    _expect_same_bytes(line)


def generate_known_ends(line):
    """The sample that docs/generate.md shows, also as replay counts it."""
    path = os.path.join(line.directory, "gen.pcap")
    made = json.loads(line.run("sample", "generate", *SAMPLE, "--json"))
    line.expect("sample", made["sessions"] == SAMPLE_ENDS, f"{made['sessions']}")
    written = json.loads(line.run("sample, written", "generate", *SAMPLE, "--write", path, "--json"))
    line.expect("sample, written", written["sessions"] == SAMPLE_ENDS, f"{written['sessions']}")
    for workers in ("1", "2"):
        replay = json.loads(line.run("sample, replayed", "replay", path, "--learn", "forward", "--workers",
                                     workers, "--json"))
        line.expect("sample, replayed", _ends(replay) == SAMPLE_ENDS and _same(written, replay),
                    f"{workers} workers: {replay}")


def generate_self_test(line):
    """Without --write the packet path counts what was made."""
    text = line.run("self-test", "generate", "--flows", "300", "--workers", "2", "--ip", "both", "--json")
    made = json.loads(text)
    line.expect("self-test", made["packets"] == 6000 and len(made["replay"]["workers"]) == 2, f"{made}")
    line.expect("self-test", _ends(made["replay"]) == made["sessions"], f"{made}")
    line.run("self-test for people", "generate", "--packets", "1000",
             output=["generated", "packets +1000", "by FIN/ACK", "verdicts", "opened +50"])


def generate_refusals(line):
    """Bad options have status 2, their range and what would help."""
    line.run("generate --help", "generate", "--help",
             output=["--flows", "--seed", "imix", "Examples", "sluice generate --flows 50000"])
    for options, words in {
        ("--flows", "0"): r"--flows 0: accepted: 1\.\.\.100000000",
        ("--flows", "99999999999999999999"): "--flows",
        ("--flows", "7", "--packets", "6"): "--packets 6: too few for 7 flows: at least 7",
        ("--packets", "-3"): "--packets",
        ("--packets", "9223372036854775807"): "--packets 9223372036854775807: accepted",
        ("--flows", "9223372036854775807"): "--flows 9223372036854775807: accepted",
        ("--size", "63"): r"--size 63: accepted: 64\.\.\.9014", ("--size", "big"): "--size",
        ("--ip", "5"): "'4', '6' or 'both'", ("--protocol", "sctp"): "'tcp', 'udp' or 'both'",
        ("--vlan", "4095"): "--vlan 4095: accepted", ("--qinq", "5"): "--qinq",
        ("--vlan", "1", "--qinq", "1.2"): "--vlan and --qinq",
        ("--fragments", "2"): "--fragments 2.0: accepted",
        ("--retransmit", "1"): "--retransmit 1.0: accepted",
        ("--rate", "0"): "--rate 0.0: accepted", ("--rate", "5", "--duration", "5"): "--rate and --duration",
        ("--duration", "1e300"): r"--duration 1e\+300: accepted", ("--seed", "-1"): "--seed",
        ("--workers", "65"): "--workers 65: accepted", ("--nanoseconds",): "--nanoseconds: .*--write",
        ("--write", "x.pcap", "--workers", "2"): "--workers: .*--write", ("--write", ""): "--write",
        ("--write", line.directory): "directory",
    }.items():
        line.run(" ".join(options), "generate", *options, status=2, errors=[words])
    line.run("a full disk", "generate", "--write", "/dev/full", status=1, errors=["/dev/full", "No space"])


def generate_interrupted(line):
    """Ctrl-C leaves no file, and progress is shown on a terminal."""
    line.cases += 1
    path = os.path.join(line.directory, "interrupted.pcap")
    controller, terminal = pty.openpty()
    process = subprocess.Popen(
        [line.sluice, "generate", "--flows", "1000", "--packets", "40000000", "--size", "64",
         "--write", path],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=terminal)
    os.close(terminal)
    shown = os.read(controller, 4096)
    part = path + ".part"
    line.expect("Ctrl-C", b"%" in shown and os.path.exists(part) and not os.path.exists(path),
                f"{shown!r}, files {os.listdir(line.directory)}")
    process.send_signal(signal.SIGINT)
    status = process.wait(TIME_LIMIT_SECONDS)
    os.close(controller)
    line.expect("Ctrl-C", status == 130, f"exit status {status}")
    line.expect("Ctrl-C", not os.listdir(line.directory), f"left behind: {os.listdir(line.directory)}")


def _expect_same_bytes(line):
    made = []
    for seed in ("7", "7", "8"):
        done = subprocess.run(
            [line.sluice, "generate", "--flows", "50", "--seed", seed, "--write", "-"],
            stdin=subprocess.DEVNULL, capture_output=True, timeout=TIME_LIMIT_SECONDS, check=False)
        line.cases += 1
        line.expect("--write -", done.returncode == 0 and b"packets" in done.stderr, f"{done.stderr[:200]!r}")
        made.append(done.stdout)
    line.expect("seeds", made[0] == made[1] != made[2] and len(made[0]) > 24,
                "other bytes with the same seed, or the same with another")


def _ends(replay):
    return {**replay["sessions"]["closed"], "live": replay["sessions"]["live"]}


def _same(made, replay):
    return all(made[field] == replay[field] for field in ("packets", "bytes"))


def _tshark(path, *options):
    preferences = [word for each in CHECKED for word in ("-o", f"{each}:TRUE")]
    done = subprocess.run(["tshark", "-n", "-r", path, *preferences, *options], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=TIME_LIMIT_SECONDS, check=True)
    return done.stdout.splitlines()


def _expect_ends(line, name, path, sessions):
    """The ends by the flags and times that tshark reads: a tracker that knows nothing of ours."""
    fields = ("frame.time_epoch", "tcp.stream", "udp.stream", "tcp.flags")
    rows = _tshark(path, "-o", "ip.defragment:FALSE", "-o", "ipv6.defragment:FALSE",
                   *("-T", "fields"), *(word for field in fields for word in ("-e", field)))
    found = collections.defaultdict(lambda: [0.0, 0, False, 0])
    end = 0.0
    for row in rows:
        stamp, tcp, udp, flags = row.split("\t")
        end = max(end, float(stamp))
        if not tcp and not udp:
            continue
        entry = found[("tcp", tcp) if tcp else ("udp", udp)]
        bits = int(flags, 16) if tcp else 0
        entry[0] = float(stamp)
        entry[1] += bits & 1
        entry[2] |= bool(bits & 4)
        entry[3] += 1
    ends = collections.Counter()
    for last, fins, reset, _ in found.values():
        kind = "rst" if reset else "finack" if fins == 2 else "timeout" if end - last > 60 else "live"
        ends[kind] += 1
    expected = {kind: count for kind, count in sessions.items() if count}
    line.expect(name, dict(ends) == expected, f"{expected} expected, by tshark {dict(ends)}")
