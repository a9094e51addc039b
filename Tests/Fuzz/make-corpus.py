#!/usr/bin/env python3
"""Makes Tests/Fuzz/Corpus from Tests/Vectors and configs, the seeds that the fuzzer begins with.

Deterministic: what is committed is what this writes. docs/testing.md says what the inputs look like.
"""
import pathlib
import re
import struct

TESTS = pathlib.Path(__file__).resolve().parent.parent
ROOT = TESTS.parent
CORPUS = TESTS / "Fuzz" / "Corpus"
# The order of LinkType.allCases.
LINKS = ["ethernet", "rawip", "linuxcooked", "linuxcooked2", "bsdnull", "bsdloop", "other"]
LINK_OF_NUMBER = {1: 0, 101: 1, 113: 2, 276: 3, 0: 4, 108: 5}


def seed(target, name, data):
    """Writes one input."""
    folder = CORPUS / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(data)


def vectors():
    """Name, link number and bytes of every line of frames.txt."""
    for line in (TESTS / "Vectors/wire/frames.txt").read_text().splitlines():
        if line.startswith("#"):
            continue
        name, link, _, digits, _ = line.split("|")
        key = re.sub("[^a-z0-9]", "", link.lower())
        yield name, LINKS.index(key), bytes.fromhex(digits)


def capture(path):
    """Link number, then (seconds with fraction, original length, bytes) of each packet."""
    data = path.read_bytes()
    order = "<" if data[0] in (0xD4, 0x4D) else ">"
    (number,) = struct.unpack_from(order + "I", data, 20)
    packets, offset = [], 24
    while offset < len(data):
        seconds, fraction, size, original = struct.unpack_from(order + "IIII", data, offset)
        packets.append((seconds + fraction / 1e6, original, data[offset + 16:offset + 16 + size]))
        offset += 16 + size
    return number, packets


def step_byte(milliseconds):
    """The encoding of WorkerInput: m << 2e, at most what is asked for."""
    exponent = 0
    while milliseconds >> (2 * exponent) > 15:
        exponent += 1
    return min(exponent, 15) << 4 | (milliseconds >> (2 * exponent)) & 15


def worker_packet(data, link, milliseconds, port=0, is_longer=False):
    """One packet of a worker's input."""
    data = data[:2047]
    word = len(data) | link << 11 | port << 14 | is_longer << 15
    return struct.pack("<HB", word, step_byte(milliseconds)) + data


def worker_input(packets, policy, burst=63, places=255):
    """Settings, then packets."""
    return bytes([policy, burst, places]) + b"".join(packets)


def of_capture(path, count, first=0):
    """The worker's packets of a part of a capture, answers on the second port."""
    number, packets = capture(path)
    packets = packets[first:first + count]
    before = packets[0][0]
    client = None
    for time, original, data in packets:
        addresses = data[26:34]
        client = client or addresses
        yield worker_packet(data[:120], LINK_OF_NUMBER[number], max(0, int((time - before) * 1000)),
                            int(addresses != client), len(data) < original or len(data) > 120)
        before = time


def make_frames(all_vectors):
    """Every third vector: the fuzzer finds the others from them."""
    for index, (name, link, data) in enumerate(all_vectors):
        if index % 3 == 0 and len(data) <= 400:
            seed("frames", name, bytes([link, 1 if "snap" in name else 0]) + data)


def make_worker(all_vectors):
    """Parts of captures and all vectors, under every policy."""
    captures = TESTS / "Vectors/captures"
    for index, name in enumerate(["short-connections", "loss", "slow", "cooked-v2", "raw-ip", "bsd-null"]):
        policy = [3, 0x43, 3 | 4, 3 | 0x20, 0, 3][index]
        path = captures / f"{name}.pcap"
        seed("worker", name, worker_input(of_capture(path, 40), policy))
        seed("worker", f"{name}-small-table", worker_input(of_capture(path, 30, 20), policy, 6, 3))
    demo = ROOT / "configs/demo.pcap"
    for policy in [0, 1, 2, 3, 0x40, 0x43, 0x63, 0x4B, 0x53]:
        part = of_capture(demo, 24, 60 * (policy & 31))
        seed("worker", f"demo-policy-{policy:02x}", worker_input(part, policy, 3 * policy & 255))
    packets = [worker_packet(data, link, 100 * (i % 7), i & 1)
               for i, (_, link, data) in enumerate(all_vectors) if i % 6 == 0 and len(data) < 200]
    for policy in [3, 0x43, 0x63]:
        seed("worker", f"vectors-{policy:02x}", worker_input(packets[policy & 31:][:50], policy, 255))
    for policy in [0x80, 0xC3]:
        both = [*routed_packets(), *packets[policy & 31:][:30]]
        seed("worker", f"routed-{policy:02x}", worker_input(both, policy, 3))


def routed_packets():
    """A host behind each of two routed ports: one asks for us, sends to the other one, which then answers."""
    first, second = bytes([10, 0, 0, 9]), bytes([10, 0, 1, 7])
    ours = [bytes.fromhex("020000000002"), bytes.fromhex("020000000001")]

    def arp(operation, sender, target, port):
        mac = bytes([2, 0, 0, 0, 9, sender[3]])
        to = ours[port] if operation == 2 else b"\xff" * 6
        return (to + mac + b"\x08\x06" + struct.pack(">HHBBH", 1, 0x0800, 6, 4, operation)
                + mac + sender + to + target)

    def udp(hops):
        header = struct.pack(">BBHHHBBH", 0x45, 0, 36, 1, 0, hops, 17, 0) + first + second
        total = sum(struct.unpack(">10H", header))
        total = (total & 0xFFFF) + (total >> 16)
        header = header[:10] + struct.pack(">H", 0xFFFF - total) + header[12:]
        return (ours[0] + bytes([2, 0, 0, 0, 9, 9]) + b"\x08\x00" + header
                + struct.pack(">HHHH", 7, 80, 16, 0) + b"payload.")
    yield worker_packet(arp(1, first, bytes([10, 0, 0, 1]), 0), 0, 0)
    for hops in (64, 64, 1):
        yield worker_packet(udp(hops), 0, 10)
    yield worker_packet(arp(2, second, bytes([10, 0, 1, 1]), 1), 0, 10, 1)
    yield worker_packet(udp(64), 0, 2000)


def make_captures():
    """The first packets of each capture, and headers of other formats."""
    for path in sorted((TESTS / "Vectors/captures").glob("*.pcap")):
        data = path.read_bytes()
        order = "<" if data[0] in (0xD4, 0x4D) else ">"
        offset = 24
        for _ in range(8):
            if offset < len(data):
                offset += 16 + struct.unpack_from(order + "I", data, offset + 8)[0]
        if offset <= 8000:
            seed("captures", path.name, data[:offset])
    header = struct.pack("<IHHIIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)
    record = struct.pack("<IIII", 1, 2, 4, 4) + b"abcd"
    seed("captures", "empty.pcap", b"")
    seed("captures", "header-only.pcap", header)
    seed("captures", "check-sequence.pcap", header[:20] + struct.pack("<I", 0x24000001) + record * 3)
    seed("captures", "huge-record.pcap", header + struct.pack("<IIII", 1, 2, 0xFFFFFFFF, 4))
    seed("captures", "cut-record.pcap", header + record + record[:-2])
    times = [5, 4, 100_000, 5, 0xFFFFFFFF, 6, 7]
    seed("captures", "wild-times.pcap",
         header + b"".join(struct.pack("<IIII", time, 0xFFFFFFFF, 0, 0) for time in times))


def make_texts():
    """Configurations and sessions files that are right, and some that are not."""
    for path in sorted((ROOT / "configs").glob("*.yaml")):
        data = path.read_bytes()
        seed("sessions" if "sessions" in path.name else "configuration", path.name, data[:6000])
    wrong = {
        "empty": "", "null": "~\n", "flow": "[{a: b}, [1, 2], \"x\\n\"]\n", "anchor": "a: &b 1\nc: *b\n",
        "tag": "workers: !!int 1\n", "documents": "workers: 1\n---\nworkers: 2\n", "nested": "[" * 60,
        "not-utf8": "workers: \udcff\n",
        "fields": "capacity: 10\nworkers: 2\ntcp_control: punt\nclosed_retention: 5\n"
                  "timeouts: {learned_tcp: 60, learned_udp: 5, closing: 3, linger: 0}\n",
    }
    entry = ("- {session_id: 1, sourceip: 10.0.0.1, sourceport: 1, destinationip: 10.0.0.2,\n"
             "   destinationport: 80, protocolid: TCP, action: DROP, cachetimeout: 9}\n")
    for name, text in wrong.items():
        for target in ["configuration", "sessions"]:
            seed(target, name, text.encode("utf-8", "surrogateescape"))
    seed("sessions", "entry", entry.encode())
    seed("sessions", "twice", (entry + entry).encode())
    seed("sessions", "key", ("---\nsessions:\n" + entry).encode())
    seed("configuration", "with-sessions", ("workers: 1\nsessions:\n" + entry).encode())


def main():
    """Everything anew."""
    for old in CORPUS.glob("*/*"):
        old.unlink()
    all_vectors = list(vectors())
    make_frames(all_vectors)
    make_worker(all_vectors)
    make_captures()
    make_texts()
    for folder in sorted(CORPUS.iterdir()):
        files = list(folder.iterdir())
        print(f"{folder.name}: {len(files)} inputs, {sum(f.stat().st_size for f in files)} bytes")


if __name__ == "__main__":
    main()
