"""Network namespaces for the rows of live ports: a generator, a sink, and between them what forwards.

        gen                      middle                     sink
    +--------+           +-------------------+           +--------+
    |   g0   |-----------|  f0   program  f1 |-----------|   s0   |
    +--------+           +-------------------+           +--------+

No interface has an address, IPv6 is off: nobody but the generator sends. Offloads are as the kernel has them.
"""

import ctypes
import json
import os
import subprocess
import tempfile
import threading


class Wire:
    """The namespaces, under names of this process's own. A context: everything in them goes with it."""

    def __init__(self, bench):
        self._generator, self._core = bench.peers.plain("af_packet_gen"), bench.other_core
        self._names = {place: f"sluice-bench-{os.getpid()}-{place}" for place in ("gen", "middle", "sink")}
        self._running = []
        # The sink's counts, open.
        self._counts = None

    def __enter__(self):
        try:
            for name in self._names.values():
                _run("ip", "netns", "add", name)
                _run("ip", "netns", "exec", name, "sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1",
                     "net.ipv6.conf.default.disable_ipv6=1")
            gen, middle, sink = self._names.values()
            _run("ip", "-n", gen, "link", "add", "g0", "type", "veth", "peer", "name", "f0", "netns", middle)
            _run("ip", "-n", middle, "link", "add", "f1", "type", "veth", "peer", "name", "s0", "netns", sink)
            for name, interface in ((middle, "f0"), (middle, "f1"), (gen, "g0"), (sink, "s0")):
                _run("ip", "-n", name, "link", "set", interface, "up")
            self._counts = _opened_counts(sink)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for process in self._running:
            if process.poll() is None:
                process.kill()
            process.wait()
        if self._counts is not None:
            os.close(self._counts)
        for name in self._names.values():
            subprocess.run(["ip", "netns", "del", name], stderr=subprocess.DEVNULL, check=False)

    def command(self, *words, place="middle"):
        """A command as it runs in a namespace."""
        return ["ip", "netns", "exec", self._names[place], *map(str, words)]

    def arrived(self):
        """Packets that have come to the sink, by the kernel's count."""
        lines = os.pread(self._counts, 1 << 16, 0).decode().splitlines()
        return next(int(line.split()[2]) for line in lines if line.split()[0] == "s0:")

    def generate(self, flows, size, rate=0):
        """Starts the generator, on the other core: frames of `size` bytes, as fast as it can or at a rate."""
        return self._started(Generator(subprocess.Popen(
            self.command(self._generator, "g0", flows, size, rate, place="gen"), stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, preexec_fn=lambda: os.sched_setaffinity(0, {self._core}))))

    def start(self, words, cores, niceness):
        """Starts a program in the middle on these cores; its input stays open, what it prints is kept."""
        return self._started(Forwarder(self.command(*words), cores, niceness))

    def _started(self, each):
        self._running.append(each.process)
        return each


class Generator:
    """A generator that runs."""

    def __init__(self, process):
        self.process = process

    def stop(self):
        """Ends it; what it says."""
        self.process.terminate()
        output, _ = self.process.communicate(timeout=30)
        if self.process.returncode != 0:
            raise SystemExit(f"af_packet_gen: ended with {self.process.returncode}")
        return json.loads(output)


class Forwarder:
    """A program that forwards."""

    def __init__(self, command, cores, niceness):
        def prepare():
            os.sched_setaffinity(0, cores)
            os.nice(niceness)
        self._output = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=self._output, stderr=subprocess.STDOUT, preexec_fn=prepare)

    def thread(self, names):
        """The id of its thread with one of these names; None while there is none."""
        folder = f"/proc/{self.process.pid}/task"
        for task in os.listdir(folder):
            with open(f"{folder}/{task}/comm", encoding="ascii") as file:
                if file.read().strip() in names:
                    return int(task)
        return None

    def cpu_ns(self, thread):
        """CPU time of a thread so far, as of the scheduler's last look."""
        with open(f"/proc/{self.process.pid}/task/{thread}/schedstat", encoding="ascii") as file:
            return int(file.read().split()[0])

    def check(self):
        """Refuses a program that has ended."""
        if self.process.poll() is not None:
            self._output.seek(0)
            said = self._output.read()[-2000:].decode(errors="replace")
            raise SystemExit(f"{' '.join(self.process.args)}: ended with {self.process.returncode}\n{said}")

    def stop(self):
        """Ends it in good order."""
        self.check()
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdin.close()
        self._output.close()


def _opened_counts(name):
    """/proc/net/dev of a namespace, open: it stays that namespace's, and reading it takes microseconds."""
    opened, failure = [], []

    def enter():
        try:
            with open(f"/run/netns/{name}", "rb") as namespace:
                if ctypes.CDLL(None, use_errno=True).setns(namespace.fileno(), 0) != 0:
                    raise OSError(ctypes.get_errno(), "setns")
            opened.append(os.open("/proc/thread-self/net/dev", os.O_RDONLY))
        except OSError as error:
            failure.append(error)
    # A thread of its own: it does not come back.
    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()
    if failure:
        raise failure[0]
    return opened[0]


def _run(*words):
    return subprocess.run(words, capture_output=True, text=True, check=True, timeout=30).stdout
