"""`sluice capture` and `sluice trace` of live ports: the very bytes that hosts sent, while all go on."""

import json
import logging

from scapy.all import RawPcapReader

import capturing
import frames
import trace_commands
from bump import bump, check_explained
from capturing import IN, OUT, TIME_LIMIT_SECONDS
from host_port import TAP, on_its_own
from namespaces import Net
from raw import DESTINATION, Listener, send, to_listener
from suite import equal, true
from table import ACCEPTED, DROP, OPI, fields

# Of each kind of frame.
COUNT = 12
TAG = 7
POLICIES = {"miss": "drop", "non_session": "drop"}
# What hosts say of themselves is passed over.
OURS = ("--filter", f"ether dst {DESTINATION}")

# It wants newlines in comments, which the format does not.
logging.getLogger("scapy.runtime").setLevel(logging.ERROR)


class Capture:
    """`sluice capture` into a file, until it has as many packets as there must be: (port, direction, comment,
    frame) each."""

    def __init__(self, case, daemon, wishes, wanted):
        self.wishes, self.wanted = " ".join(wishes), wanted
        self.path = case.path(f"{self.wishes}.pcapng")
        self.process = capturing.command(
            daemon, "--write", self.path, "--count", str(len(wanted)), *wishes)
        true("capturing" in self.process.stderr.readline(), "it says that it captures")

    def check(self, in_order=True):
        _, said = self.process.communicate(timeout=TIME_LIMIT_SECONDS)
        equal((self.process.returncode, f"{len(self.wanted)} packets captured" in said), (0, True),
              f"capture {self.wishes}: {said}")
        shown = capturing.written(self.path)
        found = [(*each[:3], data) for each, (data, _) in zip(shown, RawPcapReader(self.path))]
        # Several workers keep the order of a flow, not that of all.
        arranged = list if in_order else sorted
        equal(arranged(found), arranged(self.wanted), f"packets of capture {self.wishes}")


class Trace:
    """`sluice trace` of as many packets as `sent` has; the outcome of each is (verdict, drop reason, port,
    port where it leaves)."""

    def __init__(self, daemon, wishes, outcome, sent):
        self.wishes, self.wanted = " ".join(wishes), [(*outcome, len(frame)) for frame in sent]
        self.process = trace_commands.command(daemon, "-n", str(len(sent)), "--json", *wishes)
        true("tracing" in self.process.stderr.readline(), "it says that it traces")

    def check(self):
        text, said = self.process.communicate(timeout=TIME_LIMIT_SECONDS)
        equal((self.process.returncode, said), (0, ""), f"trace {self.wishes}")
        found = [json.loads(line) for line in text.splitlines()]
        names = ("verdict", "drop_reason", "port", "out_port", "length")
        equal([tuple(each[name] for name in names) for each in found], self.wanted,
              f"journeys of trace {self.wishes}")
        for each in found:
            steps = [step["step"] for step in each["steps"]]
            equal((steps[0], steps[-1]), ("receive", "verdict"), f"ends of a journey: {steps}")
            equal("transmit" in steps, each["verdict"] == "forward", f"it leaves: {steps}")


def _frames(request, back=False, tag=None):
    """Frames of a session, each of a length of its own; every second one is tagged."""
    return [to_listener(frames.of(request, back=back, payload=18 + 120 * number,
                                  vlan=tag if number & 1 else None)) for number in range(COUNT)]


class Traffic:
    """Frames of a session that is forwarded, both ways, of one that is dropped, and of none."""

    def __init__(self, daemon):
        passing, stopped = fields(1), fields(2, action=DROP)
        equal(OPI(daemon).add(passing, stopped).status, ACCEPTED, "added")
        self.there, self.back = _frames(passing), _frames(passing, back=True)
        self.dropped, self.strange = _frames(stopped), _frames(fields(3), tag=TAG)

    def pass_(self, net, in_order=True):
        """From the left, kinds alternating, then from the right: what is forwarded arrives."""
        mixed = [frame for each in zip(self.dropped, self.strange, self.there) for frame in each]
        for place, far, sent, wanted in (("left", "right", mixed, self.there),
                                         ("right", "left", self.back, self.back)):
            listener = Listener(net, far, COUNT)
            send(net, place, sent)
            arranged = list if in_order else sorted
            equal(arranged(listener.frames()), arranged(wanted), f"frames at the {far}")


def _rounds(traffic):
    """What captures and traces are to see of a round of traffic, by their wishes; four of each at a time."""
    there = [("lif-1", IN, "", frame) for frame in traffic.there]
    there_out = [("lif-2", OUT, "", frame) for frame in traffic.there]
    back = [("lif-2", IN, "", frame) for frame in traffic.back]
    dropped = [("lif-1", IN, "drop: sessionDrop", frame) for frame in traffic.dropped]
    strange = [("lif-1", IN, "drop: missDrop", frame) for frame in traffic.strange]
    yield ({("--port", "lif-2", *OURS): there_out + back, ("--session", "1"): there + back,
            ("--drops", *OURS): [packet for pair in zip(dropped, strange) for packet in pair],
            ("--reason", "sessionDrop"): dropped},
           {("--port", "lif-2"): (("forward", "", "lif-2", "lif-1"), traffic.back),
            ("--session", "2"): (("drop", "sessionDrop", "lif-1", ""), traffic.dropped)})
    yield ({("--filter", "udp src port 1025"): there,
            # The kernel takes tags off, and tells of them beside the packet.
            ("--filter", f"vlan {TAG} and udp src port 1027"): strange[1::2],
            ("--session", "1", "--filter", "udp src port 1"): back,
            ("--direction", "both", "--filter", "udp src port 1025"):
                [packet for pair in zip(there, there_out) for packet in pair]},
           {("--session", "1"): (("forward", "", "lif-1", "lif-2"), traffic.there),
            ("--filter", "udp src port 1027"): (("drop", "missDrop", "lif-1", ""), traffic.strange[::2])})


def _captured(case, workers=1, **options):
    with Net() as net:
        daemon = bump(case, net, workers=workers, policies=POLICIES, **options)
        traffic, in_order = Traffic(daemon), workers == 1
        for captured, traced in _rounds(traffic):
            captures = [Capture(case, daemon, *each) for each in captured.items()]
            traces = [Trace(daemon, wishes, *each) for wishes, each in traced.items()]
            traffic.pass_(net, in_order)
            for capture in captures:
                capture.check(in_order)
            for trace in traces:
                trace.check()
        check_explained(daemon)


def test_captured_and_traced_two_workers(case):
    _captured(case, workers=2)


def test_captured_and_traced_af_xdp(case):
    _captured(case, kind="af_xdp")


def test_captured_at_a_tap(case):
    """What is punted leaves by it, what comes from it goes back out of the port that it serves."""
    with Net() as net:
        daemon = on_its_own(case, net)
        there, back = (_frames(fields(1), back, TAG) for back in (False, True))
        capture = Capture(case, daemon, ("--port", "host", *OURS),
                          [*(("host", OUT, "punt", frame) for frame in there),
                           *(("host", IN, "", frame) for frame in back)])
        for place, interface, far, far_interface, sent in (("left", "eth0", "middle", TAP, there),
                                                           ("middle", TAP, "left", "eth0", back)):
            listener = Listener(net, far, COUNT, interface=far_interface)
            send(net, place, sent, interface=interface)
            equal(listener.frames(), sent, f"frames at the {far}")
        capture.check()
