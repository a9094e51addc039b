#!/usr/bin/env python3
"""Writes frames.txt: packets built and dissected by scapy, an oracle independent of our parser.

Run it again after a change: python3 generate.py (scapy 2.5). The output is the same each time.
A line is: name|link|original length|packet in hex|key=value ...  Only scapy decides the values.
"""

import pathlib
import struct

from scapy.all import (
    AH, ARP, CookedLinux, CookedLinuxV2, Dot1AD, Dot1Q, Dot3, ESP, Ether, ICMP, IP, IPv6, IPv6ExtHdrDestOpt,
    IPv6ExtHdrFragment, IPv6ExtHdrHopByHop, IPv6ExtHdrRouting, GRE, IPOption_NOP, LLC,
    Padding, PadN, RouterAlert, ICMPv6EchoRequest, ICMPv6ND_NS, Raw, SCTP, STP, TCP, UDP, bind_layers, conf)

bind_layers(AH, TCP, nh=6)
bind_layers(AH, UDP, nh=17)

E = dict(src="02:00:00:00:00:01", dst="02:00:00:00:00:02")
V4 = dict(src="192.0.2.1", dst="198.51.100.7")
V6 = dict(src="2001:db8::1", dst="2001:db8:ffff::a:7")
TCPS = dict(sport=40000, dport=443, seq=0x11223344, ack=0x55667788, window=501)
UDPS = dict(sport=5353, dport=53)
EXT = {IPv6ExtHdrHopByHop: 0, IPv6ExtHdrRouting: 43, IPv6ExtHdrDestOpt: 60, IPv6ExtHdrFragment: 44, AH: 51}


def layers(packet):
    while packet is not None and packet.name != "NoPayload":
        yield packet
        packet = packet.payload


def header_length(layer):
    """Bytes of a layer's own header, by what scapy took off."""
    payload = layer.payload.original if layer.payload.name != "NoPayload" else b""
    total = layer.original
    if isinstance(layer, (IP, IPv6)):
        return layer.ihl * 4 if isinstance(layer, IP) else 40
    return len(total) - len(payload)


def expectation(packet):
    """What scapy's dissection says about the packet."""
    want = dict(kind="otherEthernet", family=0, vlan=0, tags=0, etherType=0)
    offset, remaining = 0, None
    proto = None
    for layer in layers(packet):
        if isinstance(layer, Ether):
            want["etherType"] = layer.type
            offset += 14
        elif isinstance(layer, Dot3):
            offset += 14
            break
        elif isinstance(layer, (CookedLinux, CookedLinuxV2)):
            want["etherType"] = layer.proto
            offset += 20 if isinstance(layer, CookedLinuxV2) else 16  # V2 is a subclass
        elif isinstance(layer, (Dot1Q, Dot1AD)):
            if want["tags"] == 0:
                want["vlan"] = layer.vlan
            want["tags"] += 1
            want["etherType"] = layer.type
            offset += 4
        elif isinstance(layer, ARP):
            want["kind"] = "arp"
            want["networkOffset"] = offset
            break
        elif isinstance(layer, IP):
            want.update(kind="otherIP", family=4, src=layer.src, dst=layer.dst, networkOffset=offset)
            want["etherType"] = 0x0800
            remaining = layer.len - layer.ihl * 4
            offset += layer.ihl * 4
            proto = layer.proto
            if layer.frag:
                want.update(kind="laterFragment", fragment="later", id=layer.id)
                break
            if "MF" in layer.flags:
                want.update(fragment="first", id=layer.id)
        elif isinstance(layer, IPv6):
            want.update(kind="otherIP", family=6, src=layer.src, dst=layer.dst, networkOffset=offset)
            want["etherType"] = 0x86DD
            remaining = layer.plen
            offset += 40
            proto = layer.nh
        elif type(layer) in EXT:
            size = header_length(layer)
            offset += size
            remaining -= size
            proto = layer.nh
            if isinstance(layer, IPv6ExtHdrFragment):
                if layer.offset:
                    want.update(kind="laterFragment", fragment="later", id=layer.id)
                    break
                if layer.m:
                    want.update(fragment="first", id=layer.id)
        elif isinstance(layer, (TCP, UDP)):
            want.update(kind=layer.name.lower(), sport=layer.sport, dport=layer.dport)
            want.update(transportOffset=offset)
            if isinstance(layer, TCP):
                want.update(seq=layer.seq, ack=layer.ack, flags=int(layer.flags), window=layer.window)
            break
        elif isinstance(layer, ICMP):
            want["kind"] = "icmp"
            break
        elif layer.name.startswith("ICMPv6"):
            want["kind"] = "icmpv6"
            break
        elif isinstance(layer, ESP):
            want["kind"] = "esp"
            break
        else:
            break
    if want["etherType"] < 0x600:
        want["etherType"] = 0
    if want["family"]:
        want.update(protocol=proto, transportLength=remaining)
        if want["kind"] != "laterFragment":
            want["transportOffset"] = offset
    return want


CLASSES = {
    "ethernet": Ether, "linuxCooked": CookedLinux, "linuxCooked2": CookedLinuxV2,
    "rawIP": None, "bsdNull": None,
}
lines = []


def add(name, link, packet, prefix=b"", **override):
    """Builds the packet, dissects it again and records what scapy saw."""
    data = bytes(packet)
    if link in ("rawIP", "bsdNull"):
        dissected = (IP if data[0] >> 4 == 4 else IPv6)(data)
    else:
        dissected = CLASSES[link](data)
    want = expectation(dissected)
    for key in ("networkOffset", "transportOffset"):
        if want.get(key) is not None:
            want[key] += len(prefix)
    want.update(override)
    data = prefix + data
    text = " ".join(f"{key}={value}" for key, value in want.items())
    lines.append(f"{name}|{link}|{len(data)}|{data.hex()}|{text}")


def transports():
    yield "tcp-syn", 6, TCP(**dict(TCPS, flags="S", ack=0, options=[("MSS", 1460), ("WScale", 7)]))
    yield "tcp-data", 6, TCP(**dict(TCPS, flags="PA")) / Raw(b"GET / HTTP/1.0\r\n\r\n")
    yield "tcp-rst", 6, TCP(**dict(TCPS, flags="R"))
    yield "tcp-all-flags", 6, TCP(**dict(TCPS, flags="FSRPAUEC", urgptr=1)) / Raw(b"!")
    yield "udp", 17, UDP(**UDPS) / Raw(b"question")
    yield "udp-empty", 17, UDP(**UDPS)
    yield "udp-ike", 17, UDP(sport=4500, dport=4500) / Raw(bytes(4) + b"ike message")
    yield "udp-esp", 17, UDP(sport=4500, dport=4500) / Raw(struct.pack(">II", 0x1001, 7) + b"ciphertext")
    yield "udp-keepalive", 17, UDP(sport=4500, dport=4500) / Raw(b"\xff")


def links(name, network, etherType):
    """One network packet behind every link and tag combination."""
    family = {0x0800: 2, 0x86DD: 10}[etherType]
    tag = dict(type=etherType)
    add(name + "-eth", "ethernet", Ether(**E) / network)
    add(name + "-eth-padded", "ethernet", Ether(**E) / network / Padding(bytes(9)))
    add(name + "-vlan", "ethernet", Ether(**E) / Dot1Q(vlan=100, prio=5, **tag) / network)
    add(name + "-vlan-priority", "ethernet", Ether(**E) / Dot1Q(vlan=0, prio=7, **tag) / network)
    add(name + "-qinq", "ethernet",
        Ether(**E, type=0x88A8) / Dot1AD(vlan=4094) / Dot1Q(vlan=1, **tag) / network)
    add(name + "-q-in-q", "ethernet", Ether(**E) / Dot1Q(vlan=7) / Dot1Q(vlan=8, **tag) / network)
    add(name + "-three-tags", "ethernet",
        Ether(**E, type=0x88A8) / Dot1AD(vlan=9) / Dot1Q(vlan=8) / Dot1Q(vlan=7, **tag) / network)
    add(name + "-raw", "rawIP", network)
    add(name + "-sll", "linuxCooked", CookedLinux(lladdrtype=1, lladdrlen=6, proto=etherType) / network)
    add(name + "-sll-vlan", "linuxCooked",
        CookedLinux(lladdrtype=1, lladdrlen=6, proto=0x8100) / Dot1Q(vlan=33, **tag) / network)
    add(name + "-sll2", "linuxCooked2", CookedLinuxV2(lladdrtype=1, lladdrlen=6, proto=etherType) / network)
    numbers = [2] if etherType == 0x0800 else [24, 28, 30, 10]
    for number in numbers:
        for order in "<>":
            add(f"{name}-bsd{order}{number}", "bsdNull", network, prefix=struct.pack(order + "I", number))


def main():
    for name, _, transport in transports():
        links("v4-" + name, IP(**V4, id=1) / transport, 0x0800)
        links("v6-" + name, IPv6(**V6) / transport, 0x86DD)

    tcp = TCP(**dict(TCPS, flags="A")) / Raw(b"abc")
    udp = UDP(**UDPS) / Raw(b"abcd")
    eth = Ether(**E)
    ah = AH(spi=0x99, seq=3, icv=bytes(12), payloadlen=4)
    hop = IPv6ExtHdrHopByHop(options=[RouterAlert(), PadN(optdata=b"\0\0")])
    dest = IPv6ExtHdrDestOpt(options=[PadN(optdata=bytes(12))])
    route = IPv6ExtHdrRouting(addresses=["2001:db8::5", "2001:db8::6"])

    add("v4-options", "ethernet", eth / IP(**V4, options=[IPOption_NOP(), IPOption_NOP()]) / udp)
    add("v4-options-long", "ethernet", eth / IP(**V4, options=[IPOption_NOP()] * 40) / tcp)
    add("v4-icmp-echo", "ethernet", eth / IP(**V4) / ICMP(type=8, id=5, seq=6) / Raw(b"ping"))
    add("v4-icmp-error", "ethernet", eth / IP(**V4) / ICMP(type=3, code=1) / (IP(**V4) / UDP(**UDPS)))
    add("v4-esp", "ethernet", eth / IP(**V4) / ESP(spi=0x1000, seq=9, data=bytes(32)))
    add("v4-gre", "ethernet", eth / IP(**V4) / GRE(proto=0x6558) / Raw(bytes(14)))
    add("v4-sctp", "ethernet", eth / IP(**V4) / SCTP(sport=1, dport=2))
    add("v4-ah-tcp", "ethernet", eth / IP(**V4, proto=51) / ah / tcp)
    # All but the last fragment are a multiple of 8 bytes long.
    add("v4-fragment-first", "ethernet", eth / IP(**V4, id=77, flags="MF") / udp / Raw(bytes(4)))
    add("v4-fragment-first-tcp", "ethernet", eth / IP(**V4, id=78, flags="MF") / tcp / Raw(bytes(1)))
    add("v4-fragment-middle", "ethernet",
        eth / IP(**V4, id=77, flags="MF", frag=185, proto=17) / Raw(bytes(64)))
    add("v4-fragment-last", "ethernet", eth / IP(**V4, id=77, frag=370, proto=17) / Raw(bytes(5)))
    add("v4-dont-fragment", "ethernet", eth / IP(**V4, id=77, flags="DF") / udp)

    add("v6-icmp-echo", "ethernet", eth / IPv6(**V6) / ICMPv6EchoRequest(id=1, seq=2, data=b"ping"))
    add("v6-nd", "ethernet", eth / IPv6(**V6) / ICMPv6ND_NS(tgt="2001:db8::9"))
    add("v6-esp", "ethernet", eth / IPv6(**V6) / ESP(spi=0x1000, seq=9, data=bytes(32)))
    add("v6-no-next", "ethernet", eth / IPv6(**V6, nh=59))
    add("v6-hop-tcp", "ethernet", eth / IPv6(**V6) / hop / tcp)
    add("v6-dest-udp", "ethernet", eth / IPv6(**V6) / dest / udp)
    add("v6-route-tcp", "ethernet", eth / IPv6(**V6) / route / tcp)
    add("v6-hop-dest-route-dest-udp", "ethernet", eth / IPv6(**V6) / hop / dest / route / dest / udp)
    add("v6-ah-tcp", "ethernet", eth / IPv6(**V6, nh=51) / ah / tcp)
    add("v6-hop-ah-udp", "ethernet",
        eth / IPv6(**V6) / IPv6ExtHdrHopByHop(nh=51, options=[PadN(optdata=bytes(4))]) / ah / udp)
    add("v6-hop-icmp", "ethernet", eth / IPv6(**V6) / hop / ICMPv6EchoRequest(id=1))
    add("v6-hop-vlan", "ethernet", eth / Dot1Q(vlan=12) / IPv6(**V6) / hop / tcp)
    add("v6-dest-raw", "rawIP", IPv6(**V6) / dest / tcp)
    add("v6-fragment-first", "ethernet",
        eth / IPv6(**V6) / IPv6ExtHdrFragment(id=0x12345678, m=1) / udp / Raw(bytes(4)))
    add("v6-fragment-first-dest", "ethernet",
        eth / IPv6(**V6) / hop / IPv6ExtHdrFragment(id=0x12345678, m=1) / dest / tcp / Raw(bytes(1)))
    add("v6-fragment-later", "ethernet",
        eth / IPv6(**V6) / hop / IPv6ExtHdrFragment(nh=17, id=0x12345678, m=0, offset=180) / Raw(bytes(40)))
    add("v6-fragment-atomic", "ethernet", eth / IPv6(**V6) / IPv6ExtHdrFragment(id=5, m=0, offset=0) / tcp)

    add("arp-request", "ethernet", eth / ARP(op=1, psrc="10.0.0.1", pdst="10.0.0.2"))
    add("arp-vlan-padded", "ethernet", eth / Dot1Q(vlan=3) / ARP(op=2) / Padding(bytes(14)))
    add("arp-sll", "linuxCooked", CookedLinux(lladdrtype=1, lladdrlen=6, proto=0x0806) / ARP())
    add("lldp", "ethernet", Ether(**E, type=0x88CC) / Raw(bytes(40)))
    add("mpls", "ethernet", Ether(**E, type=0x8847) / Raw(bytes(40)))
    add("stp-802.3", "ethernet", Ether(bytes(Dot3(**E) / LLC(dsap=0x42, ssap=0x42, ctrl=3) / STP())))

    origin = "# Made by generate.py with scapy %s. name|link|original length|hex|expected\n" % conf.version
    path = pathlib.Path(__file__).with_name("frames.txt")
    path.write_text(origin + "\n".join(lines) + "\n")
    print(f"{len(lines)} packets -> {path.name}")


main()
