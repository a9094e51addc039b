"""results.json for programs, RESULTS.md and plots for people."""

import datetime
import json
import os
import platform
import subprocess
from dataclasses import dataclass

from . import svg


def row(name, unit, series, reach):
    """One row of results.json: exactly these keys."""
    return {
        "name": name,
        "unit": unit,
        "ours": round(series.ours(), 3),
        "peer": round(series.peer(), 3),
        "ratio": round(series.ratio(), 3),
        "reach": reach,
        "reached": series.ratio() >= reach,
        "spread": [round(end, 3) for end in series.spread()],
    }


@dataclass(frozen=True)
class Measured:
    """A measured row, with what people want to know besides."""

    row: dict
    series: object
    # Pages of both sides, where they matter.
    pages: str = ""
    note: str = ""
    # Microseconds by the clock that a call took, by side and percentile; None where that is not the question.
    latencies: dict | None = None


def line(measured):
    """A row for the terminal."""
    low, high = measured["spread"]
    return (f"{measured['name']:24} ours {measured['ours']:8.2f}  peer {measured['peer']:8.2f} "
            f"{measured['unit']:13} ratio {measured['ratio']:.2f} [{low:.2f} {high:.2f}]  "
            f"reach {measured['reach']:.2f} {'reached' if measured['reached'] else 'NOT REACHED'}")


class Results:
    """What a run has measured."""

    def __init__(self, bench, wanted_pairs):
        self.rows, self._measured = [], {}
        # Curves by name, and what 100 million sessions took; None when not measured.
        self.growth, self.hundred_million = None, None
        self._bench, self._pairs = bench, wanted_pairs

    def add(self, measured):
        """Takes a row."""
        print(line(measured.row), flush=True)
        self.rows.append(measured.row)
        self._measured[measured.row["name"]] = measured

    def sort(self, names):
        """Brings the rows into the order of `names`."""
        self.rows.sort(key=lambda row: names.index(row["name"]))

    def write(self, folder, root):
        """Writes everything into `folder`; rows that this run did not measure are gone from it."""
        content = {"rows": self.rows}
        latencies = {name: each.latencies for name, each in self._measured.items() if each.latencies}
        if latencies:
            content["latencies_us"] = latencies
        if self.growth:
            content["growth"] = self.growth
        if self.hundred_million:
            content["hundred_million"] = self.hundred_million
        with open(os.path.join(folder, "results.json"), "w", encoding="utf-8") as file:
            json.dump(content, file, indent=2)
            file.write("\n")
        plots = self._plot(os.path.join(folder, "plots"))
        with open(os.path.join(folder, "RESULTS.md"), "w", encoding="utf-8") as file:
            file.write("\n".join(self._markdown(plots, root)) + "\n")

    def _plot(self, folder):
        """Writes the plots; answers their names and titles."""
        os.makedirs(folder, exist_ok=True)
        made = {}

        def keep(name, title, content):
            with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
                file.write(content)
            made[name] = title

        title = "How many times faster than the peer (mark: what we ask for)"
        keep("ratios.svg", title, svg.bars(title, self.rows))
        lookups = _lookup_curves(self.rows)
        if lookups:
            title = "A lookup with counters, by sessions in the table"
            keep("lookup.svg", title, svg.curves(title, "sessions", "ns of CPU time", *lookups))
        for name, (title, axis) in _GROWTH.items():
            if self.growth:
                curves = dict(self.growth[name])
                keep(f"{name}.svg", title, svg.curves(title, axis, "ns", curves.pop("x"), curves))
        return made

    def _markdown(self, plots, root):
        yield from [
            "# Results", "",
            "Written by `make bench`; what the rows mean stands in [README.md](README.md), where a packet's "
            "time goes in [docs/performance.md](../docs/performance.md).", "",
            f"- Machine: {_cpu()}, {os.cpu_count()} logical cores, {platform.system()} {platform.release()}",
            f"- Measured: {datetime.datetime.now(datetime.timezone.utc):%Y-%m-%d %H:%M} UTC, commit "
            f"{commit(root)}",
            f"- Method: CPU time; both sides on core {self._bench.core}; rows in random order; a warm-up and "
            f"then {self._pairs} pairs a row, in each pair a coin decides who begins; figures are medians, "
            "the ratio (peer / ours, above 1 we are better) is the median of the pairs' ratios, its spread "
            "the least and the greatest", "",
            "| Row | Unit | Ours | Peer | Ratio | Spread of the ratio | Reach | Reached | Pages "
            "| Disturbed |",
            "|---|---|---:|---:|---:|---|---:|---|---|---|"]
        for each in self.rows:
            low, high = each["spread"]
            measured = self._measured[each["name"]]
            asked = ((f"{each['reach']:.2f}", "yes" if each["reached"] else "**no**") if each["reach"]
                     else ("", ""))
            yield (f"| `{each['name']}` | {each['unit']} | {each['ours']:.2f} | {each['peer']:.2f} "
                   f"| {each['ratio']:.2f} | {low:.2f} to {high:.2f} | {asked[0]} | {asked[1]} "
                   f"| {measured.pages} "
                   f"| {measured.series.kept_dirty} of {len(measured.series.pairs)} |")
        yield from [
            "", "Reach: nothing is asked of a row without. Pages: of our side and the peer's. Disturbed: "
            "pairs kept though the core's other hyperthread was busy or the disk was read; those measured "
            "again do not show.", ""]
        for each in self.rows:
            if self._measured[each["name"]].note:
                yield f"- `{each['name']}`: {self._measured[each['name']].note}."
        if self.hundred_million:
            yield "- " + _hundred_million(self.hundred_million)
        for name, title in plots.items():
            yield from ["", f"![{title}](plots/{name})"]


_GROWTH = {
    "sessions": ("A whole packet of 64 bytes, by sessions", "sessions"),
    "size": ("A whole packet, by its size", "bytes of a packet"),
    "burst": ("A whole packet of 64 bytes, by the packets of a burst", "packets of a burst"),
    "workers": ("A whole packet of 64 bytes, by workers", "workers"),
}


def _lookup_curves(rows):
    """Sessions, and nanoseconds of both sides by family and order; None unless all were measured."""
    found = {each["name"]: each for each in rows}
    sizes = {"1k": 1 << 10, "64k": 1 << 16, "1m": 1 << 20, "8m": 1 << 23}
    curves = {}
    for family in (4, 6):
        for side, who in (("ours", "ours"), ("peer", "rte_hash")):
            points = [found.get(f"lookup.ipv{family}.{size}.uniform") for size in sizes]
            if None in points:
                return None
            curves[f"IPv{family}, {who}"] = [point[side] for point in points]
    return list(sizes.values()), curves


def _hundred_million(seen):
    return (f"100 million sessions ({seen['sessions']}, each with a client's id, in one worker): loaded in "
            f"{seen['load_seconds']:.0f} s ({seen['load_ns']} ns a session, page faults included), "
            f"{seen['rss_bytes'] / 1e9:.2f} GB resident ({seen['bytes_per_session']} bytes a session), one "
            f"packet forwarded in each at {seen['forward_ns']} ns.")


def commit(root):
    """The commit that was measured; "+ dirty" when files other than the results differ from it."""
    def git(*arguments):
        return subprocess.run(["git", "-C", root, *arguments], check=True, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout.strip()
    try:
        changed = git("status", "--porcelain", "--", ".", ":!Bench/RESULTS.md", ":!Bench/results.json",
                      ":!Bench/plots", ":!docs/performance.md")
        return git("rev-parse", "--short", "HEAD") + (" + dirty" if changed else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown (no git)"


def _cpu():
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            for each in file:
                if each.startswith("model name"):
                    return each.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.machine()
