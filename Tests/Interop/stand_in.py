#!/usr/bin/python3
"""A slow stand-in for `sluice replay`, made of the oracle's own readers and model.

It exists to test the oracle: `selftest.py` runs it as it is, and with one defect at a time (named by
SLUICE_DEFECT), each of which the oracle must find.
"""

import argparse
import collections
import datetime
import json
import os
import struct

import yaml

import connection
from packets import Tuple, read_with_scapy, read_with_tshark

DEFECT = os.environ.get("SLUICE_DEFECT", "")


def rfc3339(time):
    moment = datetime.datetime.fromtimestamp(time // 10**9, datetime.timezone.utc)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{time % 10**9:09d}Z"


def session_line(number, session, action):
    end = session.closed_at
    if session.close_code == "_TIMEOUT":
        end = session.last + session.timeout * connection.SECOND
    swap = DEFECT == "orientation"
    source, source_port, destination, port, protocol = session.tuple5
    if swap:
        source, source_port, destination, port = destination, port, source, source_port
    return {
        "session_id": number, "source": source, "source_port": source_port,
        "destination": destination, "destination_port": port, "protocol": protocol, "action": f"_{action}",
        "in_packets": session.packets[swap], "out_packets": session.packets[1 - swap],
        "in_bytes": session.bytes[swap] - (4 if DEFECT == "bytes" else 0),
        "out_bytes": session.bytes[1 - swap],
        "state": "_ESTABLISHED" if session.is_live else "_CLOSED",
        "close_code": "_NOT_CLOSED" if DEFECT == "close code" else session.close_code,
        "start_time": rfc3339(session.start), "end_time": None if session.is_live else rfc3339(end),
    }


def write_capture(path, packets, link):
    if not packets:
        return
    with open(path, "wb") as file:
        file.write(struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 262144, link))
        for packet in packets:
            content = packet.content[:-1] + b"\xEE" if DEFECT == "content" else packet.content
            seconds, rest = divmod(packet.time + (1 if DEFECT == "time" else 0), 10**9)
            file.write(struct.pack("<IIII", seconds, rest, len(content), packet.length) + content)


def link_type(path):
    with open(path, "rb") as file:
        header = file.read(24)
    order = "<" if header[0] in (0xD4, 0x4D) else ">"
    return struct.unpack_from(order + "I", header, 20)[0]


def copies_of(raw, actions, kind, macs):
    made = []
    for packet, action in zip(raw, actions):
        if action[0] == kind:
            mac = bytes.fromhex(macs[action[1]].replace(":", ""))
            made.append(type(packet)(packet.time, packet.length, mac + packet.content[6:]))
    return made[1:] if DEFECT == "copy" else made


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("verb")
    parser.add_argument("capture")
    for name in ("--learn", "--workers", "--sessions-out", "--write", "--config", "--sessions"):
        parser.add_argument(name)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    packets, raw = read_with_tshark(options.capture), read_with_scapy(options.capture)
    (learned if options.learn else requested)(options, packets, raw)


def learned(options, packets, raw):
    sessions = connection.learn(packets)
    lines = [session_line(number, session, "FORWARD") for number, session in enumerate(sessions, 1)]
    finish(options, packets, raw, lines, [("FORWARD", None)] * len(packets), len(sessions), {})


def requested(options, packets, raw):
    with open(options.sessions, encoding="utf-8") as file:
        requests = yaml.safe_load(file)["sessions"]
    with open(options.config, encoding="utf-8") as file:
        macs = {row["address"]: row["mac"] for row in yaml.safe_load(file)["neighbors"]}
    wanted = [
        (Tuple(row["sourceip"], row["sourceport"], row["destinationip"], row["destinationport"],
               "_" + row["protocolid"]), row["cachetimeout"])
        for row in requests]
    sessions, owners = connection.follow(packets, wanted)
    lines = [
        session_line(row["session_id"], session, row["action"]["actiontype"])
        for row, session in zip(requests, sessions)]
    actions = [("FORWARD", None)] * len(packets)
    for number, owner in enumerate(owners):
        if owner is not None:
            action = requests[owner]["action"]
            hop = action.get("actionnexthop") or action.get("actionnexthopv6")
            actions[number] = (action["actiontype"], hop)
    missed = sum(packet.tuple5 is not None and owner is None for packet, owner in zip(packets, owners))
    finish(options, packets, raw, lines, actions, missed, macs)


def finish(options, packets, raw, lines, actions, missed, macs):
    with open(options.sessions_out, "w", encoding="utf-8") as file:
        file.writelines(json.dumps(line) + "\n" for line in lines)
    link = link_type(options.capture)
    kept = [packet for packet, action in zip(raw, actions) if action[0] != "DROP"]
    dropped = [packet for packet, action in zip(raw, actions) if action[0] == "DROP"]
    mirrored, snooped = (copies_of(raw, actions, kind, macs) for kind in ("MIRROR", "SNOOP"))
    write_capture(f"{options.write}/lif-1.pcap", kept[:-1] if DEFECT == "missing packet" else kept, link)
    write_capture(f"{options.write}/drop.pcap", dropped, link)
    write_capture(f"{options.write}/mirror.pcap", mirrored, link)
    write_capture(f"{options.write}/snoop.pcap", snooped, link)
    kinds = collections.Counter(action[0].lower() for action in actions)
    verdicts = {name: kinds[name] for name in ("forward", "drop", "mirror", "snoop", "punt", "consume")}
    closes = collections.Counter(line["close_code"] for line in lines)
    tuples = sum(packet.tuple5 is not None for packet in packets)
    made = kinds["mirror"] + kinds["snoop"]
    count = int(options.workers or 1)
    print(json.dumps({
        "packets": len(packets), "bytes": sum(packet.length for packet in packets),
        "matched": tuples - missed, "missed": missed,
        "other": len(packets) - tuples + (DEFECT == "equation"), "verdicts": verdicts,
        "drops": {"session": kinds["drop"]} if kinds["drop"] else {},
        "sessions": {"opened": len(lines), "live": closes["_NOT_CLOSED"], "closed": {
            code: closes[f"_{code.upper()}"] for code in ("finack", "rst", "timeout")}},
        "transmitted": len(kept) + made, "generated": int(DEFECT == "workers" and count > 1),
        "copies": {"made": made, "failed": 0}, "held": 0, "handed_off": 0,
        "workers": [{"packets": len(packets) * (i == 0), "handed_off": 0} for i in range(count)],
        "seconds": 1, "cpu_seconds": 1, "packets_per_second": 1, "bits_per_second": 1,
    }))


if __name__ == "__main__":
    main()
