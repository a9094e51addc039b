"""Rewrites a classic little-endian capture in another form; no packet's IP bytes change.

    derive.py swap         IN OUT    every header field in the other byte order
    derive.py null         IN OUT    raw IP to BSD loopback, family in the file's byte order (0)
    derive.py null-swapped IN OUT    the same as a big-endian host would have written it
    derive.py loop         IN OUT    raw IP to OpenBSD loopback, family in network order (108)
    derive.py slow:FACTOR  IN OUT    time passes FACTOR times slower, so that sessions time out
"""

import struct
import sys

LINKTYPE_NULL, LINKTYPE_RAW, LINKTYPE_LOOP = 0, 101, 108
# The families of NetBSD, OpenBSD (24), FreeBSD (28) and macOS (30) for IPv6; IPv4 is 2 everywhere.
IPV4_FAMILY, IPV6_FAMILIES = 2, (24, 28, 30)
NANOSECOND_MAGIC = 0xA1B23C4D


def read(path):
    """(header fields, [(seconds, fraction, original length, bytes)])."""
    with open(path, "rb") as file:
        content = file.read()
    header = struct.unpack_from("<IHHiIII", content)
    packets, offset = [], 24
    while offset < len(content):
        seconds, fraction, kept, original = struct.unpack_from("<IIII", content, offset)
        packets.append((seconds, fraction, original, content[offset + 16:offset + 16 + kept]))
        offset += 16 + kept
    return header, packets


def write(path, order, header, packets):
    with open(path, "wb") as file:
        file.write(struct.pack(order + "IHHiIII", *header))
        for seconds, fraction, original, content in packets:
            file.write(struct.pack(order + "IIII", seconds, fraction, len(content), original) + content)


def with_family(packets, order):
    """Each packet behind its four-byte address family; IPv6 uses the three values in turn."""
    changed = []
    for number, (seconds, fraction, original, content) in enumerate(packets):
        family = IPV4_FAMILY if content[0] >> 4 == 4 else IPV6_FAMILIES[number % 3]
        changed.append((seconds, fraction, original + 4, struct.pack(order + "I", family) + content))
    return changed


def slowed(packets, factor, unit):
    """The same packets with `factor` times the distance to the first one."""
    start = packets[0][0] * unit + packets[0][1]
    changed = []
    for seconds, fraction, original, content in packets:
        time = start + (seconds * unit + fraction - start) * factor
        changed.append((time // unit, time % unit, original, content))
    return changed


def main():
    form, source, target = sys.argv[1:]
    header, packets = read(source)
    if form == "swap":
        write(target, ">", header, packets)
    elif form.startswith("slow:"):
        unit = 10**9 if header[0] == NANOSECOND_MAGIC else 10**6
        write(target, "<", header, slowed(packets, int(form[5:]), unit))
    else:
        if header[6] != LINKTYPE_RAW:
            sys.exit(f"{source}: link type {header[6]}, expected raw IP ({LINKTYPE_RAW})")
        link = LINKTYPE_LOOP if form == "loop" else LINKTYPE_NULL
        file_order = ">" if form == "null-swapped" else "<"
        family_order = ">" if form == "loop" else file_order
        write(target, file_order, (*header[:6], link), with_family(packets, family_order))


if __name__ == "__main__":
    main()
