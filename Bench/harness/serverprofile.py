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
# What a part is told by: the shared object and the mangled name. A Swift function's first module is its own; the
# runtime, linked into the program, is C++.
PARTS = {
    "kernel: sockets, wake-ups, switches": (r"\[(kernel|guest)", r""),
    "gRPC": (r"", r"^\$s.*?\d+GRPC(Core|NIOTransport|Protobuf)"),
    "HTTP/2 and NIO": (r"", r"^\$s.*?\d+(NIO[A-Za-z0-9]*|DequeModule|_NIO\w*)[A-Z]|^c_nio|^CNIO"),
    "requests decoded and checked": (r"", r"^\$s.*?\d+(ControlAPI|SwiftProtobuf|OPIProtos)"),
    "sessions: id, tuple, command rings": (r"", r"^\$s.*?\d+(Gateway|Dataplane|PacketIO|Config)"),
    "Swift's concurrency": (r"", r"^_?swift_(task|job|continuation|async|executor)|^_Z.*(Task|Executor|Actor|Job)"),
    "Swift's runtime: generic types": (r"", r"Metadata|WitnessTable|MangledName|MetadataCache|getCache|"
                                            r"ConcurrentReadableHashMap|ConcurrentMap|tryCast"),
    "Swift's runtime: references, the rest": (r"", r"^_*swift_|^_Z\w*5swift|^_ZN7__swift|^_ZL\d+_?swift|^\$s[SL]"),
    "memory: allocation, copies": (r"", r"^(_*(libc_)?(malloc|free|calloc|realloc|cfree|posix_memalign|int_)"
                                        r"|_int_|_*mem(cpy|move|set|cmp)|tcache)"),
    "the rest": (r"", r""),
}


def table(bench):
    """Heads and lines: nanoseconds of CPU time a message by part, a column a case."""
    columns = [profile(bench, *case) for case in CASES.values()]
    lines = [[part] + [f"{column[part]:.0f}" for column in columns] for part in (*PARTS, COMMANDS)]
    lines.append(["**all**"] + [f"**{sum(column.values()):.0f}**" for column in columns])
    return ["ns of CPU time a message, streams of"] + list(CASES), lines


COMMANDS = "worker: applying commands"


def profile(bench, stream, calls):
    """Nanoseconds a message by part."""
    samples, control, commands = sampled(bench, stream, calls)
    scale = control / sum(samples.values())
    parts = dict.fromkeys((*PARTS, COMMANDS), 0.0)
    for (where, symbol), count in samples.items():
        parts[part_of(where, symbol)] += count * scale
    parts[COMMANDS] = commands
    return parts


def part_of(where, symbol):
    """The part of the first patterns that both fit."""
    return next(part for part, (place, name) in PARTS.items()
                if re.search(place, where) and re.search(name, symbol))


def sampled(bench, stream, calls):
    """Samples by shared object and mangled symbol of all threads but the workers; nanoseconds a message of
    these threads, and of the workers' applying commands."""
    with api.idle(bench, 2 * MESSAGES) as server, tempfile.TemporaryDirectory() as folder:
        server.client.ask("add", server.fresh(MESSAGES // 8), MESSAGES // 8, stream, calls)
        data = os.path.join(folder, "perf.data")
        recorder = subprocess.Popen(
            ["perf", "record", "--quiet", "-e", "cpu-clock", "-F", "4999", "-o", data, "-p", str(server.pid)],
            stdin=subprocess.DEVNULL)
        try:
            _, total, commands = server.charged("add", server.fresh(MESSAGES), MESSAGES, stream, calls)
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
