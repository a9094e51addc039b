"""The relay between two hosts: it puts VLAN tags on, takes them off, delays, and loses packets.

    relay.py --delay MS --loss PERCENT LEFT:RIGHT[:TAG[:TAG]]...

Runs in its own namespace. Every LEFT device leads to the one host, every RIGHT device to the
other. Between them lies the recorded link, the veth pair mid0-mid1: what comes from a LEFT device
is tagged and sent on mid0, received on mid1, stripped and sent on RIGHT; and the other way round.
Tags are added as plain bytes (802.1ad outside, 802.1Q inside), since the kernel may lack a VLAN
device. On receipt the kernel strips the outer tag into ancillary data; it is put back here.

Half of the lost packets are lost before the recorded link and half after it, so that a recording
has both gaps and packets that come twice.
"""

import argparse
import heapq
import random
import select
import signal
import socket
import struct
import time

SO_RCVBUFFORCE = 33
SOL_PACKET = 263
PACKET_AUXDATA = 8
PACKET_IGNORE_OUTGOING = 23
VLAN_VALID = 0x10
VLAN_TPID_VALID = 0x40
ETH_P_ALL = 3
RECEIVE_BUFFER = 8 << 20


class Device:
    """A packet socket on one network device."""

    def __init__(self, name):
        self.name = name
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
        self.socket.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
        self.socket.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
        self.socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, RECEIVE_BUFFER)
        self.socket.bind((name, ETH_P_ALL))

    def fileno(self):
        return self.socket.fileno()

    def receive(self):
        """One frame, with its outer tag back in the bytes."""
        frame, ancillary, _, _ = self.socket.recvmsg(65536, socket.CMSG_SPACE(20))
        for level, kind, value in ancillary:
            if level == SOL_PACKET and kind == PACKET_AUXDATA:
                status, _, _, _, _, tci, tpid = struct.unpack("IIIHHHH", value[:20])
                if status & VLAN_VALID:
                    tpid = tpid if status & VLAN_TPID_VALID else 0x8100
                    frame = frame[:12] + struct.pack("!HH", tpid, tci) + frame[12:]
        return frame

    def send(self, frame):
        self.socket.send(frame)


class Relay:
    """Moves frames between the hosts' devices and the recorded link."""

    def __init__(self, wires, delay, loss):
        self.delay = delay
        self.loss = loss
        self.random = random.Random(1)
        self.waiting = []
        self.order = 0
        self.mid = [Device("mid0"), Device("mid1")]
        self.hosts = {}      # file descriptor -> (side, tag bytes)
        self.by_tag = {}     # (side, tag bytes) -> device
        self.devices = list(self.mid)
        for wire in wires:
            left, right, *vids = wire.split(":")
            tag = tag_bytes([int(vid) for vid in vids])
            for side, name in enumerate((left, right)):
                device = Device(name)
                self.hosts[device.fileno()] = (side, tag)
                self.by_tag[(side, tag)] = device
                self.devices.append(device)

    def run(self):
        """Relays until the process is told to end."""
        while True:
            timeout = max(0, self.waiting[0][0] - time.monotonic()) if self.waiting else None
            ready, _, _ = select.select(self.devices, [], [], timeout)
            for device in ready:
                self.accept(device)
            while self.waiting and self.waiting[0][0] <= time.monotonic():
                _, _, device, frame = heapq.heappop(self.waiting)
                device.send(frame)

    def accept(self, device):
        frame = device.receive()
        if device in self.mid:
            side = 1 if device is self.mid[1] else 0
            tag, stripped = strip_tags(frame)
            out = self.by_tag.get((side, tag))
            if out is not None and not self.loses():
                self.order += 1
                heapq.heappush(self.waiting, (time.monotonic() + self.delay, self.order, out, stripped))
        else:
            side, tag = self.hosts[device.fileno()]
            if not self.loses():
                self.mid[side].send(frame[:12] + tag + frame[12:])

    def loses(self):
        """Whether to lose a frame here; half the loss each side of the recorded link."""
        return self.random.random() * 100 < self.loss / 2


def tag_bytes(vids):
    """The tags as they lie in the frame, outermost first."""
    outer = [0x88A8] * (len(vids) - 1)
    return b"".join(struct.pack("!HH", tpid, vid) for tpid, vid in zip(outer + [0x8100], vids))


def strip_tags(frame):
    """The frame's tags and the frame without them."""
    end = 12
    while frame[end:end + 2] in (b"\x81\x00", b"\x88\xa8"):
        end += 4
    return frame[12:end], frame[:12] + frame[end:]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--delay", type=float, default=2.0, help="one way, milliseconds")
    parser.add_argument("--loss", type=float, default=0.0, help="percent of all packets")
    parser.add_argument("wire", nargs="+")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: exit(0))
    relay = Relay(options.wire, options.delay / 1000, options.loss)
    print("relaying", flush=True)
    relay.run()


if __name__ == "__main__":
    main()
