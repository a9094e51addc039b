"""Builds classic captures byte by byte, lies included."""

import struct

HEADER_BYTES = 24
RECORD_HEADER_BYTES = 16
MAXIMUM_SNAP_LENGTH = 262144


def header(magic=0xA1B2C3D4, snap_length=MAXIMUM_SNAP_LENGTH, link=1, version=(2, 4)):
    return struct.pack("<IHHiIII", magic, *version, 0, 0, snap_length, link)


def record(content, seconds=1_700_000_000, fraction=0, kept=None, original=None):
    """One record; `kept` and `original` say something else than the truth when given."""
    kept = len(content) if kept is None else kept
    original = len(content) if original is None else original
    return struct.pack("<IIII", seconds, fraction, kept, original) + content


def udp_frame(source_port=4000, payload=b"\0" * 22):
    """A correct Ethernet, IPv4, UDP frame from 192.0.2.1 to 192.0.2.2:9."""
    length = 28 + len(payload)
    addresses = bytes([192, 0, 2, 1, 192, 0, 2, 2])
    ip = struct.pack("!BBHHHBBH", 0x45, 0, length, 0, 0, 64, 17, 0) + addresses
    total = sum(struct.unpack("!10H", ip))
    ip = ip[:10] + struct.pack("!H", ~((total & 0xFFFF) + (total >> 16)) & 0xFFFF) + ip[12:]
    udp = struct.pack("!HHHH", source_port, 9, length - 20, 0)
    return bytes.fromhex("020000000002" "020000000001" "0800") + ip + udp + payload


def record_offsets(content):
    """Where each record of a correct little-endian capture starts, and where the file ends."""
    offsets, offset = [], HEADER_BYTES
    while offset < len(content):
        offsets.append(offset)
        offset += RECORD_HEADER_BYTES + struct.unpack_from("<I", content, offset + 8)[0]
    return offsets + [offset]


def block(kind, body, length=None, end=None):
    """One little-endian pcapng block; `length` and `end` say something else than the truth when given."""
    own = 12 + len(body)
    length, end = (own if claimed is None else claimed for claimed in (length, end))
    return struct.pack("<II", kind, length) + body + struct.pack("<I", end)


def section():
    return block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1))


def interface(link=1):
    return block(1, struct.pack("<HHI", link, 0, MAXIMUM_SNAP_LENGTH))


def enhanced(content, number=0, ticks=1_700_000_000_000_000, kept=None):
    """An Enhanced Packet Block of interface `number`, in microseconds."""
    kept = len(content) if kept is None else kept
    return block(6, struct.pack("<IIIII", number, ticks >> 32, ticks & 0xFFFFFFFF, kept, len(content))
                 + content + bytes(-len(content) % 4))
