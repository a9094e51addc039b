"""A capture that shrinks while it is being read."""

import os
import signal
import subprocess
import time

from capture_file import header, record, udp_frame

# UDP payloads, and how many packets make the capture: short packets are read, long ones mapped.
SHAPES = ((22, 1_966_080), (1400, 180_000))
DELAYS_SECONDS = (0.0, 0.005, 0.02, 0.05, 0.1)


def shrinking(bench):
    """The run is stopped when it has the file open, the file is cut, the run goes on.

    A cut can come too late, after the last byte was read; then the run is tried with a shorter delay.
    """
    for payload, packets in SHAPES:
        frames = [record(udp_frame(port, bytes(payload))) for port in range(64)]
        record_bytes = len(frames[0])
        content = header() + b"".join(frames) * (packets // 64)
        caught = _cut_each_way(bench, content, record_bytes)
        if caught == 0:
            bench.problems.append(f"no run of packets with {payload} bytes was slow enough for a cut")
        bench.notes.append(f"{caught} runs of packets with {payload} bytes had the file cut under them")


def _cut_each_way(bench, content, record_bytes):
    """How many of the runs had the file cut in time."""
    caught = 0
    for options in ([], ["--workers", "2"], ["--learn", "forward", "--write", bench.directory]):
        for kept in (0, 24, 4096, 100_000, len(content) // 2 + 7):
            for delay in reversed(DELAYS_SECONDS):
                if _cut_in_mid_run(bench, content, record_bytes, kept, delay, options):
                    caught += 1
                    break
    return caught


def _cut_in_mid_run(bench, content, record_bytes, kept, delay, options):
    """One run; whether the cut came in time. The error names an offset from the last whole record on."""
    path = bench.write("shrinking.pcap", content)
    process = bench.start(path, "--json", *options, stdout=subprocess.DEVNULL)
    while process.poll() is None and not _has_open(process.pid, path):
        time.sleep(0.0005)
    time.sleep(delay)
    if process.poll() is not None:
        process.communicate()
        return False
    process.send_signal(signal.SIGSTOP)
    os.truncate(path, kept)
    process.send_signal(signal.SIGCONT)
    name = f"cut to {kept} after {delay} s {' '.join(options[:2])}".strip()
    before = len(bench.problems)
    last_record = max(0, kept - record_bytes)
    status, _, _ = bench.finish(
        name, process, (0, 1), names=[path], offsets=range(last_record, len(content) + 1))
    if status == 0:
        del bench.problems[before:]
    return status != 0


def _has_open(process_id, path):
    """Whether the process has the file open or mapped."""
    try:
        directory = f"/proc/{process_id}/fd"
        if any(os.readlink(f"{directory}/{name}") == path for name in os.listdir(directory)):
            return True
        with open(f"/proc/{process_id}/maps", encoding="utf-8") as maps:
            return path in maps.read()
    except OSError:
        return False
