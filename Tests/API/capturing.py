"""CapturePackets and `sluice capture`: copies of what workers decide on, beside the frames that were sent."""

import os
import subprocess
import time

import grpc

import stubs
from feed import Wire
from frames import of, udp
from settings import port, settings
from suite import equal, eventually, refused, true
from table import DROP, MIRROR, OPI, SNOOP, fields

REQUEST = stubs.sluice.CapturePacketsRequest
ARRIVING, LEAVING, BOTH = 1, 2, 3
# Directions in a pcapng file.
IN, OUT = 1, 2
TIME_LIMIT_SECONDS = 20


class Capture:
    """A capture that runs."""

    def __init__(self, daemon, **wishes):
        self.call = daemon.dataplane.CapturePackets(REQUEST(**wishes), timeout=TIME_LIMIT_SECONDS)
        self.call.initial_metadata()
        if not self.call.is_active():
            # What it was refused with.
            next(self.call)
        self.lost = 0

    def take(self, count):
        """So many packets, and no more in the next moment."""
        found = []
        while len(found) < count:
            message = next(self.call)
            found += message.packets
            self.lost = message.lost
        equal(len(found), count, "packets")
        return found

    def end(self):
        self.call.cancel()


def command(daemon, *arguments):
    """`sluice capture`, started."""
    return subprocess.Popen([daemon.sluice, "capture", *arguments, "--socket", daemon.socket],
                            stderr=subprocess.PIPE, text=True)


def written(path):
    """What tshark reads in a file, by packet: interface, direction, comment, length."""
    names = ("frame.interface_name", "frame.packet_flags_direction", "frame.comment", "frame.len")
    shown = subprocess.run(
        ["tshark", "-r", path, "-T", "fields", *(word for name in names for word in ("-e", name))],
        capture_output=True, text=True, check=True, timeout=TIME_LIMIT_SECONDS)
    found = [line.split("\t") for line in shown.stdout.splitlines()]
    return [(name, int(direction, 16), comment, int(length)) for name, direction, comment, length in found]


def _seen(packet):
    return packet.port, packet.leaving, packet.verdict, packet.drop_reason


def test_packets_as_they_arrive(case):
    wire = Wire(case, workers=2)
    capture = Capture(wire.daemon)
    packets = [of(fields(number), payload=10 * number, vlan=7 if number % 3 == 0 else None)
               for number in range(1, 21)]
    before = time.time_ns()
    wire.send(*packets)
    wire.send(packets[0], lif=2)
    found = capture.take(21)
    # Two workers: each has its own order.
    equal(sorted(each.content for each in found), sorted([*packets, packets[0]]), "bytes")
    equal({_seen(each) for each in found},
          {("lif-1", False, "forward", ""), ("lif-2", False, "forward", "")}, "where and what")
    true(all(each.original_length == len(each.content) and each.link_type == 1 for each in found), "lengths")
    true(all(abs(each.time_nanoseconds - before) < 10e9 for each in found), "times of now")
    equal(capture.lost, 0, "lost")
    capture.end()


def test_what_leaves(case):
    wire = Wire(case)
    OPI(wire.daemon).add(fields(1, action=DROP))
    there, dropped = of(fields(2)), of(fields(1))
    leaving, port_, both = (Capture(wire.daemon, **wishes) for wishes in (
        {"direction": LEAVING}, {"port": "lif-2"}, {"direction": BOTH}))
    wire.send(there, dropped)
    equal([_seen(each) for each in leaving.take(1)], [("lif-2", True, "forward", "")], "what leaves")
    equal([_seen(each) for each in port_.take(1)], [("lif-2", True, "forward", "")], "what the port sees")
    equal([(*_seen(each), each.content) for each in both.take(3)],
          [("lif-1", False, "forward", "", there), ("lif-2", True, "forward", "", there),
           ("lif-1", False, "drop", "sessionDrop", dropped)], "both ways")


def test_mirrored_and_snooped(case):
    wire = Wire(case, neighbors=[{"address": "192.0.2.9", "mac": "02:00:00:00:00:09", "lif": 2}])
    OPI(wire.daemon).add(fields(1, action=MIRROR, hop="192.0.2.9"), fields(2, action=SNOOP, hop="192.0.2.9"))
    capture = Capture(wire.daemon, direction=BOTH)
    wire.send(of(fields(1)), of(fields(2)))
    equal([_seen(each) for each in capture.take(4)],
          [("lif-1", False, "mirror", ""), ("lif-2", True, "mirror", ""),
           ("lif-1", False, "snoop", ""), ("lif-2", True, "snoop", "")], "both ways")


def test_what_is_dropped(case):
    wire = Wire(case, {}, {"non_session": "drop"})
    OPI(wire.daemon).add(fields(1, action=DROP))
    dropped, other, malformed = of(fields(1)), bytes(12) + b"\x88\xcc" + bytes(46), of(fields(3))[:20]
    every, one = Capture(wire.daemon, dropped=True), Capture(wire.daemon, drop_reason="sessionDrop")
    wire.send(of(fields(2)), dropped, other, malformed)
    found = every.take(3)
    equal([each.content for each in found], [dropped, other, malformed], "bytes")
    true(all(each.verdict == "drop" for each in found), "verdicts")
    equal([each.drop_reason for each in found][:2], ["sessionDrop", "nonSessionDrop"], "reasons")
    equal([each.content for each in one.take(1)], [dropped], "for the one reason")


def test_one_session(case):
    """Both ways, with and without tags, and nobody else's."""
    wire = Wire(case)
    six = {"source": "2001:db8::1", "destination": "2001:db8::2"}
    OPI(wire.daemon).add(fields(1), fields(2, **six))
    for identity, more in ((1, {}), (2, six)):
        request = fields(identity, **more)
        capture = Capture(wire.daemon, session_id=identity)
        wanted = [of(request), of(request, back=True), of(request, vlan=5), of(request, back=True, vlan=6)]
        for packet in wanted:
            wire.send(of(fields(9)), packet, of(fields(identity, 7, **more)))
        equal([each.content for each in capture.take(4)], wanted, f"packets of session {identity}")
        capture.end()


def test_filters_and_lengths(case):
    wire = Wire(case)
    capture = Capture(wire.daemon, filter="udp dst port 53", snap_length=40)
    wanted = udp("10.0.0.1", 1000, "10.0.0.2", 53, payload=200)
    wire.send(udp("10.0.0.1", 53, "10.0.0.2", 1000), wanted, udp("10.0.0.1", 1000, "10.0.0.2", 54))
    packet, = capture.take(1)
    equal((packet.content, packet.original_length), (wanted[:40], len(wanted)), "the packet, cut")


def test_refused(case):
    daemon = case.daemon(settings())
    for wishes, code, words in (
            ({"port": "c"}, "INVALID_ARGUMENT", ("port c is not configured", "a, b")),
            ({"drop_reason": "bad"}, "INVALID_ARGUMENT", ("drop_reason bad",)),
            ({"direction": 9}, "INVALID_ARGUMENT", ("direction 9", "0 (DEFAULT) to 3")),
            ({"direction": LEAVING, "dropped": True}, "INVALID_ARGUMENT", ("LEAVING",)),
            ({"filter": "tcp prt 1"}, "INVALID_ARGUMENT", ("tcp prt 1", "syntax error")),
            ({"snap_length": 70_000}, "INVALID_ARGUMENT", ("snap_length 70000", "65535")),
            ({"filter": "tcp\0 prt"}, "INVALID_ARGUMENT", ("filter", "512 bytes")),
            ({"filter": "x" * 1_000_000}, "INVALID_ARGUMENT", ("filter", "512 bytes")),
            ({"port": "x" * 1000}, "INVALID_ARGUMENT", ("port", "512 bytes")),
            ({"filter": " or ".join(f"port {number}" for number in range(1, 43))}, "INVALID_ARGUMENT",
             ("instructions", "256")),
            ({"session_id": 77}, "NOT_FOUND", ("no session 77",))):
        call = daemon.dataplane.CapturePackets(REQUEST(**wishes), timeout=TIME_LIMIT_SECONDS)
        refused(lambda call=call: next(call), grpc.StatusCode[code], *words)


def test_four_at_a_time(case):
    daemon = case.daemon(settings())
    captures = [Capture(daemon) for _ in range(4)]
    more = daemon.dataplane.CapturePackets(REQUEST(), timeout=TIME_LIMIT_SECONDS)
    refused(lambda: next(more), grpc.StatusCode.RESOURCE_EXHAUSTED, "4 captures")
    for capture in captures:
        capture.end()

    def begun():
        try:
            return Capture(daemon)
        except grpc.RpcError as error:
            equal(error.code(), grpc.StatusCode.RESOURCE_EXHAUSTED, "status")
            return None
    # Each ends a moment after its call; calls that are gone before they are answered leave nothing behind.
    for _ in range(50):
        daemon.dataplane.CapturePackets(REQUEST(), timeout=TIME_LIMIT_SECONDS).cancel()
    again = [eventually(begun, "one can capture again", 10) for _ in range(4)]
    equal(begun(), None, "a fifth one")
    for capture in again:
        capture.end()


def test_nobody_is_waited_for(case):
    """A worker at full speed, and a caller that takes nothing: it goes on, and what is lost is counted."""
    traffic = {"flows": 100, "packets": 10_000, "size": 1400, "rate": "max"}
    daemon = case.daemon(settings([port("a", 1, memory=traffic), port("b", 2)]))
    capture = Capture(daemon)
    before = daemon.counters()["packets"]
    time.sleep(1)
    true(daemon.counters()["packets"] - before > 20_000, "packets go on")
    true(next(capture.call).packets, "packets")
    eventually(lambda: next(capture.call).lost > 0, "losses are counted", 10)
    capture.end()


def test_others_are_served_meanwhile(case):
    """Four captures of a worker at full speed, all read: a short call is answered soon all the same."""
    traffic = {"flows": 100, "packets": 10_000, "size": 64, "rate": "max"}
    daemon = case.daemon(settings([port("a", 1, memory=traffic), port("b", 2)]))
    readers = [command(daemon, "--write", "/dev/null", "--duration", "4") for _ in range(4)]
    for reader in readers:
        reader.stderr.readline()
    times = []
    for _ in range(15):
        start = time.monotonic()
        daemon.status()
        times.append(time.monotonic() - start)
        time.sleep(0.05)
    for reader in readers:
        _, said = reader.communicate(timeout=TIME_LIMIT_SECONDS)
        true(int(said.split()[1]) > 1000, f"packets: {said}")
    true(sorted(times)[7] < 0.5, f"GetStatus takes {sorted(times)[7] * 1000:.0f} ms at the median")


def test_one_that_the_daemon_ends(case):
    wire = Wire(case)
    path = case.path("ended.pcapng")
    reader = command(wire.daemon, "--write", path)
    reader.stderr.readline()
    wire.send(of(fields(1)))
    eventually(lambda: os.path.getsize(path) > 150, "the packet is in the file")
    equal(wire.daemon.terminate()[0], 0, "the daemon's exit status")
    _, said = reader.communicate(timeout=TIME_LIMIT_SECONDS)
    equal((reader.returncode, "1 packets captured" in said, "stopping" in said), (1, True, True), said)


def test_written_files(case):
    """`sluice capture`, read by tshark: interfaces, directions, comments, bytes."""
    wire = Wire(case)
    OPI(wire.daemon).add(fields(1, action=DROP))
    path = case.path("capture.pcapng")
    process = subprocess.Popen(
        [wire.daemon.sluice, "capture", "--write", path, "--direction", "both", "--count", "5", "--json",
         "--socket", wire.daemon.socket], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    true("capturing" in process.stderr.readline(), "it says that it captures")
    packets = [of(fields(2)), of(fields(1)), of(fields(3), payload=301)]
    wire.send(*packets)
    out, _ = process.communicate(timeout=TIME_LIMIT_SECONDS)
    sizes = [len(packet) for packet in packets]
    equal((process.returncode, out),
          (0, f'{{"packets":5,"bytes":{2 * sizes[0] + sizes[1] + 2 * sizes[2]},"lost":0}}\n'), "summary")
    equal(written(path),
          [("lif-1", IN, "", sizes[0]), ("lif-2", OUT, "", sizes[0]),
           ("lif-1", IN, "drop: sessionDrop", sizes[1]),
           ("lif-1", IN, "", sizes[2]), ("lif-2", OUT, "", sizes[2])], "what tshark reads")


def test_commands_end_well(case):
    """Ctrl-C and a duration end a capture with status 0; refusals and files that cannot be are status 1."""
    daemon = case.daemon(settings())
    path = case.path("empty.pcapng")

    def run(*arguments):
        return subprocess.run([daemon.sluice, "capture", *arguments, "--socket", daemon.socket], check=False,
                              capture_output=True, text=True, timeout=TIME_LIMIT_SECONDS)
    done = run("--write", path, "--duration", "0.3")
    equal((done.returncode, "0 packets captured" in done.stderr), (0, True), f"a duration: {done.stderr}")
    true(os.path.getsize(path) > 0, "the file has a header")
    process = command(daemon, "--write", path)
    process.stderr.readline()
    process.send_signal(2)
    _, said = process.communicate(timeout=TIME_LIMIT_SECONDS)
    equal((process.returncode, "0 packets captured" in said), (0, True), f"Ctrl-C: {said}")
    for arguments, words in ((("--write", path, "--port", "x"), "port x is not configured"),
                             (("--write", "/nonexistent/x.pcapng"), "/nonexistent/x.pcapng"),
                             (("--write", path, "--filter", "tcp prt"), "syntax error")):
        done = run(*arguments)
        equal((done.returncode, words in done.stderr), (1, True), f"{arguments}: {done.stderr}")
