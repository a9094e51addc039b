"""A capture's packets as two programs that are not ours read them: tshark and scapy."""

import collections
import dataclasses
import hashlib
import subprocess

TCP, UDP = "_TCP", "_UDP"
_FIELDS = [
    "frame.time_epoch", "frame.len", "ip.src", "ipv6.src", "ip.dst", "ipv6.dst", "ip.proto",
    "ipv6.fraghdr.nxt", "ip.id", "ipv6.fraghdr.ident", "ip.frag_offset", "ipv6.fraghdr.offset",
    "tcp.srcport", "udp.srcport", "tcp.dstport", "udp.dstport", "icmp.type", "icmpv6.type",
    "tcp.stream", "tcp.flags", "tcp.seq_raw", "tcp.ack_raw", "tcp.len",
]
_SETTINGS = ["ip.defragment:FALSE", "ipv6.defragment:FALSE", "tcp.desegment_tcp_streams:FALSE"]

# A 5-tuple in the direction of one packet.
Tuple = collections.namedtuple("Tuple", "source source_port destination destination_port protocol")


def reverse(tuple5):
    source, source_port, destination, destination_port, protocol = tuple5
    return Tuple(destination, destination_port, source, source_port, protocol)


def unordered(tuple5):
    """The same for both directions."""
    return min(tuple5, reverse(tuple5))


@dataclasses.dataclass
class Packet:
    """One packet by tshark. `tuple5` is None when the packet cannot belong to a session."""

    number: int          # from 0
    time: int            # nanoseconds since 1970; of a fragment that waited, its first one's
    captured: int        # nanoseconds since 1970, as the capture says
    length: int          # original bytes on the link
    tuple5: Tuple | None
    stream: int | None   # tshark's tcp.stream
    flags: int
    sequence: int
    acknowledged: int
    payload: int         # bytes of TCP payload

    syn = property(lambda self: bool(self.flags & 0x02))
    fin = property(lambda self: bool(self.flags & 0x01))
    reset = property(lambda self: bool(self.flags & 0x04))
    ack = property(lambda self: bool(self.flags & 0x10))


def nanoseconds(text):
    """'1.5' -> 1500000000, without the rounding of floating point."""
    seconds, _, fraction = text.partition(".")
    return int(seconds) * 10**9 + int((fraction + "000000000")[:9])


def read_with_tshark(path):
    """All packets of a capture; fragments after the first carry the first one's ports, and come after it."""
    command = ["tshark", "-n", "-r", path, "-T", "fields", "-E", "occurrence=f"]
    for setting in _SETTINGS:
        command += ["-o", setting]
    for field in _FIELDS:
        command += ["-e", field]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"tshark cannot read {path}: {done.stderr.strip()}")
    first_fragments, waiting, packets = {}, collections.defaultdict(list), []
    for number, line in enumerate(done.stdout.splitlines()):
        row = dict(zip(_FIELDS, line.split("\t")))
        identity = _identity(row)
        if _offset(row) > 0 and identity not in first_fragments:
            waiting[identity].append((number, row))
            continue
        packets.append(_packet(number, row, first_fragments))
        for late in waiting.pop(identity, []):
            packets.append(dataclasses.replace(_packet(*late, first_fragments), time=packets[-1].time))
    # Without a first one they come last.
    return packets + [_packet(*late, first_fragments) for late in sum(waiting.values(), [])]


def _packet(number, row, first_fragments):
    integer = lambda name: int(row[name] or "0", 0)
    time = nanoseconds(row["frame.time_epoch"])
    return Packet(
        number=number, time=time, captured=time, length=int(row["frame.len"]),
        tuple5=_tuple(row, first_fragments),
        stream=int(row["tcp.stream"]) if row["tcp.stream"] else None,
        flags=integer("tcp.flags"), sequence=integer("tcp.seq_raw"), acknowledged=integer("tcp.ack_raw"),
        payload=integer("tcp.len"))


def _offset(row):
    return int(row["ip.frag_offset"] or row["ipv6.fraghdr.offset"] or "0")


def _identity(row):
    """What the fragments of one datagram share."""
    source, destination = row["ip.src"] or row["ipv6.src"], row["ip.dst"] or row["ipv6.dst"]
    protocol = row["ip.proto"] or row["ipv6.fraghdr.nxt"]
    return (source, destination, row["ip.id"] if row["ip.src"] else row["ipv6.fraghdr.ident"], protocol)


def _tuple(row, first_fragments):
    """The packet's 5-tuple; an ICMP error that quotes one has none. A first fragment is noted with it."""
    identity = _identity(row)
    if _offset(row) > 0:
        return first_fragments.get(identity)
    found = None
    if not row["icmp.type"] and not row["icmpv6.type"]:
        for name, protocol in (("tcp", TCP), ("udp", UDP)):
            if row[f"{name}.srcport"]:
                found = Tuple(identity[0], int(row[f"{name}.srcport"]),
                              identity[1], int(row[f"{name}.dstport"]), protocol)
                break
    first_fragments[identity] = found
    return found


@dataclasses.dataclass(frozen=True)
class RawPacket:
    """One packet by scapy: nothing is interpreted but the record header."""

    time: int       # nanoseconds since 1970
    length: int     # original bytes
    content: bytes

    @property
    def digest(self):
        return hashlib.sha256(self.content).hexdigest()[:16]

    @property
    def destination_mac(self):
        return self.content[:6].hex(":")

    @property
    def network_packet(self):
        """The bytes after the Ethernet header and its tags."""
        end = 12
        while self.content[end:end + 2] in (b"\x81\x00", b"\x88\xa8"):
            end += 4
        return self.content[end + 2:]


def read_with_scapy(path):
    """All packets of a capture as bytes."""
    from scapy.utils import RawPcapReader
    reader = RawPcapReader(path)
    unit = 1 if reader.nano else 1000
    try:
        return [
            RawPacket(meta.sec * 10**9 + meta.usec * unit, meta.wirelen, bytes(content))
            for content, meta in reader
        ]
    finally:
        reader.close()
