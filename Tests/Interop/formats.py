"""The same packets in other formats: what `sluice replay` says must not change.

The formats are made by others: editcap, tshark, mergecap and dumpcap (which also captures what comes on its
standard input), scapy, gzip. Each comes as a file and through a pipe on standard input.
"""

import collections
import gzip
import json
import os
import re
import subprocess

import scapy.layers.l2  # scapy's readers look links up there
from scapy.utils import PcapNgWriter, RawPcapReader, rdpcap

TIME_LIMIT_SECONDS = 120
TIMES = ("seconds", "cpu_seconds", "packets_per_second", "bits_per_second")
CHUNK = 1777    # of gzip members: in the middle of records


def examine(sluice, capture, directory):
    """(what was compared, [(check, difference)]) of one classic capture."""
    os.makedirs(directory)
    with open(capture, "rb") as file:
        content = file.read()
    formats = {"classic": content, **_formats(capture, content, directory)}
    for name in list(formats):
        formats[f"{name} in gzip"] = gzip.compress(formats[name])
    formats["classic in many gzip members"] = b"".join(
        gzip.compress(content[i:i + CHUNK]) for i in range(0, len(content), CHUNK))
    wanted = run(sluice, [capture], directory)
    found = []
    for name, packed in formats.items():
        path = os.path.join(directory, "in")
        with open(path, "wb") as file:
            file.write(packed)
        for way, result in [
            ("file", run(sluice, [path], directory)), ("pipe", run(sluice, ["-"], directory, content=packed)),
            ("file, 2 workers", run(sluice, [path, "--workers", "2"], directory)),
        ]:
            found += [(f"{name}, {way}", text) for text in _differences(wanted, result)]
    return f"{len(formats)} formats of {wanted[0].get('packets')} packets, each as file and pipe", found


def interfaces(sluice, captures, directory):
    """Interface i of a merged capture is LIF i + 1: what leaves by each LIF, against tshark."""
    os.makedirs(directory)
    merged = os.path.join(directory, "merged.pcapng")
    _do(["mergecap", "-F", "pcapng", "-I", "none", "-w", merged, *captures])
    packets = _by_interface(merged)
    found = []
    for content in (None, "pipe"):
        written = os.path.join(directory, f"written-{content}")
        arguments = [merged if content is None else "-", "--write", written]
        with open(merged, "rb") as file:
            summary, _ = run(sluice, arguments, directory, content=file.read() if content else None)
        if summary.get("packets") != sum(map(len, packets.values())):
            found.append(("interfaces", f"{summary} packets, tshark {sum(map(len, packets.values()))}"))
        for interface, wanted in packets.items():
            lif = 2 - interface if len(packets) == 2 else interface + 1
            names = [name for name in os.listdir(written) if re.fullmatch(rf"lif-{lif}(-.*)?\.pcap", name)]
            left = [_by_interface(os.path.join(written, name))[0] for name in names]
            if left != [wanted]:
                found.append(("interfaces", f"interface {interface}: {len(wanted)} packets, by LIF {lif} "
                              f"left {[len(part) for part in left]}"))
    return f"{len(packets)} interfaces, as file and pipe", found


def run(sluice, arguments, directory, content=None):
    """(summary without times, sorted sessions without ids) of one replay."""
    ended = os.path.join(directory, "ended.jsonl")
    done = subprocess.run(
        [sluice, "replay", *arguments, "--learn", "forward", "--json", "--sessions-out", ended],
        input=content, stdin=None if content is not None else subprocess.DEVNULL, capture_output=True,
        check=False, timeout=TIME_LIMIT_SECONDS)
    if done.returncode != 0:
        return {"status": done.returncode, "errors": done.stderr.decode().strip()}, []
    summary = json.loads(done.stdout)
    for name in (*TIMES, "workers", "handed_off"):
        summary.pop(name)
    with open(ended, encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    for row in rows:
        row.pop("session_id")
    return summary, sorted(json.dumps(row, sort_keys=True) for row in rows)


def _differences(wanted, found):
    if wanted[0] != found[0]:
        yield f"summary {found[0]}, classic {wanted[0]}"
    elif wanted[1] != found[1]:
        yield f"{len(set(wanted[1]) ^ set(found[1]))} sessions differ"


def _formats(capture, content, directory):
    """Name -> bytes of the capture as other programs write it."""
    path = os.path.join(directory, "made")
    made = {}
    for name, command in {
        "pcapng by editcap": ["editcap", "-F", "pcapng", capture, path],
        "nanoseconds by editcap": ["editcap", "-F", "nsecpcap", capture, path],
        "pcapng by tshark": ["tshark", "-n", "-r", capture, "-F", "pcapng", "-w", path],
        "pcapng by mergecap": ["mergecap", "-F", "pcapng", "-w", path, capture],
        "pcapng by dumpcap": ["dumpcap", "-q", "-i", "-", "-w", path],
    }.items():
        _do(command, content if command[0] == "dumpcap" else None)
        made[name] = _taken(path)
    reader = RawPcapReader(capture)
    is_simple = reader.linktype == 1 and not reader.nano
    reader.close()
    if is_simple and len(content) < 100_000:
        with PcapNgWriter(path) as writer:
            for packet in rdpcap(capture):
                writer.write(packet)
        made["pcapng by scapy"] = _taken(path)
    made["two sections"] = _in_two_sections(capture, directory)
    return made


def _in_two_sections(capture, directory):
    """The packets in two pcapng sections after each other, of one interface."""
    parts = []
    count = len(_by_interface(capture)[0])
    for part in (f"1-{count // 2}", f"{count // 2 + 1}-{count}"):
        path = os.path.join(directory, "part")
        _do(["editcap", "-r", "-F", "pcapng", capture, path, part])
        parts.append(_taken(path))
    return b"".join(parts)


def _by_interface(capture):
    """Interface -> [(time, length, captured length)] as tshark has them."""
    fields = ["frame.interface_id", "frame.time_epoch", "frame.len", "frame.cap_len"]
    wanted = [part for name in fields for part in ("-e", name)]
    text = _do(["tshark", "-n", "-r", capture, "-T", "fields", *wanted])
    found = collections.defaultdict(list)
    for line in text.decode().splitlines():
        interface, *rest = line.split("\t")
        found[int(interface or 0)].append(rest)
    return found


def _do(command, content=None):
    return subprocess.run(command, input=content, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=True,
                          timeout=TIME_LIMIT_SECONDS).stdout


def _taken(path):
    """The content of a file, which is removed."""
    with open(path, "rb") as file:
        content = file.read()
    os.unlink(path)
    return content
