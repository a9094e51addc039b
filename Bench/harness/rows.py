"""The rows of the report: which commands their sides are, and what we ask of them."""

from dataclasses import dataclass

from . import api, live, pairs, replay, report, restart

FLOWS = {"1k": 1 << 10, "64k": 1 << 16, "1m": 1 << 20, "8m": 1 << 23}
ORDERS = ("uniform", "zipf")


@dataclass(frozen=True)
class DPDKRow:
    """A part of the packet path beside a DPDK program; both are set up once and then take turns."""

    name: str
    unit: str
    reach: float
    flows: int
    # Arguments of sluice-bench.
    ours: tuple
    # The peer's program and arguments.
    peer: str
    peer_options: tuple

    @property
    def megabytes(self):
        """Memory on huge pages that the peer takes: at most 200 bytes a flow, buffers, and rounding."""
        return 192 + self.flows * 200 // 1_000_000

    def measure(self, bench):
        """The row, measured."""
        with bench.ours(*self.ours) as ours, bench.dpdk(self, *self.peer_options) as peer:
            series = bench.measure(self.name, ours, peer)
        return report.Measured(report.row(self.name, self.unit, series, self.reach), series,
                               f"{ours.facts['pages']}, {peer.facts['pages']}")


@dataclass(frozen=True)
class MemoryRow:
    """Bytes a session at the configured capacity, beside a table at 50 % load with records of 64 bytes."""

    name: str
    reach: float
    flows: int
    unit: str = "bytes/session"
    megabytes: int = 192 + 1_048_576 * 200 // 1_000_000

    def measure(self, bench):
        """The row, measured."""
        ours = bench.run_once("memory", "--flows", str(self.flows))
        table = DPDKRow("", "", 0, FLOWS["1m"], (), "rte_hash_bench", ())
        with bench.dpdk(table, "op=lookup", f"flows={table.flows}") as peer:
            theirs = peer.facts["table_bytes_per_flow"] + 64
        series = pairs.Series([pairs.Pair(ours["bytes_per_session"], theirs)])
        note = (f"resident memory of {ours['sessions']} sessions that fill their worker: table, details, "
                "ids, policies; the peer's heap for its table with twice as many entries, and 64 bytes")
        return report.Measured(report.row(self.name, self.unit, series, self.reach), series, note=note)


@dataclass(frozen=True)
class WorkersRow:
    """Two workers beside one: what a packet costs when another core works too."""

    name: str
    reach: float
    unit: str = "ns/packet"
    megabytes: int = 0

    def measure(self, bench):
        """The row, measured."""
        with bench.ours("workers", "--workers", "2", all_cores=True) as ours, \
                bench.ours("workers", "--workers", "1", all_cores=True) as peer:
            series = bench.measure(self.name, ours, peer)
        wall = [pair.peer_more["wall"] / pair.ours_more["wall"] / 2 for pair in series.pairs]
        note = (f"CPU time a packet of two workers (ours) and of one (peer); by the clock, which "
                f"counts what else runs here, two did {min(wall):.2f} to {max(wall):.2f} times twice as many")
        return report.Measured(report.row(self.name, self.unit, series, self.reach), series, note=note)


def all_rows():
    """Every row, in the order of the report."""
    rows = [_lookup(family, size, order) for family in (4, 6) for size in FLOWS for order in ORDERS]
    million = FLOWS["1m"]
    rows.append(DPDKRow("insert.ipv4", "ns/session", 1.5, million, ("insert", "--flows", str(million)),
                        "rte_hash_bench", ("op=insert", f"flows={million}")))
    rows.append(MemoryRow("memory.ipv4", 1.25, FLOWS["8m"]))
    rows += [_path("ref", 1.0), _path("copy", 1.3)]
    rows += [replay.ReplayRow("replay.64", 1.3, 64),
             replay.ReplayRow("replay.1420", 2.0, 1420, bytes=3_000_000_000)]
    rows.append(WorkersRow("workers.2", 0.9))
    return rows + api.all_rows() + restart.all_rows() + live.all_rows()


def _lookup(family, size, order):
    flows = FLOWS[size]
    if family == 4:
        reach = 1.2 if size == "1k" else 1.3 if (size, order) == ("1m", "zipf") else 1.5
    else:
        reach = 1.0 if size == "1k" else 1.2
    return DPDKRow(
        f"lookup.ipv{family}.{size}.{order}", "ns/lookup", reach, flows,
        ("lookup", "--flows", str(flows), "--family", str(family), "--order", order), "rte_hash_bench",
        ("op=lookup", f"flows={flows}", f"key={16 if family == 4 else 40}", f"zipf={int(order == 'zipf')}"))


def path(source, flows):
    """The commands of a path row."""
    ours = ("path", "--flows", str(flows)) + (("--copy",) if source == "copy" else ())
    return ours, "l3_em_bench", (f"src={source}", f"flows={flows}")


def _path(source, reach):
    return DPDKRow(f"path.64k.{source}", "ns/packet", reach, FLOWS["64k"], *path(source, FLOWS["64k"]))
