"""Where the CPU time of the daemon's control side goes while sessions are added."""

import collections
import os
import re
import subprocess
import tempfile

from . import api, servers

# Cases by name: messages of a stream, and streams at a time.
CASES = {"64": (64, 1), "64, 8 at a time": (64, 8), "4096": (4096, 1)}
MESSAGES = 1 << 19
KERNEL, REST = "kernel: sockets, wake-ups, switches", "the rest"
# The module in which a Swift function is written is the first of these in its mangled name.
MODULES = {
    "GRPC": "gRPC", "NIO": "HTTP/2 and NIO", "ControlAPI": "requests decoded and checked",
    "SwiftProtobuf": "requests decoded and checked", "OPIProtos": "requests decoded and checked",
    "Gateway": "sessions: id, tuple, command rings", "Dataplane": "sessions: id, tuple, command rings",
}
# All else is told by its name; the runtime, linked into the program, is C++. The first that fits counts.
NAMES = {
    "Swift's concurrency": r"^_?swift_(task|job|continuation|async|executor)|^_Z.*(Task|Executor|Actor|Job)",
    "Swift's runtime: generic types": r"Metadata|WitnessTable|MangledName|getCache|ConcurrentReadableHashMap"
                                      r"|ConcurrentMap|tryCast",
    "Swift's runtime: references, the rest": r"^_*swift_|^_Z\w*5swift|^_ZN7__swift|^_ZL\d+_?swift|^\$s",
    "memory: allocation, copies": r"^(_*(libc_)?(malloc|free|calloc|realloc|cfree|posix_memalign|int_)"
                                  r"|_int_|_*mem(cpy|move|set|cmp)|tcache)",
    REST: r"",
}
COMMANDS = "worker: applying commands"
PARTS = (KERNEL, *dict.fromkeys(MODULES.values()), *NAMES, COMMANDS)


def table(bench):
    """Heads and lines: nanoseconds of CPU time a message by part, a column a case."""
    columns = [profile(bench, *case) for case in CASES.values()]
    lines = [[part] + [f"{column[part]:.0f}" for column in columns] for part in PARTS]
    lines.append(["**all**"] + [f"**{sum(column.values()):.0f}**" for column in columns])
    return ["ns of CPU time a message, streams of"] + list(CASES), lines


def profile(bench, stream, calls):
    """Nanoseconds a message by part."""
    samples, control, commands = sampled(bench, stream, calls)
    scale = control / sum(samples.values())
    parts = dict.fromkeys(PARTS, 0.0)
    for (where, symbol), count in samples.items():
        parts[part_of(where, symbol)] += count * scale
    parts[COMMANDS] = commands
    return parts


def part_of(where, symbol):
    """The part to which a function of a shared object counts."""
    if re.search(r"\[(kernel|guest)", where):
        return KERNEL
    module = re.search(rf"^\$s.*?\d({'|'.join(MODULES)})", symbol)
    return MODULES[module[1]] if module else next(
        part for part, pattern in NAMES.items() if re.search(pattern, symbol))


def sampled(bench, stream, calls):
    """Samples by shared object and mangled symbol of all threads but the workers; nanoseconds a message of
    these threads, and of the workers' applying commands, both measured without the sampling."""
    with api.idle(bench, 3 * MESSAGES) as server, tempfile.TemporaryDirectory() as folder:
        def add(count):
            return server.charged("add", server.fresh(count), count, stream, calls)
        add(MESSAGES // 8)
        _, total, commands = add(MESSAGES)
        data = os.path.join(folder, "perf.data")
        recorder = subprocess.Popen(
            ["perf", "record", "--quiet", "-e", "cpu-clock", "-F", "4999", "-o", data, "-p", str(server.pid)],
            stdin=subprocess.DEVNULL, preexec_fn=lambda: os.sched_setaffinity(0, {bench.other_core}))
        try:
            add(MESSAGES)
        finally:
            recorder.send_signal(2)
            recorder.wait()
        text = subprocess.run(
            ["perf", "report", "-i", data, "--stdio", "-F", "sample,comm,dso,symbol", "--no-demangle",
             "-t", "\t"], check=True, text=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
    samples = collections.Counter()
    for line in text.splitlines():
        parts = [part.strip() for part in line.split("\t")]
        if len(parts) == 4 and parts[0].isdigit() and not parts[1].startswith(servers.WORKER_PREFIX):
            samples[parts[2], re.sub(r"^\[[.kgu]\] ", "", parts[3])] += int(parts[0])
    return samples, (total - commands) / MESSAGES, commands / MESSAGES
