"""Ethernet frames with TCP or UDP, without checksums: ports that are no routers do not verify them."""

import ipaddress
import struct

from table import TCP, UDP

FIN, SYN, RST, ACK = 1, 2, 4, 16
ETHERNET = bytes.fromhex("020000000002" "020000000001")


def udp(source, source_port, destination, destination_port, payload=10, vlan=None):
    """A UDP packet with so many bytes of payload."""
    content = struct.pack("!HHHH", source_port, destination_port, 8 + payload, 0) + bytes(payload)
    return _link(source, destination, UDP, content, vlan)


def tcp(source, source_port, destination, destination_port, flags=ACK, sequence=1, acknowledged=1,
        payload=0, vlan=None):
    content = struct.pack("!HHIIBBHHH", source_port, destination_port, sequence, acknowledged, 0x50, flags,
                          65535, 0, 0) + bytes(payload)
    return _link(source, destination, TCP, content, vlan)


def of(request, back=False, flags=None, payload=10, vlan=None, **numbers):
    """A packet of a session: `request` has the fields of table.fields, `back` is what the responder sends."""
    if request.get("ipversion"):
        ends = [str(ipaddress.IPv6Address(request[name])) for name in ("sourceipv6", "destinationipv6")]
    else:
        ends = [str(ipaddress.IPv4Address(request[name].to_bytes(4, "little")))
                for name in ("sourceip", "destinationip")]
    sides = [(ends[0], request["sourceport"]), (ends[1], request["destinationport"])]
    (source, source_port), (destination, destination_port) = reversed(sides) if back else sides
    if request["protocolid"] == UDP:
        return udp(source, source_port, destination, destination_port, payload, vlan)
    return tcp(source, source_port, destination, destination_port, ACK if flags is None else flags,
               payload=payload, vlan=vlan, **numbers)


def _link(source, destination, protocol, content, vlan):
    """Addresses of one family decide what is between the Ethernet header and `content`."""
    source, destination = ipaddress.ip_address(source), ipaddress.ip_address(destination)
    if source.version == 4:
        kind = 0x0800
        header = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(content), 0, 0, 64, protocol, 0)
    else:
        kind = 0x86DD
        header = struct.pack("!IHBB", 6 << 28, len(content), protocol, 64)
    tag = b"" if vlan is None else struct.pack("!HH", 0x8100, vlan)
    return (ETHERNET + tag + struct.pack("!H", kind) + header + source.packed + destination.packed + content)
