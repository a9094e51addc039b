"""The demo's sessions file: what each action did to each packet."""

import os

import yaml

import checks
from connection import follow
from packets import Tuple, read_with_scapy, read_with_tshark
from replay import replay


def examine(sluice, root, directory):
    """Replays the demo with its sessions: (what was compared, [(check, difference)])."""
    configs = os.path.join(root, "configs")
    capture = os.path.join(configs, "demo.pcap")
    requests = _load(os.path.join(configs, "demo-sessions.yaml"))["sessions"]
    config = os.path.join(configs, "demo-replay.yaml")
    neighbors = {row["address"]: row["mac"] for row in _load(config)["neighbors"]}
    run = replay(sluice, capture, directory, "--config", config,
                 "--sessions", os.path.join(configs, "demo-sessions.yaml"))
    if run.status != 0:
        return "", [("replay", f"exit status {run.status}: {run.errors.strip()}")]
    packets, raw = read_with_tshark(capture), read_with_scapy(capture)
    tuples = [(_tuple(request), request["cachetimeout"]) for request in requests]
    connections, owners = follow(packets, tuples)
    kinds = [requests[owner]["action"]["actiontype"] if owner is not None else None for owner in owners]
    found = []
    for name, differences in [
        ("sessions", _sessions(requests, connections, run)),
        ("summary", _summary(packets, kinds, run)),
        ("equations", checks.equations(run)),
        ("lif-1.pcap", _same(run, "lif-1.pcap", [p for p, kind in zip(raw, kinds) if kind != "DROP"])),
        ("drop.pcap", _same(run, "drop.pcap", [p for p, kind in zip(raw, kinds) if kind == "DROP"])),
        ("mirror.pcap", _copies(run, "MIRROR", raw, owners, requests, neighbors)),
        ("snoop.pcap", _copies(run, "SNOOP", raw, owners, requests, neighbors)),
    ]:
        found += [(name, difference) for difference in differences]
    counts = ", ".join(f"{kind} {kinds.count(kind)}" for kind in ("FORWARD", "DROP", "MIRROR", "SNOOP"))
    return f"{len(requests)} sessions; packets {counts}, without session {kinds.count(None)}", found


def _load(path):
    with open(path, encoding="utf-8") as file:
        return yaml.safe_load(file)


def _tuple(request):
    return Tuple(request["sourceip"], request["sourceport"], request["destinationip"],
                 request["destinationport"], f"_{request['protocolid']}")


def _sessions(requests, connections, run):
    """Every session by its id: counts and how it ended. Its start is when it was added."""
    ours = {session.session_id: session for session in run.sessions}
    for request, connection in zip(requests, connections):
        session = ours.pop(request["session_id"], None)
        if session is None:
            yield f"session {request['session_id']} is not reported"
            continue
        yield from checks.differences(connection, session, with_start=False)
        if session.action != f"_{request['action']['actiontype']}":
            yield f"session {session.session_id}: action {session.action}"
    for number in ours:
        yield f"session {number} was not asked for"


def _summary(packets, kinds, run):
    total = run.summary
    in_tuple = sum(packet.tuple5 is not None for packet in packets)
    matched = sum(kind is not None for kind in kinds)
    copies = sum(kind in ("MIRROR", "SNOOP") for kind in kinds)
    pairs = [
        ("matched", matched, total["matched"]),
        ("missed", in_tuple - matched, total["missed"]),
        ("other", len(packets) - in_tuple, total["other"]),
        ("verdicts.drop", kinds.count("DROP"), total["verdicts"]["drop"]),
        ("verdicts.mirror", kinds.count("MIRROR"), total["verdicts"]["mirror"]),
        ("verdicts.snoop", kinds.count("SNOOP"), total["verdicts"]["snoop"]),
        ("verdicts.forward", kinds.count("FORWARD") + kinds.count(None), total["verdicts"]["forward"]),
        ("copies", copies, total["copies"]["made"] - total["copies"]["failed"]),
    ]
    for what, expected, found in pairs:
        if expected != found:
            yield f"{what}: {expected} expected, {found} found"


def _same(run, name, expected):
    """A written capture that holds exactly these packets of the input, unchanged and in order."""
    path = run.written(name)
    yield from checks.same_bytes(expected, read_with_scapy(path) if path else [])


def _copies(run, kind, raw, owners, requests, neighbors):
    """The copies of one action: the network packet as it was, the Ethernet header the neighbour's."""
    expected = []
    for packet, owner in zip(raw, owners):
        if owner is not None and requests[owner]["action"]["actiontype"] == kind:
            action = requests[owner]["action"]
            expected.append((packet, neighbors[action.get("actionnexthop") or action["actionnexthopv6"]]))
    path = run.written(f"{kind.lower()}.pcap")
    found = read_with_scapy(path) if path else []
    if len(expected) != len(found):
        yield f"{len(expected)} copies expected, {len(found)} written"
    for number, ((packet, mac), copy) in enumerate(zip(expected, found)):
        if copy.destination_mac != mac:
            yield f"copy {number}: to {copy.destination_mac} instead of the next hop's {mac}"
        if copy.network_packet != packet.network_packet or copy.time != packet.time:
            yield (f"copy {number}: is not the packet of time {packet.time}, "
                   f"{len(packet.network_packet)} bytes after the Ethernet header")
