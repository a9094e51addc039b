"""The capture that a row reads: made once by `sluice generate`, described beside it, kept in the cache."""

import hashlib
import json
import os
import shutil
import subprocess
from dataclasses import asdict, dataclass

SPARE_BYTES = 256 << 20
FILE_HEADER_BYTES = 24
RECORD_HEADER_BYTES = 16
DIGESTED_PACKETS = 10_000


@dataclass(frozen=True)
class Parameters:
    """What decides every byte of the file."""

    seed: int
    sessions: int
    bytes: int
    size: int

    def packets(self):
        """As many as fit."""
        return (self.bytes - FILE_HEADER_BYTES) // (RECORD_HEADER_BYTES + self.size)

    def arguments(self, packets, path):
        """What `sluice` is given: data of established sessions in random order, a microsecond apart."""
        return ["generate", "--shape", "steady", "--rate", "1000000", "--seed", str(self.seed),
                "--flows", str(min(self.sessions, packets)), "--packets", str(packets),
                "--size", str(self.size), "--write", path, "--json"]


@dataclass(frozen=True)
class Capture:
    """A capture on disk and what `sluice generate` said about it."""

    path: str
    parameters: Parameters
    packets: int
    sessions: int
    digest: str   # of what the generator makes of the parameters, in hexadecimal


def obtain(sluice, folder, parameters):
    """The capture of `parameters` in `folder`, made by `sluice` unless it is there already."""
    path = os.path.join(
        folder, f"{parameters.sessions}-sessions-{parameters.size}-bytes-{parameters.bytes >> 20}-MiB.pcap")
    described = path + ".json"
    # A changed generator may write other bytes for the same parameters.
    digest = _digest(sluice, parameters)
    origin = {"parameters": asdict(parameters), "digest": digest}
    made = _read(described)
    if made is None or made["origin"] != origin or not _is_whole(path, made):
        made = {"origin": origin, "made": _make(sluice, path, parameters)}
        with open(described, "w", encoding="utf-8") as file:
            json.dump(made, file)
    facts = made["made"]
    return Capture(path, parameters, facts["packets"], facts["sessions"]["live"], digest)


def warm(path):
    """Leaves the file in the page cache as reading it from the disk does, however it came there before.

    How large the pieces are in which the kernel keeps a file depends on who read or wrote it, and on how
    memory lay then; with small ones both sides are slower, ours more.
    """
    block = bytearray(1 << 20)
    with open(path, "rb", buffering=0) as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        while file.readinto(block):
            pass


def _make(sluice, path, parameters):
    for stale in (path, path + ".json"):
        if os.path.exists(stale):
            os.remove(stale)
    free = shutil.disk_usage(os.path.dirname(path)).free
    if free < parameters.bytes + SPARE_BYTES:
        raise SystemExit(
            f"{os.path.dirname(path)}: {free >> 20} MiB free, "
            f"{(parameters.bytes + SPARE_BYTES) >> 20} MiB needed for the capture")
    part = path + ".part"
    made = subprocess.run(
        [sluice, *parameters.arguments(parameters.packets(), part)], check=True, stdout=subprocess.PIPE)
    os.replace(part, path)
    return json.loads(made.stdout)


def _digest(sluice, parameters):
    """SHA-256 of a small capture of the same kind: tells another generator without reading the large one."""
    small = subprocess.run([sluice, *parameters.arguments(DIGESTED_PACKETS, "-")], check=True,
                           stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    return hashlib.sha256(small.stdout).hexdigest()[:16]


def _read(path):
    try:
        with open(path, encoding="utf-8") as file:
            return json.load(file)
    except (FileNotFoundError, json.JSONDecodeError):
        return None


def _is_whole(path, made):
    facts = made["made"]
    bytes_written = FILE_HEADER_BYTES + facts["packets"] * RECORD_HEADER_BYTES + facts["bytes"]
    return os.path.exists(path) and os.path.getsize(path) == bytes_written
