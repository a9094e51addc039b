"""What hosts leave to their devices, segmentation and checksums, and what a capture at the far side says."""

import os
import subprocess

from bump import bump, check_explained
from namespaces import ADDRESSES, Net
from raw import LINK_FRAME, send
from suite import equal, eventually, true
from transfers import Files

# Two sends of 9 datagrams each, as one super-frame: UDP_SEGMENT of udp(7).
UDP_SENDER = """
import socket, sys
family = socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET
s = socket.socket(family, socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_UDP, 103, 1000)
for start in (0, 100):
    s.sendto(b"".join(bytes([start + n]) * 1000 for n in range(8)) + bytes([start + 8]) * 50,
             (sys.argv[1], 9000))
"""
UDP_RECEIVER = """
import socket, sys
s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
s.bind(("::", 9000))
s.settimeout(5)
print("ready", flush=True)
for _ in range(18):
    data = s.recv(2000)
    print(data[0], len(data), len(set(data)), flush=True)
"""


def test_udp_super_frames(case):
    with Net() as net:
        daemon = bump(case, net)
        for address in ADDRESSES["right"]:
            receiver = net.start("right", "/usr/bin/python3", "-c", UDP_RECEIVER, stdout=subprocess.PIPE,
                                 text=True)
            receiver.stdout.readline()
            net.run("left", "/usr/bin/python3", "-c", UDP_SENDER, address)
            found = [tuple(map(int, line.split())) for line in receiver.stdout]
            sent = [(start + n, 50 if n == 8 else 1000, 1) for start in (0, 100) for n in range(9)]
            equal(found, sent, f"datagrams to {address}")
        events = dict(daemon.ports()["lif-1"].events)
        eventually(lambda: dict(daemon.ports()["lif-1"].events).get("segments") == 36,
                   f"36 packets out of super-frames (events {events})")
        check_explained(daemon)


def test_every_checksum_is_right_at_the_far_side(case):
    with Net() as net:
        bump(case, net)
        files = Files(case, net)
        files.add("file", 1 << 20)
        capture = case.path("far.pcap")
        # Their own stacks would not tell: what comes is compared, not what is delivered.
        dump = net.start("left", "tcpdump", "-i", "eth0", "-Q", "in", "-w", capture, "-B", "16384",
                         "--immediate-mode", "-U", "tcp", stderr=subprocess.PIPE, text=True)
        true("listening" in dump.stderr.readline(), "tcpdump listens")
        for address in ADDRESSES["right"]:
            files.fetch("file", address)
        sizes = [-1]
        eventually(lambda: sizes.append(os.path.getsize(capture)) or sizes[-1] == sizes[-2],
                   "tcpdump has written all", seconds=20)
        dump.terminate()
        dump.wait(10)
        judged = subprocess.run(
            ["tshark", "-r", capture, "-o", "tcp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE",
             "-T", "fields", "-e", "tcp.checksum.status", "-e", "ip.checksum.status", "-e", "ip.len",
             "-e", "ipv6.plen", "-e", "ip.id"],
            capture_output=True, text=True, check=True, timeout=60).stdout.splitlines()
        true(len(judged) > 1000, f"{len(judged)} packets were captured")
        for number, line in enumerate(judged):
            tcp, ip, length, plen, _ = (line + "\t\t\t\t").split("\t")[:5]
            equal(tcp, "1", f"TCP checksum of packet {number}")
            if length:
                equal(ip, "1", f"IPv4 checksum of packet {number}")
            true(int(length or plen) <= 1500, f"packet {number} fits the link")


def test_ring_overrun_is_counted(case):
    with Net() as net:
        daemon = bump(case, net, ring={"size": 1 << 20})
        daemon.process.send_signal(19)
        try:
            send(net, "left", [LINK_FRAME] * 3000)
        finally:
            daemon.process.send_signal(18)
        ports, _ = check_explained(daemon)
        lost = dict(ports["lif-1"].events).get("ringFull", 0)
        true(2000 < lost < 3000, f"{lost} packets found no room in a ring of 512")
        equal(daemon.drops().get("receiveRingFull"), lost, "drops by that reason")
        equal(daemon.drops_by_port("receiveRingFull"), {"lif-1": lost}, "drops by port")
        equal(dict(ports["lif-1"].events)["ringSize"], 512, "what the ring takes")
        # And it goes on.
        files = Files(case, net)
        files.add("file", 1 << 20)
        files.fetch("file", ADDRESSES["right"][0])
