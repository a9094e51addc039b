"""results.json for programs, RESULTS.md for people."""

import datetime
import json
import os
import platform
import subprocess


def row(name, unit, ours, peer, ratio, reach, spread):
    """One row of results.json: exactly these keys."""
    return {
        "name": name,
        "unit": unit,
        "ours": round(ours, 3),
        "peer": round(peer, 3),
        "ratio": round(ratio, 3),
        "reach": reach,
        "reached": ratio >= reach,
        "spread": [round(end, 3) for end in spread],
    }


def write(folder, rows, notes, root):
    """Writes both files into `folder`; rows that this run did not measure are gone from them."""
    with open(os.path.join(folder, "results.json"), "w", encoding="utf-8") as file:
        json.dump({"rows": rows}, file, indent=2)
        file.write("\n")
    with open(os.path.join(folder, "RESULTS.md"), "w", encoding="utf-8") as file:
        file.write(_markdown(rows, notes, root))


def _markdown(rows, notes, root):
    lines = [
        "# Results",
        "",
        "Written by `make bench`; what the rows mean stands in [README.md](README.md).",
        "",
        f"- Machine: {_cpu()}, {os.cpu_count()} logical cores, {platform.system()} {platform.release()}",
        f"- Measured: {datetime.datetime.now(datetime.timezone.utc):%Y-%m-%d %H:%M} UTC, "
        f"commit {commit(root)}",
        "",
        "| Row | Unit | Ours | Peer | Ratio | Reach | Reached | Spread of the ratio |",
        "|---|---|---:|---:|---:|---:|---|---|",
    ]
    for each in rows:
        low, high = each["spread"]
        lines.append(
            f"| `{each['name']}` | {each['unit']} | {each['ours']:.2f} | {each['peer']:.2f} "
            f"| {each['ratio']:.2f} | {each['reach']:.2f} | {'yes' if each['reached'] else '**no**'} "
            f"| {low:.2f} to {high:.2f} |")
    return "\n".join(lines + [""] + [f"- {note}" for note in notes]) + "\n"


def commit(root):
    """The commit that was measured; "+ dirty" when files other than the results differ from it."""
    def git(*arguments):
        return subprocess.run(["git", "-C", root, *arguments], check=True, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout.strip()
    try:
        changed = git("status", "--porcelain", "--", ".",
                      ":!Bench/RESULTS.md", ":!Bench/results.json")
        return git("rev-parse", "--short", "HEAD") + (" + dirty" if changed else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown (no git)"


def _cpu():
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            for line in file:
                if line.startswith("model name"):
                    return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.machine()
