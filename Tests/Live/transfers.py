"""Kernel TCP through sluice: a file of the right host, fetched by curl at the left one, sums compared."""

import hashlib
import os

from namespaces import ADDRESSES
from suite import equal, eventually, true

SERVER = """
import http.server, socket, sys
class Server(http.server.ThreadingHTTPServer):
    address_family = socket.AF_INET6
    request_queue_size = 64
class Handler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_): pass
Server(("::", 8080), lambda *a: Handler(*a, directory=sys.argv[1])).serve_forever()
"""


class Files:
    """A directory of the right host, served over HTTP."""

    def __init__(self, case, net, place="right"):
        self.net, self.place = net, place
        self.directory = case.path("served")
        os.mkdir(self.directory)
        self.sums = {}
        net.start(place, "/usr/bin/python3", "-c", SERVER, self.directory)
        eventually(lambda: ":8080" in net.run(place, "ss", "-ltn"), "the server listens", seconds=10)

    def add(self, name, size):
        content = os.urandom(size)
        with open(os.path.join(self.directory, name), "wb") as file:
            file.write(content)
        self.sums[name] = hashlib.sha256(content).hexdigest()

    def start(self, name, address, place="left", seconds=30, rate=None):
        """A fetch under way, at `rate` megabytes a second at most."""
        host = f"[{address}]" if ":" in address else address
        target = os.path.join(self.directory, f"{name}.fetched")
        limit = ("--limit-rate", f"{rate}M") if rate else ()
        process = self.net.start(
            place, "curl", "--silent", "--show-error", "--fail", "--noproxy", "*", "--max-time", seconds,
            *limit, "--output", target, f"http://{host}:8080/{name}")
        return Fetch(process, name, target, self.sums[name], seconds)

    def fetch(self, name, address, **options):
        """Fetches a file whole and unchanged."""
        self.start(name, address, **options).finish()

    def fetch_at_once(self, names, address, **options):
        """Fetches several files over connections at the same time."""
        for running in [self.start(name, address, **options) for name in names]:
            running.finish()


class Fetch:
    """A file on its way."""

    def __init__(self, process, name, target, wanted, seconds):
        self.process, self.name, self.target = process, name, target
        self.wanted, self.seconds = wanted, seconds

    @property
    def is_running(self):
        return self.process.poll() is None

    def finish(self):
        """Waits for the end: all has come, unchanged."""
        equal(self.process.wait(self.seconds + 5), 0, f"curl's status for {self.name}")
        with open(self.target, "rb") as file:
            equal(hashlib.sha256(file.read()).hexdigest(), self.wanted, f"the sum of {self.name}")


# Segments of some 43,000 that a transfer may send again: without changes it is a dozen on busy cores.
FEW = 200


def segments_sent_again(net):
    """By all hosts, so far."""
    found = 0
    for place in ADDRESSES:
        for line in net.run(place, "nstat", "-asz", "TcpRetransSegs").splitlines():
            if line.startswith("TcpRetransSegs"):
                found += int(line.split()[1])
    return found


def change_under(fetch, net, changes, least):
    """Calls `changes` over and over while a fetch is under way, which must not notice.

    Returns what the calls returned.
    """
    before, answers = segments_sent_again(net), []
    while fetch.is_running:
        answers.append(changes())
    fetch.finish()
    true(len(answers) >= least, f"{len(answers)} rounds of changes")
    again = segments_sent_again(net) - before
    true(again <= FEW, f"{again} segments were sent again, in {len(answers)} rounds")
    return answers
