"""What all rows share: the programs, the core, the gate, and how pairs are measured and shown."""

import json
import os
import statistics
import subprocess

from . import pages, pairs, peers


class Bench:
    """One run of the benchmarks."""

    def __init__(self, options, sources, folder):
        self.sluice = options.sluice
        self.folder = folder
        self.is_quick = options.quick
        self.wanted = options.pairs
        protos = os.path.join(os.path.dirname(os.path.dirname(sources)), "Sources", "OPIProtos", "protos")
        self.peers = peers.Peers(sources, folder, protos)
        # Set when huge pages have been reserved.
        self.has_huge_pages = False
        self._binary = options.bench
        self._all_cores = os.sched_getaffinity(0)
        self.core = pairs.pin(options.core)
        # Where the other end of a server runs; the same core where there is only one.
        self.other_core = min(self._all_cores - {self.core}, default=self.core)
        self._gate = pairs.Gate([self.peers.pcap(), "probe"])

    def ours(self, *arguments, all_cores=False):
        """A command of sluice-bench that takes turns."""
        return pairs.Turns([self._binary, *arguments], lambda: self._prepare(all_cores))

    def run_once(self, *arguments):
        """What a command of sluice-bench prints that takes no turns."""
        return json.loads(subprocess.run(
            [self._binary, *arguments], check=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            preexec_fn=lambda: self._prepare(False)).stdout)

    def dpdk(self, row, *arguments):
        """The DPDK program of a row, with memory for it, taking turns."""
        memory = ["--in-memory"] if self.has_huge_pages else ["--no-huge", "-m", str(row.megabytes)]
        devices = ["--vdev", "net_null0"] if row.peer == "l3_em_bench" else []
        return pairs.Turns(
            [self.peers.dpdk(row.peer), "-l", str(self.core), "--no-pci", "--no-telemetry", "--log-level=4",
             *memory, *devices, "--", *arguments])

    def measure(self, name, ours, peer, wanted=None):
        """The pairs of a row."""
        def show(pair, is_clean):
            print(f"  {name:24} {pair.ours:8.2f} {pair.peer:8.2f}  ratio {pair.ratio:.2f}"
                  f"{'' if is_clean else '  disturbed'}", flush=True)
        return pairs.measure(ours, peer, self._gate, wanted or self.wanted, show)

    @staticmethod
    def median(side, key="ns"):
        """The median of three repetitions of one side, after a warm-up."""
        side()
        return round(statistics.median(side().more[key] for _ in range(3)), 2)

    def _prepare(self, all_cores):
        if all_cores:
            os.sched_setaffinity(0, self._all_cores)
        if not self.has_huge_pages:
            pages.refuse_transparent()
