"""Runs the release binary and notes what is wrong with how it ended."""

import os
import re
import subprocess

from capture_file import header

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
DEMO = os.path.join(ROOT, "configs", "demo.pcap")
SESSIONS = os.path.join(ROOT, "configs", "demo-sessions.yaml")
CONFIG = os.path.join(ROOT, "configs", "demo-replay.yaml")
TIME_LIMIT_SECONDS = 60
# A hole of this size reads as records of empty packets: a second of work that takes no disk.
LONG_CAPTURE_PACKETS = 1 << 25


class CommandLine:
    """The binary, a directory for files, and what went wrong."""

    def __init__(self, sluice, directory):
        self.sluice = sluice
        self.directory = directory
        self.cases = 0
        self.problems = []

    def file(self, name, content):
        """A file of the test's own; its path."""
        path = os.path.join(self.directory, name)
        with open(path, "wb") as file:
            file.write(content if isinstance(content, bytes) else content.encode())
        return path

    def long_capture(self):
        """A capture that takes about a second."""
        path = self.file("long.pcap", header())
        os.truncate(path, len(header()) + 16 * LONG_CAPTURE_PACKETS)
        return path

    def run(self, name, *arguments, status=0, output=(), errors=(), environment=None):
        """Runs a case; every expression of `output` and `errors` must be found in that stream."""
        self.cases += 1
        done = subprocess.run([self.sluice, *arguments], stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, timeout=TIME_LIMIT_SECONDS, check=False,
                              env={**os.environ, **(environment or {})})
        self.expect(name, done.returncode == status,
                    f"exit status {done.returncode}, not {status}: {done.stderr.strip()[:300]}")
        for stream, text, expressions in (("output", done.stdout, output), ("errors", done.stderr, errors)):
            for expression in expressions:
                self.expect(name, re.search(expression, text, re.MULTILINE),
                            f"{expression!r} is not in its {stream}: {text.strip()[:300]!r}")
        return done.stdout

    def expect(self, name, holds, problem):
        """Notes a problem when `holds` is not true."""
        if not holds:
            self.problems.append(f"{name}: {problem}")
