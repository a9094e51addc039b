"""A relay that puts a VLAN tag on what one interface receives and takes it off what the other one does.

    relay.py PLAIN TAGGED VID

Tags are plain bytes on the tagged side, as from a switch: kernels without VLAN devices can be tested. Both
sides' senders must not leave work to their devices (ethtool -K IFACE tx off).
"""

import select
import socket
import struct
import sys

IGNORE_OUTGOING, AUXDATA, SOL_PACKET = 23, 8, 263


def main():
    plain, tagged = (_socket(name) for name in sys.argv[1:3])
    tag = struct.pack("!HH", 0x8100, int(sys.argv[3]))
    print("ready", flush=True)
    while True:
        for ready in select.select([plain, tagged], [], [])[0]:
            data, beside, _, _ = ready.recvmsg(65536, 256)
            if ready is plain:
                tagged.send(data[:12] + tag + data[12:])
            elif _tag(data, beside) == tag:
                plain.send(data)


def _tag(data, beside):
    """The outer tag, which the kernel has taken off the bytes."""
    for level, kind, content in beside:
        if (level, kind) == (SOL_PACKET, AUXDATA):
            status, _, _, _, _, control, protocol = struct.unpack("=IIIHHHH", content[:20])
            if status & 0x10:
                return struct.pack("!HH", protocol, control)
    return None


def _socket(name):
    found = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    for option in (IGNORE_OUTGOING, AUXDATA):
        found.setsockopt(SOL_PACKET, option, 1)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
    found.bind((name, 3))
    return found


if __name__ == "__main__":
    main()
