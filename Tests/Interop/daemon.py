"""A daemon of the test's own: started on a socket of its own, ended by its process id."""

import os
import re
import signal
import subprocess
import threading
import time

from capture_file import header, record, udp_frame
from command_line import TIME_LIMIT_SECONDS

# The packets of the capture: one each 20 ms, for a second, over and over.
FLOW = ("192.0.2.1:4000", "192.0.2.2:9")
PACKETS, GAP_MICROSECONDS = 50, 20_000
CAPACITY = 20_000


class Daemon:
    """`sluice run` with two ports, the first fed by a capture. A context: it ends with the block."""

    def __init__(self, line, *arguments, name="control", more="", environment=None):
        self.line = line
        self.socket = os.path.join(line.directory, f"{name}.sock")
        self.errors = []
        command = [line.sluice, "run", "--config", configuration(line, name, more), "--socket", self.socket,
                   *arguments]
        self.process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
            env={**os.environ, **(environment or {})})
        self._ready = threading.Event()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.is_ready = self._ready.wait(TIME_LIMIT_SECONDS)
        line.expect("run", self.is_ready and self.process.poll() is None, f"not ready: {self.text[:300]!r}")

    def _read(self):
        for text in self.process.stderr:
            self.errors.append(text)
            if "ready" in text:
                self._ready.set()
        self._ready.set()

    @property
    def text(self):
        """What it said on standard error."""
        return "".join(self.errors)

    def end(self, number=signal.SIGTERM):
        """Sends a signal; the exit status and the seconds that it took."""
        begin = time.monotonic()
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            status = self.process.wait(TIME_LIMIT_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            status = self.process.wait()
        self._reader.join(TIME_LIMIT_SECONDS)
        return status, time.monotonic() - begin

    def run(self, name, *arguments, **wanted):
        """A command of the client, on this daemon's socket."""
        return self.line.run(name, *arguments, "--socket", self.socket, **wanted)

    def add(self, number, *more, source=None, **wanted):
        """Adds a UDP session that none of the packets belongs to, unless `source` says so."""
        return self.run(f"add {number}", "session", "add", "--id", str(number), "--inlif", "1", "--outlif",
                        "2",
                        "--protocol", "udp", "--source", source or f"192.0.2.1:{10_000 + number}",
                        "--destination", FLOW[1], *more, **wanted)

    def until(self, name, question):
        """Asks until the answer is true, which is returned; a problem when it never is."""
        end = time.monotonic() + 20
        while time.monotonic() < end:
            answer = question()
            if answer:
                return answer
            time.sleep(0.05)
        self.line.expect(name, False, "did not happen within 20 s")
        return None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        status, seconds = self.end()
        self.line.expect("run", status == 0, f"ended with status {status}: {self.text[-300:]!r}")
        self.line.expect("run", seconds < 2, f"took {seconds:.2f} s to stop")


def configuration(line, name="control", more=""):
    """The configuration's path; its capture is beside it."""
    frames = (record(udp_frame(4000 + number % 2 * 1000), fraction=number * GAP_MICROSECONDS)
              for number in range(PACKETS))
    line.file("frames.pcap", header() + b"".join(frames))
    return line.file(f"{name}.yaml", f"""
capacity: {CAPACITY}
ports:
  - {{ name: inside, lif: 1, peer: 2, capture: frames.pcap, miss: drop }}
  - {{ name: outside, lif: 2, peer: 1 }}
captures: {{ loop: forever, rate: capture }}
{more}
""")


def entries(numbers, changed=None):
    """A sessions file; the entry of number `changed[0]` has the id `changed[1]`."""
    lines = []
    for number in numbers:
        identity = changed[1] if changed and changed[0] == number else number
        source = f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}"
        lines.append(f"- {{ session_id: {identity}, sourceip: {source}, sourceport: 7, protocolid: TCP,"
                     " destinationip: 198.51.100.1, destinationport: 80, action: FORWARD,"
                     " cachetimeout: 3600 }\n")
    return "".join(lines)


def rows(text):
    """The id of each row of a table of sessions."""
    return [int(number) for number in re.findall(r"^(\d+) +(?:TCP|UDP) ", text, re.MULTILINE)]
