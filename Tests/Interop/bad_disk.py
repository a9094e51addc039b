"""A disk that is full, at once or in the middle of writing."""

import os
import subprocess

from capture_file import header, record, udp_frame

SMALL_DISK = "64k"


def full(bench):
    """Every file that replay writes, on a device without room and on a tmpfs that fills."""
    capture = bench.write("good.pcap", header() + b"".join(map(record, map(udp_frame, range(20_000)))))
    for name in ("lif-1.pcap", "drop.pcap"):
        directory = os.path.join(bench.directory, f"full-{name}")
        os.mkdir(directory)
        os.symlink("/dev/full", os.path.join(directory, name))
        if name == "drop.pcap":
            config = bench.write("drop.yaml", b"ports: [{ name: only, lif: 1, miss: drop }]\n")
            options = ["--config", config]
        else:
            options = []
        bench.run(f"no room for {name}", capture, "--write", directory, *options, status=(1,),
                  names=[os.path.join(directory, name)])
    bench.run("no room for the sessions", capture, "--learn", "forward", "--sessions-out", "/dev/full",
              status=(1,), names=["/dev/full"])
    with open("/dev/full", "w", encoding="utf-8") as device:
        process = bench.start(capture, "--json", stdout=device)
        bench.finish("no room for the summary", process, (1,))
    missing = os.path.join(bench.directory, "missing", "sessions.jsonl")
    bench.run("no directory for the sessions", capture, "--sessions-out", missing, status=(1, 2),
              names=[missing])
    _small_disk(bench, capture)


def _small_disk(bench, capture):
    """A tmpfs of a few pages, mounted for this case only."""
    directory = os.path.join(bench.directory, "small-disk")
    os.mkdir(directory)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={SMALL_DISK}", "tmpfs", directory]
    if subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        bench.notes.append("small-disk case left out: no tmpfs can be mounted here")
        return
    try:
        bench.run("the disk fills while writing packets", capture, "--write", directory, status=(1,),
                  names=[os.path.join(directory, "lif-1.pcap")])
        os.unlink(os.path.join(directory, "lif-1.pcap"))
        bench.run("the disk fills while two workers write", capture, "--write", directory, "--workers", "2",
                  status=(1,), names=["lif-1.pcap"])
        left = [name for name in os.listdir(directory) if name != "lif-1.pcap"]
        if left:
            bench.problems.append(f"two workers on a full disk leave {left}")
        for name in os.listdir(directory):     # the joined file, if joining had begun
            os.unlink(os.path.join(directory, name))
        sessions = os.path.join(directory, "sessions.jsonl")
        bench.run("the disk fills while writing sessions", capture, "--learn", "forward",
                  "--sessions-out", sessions, status=(1,), names=[sessions])
    finally:
        subprocess.run(["umount", directory], check=True)
