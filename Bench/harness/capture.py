"""The capture that a row reads: made once by bench-capture, described beside it, kept in the page cache."""

import hashlib
import json
import os
import shutil
import subprocess
from dataclasses import asdict, dataclass

SPARE_BYTES = 256 << 20


@dataclass(frozen=True)
class Parameters:
    """What decides every byte of the file."""

    seed: int
    sessions: int
    bytes: int
    size: int


@dataclass(frozen=True)
class Capture:
    """A capture on disk and what bench-capture said about it."""

    path: str
    parameters: Parameters
    packets: int
    sessions: int
    fnv1a: str


def obtain(generator, folder, parameters):
    """The capture of `parameters` in `folder`, made unless it is there already."""
    path = os.path.join(
        folder, f"{parameters.sessions}-sessions-{parameters.size}-bytes-{parameters.bytes >> 20}-MiB.pcap")
    described = path + ".json"
    # A changed generator may write other bytes for the same parameters.
    origin = {"parameters": asdict(parameters), "generator": _digest(generator)}
    made = _read(described)
    if made is None or made["origin"] != origin or not _is_whole(path, made):
        made = {"origin": origin, "made": _make(generator, path, parameters)}
        with open(described, "w", encoding="utf-8") as file:
            json.dump(made, file)
    facts = made["made"]
    return Capture(path, parameters, facts["packets"], facts["sessions"], facts["fnv1a"])


def warm(path):
    """Reads the file once, so that it lies in the page cache."""
    block = bytearray(1 << 20)
    with open(path, "rb", buffering=0) as file:
        while file.readinto(block):
            pass


def _make(generator, path, parameters):
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
        [generator, "--seed", str(parameters.seed), "--sessions", str(parameters.sessions),
         "--bytes", str(parameters.bytes), "--size", str(parameters.size), "--output", part],
        check=True, stdout=subprocess.PIPE)
    os.replace(part, path)
    return json.loads(made.stdout)


def _digest(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _read(path):
    try:
        with open(path, encoding="utf-8") as file:
            return json.load(file)
    except (FileNotFoundError, json.JSONDecodeError):
        return None


def _is_whole(path, made):
    return os.path.exists(path) and os.path.getsize(path) == made["made"]["bytes"]
