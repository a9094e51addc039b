"""Hosts in network namespaces of their own, and a namespace between them where sluice runs.

        left                    middle                    right
    +----------+       +------------------------+      +----------+
    |   eth0   |-------| port0    sluice  port1 |------|   eth0   |
    +----------+       +------------------------+      +----------+
     10.77.0.1/24                                       10.77.0.2/24
     fd77::1/64                                         fd77::2/64

A third host is `beside`, at port2, for who asks for it.

Names are unique to the process; everything goes when the test ends. Offloads are as the kernel has them.
"""

import itertools
import json
import os
import subprocess

ADDRESSES = {"left": ("10.77.0.1", "fd77::1"), "right": ("10.77.0.2", "fd77::2")}
BESIDE = {"beside": ("10.77.1.1", "fd77:1::1")}
PORTS = {"left": "port0", "right": "port1", "beside": "port2"}
_numbers = itertools.count()


class Unusable(Exception):
    """This machine lets nobody make network namespaces; why, in words."""


def check():
    """Raises Unusable where namespaces cannot be made."""
    if os.geteuid() != 0:
        raise Unusable("network namespaces need root")
    try:
        with Net():
            pass
    except (OSError, subprocess.CalledProcessError) as error:
        raise Unusable(f"no network namespaces here: {error}") from error


class Net:
    """Two hosts and the middle. A context: it is removed with the block."""

    def __init__(self, mtu=1500, queues=1, beside=False):
        unique = f"sluice-{os.getpid()}-{next(_numbers)}"
        self.hosts = ADDRESSES | (BESIDE if beside else {})
        self.names = {place: f"{unique}-{place}" for place in (*self.hosts, "middle")}
        self.mtu, self.queues = mtu, queues
        self.processes = []

    def __enter__(self):
        try:
            for name in self.names.values():
                _run("ip", "netns", "add", name)
            for place in self.hosts:
                self.connect(place)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for process in self.processes:
            if process.poll() is None:
                process.kill()
            process.wait()
        for name in self.names.values():
            subprocess.run(["ip", "netns", "del", name], stderr=subprocess.DEVNULL, check=False)

    def connect(self, place):
        """Makes the link between a host and the middle, also again after one end was deleted."""
        host, middle = self.names[place], self.names["middle"]
        queues = ("numrxqueues", str(self.queues), "numtxqueues", str(self.queues))
        # What hosts' stacks send of themselves would be in the counts: they have said it before a daemon
        # starts.
        for name in (host, middle):
            _run("ip", "netns", "exec", name, "sysctl", "-qw", "net.ipv6.conf.default.accept_dad=0",
                 "net.ipv6.conf.default.router_solicitations=0",
                 "net.ipv6.conf.default.mldv2_unsolicited_report_interval=1")
        _run("ip", "-n", host, "link", "add", "eth0", "mtu", str(self.mtu), *queues, "type", "veth",
             "peer", "name", PORTS[place], "mtu", str(self.mtu), "netns", middle, *queues)
        for address, length in zip(self.hosts[place], (24, 64)):
            _run("ip", "-n", host, "address", "add", f"{address}/{length}", "dev", "eth0")
        _run("ip", "-n", host, "link", "set", "lo", "up")
        _run("ip", "-n", host, "link", "set", "eth0", "up")
        _run("ip", "-n", middle, "link", "set", PORTS[place], "up")

    def finish_checksums(self):
        """Has the hosts' stacks leave no checksum to a device: AF_XDP does not tell of it."""
        for place in self.hosts:
            self.run(place, "ethtool", "-K", "eth0", "tx", "off")

    def command(self, place, *words):
        return ["ip", "netns", "exec", self.names[place], *map(str, words)]

    def run(self, place, *words, seconds=30):
        """Runs a command to its end in a namespace: its output."""
        done = subprocess.run(self.command(place, *words), capture_output=True, text=True, timeout=seconds,
                              check=False)
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(map(str, words))}: status {done.returncode}: {done.stderr[-500:]}")
        return done.stdout

    def start(self, place, *words, **options):
        """Starts a process in a namespace; it ends with the block."""
        process = subprocess.Popen(self.command(place, *words), stdin=subprocess.DEVNULL, **options)
        self.processes.append(process)
        return process

    def link(self, place, name):
        """What ip says of an interface, without its counts."""
        found = json.loads(_run("ip", "-n", self.names[place], "-json", "-details", "address", "show",
                                "dev", name))[0]
        for address in found.get("addr_info", []):
            # How long ago something confirmed it.
            address.pop("preferred_life_time", None)
            address.pop("valid_life_time", None)
            # Whether nobody else has been found to have it yet.
            address.pop("tentative", None)
        return found

    def statistics(self, name):
        """The kernel's own counts of an interface in the middle: received and sent packets."""
        found = json.loads(_run("ip", "-n", self.names["middle"], "-json", "-statistics", "link", "show",
                                "dev", name))[0]["stats64"]
        return found["rx"]["packets"], found["tx"]["packets"], found["tx"]["dropped"]


def _run(*words):
    return subprocess.run(words, capture_output=True, text=True, check=True, timeout=30).stdout
