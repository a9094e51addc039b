"""`sluice show` against a daemon: what it prints for people and for programs, and rates."""

import json

from daemon import CAPACITY, FLOW, Daemon

STATUS = {
    "version", "commit", "start_nanoseconds", "uptime_seconds", "workers", "capacity", "live_sessions",
    "lingering_sessions", "closed_retained", "closed_retention", "closed_lost", "sessions_opened",
    "closed_finack", "closed_rst", "closed_timeout", "sessions_deleted",
}
WORKER = {
    "index", "core", "node", "polling", "scheduler", "memory", "counters", "cpu_nanoseconds",
    "command_nanoseconds", "commands",
}
PORT = {
    "name", "lif", "peer", "kind", "source", "received_packets", "received_bytes", "transmitted_packets",
    "transmitted_bytes", "miss", "non_session", "receiving", "error",
}


def capture_usage(line):
    """What `sluice capture` and `top` take; what they do is in Tests/API."""
    line.run("capture --help", "capture", "--help", output=["--write", "--drops", "pcap-filter", "tshark"])
    for arguments, error in (
            ((), "--write"), (("--write", ""), "empty path"), (("--write", "f", "--snap", "0"), "1...65535"),
            (("--write", "f", "--count", "0"), "1 or more"), (("--write", "f", "--duration", "0"), "0.1..."),
            (("--write", "f", "--session", "0"), "session 0"), (("--write", "f", "--direction", "up"), "up"),
            (("--write", "f", "--drops", "--direction", "out"), "do not leave")):
        line.run(f"capture {arguments}", "capture", *arguments, status=2, errors=[error.replace(".", "[.]")])
    line.run("top --help", "top", "--help", output=["--interval", "--by", "busiest"])
    for arguments, error in (
            (("--interval", "0"), "0.1..."), (("--count", "0"), "1 or more"),
            (("--sessions", "1001"), "0...1000"), (("--by", "size"), "packets")):
        line.run(f"top {arguments}", "top", *arguments, status=2, errors=[error.replace(".", "[.]")])
    line.run("capture without a daemon", "capture", "--write", "f", "--socket", "/nonexistent.sock", status=1,
             errors=["/nonexistent.sock"])


def show_text(line):
    """Every subcommand has something to say to people."""
    line.run("show --help", "show", "--help", output=["workers", "drops", "memory", "--interval"])
    with Daemon(line, "--workers", "2") as daemon:
        daemon.add(1, "--action", "forward", source=FLOW[0])
        daemon.until("packets", lambda: _json(daemon, "ports")["ports"][1]["transmitted_packets"] > 2)
        daemon.run("status", "show", "status", output=["^sluice 0", "workers +2", "live +1 ",
                                                       "capacity +20,000"])
        daemon.run("workers", "show", "workers", output=[
            "^worker +core +node +polling.* per burst", "^ *0 .*adaptive", "^ *1 "])
        daemon.run("ports", "show", "ports",
                   output=[r"^inside +1 +2 .*drop .*capture .*frames\.pcap +- +receiving$",
                           "^outside +2 +1 "])
        daemon.run("drops", "show", "drops", output=["^reason +packets +came by +meaning", "^miss.* inside "])
        daemon.run("sessions", "show", "sessions", output=["live +1 +of 20,000", "opened +1"])
        daemon.run("neighbors", "show", "neighbors", output=["^port +address +MAC +state +for +waiting"])
        daemon.run("memory", "show", "memory", output=["resident .*[KMG]iB", "flow tables", "packet buffers"])
        daemon.run("rates", "show", "workers", "--interval", "0.3", "--count", "2",
                   output=["ns/packet", "packets/s", "per burst", "handed off/s"])


def show_json(line):
    """One object each, with the names that programs rely on, and sums that hold."""
    with Daemon(line) as daemon:
        daemon.add(1, "--action", "forward", source=FLOW[0])
        daemon.until("packets", lambda: _json(daemon, "ports")["ports"][1]["transmitted_packets"] > 2)
        status = _json(daemon, "status")
        line.expect("status", STATUS <= status.keys(), f"{sorted(STATUS - status.keys())} missing")
        line.expect("status", (status["capacity"], status["live_sessions"], status["workers"]) == (CAPACITY,
                                                                                                   1, 1),
                    f"{status}")
        worker = _json(daemon, "workers")["workers"][0]
        counters = worker["counters"]
        line.expect("workers", WORKER <= worker.keys() and worker["cpu_nanoseconds"] > 0, f"{worker}")
        kinds = sum(counters[name] for name in ("matched", "missed", "other"))
        verdicts = sum(counters[name] for name in
                       ("forwarded", "dropped", "mirrored", "snooped", "punted", "consumed"))
        line.expect("workers", counters["packets"] == kinds == verdicts, f"{counters}")
        port = _json(daemon, "ports")["ports"][0]
        line.expect("ports", PORT <= port.keys() and port["kind"] == "capture" and port["receiving"],
                    f"{port}")
        drops = _json(daemon, "drops")["drops"]
        line.expect("drops", len(drops) == 1 and drops[0]["packets"] > 0 and drops[0]["description"],
                    f"{drops}")
        sessions = _json(daemon, "sessions")
        line.expect("sessions", sessions["live"] == sessions["opened"] == 1, f"{sessions}")
        memory = _json(daemon, "memory")
        line.expect("memory", memory["resident_bytes"] > 1 << 20 and memory["pages"] in ("2M", "4K"),
                    f"{memory}")
        text = daemon.run("rates", "show", "ports", "--json", "--interval", "0.5", "--count", "3")
        readings = [json.loads(each) for each in text.splitlines()]
        rates = [reading["ports"][0].get("rates", {}) for reading in readings]
        line.expect("rates", len(rates) == 3 and not rates[0], f"{rates}")
        # The capture has 50 packets a second.
        for rate in rates[1:]:
            line.expect("rates", 10 < rate.get("received_packets_per_second", 0) < 200, f"{rates}")


def _json(daemon, what):
    return json.loads(daemon.run(what, "show", what, "--json"))
