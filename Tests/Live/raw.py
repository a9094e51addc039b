"""Frames written to and read from an interface of a host byte by byte."""

import json
import subprocess

SENDER = """
import json, socket, sys
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
s.bind((sys.argv[1], 0))
for line in sys.stdin:
    s.send(bytes.fromhex(line.strip()))
"""

# The kernel takes the outer tag off: it is put back from what it says beside the packet (packet(7)).
LISTENER = """
import json, socket, struct, sys, time
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
s.setsockopt(263, 8, 1)      # SOL_PACKET, PACKET_AUXDATA
s.setsockopt(263, 23, 1)     # PACKET_IGNORE_OUTGOING
s.setsockopt(socket.SOL_SOCKET, 33, 16 << 20)   # SO_RCVBUFFORCE
s.setsockopt(socket.SOL_SOCKET, 35, 1)   # SO_TIMESTAMPNS
s.bind((sys.argv[1], 3))
print("ready", flush=True)
wanted = int(sys.argv[2])
end = time.monotonic() + float(sys.argv[3])
found = []
while len(found) < wanted and time.monotonic() < end:
    s.settimeout(max(0.01, end - time.monotonic()))
    try:
        data, beside, _, _ = s.recvmsg(65536, 256)
    except TimeoutError:
        break
    came = 0
    for level, kind, content in beside:
        if (level, kind) == (socket.SOL_SOCKET, 35):
            whole, part = struct.unpack("=qq", content[:16])
            came = whole + part / 1e9
        if (level, kind) == (263, 8):
            status, _, _, _, _, tci, tpid = struct.unpack("=IIIHHHH", content[:20])
            if status & 0x10:
                data = data[:12] + struct.pack("!HH", tpid, tci) + data[12:]
    if data[:6] != bytes.fromhex("020000000099"):
        continue
    if len(sys.argv) > 4 and bytes.fromhex(sys.argv[4]) not in data:
        continue
    found.append((came, data.hex()))
print(json.dumps(found), flush=True)
"""

# Where frames of a test go: what else is on the link is passed over.
DESTINATION = "02:00:00:00:00:99"
SOURCE = "02:00:00:00:00:98"


def to_listener(frame):
    """The same frame, for who listens to DESTINATION."""
    return bytes.fromhex(DESTINATION.replace(":", "")) + frame[6:]


class Listener:
    """Reads frames for DESTINATION that arrive at an interface; only those with `holding` in them, in
    hexadecimal digits."""

    def __init__(self, net, place, count, seconds=5.0, interface="eth0", holding=""):
        self.process = net.start(place, "/usr/bin/python3", "-c", LISTENER, interface, count, seconds,
                                 *([holding] if holding else []), stdout=subprocess.PIPE, text=True)
        self.process.stdout.readline()

    def frames(self):
        """The frames that came, in order, until there were so many or the time was up."""
        return [frame for _, frame in self.arrivals()]

    def arrivals(self):
        """The same with the kernel's time of each in seconds: when it came, not when it was read."""
        return [(came, bytes.fromhex(text)) for came, text in json.loads(self.process.stdout.readline())]


def send(net, place, frames, interface="eth0"):
    """Sends frames as they are."""
    subprocess.run(net.command(place, "/usr/bin/python3", "-c", SENDER, interface), check=True, timeout=60,
                   input="\n".join(frame.hex() for frame in frames), text=True)

# A small UDP packet between addresses that nobody has.
LINK_FRAME = bytes.fromhex(
    "020000000099" "020000000098" "0800" "45000024000000004011" "26b3" "0a0900010a090002"
    "03e80001" "0010" "0000" "0000000000000000")
