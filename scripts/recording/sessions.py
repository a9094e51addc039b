"""Writes a sessions file for the demo capture: the tuples come from the capture, read by tshark.

    sessions.py CAPTURE > configs/demo-sessions.yaml

Every conversation of the table below must be in the capture, else nothing is written.
"""

import subprocess
import sys

NEXT_HOP = {4: "actionnexthop: 10.1.0.99", 6: "actionnexthopv6: fd00:1::99"}

# (what the group shows, [(initiator's port, action, cachetimeout in seconds, remark)])
GROUPS = [
    ("Transfers over HTTP that end with FINs: closed, FINACK.", [
        (40001, "FORWARD", 30, "1 KB"),
        (40002, "FORWARD", 30, "10 KB"),
        (40004, "FORWARD", 30, "200 KB"),
        (40006, "FORWARD", 30, "150 KB to a slow reader, whose window closes"),
        (40008, "FORWARD", 30, "100 KB over IPv6"),
        (40011, "FORWARD", 30, "100 KB in VLAN 100"),
        (40013, "FORWARD", 30, "50 KB in two tags (802.1ad 200, 802.1Q 300)"),
    ]),
    ("Half-closes and simultaneous closes: FINACK after the last FIN is acknowledged.", [
        (44001, "FORWARD", 30, "the responder sends 24 KB after the initiator's FIN"),
        (44002, "FORWARD", 30, "the same over IPv6"),
        (44004, "FORWARD", 30, "the initiator sends 12 KB after the responder's FIN"),
        (44006, "FORWARD", 30, "both FINs under way at once"),
        (44008, "FORWARD", 30, "the same in VLAN 100"),
    ]),
    ("Resets: closed, RST.", [
        (43001, "FORWARD", 30, "connection refused"),
        (43002, "FORWARD", 30, "connection refused, IPv6"),
        (43004, "FORWARD", 30, "the initiator resets in mid-transfer"),
        (43005, "FORWARD", 30, "the responder resets in mid-transfer, IPv6"),
        (43007, "FORWARD", 30, "a RST after the FIN"),
    ]),
    ("Dropped: counted, and absent from what is written.", [
        (40003, "DROP", 30, "HTTP, 50 KB"),
        (40012, "DROP", 30, "HTTP, 50 KB over IPv6 in VLAN 100"),
        (41003, "DROP", 30, "UDP one way"),
    ]),
    ("Mirrored and snooped: copies go to the next hop.", [
        (40005, "MIRROR", 30, "four requests over one connection"),
        (41007, "MIRROR", 30, "UDP one way over IPv6"),
        (44005, "MIRROR", 30, "a half-close in two tags"),
        (40007, "SNOOP", 30, "HTTP, 1 KB over IPv6"),
        (41004, "SNOOP", 30, "UDP requests and answers in VLAN 100"),
    ]),
    ("Silent for longer than the session lives: TIMEOUT; what comes later finds no session.", [
        (41001, "FORWARD", 2, "UDP: three answers, silence, two more"),
        (41002, "FORWARD", 2, "UDP over IPv6"),
        (42001, "FORWARD", 2, "TCP: silent for five seconds, then goes on and closes"),
        (42003, "FORWARD", 3, "TCP: never heard again"),
    ]),
    ("Still live when the capture ends.", [
        (42004, "FORWARD", 30, "TCP"),
        (42005, "MIRROR", 30, "TCP over IPv6"),
        (42006, "FORWARD", 30, "TCP in VLAN 100"),
        (43009, "FORWARD", 30, "a SYN that nobody answers, sent again and again"),
        (41006, "FORWARD", 30, "UDP in two tags"),
    ]),
]


def first_packets(capture):
    """Initiator's port -> (IP version, source, destination, destination port, protocol, outermost VLAN)."""
    fields = ["ip.src", "ipv6.src", "ip.dst", "ipv6.dst",
              "tcp.srcport", "udp.srcport", "tcp.dstport", "udp.dstport", "ieee8021ad.id", "vlan.id"]
    command = ["tshark", "-n", "-r", capture, "-Y", "(tcp or udp) and not icmp and not icmpv6",
               "-T", "fields", "-E", "occurrence=f"]
    for field in fields:
        command += ["-e", field]
    found = {}
    for line in subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines():
        four, six, to_four, to_six, tcp, udp, to_tcp, to_udp, outer, vlan = line.split("\t")
        port = int(tcp or udp)
        found.setdefault(port, (4 if four else 6, four or six, to_four or to_six, int(to_tcp or to_udp),
                                "TCP" if tcp else "UDP", int(outer or vlan or 0)))
    return found


def main():
    conversations = first_packets(sys.argv[1])
    lines = [
        "# Sessions for demo.pcap, one for a good part of its conversations; the others follow the",
        "# port's miss policy. A tuple is as the initiator sends it, cachetimeout is seconds of idleness.",
        "# No LIF is named, so any will do; `session add --file` names them: --inlif 1 --outlif 2.",
        "# Written by scripts/recording/sessions.py, which reads the tuples from the capture.",
        "sessions:",
    ]
    number = 0
    for title, sessions in GROUPS:
        lines += ["", f"  # {title}"]
        for source_port, action, timeout, remark in sessions:
            number += 1
            version, source, destination, port, protocol, vlan = conversations[source_port]
            next_hop = f", {NEXT_HOP[version]}" if action in ("MIRROR", "SNOOP") else ""
            lines += [
                f"  - session_id: {number}  # {remark}",
                *([f"    invlan: {vlan}", f"    outvlan: {vlan}"] if vlan else []),
                f"    sourceip: {source}",
                f"    sourceport: {source_port}",
                f"    destinationip: {destination}",
                f"    destinationport: {port}",
                f"    protocolid: {protocol}",
                f"    action: {{ actiontype: {action}{next_hop} }}",
                f"    cachetimeout: {timeout}",
            ]
    print("\n".join(lines))


if __name__ == "__main__":
    main()
