"""`replay --port`: captures sent by an interface, read again at the far end of its link."""

import gzip
import json
import random
import signal
import struct
import subprocess
import time

from capture_file import enhanced, header, interface, record, section
from namespaces import Net
from raw import LINK_FRAME, Listener
from suite import equal, eventually, true

START = 1_700_000_000
TAGS = (b"", bytes.fromhex("8100a064"), bytes.fromhex("88a800c8") + bytes.fromhex("8100e007"))


def _frame(number, length=60, tags=b""):
    """A frame with that much after its tags, different from all others."""
    start = LINK_FRAME[:12] + tags + LINK_FRAME[12:42] + struct.pack("!I", number)
    return start + random.Random(number).randbytes(max(length + len(tags) - len(start), 0))


def _frames():
    """Frames of every kind: short and long, odd and even, with no tag, one and two."""
    lengths = (46, 60, 61, 64, 65, 577, 1023, 1500, 1513, 1514)
    # Of tags on top of an MTU the kernel takes one of 802.1Q.
    return [_frame(index, min(length, 1506) if len(tags) > 4 else length, tags)
            for index, (length, tags) in enumerate((length, tags) for length in lengths for tags in TAGS)] * 5


def _capture(case, name, content):
    path = case.path(name)
    with open(path, "wb") as file:
        file.write(content)
    return path


def _classic(case, name, frames, gap=0, start=0):
    """A classic capture whose packets are so many microseconds apart."""
    times = [START * 1_000_000 + start + gap * index for index in range(len(frames))]
    return _capture(case, name, header() + b"".join(
        record(frame, seconds=at // 1_000_000, fraction=at % 1_000_000) for frame, at in zip(frames, times)))


def _replay(case, net, *words, status=0, prefix=()):
    """Runs it in the middle, towards the right host: the summary, and what it said on standard error."""
    done = subprocess.run(
        net.command("middle", *prefix, case.sluice, "replay", *words, "--json"), stdin=subprocess.DEVNULL,
        capture_output=True, text=True, timeout=50, check=False)
    equal(done.returncode, status, f"exit status ({done.stderr!r})")
    return json.loads(done.stdout or "{}"), done.stderr


def _check_sent(summary, frames, rounds=1):
    expected = (len(frames) * rounds, sum(map(len, frames)) * rounds, 0, {}, rounds, "port1")
    equal(tuple(summary[key] for key in ("packets", "bytes", "failed", "failures", "rounds", "port")),
          expected, f"packets, bytes, failed, why, rounds, port ({summary})")


def test_every_byte_of_every_capture(case):
    frames = _frames()
    ng = section() + interface() + b"".join(enhanced(frame) for frame in frames)
    captures = [_classic(case, "classic.pcap", frames), _capture(case, "ng.pcapng", ng),
                _capture(case, "packed.pcap.gz", gzip.compress(ng))]
    with Net() as net:
        for capture in captures:
            listener = Listener(net, "right", len(frames), seconds=20)
            summary, _ = _replay(case, net, capture, "--port", "port1", "--rate", "max")
            _check_sent(summary, frames)
            found = listener.frames()
            equal(len(found), len(frames), f"frames of {capture}")
            for index, pair in enumerate(zip(found, frames)):
                equal(*pair, f"frame {index} of {capture}")


def test_captures_are_merged_and_filtered(case):
    frames = [_frame(index) for index in range(200)]
    others = [bytearray(frame) for frame in frames]
    for other in others:
        other[23] = 6   # TCP
    with Net() as net:
        listener = Listener(net, "right", len(frames), seconds=20)
        summary, _ = _replay(
            case, net, _classic(case, "even.pcap", frames[::2], gap=20),
            _classic(case, "odd.pcap", frames[1::2], gap=20, start=10),
            _classic(case, "others.pcap", others, gap=7), "--port", "port1", "--filter", "udp",
            "--rate", "max")
        _check_sent(summary, frames)
        equal(summary["notes"]["filteredOut"], len(others), "left out")
        equal(listener.frames(), frames, "frames in the order of their times")


def test_rounds(case):
    frames = [_frame(index) for index in range(50)]
    with Net() as net:
        listener = Listener(net, "right", 3 * len(frames), seconds=20)
        summary, _ = _replay(case, net, _classic(case, "few.pcap", frames, gap=1000), "--port", "port1",
                             "--loop", "3", "--rate", "5k")
        _check_sent(summary, frames, rounds=3)
        equal(listener.frames(), frames * 3, "frames")


def _check_pace(case, net, capture, count, expected, *words):
    """So many frames take about so many seconds: never much less, and how much longer depends on who else
    computes. In half of the packets half of the time has passed, within a quarter of it."""
    listener = Listener(net, "right", count, seconds=30)
    summary, _ = _replay(case, net, capture, "--port", "port1", *words)
    equal(summary["packets"], count, "packets")
    times = [came for came, _ in listener.arrivals()]
    equal(len(times), count, "frames at the far end")
    for what, seconds in (("by its summary", summary["seconds"]), ("at the far end", times[-1] - times[0])):
        true(0.9 * expected < seconds < expected + 2, f"{words}: {seconds:.3f} s {what}, {expected} expected")
    rate = summary["packets"] / summary["seconds"]
    true(abs(summary["packets_per_second"] - rate) < 0.01 * rate, f"rate achieved: {summary}")
    return [came - times[0] for came in times]


def test_pace(case):
    # In the capture 100 packets in the first 0.1 s, a pause of 0.9 s, and one packet more.
    frames = [_frame(index) for index in range(101)]
    burst = header() + b"".join(record(frame, seconds=START, fraction=1000 * index)
                                for index, frame in enumerate(frames[:100]))
    capture = _capture(case, "pause.pcap", burst + record(frames[100], seconds=START + 1))
    with Net() as net:
        times = _check_pace(case, net, capture, 101, 1.0)
        true(times[100] - times[99] > 0.5, f"the pause is kept: {times[99]:.3f} to {times[100]:.3f} s")
        _check_pace(case, net, capture, 101, 0.5, "--multiplier", "2")
        _check_pace(case, net, capture, 101, 2.0, "--rate", "capture", "--multiplier", "0.5")
        times = _check_pace(case, net, capture, 101, 1.0, "--rate", "100")
        true(0.2 < times[50] < 2.5, f"half of the packets are sent after {times[50]:.3f} s")


def test_packets_that_cannot_be_sent_are_named(case):
    good = [_frame(index) for index in range(10)]
    # Of full length with a tag it still passes.
    tagged = _frame(10, 1514, TAGS[1])
    long = [_frame(11, 1515), _frame(12, 1700, TAGS[1])]
    content = header() + b"".join(record(frame) for frame in good + [tagged] + long)
    content += record(_frame(13)[:50], original=60) + record(_frame(14))
    with Net() as net:
        listener = Listener(net, "right", 12, seconds=20)
        summary, said = _replay(case, net, _capture(case, "mixed.pcap", content), "--port", "port1", status=1)
        equal(listener.frames(), good + [tagged, _frame(14)], "what can be sent is sent")
        equal((summary["packets"], summary["failed"]), (12, 3), "sent and failed")
        failures = {name: (each["packets"], each["first_packet"], each["first_bytes"])
                    for name, each in summary["failures"].items()}
        equal(failures, {"oversized": (2, 12, 1515), "cut": (1, 14, 60)}, "why")
        for word in ("3 packets", "MTU of port1", "packet 12, of 1515 bytes", "ip link set port1 mtu 1690",
                     "snap length", "packet 14"):
            true(word in said, f"{word!r} is in {said!r}")


def test_interfaces_that_cannot_send(case):
    capture = _classic(case, "few.pcap", [_frame(1)])
    with Net() as net:
        for prefix, name, words in (
                ((), "nosuch", ("no interface nosuch", "ip link")),
                ((), "lo", ("lo is no Ethernet device",)),
                (("setpriv", "--bounding-set", "-net_raw"), "port1", ("CAP_NET_RAW", "setcap"))):
            _, said = _replay(case, net, capture, "--port", name, status=1, prefix=prefix)
            for word in words:
                true(word in said, f"{word!r} is in {said!r}")
        net.run("right", "ip", "link", "set", "eth0", "down")
        _, said = _replay(case, net, capture, "--port", "port1", status=1)
        true("port1 has no carrier" in said, said)
        net.run("middle", "ip", "link", "set", "port1", "down")
        _, said = _replay(case, net, capture, "--port", "port1", status=1)
        true("port1 is down: ip link set port1 up" in said, said)


def test_a_link_that_goes_down_and_ctrl_c(case):
    capture = _classic(case, "few.pcap", [_frame(index) for index in range(100)])
    with Net() as net:
        process = net.start("middle", case.sluice, "replay", capture, "--port", "port1", "--rate", "2000",
                            "--loop", "forever", "--json", stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                            text=True)

        def sent(more):
            before = net.statistics("port1")[1]
            eventually(lambda: net.statistics("port1")[1] >= before + more, "packets are sent", seconds=15)
        sent(100)
        net.run("middle", "ip", "link", "set", "port1", "down")
        time.sleep(0.5)
        net.run("middle", "ip", "link", "set", "port1", "up")
        sent(100)
        net.run("right", "ip", "link", "set", "eth0", "down")
        time.sleep(0.5)
        net.run("right", "ip", "link", "set", "eth0", "up")
        sent(100)
        process.send_signal(signal.SIGINT)
        output, said = process.communicate(timeout=20)
        equal(process.returncode, 130, f"exit status ({said!r})")
        true("interrupted" in said, said)
        summary = json.loads(output)
        true(summary["packets"] >= 300 and summary["rounds"] >= 3, f"it went on: {summary}")
        equal(set(summary["failures"]), {"portDown"}, f"why some were not sent ({summary})")
        equal(summary["failed"], summary["failures"]["portDown"]["packets"], "failed")
