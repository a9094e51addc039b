#!/usr/bin/env python3
"""Makes the tables of docs/performance.md anew: where a packet's and a message's time goes, how costs grow.

Samples the memory-port path and the daemon with `perf record -e cpu-clock`, counts the path's instructions
with callgrind, and takes the curves from results.json, which `make bench` writes. Needs the packages
linux-perf, valgrind and binutils.
"""

import argparse
import collections
import json
import os
import re
import subprocess
import sys
import tempfile

from harness import pairs, serverprofile
from harness.bench import Bench

HERE = os.path.dirname(os.path.abspath(__file__))
OUT = os.path.join(HERE, "out")
PAGE = os.path.join(os.path.dirname(HERE), "docs", "performance.md")
SESSIONS = {"1 K": 1 << 10, "64 K": 1 << 16, "8 M": 1 << 23}
TURNS = 40
# Function names, demangled, of each stage; the first that fits counts.
STAGES = {
    "receive": r"StreamQueue\.\(?(receive|refer|copy)|memmove|memcpy|PacketPool\.(append|allocate)",
    "parse": r"Worker\.parse|Worker\.\(describe|Frame|OrdinaryPacket|SessionPacket",
    "decide": r"Worker\.\(?(decide|resolve|search|hit|verdict|miss|learn)|SessionTable"
              r"|Flow(Table|FastPath|Burst)",
    "transmit": r"StreamQueue\.(transmit|\(giveBack)|StreamQueue : |PacketQueue\.transmit"
                r"|PacketPool\.release",
    "account": r"Worker\.account|Worker\.\(publish|publishSessions|reportEnded|CounterPage",
    "the rest": r".",
}


def main():
    """Measures, and writes the tables between their marks."""
    options = _options()
    os.makedirs(OUT, exist_ok=True)
    bench = Bench(options, os.path.join(HERE, "peers"), OUT)
    if options.server_symbols:
        return _show_symbols(bench, options.server_symbols)
    tables = {"stages": _stages(options.bench), "instructions": _instructions(options.bench),
              "server": _table(*serverprofile.table(bench))}
    with open(os.path.join(HERE, "results.json"), encoding="utf-8") as file:
        results = json.load(file)
    tables["ladder"] = _ladder(results["rows"])
    if "growth" in results:
        for name, curves in results["growth"].items():
            tables[name] = _growth(name, curves)
    with open(PAGE, encoding="utf-8") as file:
        page = file.read()
    for name, table in tables.items():
        page, found = re.subn(rf"(<!-- table {name} -->\n).*?(<!-- end -->)",
                              lambda match, table=table: match[1] + "\n" + table + "\n\n" + match[2], page,
                              flags=re.DOTALL)
        if not found:
            raise SystemExit(f"{PAGE} has no place for the table {name}")
    with open(PAGE, "w", encoding="utf-8") as file:
        file.write(page)
    return 0


def _options():
    parser = argparse.ArgumentParser(description=__doc__)
    build = os.path.join(os.path.dirname(HERE), ".build", "release")
    parser.add_argument("--bench", default=os.path.join(build, "sluice-bench"),
                        help="release binary of sluice-bench")
    parser.add_argument("--sluice", default=os.path.join(build, "sluice"), help="release binary of sluice")
    parser.add_argument("--core", type=int, help="core for what is measured (default: the last allowed)")
    parser.add_argument("--server-symbols", type=int, metavar="COUNT",
                        help="print the functions in which the daemon spends most while sessions are added "
                        "in streams of 64, and nothing else")
    parser.set_defaults(quick=False, pairs=1)
    return parser.parse_args()


def _show_symbols(bench, count):
    """The functions of the control side with the most samples."""
    samples, control, commands = serverprofile.sampled(bench, *serverprofile.CASES["64"])
    print(f"{control:.0f} ns a message in control threads, {commands:.0f} in workers, applying commands")
    shown = samples.most_common(count)
    for ((where, symbol), seen), name in zip(shown, _demangled([symbol for (_, symbol), _ in shown])):
        print(f"{seen / sum(samples.values()):6.1%}  {serverprofile.part_of(where, symbol):36} {name[:160]}")
    return 0


# Samples.

def _stages(binary):
    cases = [(name, copy) for copy in (False, True) for name in SESSIONS]
    columns = [_sampled(binary, SESSIONS[name], copy) for name, copy in cases]
    heads = [f"{name}{', copied' if copy else ''}" for name, copy in cases]
    lines = [[stage] + [f"{column[stage]:.1f}" for column in columns] for stage in STAGES]
    lines.append(["**all**"] + [f"**{sum(column.values()):.1f}**" for column in columns])
    return _table(["ns of CPU time a packet"] + heads, lines)


def _sampled(binary, sessions, copy):
    """Nanoseconds a packet by stage: the samples' shares of the time that the repetitions took."""
    command = [binary, "path", "--flows", str(sessions)] + (["--copy"] if copy else [])
    with tempfile.TemporaryDirectory() as folder, pairs.Turns(command) as side:
        side()
        data = os.path.join(folder, "perf.data")
        # perf starts a moment later than we do, and ends with the process it starts.
        recorder = subprocess.Popen(
            ["perf", "record", "--quiet", "-e", "cpu-clock", "-F", "4999", "-o", data, "-p", str(side.pid)],
            stdin=subprocess.DEVNULL)
        try:
            taken = [side().value for _ in range(TURNS)]
        finally:
            recorder.send_signal(2)
            recorder.wait()
        text = subprocess.run(["perf", "report", "-i", data, "--stdio", "-F", "sample,symbol", "--demangle"],
                              check=True, text=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
    samples = collections.Counter()
    for count, symbol in re.findall(r"^\s+(\d+)\s+\[[.k]\]\s+(.*\S)\s*$", text, flags=re.MULTILINE):
        samples[symbol] += int(count)
    return _by_stage(samples, sum(taken) / len(taken) / sum(samples.values()))


def _by_stage(costs, scale):
    names = dict(zip(costs, _demangled(list(costs))))
    stages = dict.fromkeys(STAGES, 0.0)
    for symbol, cost in costs.items():
        stage = next(stage for stage, pattern in STAGES.items() if re.search(pattern, names[symbol]))
        stages[stage] += cost * scale
    return stages


def _demangled(symbols):
    plain = subprocess.run(["swift", "demangle", "--simplified", "--compact"], check=True, text=True,
                           input="\n".join(symbols), stdout=subprocess.PIPE).stdout.splitlines()
    return [re.sub(r"\b(Dataplane|PacketIO)\.", "", name) for name in plain]


# Instructions.

def _instructions(binary):
    """Instructions a packet by function: the difference between two runs of different length."""
    columns = []
    for copy in (False, True):
        few, many = (_counted(binary, copy, repetitions) for repetitions in (1, 3))
        packets = 2 * PACKETS
        columns.append({name: (many[name] - few.get(name, 0)) / packets for name in many})
    names = sorted({name for column in columns for name in column},
                   key=lambda name: -max(column.get(name, 0) for column in columns))
    shown = [name for name in names if max(column.get(name, 0) for column in columns) >= 0.5]
    lines = [[f"`{plain}`"] + [f"{column.get(name, 0):.1f}" for column in columns]
             for name, plain in zip(shown, _demangled(shown))]
    lines.append(["**all**"] + [f"**{sum(column.values()):.1f}**" for column in columns])
    return _table(["Instructions a packet", "where they lie", "copied"], lines)


PACKETS = 65536


def _counted(binary, copy, repetitions):
    with tempfile.TemporaryDirectory() as folder:
        # Valgrind 3.19 gives up on DWARF 5; symbols stay.
        stripped, out = os.path.join(folder, "sluice-bench"), os.path.join(folder, "callgrind.out")
        subprocess.run(["objcopy", "--strip-debug", binary, stripped], check=True)
        subprocess.run(
            ["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}", stripped, "path",
             "--flows", "1024", "--packets", str(PACKETS), "--repetitions", str(repetitions),
             *(["--copy"] if copy else [])],
            check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        text = subprocess.run(["callgrind_annotate", "--threshold=100", out], check=True, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
    counts = collections.Counter()
    for number, name in re.findall(r"^\s*([\d,]+)\s+\([\d. ]+%\)\s+\S*?:(\S+)", text, flags=re.MULTILINE):
        counts[name] += int(number.replace(",", ""))
    return counts


# What results.json has.

def _ladder(rows):
    found = {row["name"]: row for row in rows}
    steps = [("tuples looked up and counted", "lookup.ipv4.64k.uniform"),
             ("and frames parsed, TCP tracked, verdicts made", "path.64k.ref"),
             ("and each packet copied first", "path.64k.copy"),
             ("and read from a capture, sessions learned", "replay.64")]
    return _table(["64 K sessions, ns of CPU time a packet", "Ours", "Peer"],
                  [[text, f"{found[name]['ours']:.1f}", f"{found[name]['peer']:.1f}"]
                   for text, name in steps if name in found])


def _growth(name, curves):
    columns = dict(curves)
    xs = columns.pop("x")
    return _table([name] + list(columns),
                  [[str(x)] + [f"{values[index]:.1f}" for values in columns.values()]
                   for index, x in enumerate(xs)])


def _table(head, lines):
    return "\n".join(["| " + " | ".join(head) + " |", "|---" + "|---:" * (len(head) - 1) + "|"]
                     + ["| " + " | ".join(line) + " |" for line in lines])


if __name__ == "__main__":
    sys.exit(main())
