"""How the cost of a packet grows: with sessions, burst, packet size and workers."""

from . import rows

SESSIONS = [1 << power for power in (10, 12, 14, 16, 18, 20, 22, 23)]
SIZES = [64, 128, 256, 512, 1024, 1420]
BURSTS = [1, 4, 8, 16, 32, 64, 128, 256]


def measure(bench):
    """Nanoseconds of CPU time a packet over what grows, by name; with the peer's where it has the case."""
    return {
        "sessions": _sessions(bench),
        "size": {"x": SIZES,
                 "handed out where they lie": [_path(bench, "--size", size) for size in SIZES],
                 "copied first": [_path(bench, "--size", size, "--copy") for size in SIZES]},
        "burst": {"x": BURSTS, "ours": [_path(bench, "--burst", burst) for burst in BURSTS]},
        "workers": _workers(bench),
    }


def _sessions(bench):
    ours, theirs = [], []
    for flows in SESSIONS:
        row = rows.DPDKRow(f"path at {flows} sessions", "ns/packet", 0, flows, *rows.path("ref", flows))
        with bench.ours(*row.ours) as mine, bench.dpdk(row, *row.peer_options) as peer:
            series = bench.measure(row.name, mine, peer, wanted=3)
        ours.append(series.ours())
        theirs.append(series.peer())
    return {"x": SESSIONS, "ours": ours, "peer": theirs}


def _path(bench, *arguments):
    with bench.ours("path", *map(str, arguments)) as side:
        return bench.median(side)


def _workers(bench):
    found = {"x": [1, 2], "CPU time, own sessions": [], "CPU time, half handed over": [],
             "by the clock, own sessions": [], "by the clock, half handed over": []}
    for workers in found["x"]:
        for kind, options in (("own sessions", ()), ("half handed over", ("--hand-offs",))):
            with bench.ours("workers", "--workers", str(workers), *options, all_cores=True) as side:
                found[f"CPU time, {kind}"].append(bench.median(side))
                found[f"by the clock, {kind}"].append(bench.median(side, "wall"))
    return found
