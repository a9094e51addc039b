"""Super-frames and partial checksums made byte by byte: the packets are those that scapy makes."""

import random
import struct
import subprocess

from scapy.all import IP, TCP, UDP, Ether, IPv6, Raw, raw
from scapy.layers.inet6 import in6_chksum
from scapy.utils import checksum

from bump import bump, check_explained
from namespaces import Net
from raw import DESTINATION, SOURCE, Listener
from suite import equal, eventually

# Sends frames, each behind a virtio_net_hdr: PACKET_VNET_HDR of packet(7).
SENDER = """
import socket, sys
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
s.setsockopt(263, 15, 1)
s.bind(("eth0", 0))
for line in sys.stdin:
    s.send(bytes.fromhex(line.strip()))
"""
NEEDS_CHECKSUM, TCP4, TCP6, UDP_SEGMENTS, ECN = 1, 1, 4, 5, 0x80


def _send(net, frames):
    subprocess.run(net.command("left", "/usr/bin/python3", "-c", SENDER), check=True, timeout=60, text=True,
                   input="\n".join(frame.hex() for frame in frames))


def _packet(is_ipv6, is_tcp, payload, flags="A", sequence=0, identification=0):
    """A whole packet, sums by scapy."""
    network = (IPv6(src="fd09::1", dst="fd09::2", fl=0x12345) if is_ipv6
               else IP(src="10.9.0.1", dst="10.9.0.2", id=identification, flags="DF", tos=2))
    transport = (TCP(sport=1000, dport=80, flags=flags, seq=sequence, ack=7,
                     options=[("NOP", None), ("NOP", None), ("Timestamp", (1, 2))])
                 if is_tcp else UDP(sport=1000, dport=80))
    return Ether(src=SOURCE, dst=DESTINATION) / network / transport / Raw(payload)


def _left_to_the_device(packet, segmentation=0, size=0):
    """The bytes that a host gives to its device: offloads, then a frame with the pseudo header's sum."""
    frame = bytearray(raw(packet))
    is_ipv6, is_tcp = packet.haslayer(IPv6), packet.haslayer(TCP)
    start, field, number = 14 + (40 if is_ipv6 else 20), 16 if is_tcp else 6, 6 if is_tcp else 17
    length = len(frame) - start
    if is_ipv6:
        total = in6_chksum(number, packet[IPv6], b"\0" * length)
    else:
        network = packet[IP]
        pseudo = bytes(map(int, f"{network.src}.{network.dst}".split(".")))
        total = checksum(pseudo + struct.pack("!BBH", 0, number, length))
    struct.pack_into("!H", frame, start + field, ~total & 0xFFFF)
    headers = start + (len(raw(packet[TCP])) - len(packet[Raw].load) if is_tcp else 8)
    return struct.pack("=BBHHHH", NEEDS_CHECKSUM, segmentation, headers, size, start, field) + frame


def _super_frame(is_ipv6, is_tcp, payload, size):
    """A super-frame, and the packets that it stands for."""
    first, identification, count = 0xFFFFF000, 0xFFFE, -(-len(payload) // size)
    kind = (ECN | (TCP6 if is_ipv6 else TCP4)) if is_tcp else UDP_SEGMENTS
    whole = _packet(is_ipv6, is_tcp, payload, "FPAEC", first, identification)
    packets = []
    for index in range(count):
        flags = "AE" + ("C" if index == 0 else "") + ("FP" if index == count - 1 else "")
        packets.append(raw(_packet(
            is_ipv6, is_tcp, payload[index * size:(index + 1) * size], flags,
            (first + index * size) & 0xFFFFFFFF, (identification + index) & 0xFFFF)))
    return _left_to_the_device(whole, kind, size), packets


def _through(case, **options):
    numbers = random.Random(5)
    sent, expected = [], []
    for size in (100, 536, 999, 1400):
        for length in (size + 1, 2 * size, 7 * size - 1, 20 * size + 3):
            for is_ipv6 in (False, True):
                for is_tcp in (False, True):
                    frame, packets = _super_frame(is_ipv6, is_tcp, numbers.randbytes(length), size)
                    sent.append(frame)
                    expected += packets
    for length in range(1, 60):
        for is_ipv6 in (False, True):
            packet = _packet(is_ipv6, length % 2 == 0, numbers.randbytes(length))
            sent.append(_left_to_the_device(packet))
            expected.append(raw(packet))
    with Net() as net:
        daemon = bump(case, net, **options)
        listener = Listener(net, "right", len(expected))
        _send(net, sent)
        found = listener.frames()
        equal(len(found), len(expected), "packets")
        for number, (came, wanted) in enumerate(zip(found, expected)):
            equal(came.hex(), wanted.hex(), f"packet {number}")
        ports, _ = check_explained(daemon)
        events = dict(ports["lif-1"].events)
        equal(events.get("superFrames"), 64, "super-frames that no kernel had cut")
        equal(events.get("segments") + events.get("checksums"), len(expected), "packets made or completed")


def test_as_scapy_cuts_them(case):
    _through(case)


def test_as_scapy_cuts_them_in_blocks(case):
    _through(case, ring={"version": 3})


def test_a_checksum_that_is_none_of_ours(case):
    with Net() as net:
        daemon = bump(case, net)
        frame = raw(Ether(src=SOURCE, dst=DESTINATION) / IP(src="10.9.0.1", dst="10.9.0.2", proto=132)
                    / Raw(bytes(40)))
        # SCTP's CRC, at byte 8 of its header.
        _send(net, [struct.pack("=BBHHHH", NEEDS_CHECKSUM, 0, 0, 0, 34, 8) + frame] * 4)
        eventually(lambda: daemon.drops() == {"unsupportedOffload": 4}, "four drops for that reason")
        events = dict(daemon.ports()["lif-1"].events)
        counted = {name: events[name] for name in events if not name.startswith("ring")}
        equal(counted, {"refused": 4}, "events")
        check_explained(daemon)
