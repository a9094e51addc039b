"""Writes fragments.pcap: datagrams cut by scapy's fragment() and fragment6(), in and out of order.

    /usr/bin/python3 Tests/Vectors/captures/fragments.py

TCP, UDP and ICMP echo in both families, untagged and on a VLAN; no fragment is missing or sent twice.
"""

import pathlib
import random

from scapy.all import (
    ICMP, IP, TCP, UDP, Dot1Q, Ether, ICMPv6EchoRequest, IPv6, IPv6ExtHdrFragment, Raw, fragment, fragment6,
    wrpcap)

CLIENT, SERVER = {"src": "192.0.2.1", "dst": "192.0.2.2"}, {"src": "192.0.2.2", "dst": "192.0.2.1"}
CLIENT6, SERVER6 = {"src": "2001:db8::1", "dst": "2001:db8::2"}, {"src": "2001:db8::2", "dst": "2001:db8::1"}


def datagram(number, choice):
    """One datagram in fragments, without link header."""
    port = 40000 + number % 12
    is_answer = number % 3 == 2
    ports = {"sport": 53, "dport": port} if is_answer else {"sport": port, "dport": 53}
    payload = Raw(bytes(choice.randrange(256) for _ in range(choice.randrange(200, 2400))))
    size = choice.choice([256, 576])
    if number % 2:
        upper = [UDP(**ports), TCP(**ports, flags="A", seq=number), ICMPv6EchoRequest(id=number)][number % 5 % 3]
        packet = IPv6(**(SERVER6 if is_answer else CLIENT6)) / IPv6ExtHdrFragment(id=number) / upper / payload
        return fragment6(packet, size + 40)
    upper = [UDP(**ports), TCP(**ports, flags="A", seq=number), ICMP(id=number)][number % 5 % 3]
    return fragment(IP(**(SERVER if is_answer else CLIENT), id=number) / upper / payload, fragsize=size)


def main():
    """The same file at every run."""
    choice = random.Random(9)
    places = []
    for number in range(110):
        parts = datagram(number, choice)
        start = number * 4
        for position, part in enumerate(parts):
            link = Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02")
            link = link / Dot1Q(vlan=7) if number % 7 == 0 else link
            late = choice.randrange(12) if number % 3 else position
            places.append((start + late, len(places), link / part))
    packets = []
    for count, (_, _, packet) in enumerate(sorted(places, key=lambda place: place[:2])):
        packet.time = 1700000000 + count / 64
        packets.append(packet)
    path = pathlib.Path(__file__).with_name("fragments.pcap")
    wrpcap(str(path), packets)
    print(f"{len(packets)} packets -> {path.name}")


main()
