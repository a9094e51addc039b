"""Captures and sessions files that are cut, empty, lying or strange."""

import os
import struct

from capture_file import MAXIMUM_SNAP_LENGTH, header, record, record_offsets, udp_frame

THREE = header() + b"".join(record(udp_frame(port), 1_700_000_000 + port) for port in range(3))
GOOD = record(udp_frame(7))


def cut(bench):
    """A capture of three packets, cut at every byte. Whole packets before the cut are replayed."""
    offsets = record_offsets(THREE)
    for length in range(len(THREE) + 1):
        path = bench.write(f"cut-{length}.pcap", THREE[:length])
        whole = sum(end <= length for end in offsets[1:])
        if length in offsets:
            bench.run(f"cut at {length}", path, packets=whole)
        elif length < offsets[0]:
            bench.run(f"cut at {length}", path, status=(1,), names=[path])
        else:
            start = offsets[whole]
            bench.run(f"cut at {length}", path, status=(1,), packets=whole, names=[path],
                      offsets=[start, start + 16, length])
        os.unlink(path)


def headers(bench):
    """Files that are no capture, and a capture without packets."""
    refused = {
        "empty.pcap": b"",
        "text.pcap": b"this is not a capture at all, it is only a line of text\n",
        "zeros.pcap": bytes(4096),
        "ones.pcap": b"\xff" * 4096,
        "gzip.pcap": b"\x1f\x8b\x08\0" + bytes(60),
        "version-9.pcap": header(version=(9, 9)) + GOOD,
    }
    for name, content in refused.items():
        path = bench.write(name, content)
        bench.run(name, path, status=(1,), names=[path])
    bench.run("no packets", bench.write("header-only.pcap", header()), packets=0)
    bench.run("snap length 0", bench.write("snap-0.pcap", header(snap_length=0) + GOOD), packets=1)
    bench.run("largest snap length", bench.write("snap-max.pcap", header(snap_length=0xFFFFFFFF) + GOOD),
              packets=1)
    missing = os.path.join(bench.directory, "missing.pcap")
    bench.run("missing file", missing, status=(1, 2), names=[missing])
    bench.run("a directory", bench.directory, status=(1, 2), names=[bench.directory])
    bench.run("an unknown option", missing, "--no-such-option", status=(2,), names=["--no-such-option"])
    bench.run("an unknown action", missing, "--learn", "teleport", status=(2,), names=["teleport"])
    bench.run("no workers", missing, "--workers", "0", status=(2,), names=["workers"])


def records(bench):
    """Records whose headers lie, odd times, no bytes and very many bytes; a good packet on each side."""
    second = 24 + len(GOOD)
    frame = udp_frame()

    def refused(name, bad):
        path = bench.write(f"{name}.pcap", header() + GOOD + bad)
        bench.run(name, path, status=(1,), packets=1, names=[path], offsets=[second, second + 8, second + 16])

    def accepted(name, odd, snap_length=MAXIMUM_SNAP_LENGTH):
        content = header(snap_length=snap_length) + GOOD + odd + GOOD
        bench.run(name, bench.write(f"{name}.pcap", content), packets=3)

    refused("kept-all-ones", record(frame, kept=0xFFFFFFFF))
    refused("kept-negative", record(frame, kept=0x80000000))
    refused("kept-past-the-end", record(frame, kept=len(frame) + 1))
    refused("kept-far-past-the-end", record(frame, kept=200_000))
    accepted("original-all-ones", record(frame, original=0xFFFFFFFF))
    accepted("no-bytes", record(b""))
    accepted("no-bytes-kept", record(b"", original=60))
    accepted("one-byte", record(b"\x02"))
    accepted("256-kilobytes", record(frame + bytes(MAXIMUM_SNAP_LENGTH - len(frame))))
    accepted("time-zero", record(frame, seconds=0))
    accepted("time-backwards", record(frame, seconds=1_000_000_000))
    accepted("time-all-ones", record(frame, seconds=0xFFFFFFFF, fraction=0xFFFFFFFF))
    accepted("fraction-too-large", record(frame, fraction=1_000_000))
    # A reader may take these or refuse them, but says where it stopped.
    for name, odd, snap_length in [
        ("original-below-kept", record(frame, original=10), MAXIMUM_SNAP_LENGTH),
        ("original-zero", record(frame, original=0), MAXIMUM_SNAP_LENGTH),
        ("above-the-snap-length", record(frame), 48),
        ("one-megabyte", record(bytes(1 << 20)), MAXIMUM_SNAP_LENGTH),
    ]:
        path = bench.write(f"{name}.pcap", header(snap_length=snap_length) + GOOD + odd + GOOD)
        bench.run(name, path, status=(0, 1), names=[path], offsets=[24, second, second + 8, second + 16])


def links(bench):
    """An unknown link type is no error: announced once, every packet is `other`."""
    for link in (147, 105, 9999):
        path = bench.write("unknown-link.pcap", header(link=link) + GOOD * 5)
        bench.run(f"link type {link}", path, packets=5, other=5, says=[rf"\b{link}\b"])
    for link in (0, 101, 108, 113, 228, 229, 276):
        # An Ethernet frame read as something else: whatever it is called, it is counted.
        path = bench.write(f"link-{link}.pcap", header(link=link) + GOOD * 5)
        bench.run(f"Ethernet as link type {link}", path, packets=5)


def sessions(bench):
    """A sessions file with one bad entry among a hundred thousand is refused by its line."""
    capture = bench.write("good.pcap", header() + GOOD)
    bad = 77_777
    text = "sessions:\n" + "".join(_entry(i, 70_000 if i == bad else 40_000) for i in range(100_000))
    line = text[:text.index("sourceport: 70000\n")].count("\n") + 1
    path = bench.write("sessions.yaml", text.encode())
    bench.run("one bad entry", capture, "--sessions", path, status=(2,), names=[path, "sourceport", "70000"],
              offsets=[line])
    mended = text.replace("sourceport: 70000\n", "sourceport: 40000\n")
    path = bench.write("sessions-good.yaml", mended.encode())
    bench.run("all entries good", capture, "--sessions", path, packets=1)


def _entry(number, source_port):
    high, middle, low = struct.pack("!I", number)[1:]
    return (
        f"  - session_id: {number + 1}\n    sourceip: 10.{high}.{middle}.{low}\n"
        f"    sourceport: {source_port}\n    destinationip: 192.0.2.1\n    destinationport: 80\n"
        "    protocolid: TCP\n    action: { actiontype: FORWARD }\n    cachetimeout: 30\n")
