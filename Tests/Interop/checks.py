"""What must hold for a capture replayed with learned sessions. Each check yields its differences."""

import collections

from connection import SECOND, learn
from packets import read_with_scapy, read_with_tshark, reverse, unordered

SUMMARY_FIELDS = [
    "packets", "bytes", "matched", "missed", "other", "verdicts", "drops", "sessions", "transmitted",
    "generated", "copies", "held", "handed_off", "workers", "seconds", "cpu_seconds",
    "packets_per_second", "bits_per_second",
]
# The part of the summary that must not depend on the number of workers.
STEADY_FIELDS = [
    "packets", "bytes", "matched", "missed", "other", "verdicts", "drops", "sessions", "transmitted",
    "generated", "copies", "held",
]


def name_of(tuple5):
    return "{0} {1}.{2} > {3}.{4}".format(tuple5.protocol[1:], *tuple5[:4])


def conversations(packets, run):
    """Packets and bytes per direction of every 5-tuple, summed over its sessions, and the initiator."""
    theirs, ours = collections.defaultdict(lambda: [0, 0]), collections.defaultdict(lambda: [0, 0])
    initiator, first_session = {}, {}
    for packet in packets:
        if packet.tuple5:
            initiator.setdefault(unordered(packet.tuple5), packet.tuple5)
            theirs[packet.tuple5][0] += 1
            theirs[packet.tuple5][1] += packet.length
    for session in sorted(run.sessions, key=lambda session: session.start or 0):
        first_session.setdefault(unordered(session.tuple5), session.tuple5)
        for way, tuple5 in enumerate((session.tuple5, reverse(session.tuple5))):
            ours[tuple5][0] += session.packets[way]
            ours[tuple5][1] += session.bytes[way]
    for tuple5 in sorted({key for key in {*theirs, *ours} if theirs[key] != ours[key]}):
        yield "{}: tshark {} packets {} bytes, sluice {} packets {} bytes".format(
            name_of(tuple5), *theirs[tuple5], *ours[tuple5])
    for key, tuple5 in initiator.items():
        if first_session.get(key, tuple5) != tuple5:
            yield f"{name_of(first_session[key])}: the initiator is the other side"


def streams(packets, run):
    """TCP session by TCP session, where tshark splits a tuple as a session tracker must.

    They differ when a SYN meets a session that is still open, and when a session times out.
    """
    model = collections.defaultdict(list)
    for connection in learn(packets):
        model[unordered(connection.tuple5)].append((connection.start, sum(connection.packets)))
    by_tuple = collections.defaultdict(dict)
    for packet in packets:
        if packet.stream is not None and packet.tuple5:
            by_tuple[unordered(packet.tuple5)].setdefault(packet.stream, []).append(packet)
    ours = _sessions_by_tuple(run)
    for key, split in by_tuple.items():
        if model[key] != [(stream[0].time, len(stream)) for stream in split.values()]:
            continue
        if len(ours[key]) != len(split):
            yield f"{name_of(key)}: {len(split)} streams, {len(ours[key])} sessions"
            continue
        for session, stream in zip(ours[key], split.values()):
            counts = [0, 0, 0, 0]
            for packet in stream:
                way = 0 if packet.tuple5 == session.tuple5 else 1
                counts[way] += 1
                counts[2 + way] += packet.length
            if counts != [*session.packets, *session.bytes]:
                yield (f"{name_of(session.tuple5)} stream {stream[0].stream}: in, out packets and bytes "
                       f"tshark {counts}, sluice {[*session.packets, *session.bytes]}")
            if session.start != stream[0].time:
                yield (f"{name_of(session.tuple5)} stream {stream[0].stream}: starts at {stream[0].time} ns, "
                       f"sluice says {session.start}")


def sessions(packets, run):
    """Session by session against the naive model: split, counts, start, close code, end."""
    expected = collections.defaultdict(list)
    for connection in learn(packets):
        expected[unordered(connection.tuple5)].append(connection)
    ours = _sessions_by_tuple(run)
    for key in sorted({*expected, *ours}):
        if len(expected[key]) != len(ours[key]):
            yield f"{name_of(key)}: {len(expected[key])} sessions expected, {len(ours[key])} found"
            continue
        for connection, session in zip(expected[key], ours[key]):
            yield from differences(connection, session)


def differences(connection, session, with_start=True):
    """One session against its model."""
    who = f"{name_of(session.tuple5)} (session {session.session_id})"
    pairs = [
        ("initiator", connection.tuple5, session.tuple5),
        ("packets", connection.packets, list(session.packets)),
        ("bytes", connection.bytes, list(session.bytes)),
        ("close code", connection.close_code, session.close_code),
        ("closed", not connection.is_live, session.state == "_CLOSED"),
        ("has an end", not connection.is_live, session.end is not None),
    ]
    if with_start:
        pairs.append(("start", connection.start, session.start))
    if connection.close_code == session.close_code == "_TIMEOUT" and not connection.fins:
        pairs.append(("end", connection.last + connection.timeout * SECOND, session.end))
    elif connection.closed_at is not None and session.end is not None:
        pairs.append(("end inside", True, connection.start <= session.end <= connection.last))
    for what, expected, found in pairs:
        if expected != found:
            yield f"{who}: {what} {expected} expected, {found} found"


def _sessions_by_tuple(run):
    """Unordered 5-tuple -> its sessions in order of their start."""
    found = collections.defaultdict(list)
    for session in sorted(run.sessions, key=lambda session: (session.start or 0, session.session_id)):
        found[unordered(session.tuple5)].append(session)
    return found


def summary(packets, run):
    """The summary against the packets and against the sessions that it sums up."""
    total = run.summary
    for field in SUMMARY_FIELDS:
        if field not in total:
            yield f"{field} is missing"
            return
    closes = collections.Counter(session.close_code for session in run.sessions)
    in_session = sum(sum(session.packets) for session in run.sessions)
    with_tuple = sum(packet.tuple5 is not None for packet in packets)
    hits_and_misses = total["matched"] + total["missed"]
    pairs = [
        ("packets", len(packets), total["packets"]),
        ("bytes", sum(packet.length for packet in packets), total["bytes"]),
        ("matched + missed", with_tuple, hits_and_misses),
        ("matched + missed by sessions", in_session, hits_and_misses),
        ("missed = opened", total["missed"], total["sessions"]["opened"]),
        ("sessions opened", len(run.sessions), total["sessions"]["opened"]),
        ("sessions live", closes["_NOT_CLOSED"], total["sessions"]["live"]),
        ("sessions closed", {code: closes[f"_{code.upper()}"] for code in ("finack", "rst", "timeout")},
         {code: total["sessions"]["closed"][code] for code in ("finack", "rst", "timeout")}),
        ("verdicts.forward", len(packets), total["verdicts"]["forward"]),
        ("held", 0, total["held"]),
    ]
    for what, expected, found in pairs:
        if expected != found:
            yield f"{what}: {expected} expected, {found} found"


def equations(run):
    """The equations that hold for every run, design decision 6."""
    total = run.summary
    verdicts, copies = total["verdicts"], total["copies"]
    sent = sum(verdicts[name] for name in ("forward", "mirror", "snoop", "punt"))
    pairs = [
        ("packets = sum of verdicts", total["packets"], sum(verdicts.values())),
        ("verdicts.drop = sum of drops", verdicts["drop"], sum(total["drops"].values())),
        ("packets = matched + missed + other", total["packets"],
         total["matched"] + total["missed"] + total["other"]),
        ("transmitted = forward + mirror + snoop + punt + generated + copies made - failed",
         total["transmitted"], sent + total["generated"] + copies["made"] - copies["failed"]),
        ("packets = sum over workers", total["packets"],
         sum(worker["packets"] for worker in total["workers"])),
    ]
    for what, left, right in pairs:
        if left != right:
            yield f"{what}: {left} is not {right}"


def written(capture, packets, run):
    """lif-1.pcap equals the capture in packets, order, times, lengths, bytes; nothing else was written.

    Fragments that came before their datagram's first one stand behind it.
    """
    path = run.written("lif-1.pcap")
    if path is None:
        if packets:
            yield "lif-1.pcap was not written"
        return
    for name in ("mirror.pcap", "snoop.pcap", "punt.pcap", "drop.pcap", "lif-2.pcap"):
        if run.written(name):
            yield f"{name} was written although everything is forwarded"
    yield from same_by_tshark(packets, read_with_tshark(path))
    received = read_with_scapy(capture)
    yield from same_bytes([received[packet.number] for packet in packets], read_with_scapy(path))


def same_by_tshark(expected, found):
    """Count, time, original length and tuple of every packet."""
    if len(expected) != len(found):
        yield f"tshark: {len(expected)} packets expected, {len(found)} written"
    for left, right in zip(expected, found):
        for what in ("captured", "length", "tuple5"):
            if getattr(left, what) != getattr(right, what):
                yield (f"tshark: packet {left.number}: {what} {getattr(left, what)} "
                       f"became {getattr(right, what)}")


def same_bytes(expected, found, what="packet"):
    """Every byte, time and original length, by the second reader."""
    if len(expected) != len(found):
        yield f"scapy: {len(expected)} {what}s expected, {len(found)} written"
    for number, (left, right) in enumerate(zip(expected, found)):
        if left != right:
            yield (f"scapy: {what} {number}: time {left.time}, {left.length} bytes, digest {left.digest} "
                   f"became time {right.time}, {right.length} bytes, digest {right.digest}")


def workers(one, several):
    """Two workers give the answer of one: the summary, the sessions without ids, the written packets."""
    if several.status != 0:
        yield f"with two workers: exit status {several.status}: {several.errors.strip()}"
        return
    yield from equations(several)
    for field in STEADY_FIELDS:
        if one.summary[field] != several.summary[field]:
            yield f"{field}: {one.summary[field]} with one worker, {several.summary[field]} with two"
    if len(several.summary["workers"]) != 2:
        yield f"{len(several.summary['workers'])} workers reported"
    yield from _same_sessions(one, several)
    if one.written("lif-1.pcap") and several.written("lif-1.pcap"):
        files = [read_with_scapy(run.written("lif-1.pcap")) for run in (one, several)]
        if files[0] != files[1]:
            yield "written packets: another order with two workers"
        left, right = (collections.Counter(packets) for packets in files)
        if left != right:
            yield f"written packets: {sum((left - right).values())} only with one worker, " \
                  f"{sum((right - left).values())} only with two"


def _same_sessions(one, several):
    left, right = (
        collections.Counter(
            (session.tuple5, session.packets, session.bytes, session.state, session.close_code,
             session.start, session.end, session.action) for session in run.sessions)
        for run in (one, several))
    for session in sorted((left - right) | (right - left), key=str):
        with_one = left[session] > right[session]
        yield f"{name_of(session[0])}: only with {'one worker' if with_one else 'two workers'}: {session[1:]}"
