"""Kernel TCP through sluice: a file of the right host, fetched by curl at the left one, sums compared."""

import hashlib
import os

from suite import equal, eventually

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

    def fetch(self, name, address, place="left", seconds=30):
        """Fetches a file whole and unchanged."""
        host = f"[{address}]" if ":" in address else address
        target = os.path.join(self.directory, f"{name}.fetched")
        self.net.run(place, "curl", "--silent", "--show-error", "--fail", "--noproxy", "*", "--max-time",
                     seconds, "--output", target, f"http://{host}:8080/{name}", seconds=seconds + 5)
        with open(target, "rb") as file:
            equal(hashlib.sha256(file.read()).hexdigest(), self.sums[name], f"the sum of {name}")

    def fetch_at_once(self, names, address, place="left", seconds=30):
        """Fetches several files over connections at the same time."""
        running = []
        for name in names:
            target = os.path.join(self.directory, f"{name}.fetched")
            running.append(self.net.start(
                place, "curl", "--silent", "--show-error", "--fail", "--noproxy", "*", "--max-time", seconds,
                "--output", target, f"http://{address}:8080/{name}"))
        for name, process in zip(names, running):
            equal(process.wait(seconds + 5), 0, f"curl's status for {name}")
            with open(os.path.join(self.directory, f"{name}.fetched"), "rb") as file:
                equal(hashlib.sha256(file.read()).hexdigest(), self.sums[name], f"the sum of {name}")
