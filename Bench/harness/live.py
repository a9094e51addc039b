"""Rows of live ports: the daemon between two veth pairs, beside other programs between the same."""

import json
import os
import subprocess
import time
from dataclasses import dataclass

from . import pairs, report, servers, wire

FLOWS = 10_000
# 64 bytes on a link, with the frame check sequence.
FRAME_BYTES = 60
# Seconds of traffic before, and during, a measurement.
SETTLING, MEASURED = 0.5, 1.5
# Of what was sent at most so much may have arrived: else the program may have waited for packets.
MOST_SHARE = 0.75
# A program computes on the measured core meanwhile, and goes before who is measured by so much: a packet
# costs the generator more than a forwarder, which would now and then be without one, and if it never sleeps
# be charged for looking. So it has about a sixth of the core.
NICENESS = 7
# Packets that may be sent and not counted yet.
BURSTS = 1024
# Sessions that one repetition adds, one after another, and the packets a second meanwhile: what the core of
# the generator, which client and server share, carries along.
ADDED, RATE = 4096, 50_000

# How our ports are opened.
KINDS = {"af_packet": "kind: af_packet, ring: { version: 2 }", "af_xdp": "kind: af_xdp, xdp: native"}


def _ports(kind, capacity=65536):
    """The daemon's configuration but for cores."""
    return (f"capacity: {capacity}\nports:\n"
            f"  - {{ name: one, lif: 1, interface: f0, miss: learn, {KINDS[kind]} }}\n"
            f"  - {{ name: two, lif: 2, interface: f1, miss: learn, {KINDS[kind]} }}\n")


@dataclass(frozen=True)
class ForwardRow:
    """CPU time a packet of our worker, beside that of another forwarder, both with more than they can do."""

    name: str
    reach: float
    # Of KINDS.
    kind: str
    # The peer: a class of this module.
    peer: type
    unit: str = "ns/packet"
    megabytes: int = 256

    def measure(self, bench):
        """The row, measured."""
        with wire.Wire(bench) as net:
            ours, peer = Ours(bench, net, self.kind), self.peer(bench, net)
            series = bench.measure(self.name, lambda: _saturated(bench, net, ours),
                                   lambda: _saturated(bench, net, peer))
        lost = [round((1 - pair.ours_more["share"]) * 100) for pair in series.pairs]
        note = (f"{FLOWS} learned sessions over two veth pairs, where the kernel's work to send is most of "
                f"both figures; a program that computes goes before both, and {min(lost)} to {max(lost)} % "
                f"of what was sent found our ring full; the peer is {peer.described}")
        return report.Measured(report.row(self.name, self.unit, series, self.reach), series, note=note)


def _saturated(bench, net, side):
    """One repetition of a side: started, overrun, ended."""
    before = net.arrived()
    spinner = subprocess.Popen([bench.peers.plain("spin")],
                               preexec_fn=lambda: os.sched_setaffinity(0, {bench.core}))
    try:
        side.start()
        generator = net.generate(FLOWS, FRAME_BYTES)
        _wait_for(lambda: net.arrived() > before and side.knows_all(), side.forwarder)
        time.sleep(SETTLING)
        first = _reading(net, side)
        time.sleep(MEASURED)
        last = _reading(net, side)
        sent = generator.stop()["sent"]
        side.stop()
    finally:
        spinner.kill()
        spinner.wait()
    packets = last.packets - first.packets
    # What arrived meanwhile: at least, and at most, for the two are not read at one moment.
    least, most = last.before - first.after, last.after - first.before
    if packets == 0 or not least - BURSTS <= packets <= most + BURSTS:
        raise SystemExit(f"wrong answer, nothing measured: {packets} packets counted, {least} to {most} came")
    share = (net.arrived() - before) / sent
    return pairs.Sample((last.cpu_ns - first.cpu_ns) / packets, share < MOST_SHARE, {"share": share})


@dataclass(frozen=True)
class Reading:
    """A side's CPU time and packets forwarded so far, and what had come to the sink before and after."""

    cpu_ns: int
    packets: int
    before: int
    after: int


def _reading(net, side):
    before = net.arrived()
    cpu_ns, packets = side.read()
    after = net.arrived()
    return Reading(cpu_ns, (before + after) // 2 if packets is None else packets, before, after)


class Ours:
    """`sluice run` with one worker, on the measured core."""

    def __init__(self, bench, net, kind):
        self._bench, self._net = bench, net
        self._config = os.path.join(bench.folder, "live.yaml")
        self._socket = os.path.join(bench.folder, f"live-{os.getpid()}.sock")
        with open(self._config, "w", encoding="utf-8") as file:
            file.write(_ports(kind) + f"cores: [{bench.core}]\n")
        self.forwarder = None

    def start(self):
        """Starts it, ready for packets."""
        self.forwarder = self._net.start(
            [self._bench.sluice, "run", "--config", self._config, "--socket", self._socket],
            {self._bench.core, self._bench.other_core}, NICENESS)
        _wait_for(lambda: self._ask("status") is not None, self.forwarder)

    def knows_all(self):
        """Whether every flow has its session: the first packet of one may find the ring full, too."""
        return json.loads(self._ask("workers"))["workers"][0]["counters"]["liveSessions"] == FLOWS

    def read(self):
        """The worker's CPU time, and the packets that it forwarded."""
        worker = json.loads(self._ask("workers"))["workers"][0]
        counters = worker["counters"]
        # Every packet but the first of each flow finds its session, those apart that found the ring full.
        differ = counters["matched"] + FLOWS - counters["forwarded"]
        if counters["liveSessions"] != FLOWS or abs(differ) > BURSTS:
            raise SystemExit(f"wrong answer, nothing measured: {counters}")
        return worker["cpu_nanoseconds"], counters["forwarded"]

    def stop(self):
        """Ends it."""
        self.forwarder.stop()

    def _ask(self, what):
        done = subprocess.run([self._bench.sluice, "show", what, "--json", "--socket", self._socket],
                              capture_output=True, text=True, timeout=30, check=False)
        return done.stdout if done.returncode == 0 else None


class CForwarder:
    """The minimal forwarder in C: one thread."""

    described = "`peers/af_packet_fwd.c`: ring version and size, offload flags and way to send are ours"

    def __init__(self, bench, net):
        self._bench, self._net = bench, net
        self.forwarder = self._thread = None

    def start(self):
        """Starts it."""
        self.forwarder = self._net.start([self._program(), "f0", "f1"], {self._bench.core}, NICENESS)
        self._thread = self.forwarder.process.pid

    def _program(self):
        return self._bench.peers.plain("af_packet_fwd")

    def knows_all(self):
        """It has no sessions."""
        return True

    def read(self):
        """Its CPU time; the packets are those that arrive."""
        return self.forwarder.cpu_ns(self._thread), None

    def stop(self):
        """Ends it."""
        self.forwarder.stop()


class CForwarderXDP(CForwarder):
    """The same by AF_XDP."""

    described = "`peers/af_xdp_fwd.c`: mode, rings, frames, wake-ups and packets a send are ours"

    def _program(self):
        return self._bench.peers.xdp("af_xdp_fwd")


class TestPMD(CForwarder):
    """DPDK's own test program over its AF_PACKET driver: one forwarding core."""

    described = ("`dpdk-testpmd --forward-mode=io` over net_af_packet with 8 MB rings and qdisc_bypass, "
                 "which copies each packet in and out and looks at none")

    def start(self):
        bench = self._bench
        memory = ["--in-memory"] if bench.has_huge_pages else ["--no-huge", "-m", "256"]
        devices = [word for index in range(2) for word in ("--vdev", self._device(index))]
        self.forwarder = self._net.start(
            [bench.peers.testpmd(), "-l", f"{bench.other_core},{bench.core}", "--main-lcore",
             bench.other_core, "--no-pci", "--no-telemetry", "--file-prefix", f"sluice-bench-{os.getpid()}",
             *memory, *devices, "--", "--forward-mode=io", "--nb-cores=1", "--total-num-mbufs=20000"],
            {bench.core, bench.other_core}, NICENESS)
        # As DPDK 22.11 names it, and earlier ones.
        names = (f"rte-worker-{bench.core}", f"lcore-worker-{bench.core}"[:15])
        _wait_for(lambda: self.forwarder.thread(names) is not None, self.forwarder)
        self._thread = self.forwarder.thread(names)

    def _device(self, index):
        return f"net_af_packet{index},iface=f{index},framesz=2048,blocksz=4096,framecnt=4096,qdisc_bypass=1"


class TestPMDXDP(TestPMD):
    """The same over its AF_XDP driver."""

    described = ("`dpdk-testpmd --forward-mode=io` over net_af_xdp, with its default ring of 2048, "
                 "which copies each packet in and out and looks at none")

    def _device(self, index):
        return f"net_af_xdp{index},iface=f{index}"


@dataclass(frozen=True)
class EffectRow:
    """How long AddSession takes from request to reply, after which the session acts, under traffic."""

    name: str
    unit: str = "us"
    # Shown, not asked for.
    reach: float = 0.0
    megabytes: int = 0

    def measure(self, bench):
        """The row, measured."""
        count = ADDED // 8 if bench.is_quick else ADDED
        config = os.path.join(bench.folder, "live.yaml")
        with open(config, "w", encoding="utf-8") as file:
            file.write(_ports("af_packet", 65536 + (2 * bench.wanted + 1) * 2 * count))
        with wire.Wire(bench) as net, servers.Server(
                bench, net.command(bench.sluice, "run", "--config", config, "--socket", "@/socket"), "socket",
                bench.other_core, bench.core) as server:
            def side(is_loaded):
                generator = net.generate(FLOWS, FRAME_BYTES, RATE) if is_loaded else None
                before, start = net.arrived(), time.monotonic()
                if generator:
                    time.sleep(SETTLING)
                answer = server.client.ask("add", server.fresh(count), count, 1, 1)
                rate = (net.arrived() - before) / (time.monotonic() - start)
                if generator and generator.stop()["sent"] == 0:
                    raise SystemExit("wrong answer, nothing measured: no packet was sent")
                return pairs.Sample(answer["p50_us"], more=answer | {"rate": rate})
            series = bench.measure(self.name, lambda: side(True), lambda: side(False))
        seen = {who: {part: round(_median(series, who, f"{part}_us"), 1) for part in ("p50", "p99")}
                for who in ("ours", "peer")}
        note = (f"one AddSession after another, {count} a repetition, from request to reply, p50; ours while "
                f"{_median(series, 'ours', 'rate'):.0f} packets a second are forwarded in {FLOWS} sessions, "
                f"the peer is the same daemon without traffic; p99 {seen['ours']['p99']:.0f} us with it, "
                f"{seen['peer']['p99']:.0f} us without; client, server and generator share a core")
        return report.Measured(report.row(self.name, self.unit, series, self.reach), series, note=note,
                               latencies=seen)


def _median(series, side, key):
    values = sorted(getattr(pair, f"{side}_more")[key] for pair in series.pairs)
    return values[len(values) // 2]


def _wait_for(condition, forwarder):
    end = time.monotonic() + 30
    while not condition():
        forwarder.check()
        if time.monotonic() > end:
            raise SystemExit(f"{' '.join(forwarder.process.args)}: forwards nothing after 30 seconds")
        time.sleep(0.05)


def all_rows():
    """Every row of live ports; none for who may make no network namespaces."""
    if os.geteuid() != 0:
        return []
    return [
        ForwardRow("live.af_packet.vs_c_forwarder", round(1 / 1.15, 2), "af_packet", CForwarder),
        ForwardRow("live.af_packet.vs_testpmd", 1.18, "af_packet", TestPMD),
        ForwardRow("live.af_xdp.vs_c_forwarder", round(1 / 1.15, 2), "af_xdp", CForwarderXDP),
        ForwardRow("live.af_xdp.vs_testpmd", 1.18, "af_xdp", TestPMDXDP),
        EffectRow("live.session_effect"),
    ]
