"""pcapng and gzip that are cut, lying or enormous, and formats that are not read."""

import gzip
import io
import os
import struct
import subprocess
import sys

from bad_files import THREE
from capture_file import block, enhanced, interface, section, udp_frame

START = section() + interface()
GOOD = enhanced(udp_frame())
# A replay of a million sessions needs less; what it reads must not add to it.
MEMORY_LIMIT_KB = 400 << 10


def pcapng(bench):
    """Three packets, cut at every byte; blocks that lie, with a good packet before them."""
    content = START + GOOD * 3
    ends = [len(section()), len(START), *(len(START) + len(GOOD) * count for count in (1, 2, 3))]
    for length in range(4, len(content) + 1):
        path = bench.write(f"cut-{length}.pcapng", content[:length])
        whole = sum(end <= length for end in ends[2:])
        if length in ends:
            bench.run(f"cut at {length}", path, packets=whole)
        else:
            start = max([0, *(end for end in ends if end <= length)])
            counts = {"packets": whole} if whole else {}
            bench.run(f"cut at {length}", path, status=(1,), names=[path], offsets=[start], **counts)
        os.unlink(path)
    place = len(START + GOOD)
    lying = {
        "length-0": block(6, b"", length=0), "length-odd": block(6, bytes(24), length=35),
        "length-all-ones": block(6, bytes(24), length=0xFFFFFFFF),
        "ends-otherwise": block(5, bytes(8), end=12),
        "unknown-4-gigabytes": block(0x7777, b"", length=0xFFFFFFFC),
        "kept": enhanced(b"abc", kept=0xFFFFFFF0),
        "kept-one-more": enhanced(b"abcd", kept=5), "no-such-interface": enhanced(b"abc", number=1),
        "section-magic": block(0x0A0D0D0A, bytes(16)), "interface-short": block(1, bytes(4)),
        "option-too-long": block(1, struct.pack("<HHIHH", 1, 0, 0, 9, 0xFFFF)),
    }
    for name, bad in lying.items():
        path = bench.write(f"{name}.pcapng", START + GOOD + bad + GOOD)
        bench.run(name, path, status=(1,), packets=1, names=[path], offsets=[place])


def packed(bench):
    """gzip that is cut, damaged, or far larger than it looks."""
    content = gzip.compress(THREE, mtime=0)
    for length in range(2, len(content)):
        path = bench.write("cut.gz", content[:length])
        bench.run(f"cut at {length}", path, status=(1,), names=[path, "gzip"], offsets=[length])
    path = bench.write("checksum.gz", content[:-8] + bytes(8))
    bench.run("wrong checksum", path, status=(1,), packets=3, names=[path, "gzip -t"])
    path = bench.write("tail.gz", content + b"more")
    bench.run("other bytes behind", path, status=(1,), packets=3,
              names=[path, "which are whole: cut them off"], offsets=[len(content)])
    bench.run("zeros behind", bench.write("zeros.gz", content + bytes(4096)), packets=3)
    bomb = io.BytesIO()
    with gzip.GzipFile(fileobj=bomb, mode="wb") as file:
        size = 1 << 30
        file.write(START + GOOD + struct.pack("<II", 0x7777, size + 12))
        for _ in range(size >> 20):
            file.write(bytes(1 << 20))
        file.write(struct.pack("<I", size + 12) + GOOD)
    _run_within_memory(bench, "a gigabyte of nothing", bench.write("bomb.gz", bomb.getvalue()))
    bomb = io.BytesIO()
    with gzip.GzipFile(fileobj=bomb, mode="wb") as file:
        file.write(START)
        for _ in range(768):
            file.write(block(0x7777, b"") * ((1 << 20) // 12))
        file.write(GOOD)
    _run_within_memory(bench, "millions of blocks of nothing", bench.write("bomb.gz", bomb.getvalue()))


def _run_within_memory(bench, name, path):
    """The largest resident size, as `wait4` tells it, of a run."""
    measured = ("import resource, subprocess, sys; done = subprocess.run(sys.argv[1:]); "
                "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss); sys.exit(done.returncode)")
    done = subprocess.run([sys.executable, "-c", measured, bench.sluice, "replay", path], capture_output=True,
                          text=True, check=False, timeout=120)
    bench.cases += 1
    size = int(done.stdout.split()[-1])
    if done.returncode != 0 or size > MEMORY_LIMIT_KB:
        bench.problems.append(f"{name}: status {done.returncode}, {size} KB: {done.stderr[:200]}")


def foreign(bench):
    """Formats that are not read are named with the command that converts them."""
    for name, magic, command in [
        ("zstd", b"\x28\xb5\x2f\xfd", "zstd -dc"), ("lz4", b"\x04\x22\x4d\x18", "lz4 -dc"),
        ("xz", b"\xfd7zXZ\0", "xz -dc"), ("bzip2", b"BZh9", "bzip2 -dc"), ("zip", b"PK\x03\x04", "unzip -p"),
        ("snoop", b"snoop\0\0\0", "editcap"), ("Kuznetzov", b"\x34\xcd\xb2\xa1", "editcap"),
        ("gzip within gzip", gzip.compress(gzip.compress(THREE)), "gunzip -c"),
    ]:
        path = bench.write(f"{name}.bin", magic + bytes(64) if not name.startswith("gzip") else magic)
        bench.run(name, path, status=(1,), names=[path, name, command])
