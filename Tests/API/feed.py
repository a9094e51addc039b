"""Ports of a daemon that receive what the test writes: captures that are FIFOs."""

import os

from capture_file import header, record
from settings import port, settings
from suite import equal, eventually


class Feed:
    """The write end of a FIFO that a port reads as a capture."""

    def __init__(self, path):
        self.path = path
        os.mkfifo(path)
        # For reading too, so that opening waits for nobody and the daemon finds the header at once.
        self.descriptor = os.open(path, os.O_RDWR)
        os.write(self.descriptor, header())

    def write(self, content):
        view = memoryview(content)
        while view:
            view = view[os.write(self.descriptor, view):]

    def close(self):
        if self.descriptor is not None:
            os.close(self.descriptor)
            self.descriptor = None


class Wire:
    """A daemon with two ports, LIF 1 and LIF 2, that are each other's peer, and the packets it has seen."""

    def __init__(self, case, options=None, ports=None, **others):
        self.feeds = {lif: Feed(case.path(f"lif-{lif}.fifo")) for lif in (1, 2)}
        shared = {"miss": "forward", **(ports or {})}
        self.daemon = case.daemon(settings(
            [port(f"lif-{lif}", lif, capture=feed.path, **shared) for lif, feed in self.feeds.items()],
            captures={"rate": "max"}, **{"capacity": 1000, "workers": 1, **others}), **(options or {}))
        self.fed = 0

    def send(self, *packets, lif=1, original=None):
        """Gives packets to the port and waits until all of them have had their verdict."""
        self.feeds[lif].write(b"".join(record(packet, original=original) for packet in packets))
        self.fed += len(packets)
        self.settle()

    def settle(self):
        eventually(lambda: self.seen() >= self.fed, f"{self.fed} packets get their verdict")
        equal(self.seen(), self.fed, "packets that got a verdict")

    def seen(self):
        return self.daemon.counters()["packets"]

    def close(self):
        for feed in self.feeds.values():
            feed.close()
