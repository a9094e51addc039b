"""The daemon as a program: its start, its end, and what it says when it cannot start."""

import os
import re
import signal
import socket
import stat
import subprocess
import time

from command_line import TIME_LIMIT_SECONDS
from daemon import Daemon, configuration


def run_usage(line):
    """What is refused before anything runs, by status 2, or 1 where the system says no."""
    line.run("run --help", "run", "--help", output=["--config", "--socket", "--workers", "SIGTERM"])
    line.run("run, no configuration", "run", status=2, errors=["--config"])
    line.run("run, missing configuration", "run", "--config", "/nonexistent.yaml", status=2,
             errors=["/nonexistent.yaml"])
    bad = line.file("bad.yaml", "ports:\n  - { name: a, lif: 1, miss: learnn }\n")
    line.run("run, bad configuration", "run", "--config", bad, status=2,
             errors=[re.escape(bad) + ":2:30: .*miss.*learnn"])
    good = configuration(line)
    line.run("run --workers 0", "run", "--config", good, "--workers", "0", status=2, errors=[r"1\.\.\.64"])
    line.run("run, empty socket", "run", "--config", good, "--socket", "", status=2,
             errors=["--socket", "empty"])
    long = os.path.join(line.directory, "x" * 120)
    line.run("run, long socket", "run", "--config", good, "--socket", long, status=2, errors=["107"])
    nowhere = os.path.join(line.directory, "no", "such", "a.sock")
    line.run("run, socket nowhere", "run", "--config", good, "--socket", nowhere, status=1,
             errors=[re.escape(os.path.join(line.directory, "no", "such"))])
    file = line.file("a-file", "text")
    line.run("run, socket is a file", "run", "--config", good, "--socket", file, status=1,
             errors=[re.escape(file), "not a socket"])
    lost = line.file("lost.yaml", "ports: [{ name: a, lif: 1, capture: /nonexistent.pcap }]\n")
    own = os.path.join(line.directory, "own.sock")
    line.run("run, no capture", "run", "--config", lost, "--socket", own, status=1,
             errors=["/nonexistent.pcap"])
    line.expect("run, no capture", not os.path.exists(own), "its socket is still there")


def run_and_stop(line):
    """A ready line, a socket with its mode, one daemon a socket, and a good end by either signal."""
    for number in (signal.SIGTERM, signal.SIGINT):
        line.cases += 1
        daemon = Daemon(line, "--workers", "2")
        ready = r"ready: unix:\S+control\.sock; .*inside \(LIF 1\).*2 workers"
        line.expect("ready", re.search(ready, daemon.text), f"no ready line: {daemon.text!r}")
        mode = stat.S_IMODE(os.stat(daemon.socket).st_mode)
        line.expect("mode", mode == 0o660, f"the socket has mode {mode:o}")
        line.run("a second daemon", "run", "--config", configuration(line), "--socket", daemon.socket,
                 status=1, errors=[re.escape(daemon.socket), "another"])
        daemon.run("still there", "show", "status", output=["sluice", "capacity"])
        # Somebody looks on: that may not hold up the end.
        watch = subprocess.Popen([line.sluice, "session", "watch", "--socket", daemon.socket],
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        watch.stdout.readline()
        status, seconds = daemon.end(number)
        line.expect(f"signal {number}", status == 0, f"status {status}: {daemon.text!r}")
        line.expect(f"signal {number}", seconds < 1.5, f"took {seconds:.2f} s")
        line.expect(f"signal {number}", not os.path.exists(daemon.socket), "the socket is still there")
        _, errors = watch.communicate(timeout=TIME_LIMIT_SECONDS)
        line.expect("watch", watch.returncode == 1,
                    f"status {watch.returncode} when its daemon stops: {errors!r}")


def run_ends_at_once(line):
    """A signal is obeyed from the moment on when the daemon says that it is ready."""
    for _ in range(20):
        line.cases += 1
        daemon = Daemon(line)
        status, seconds = daemon.end()
        line.expect("at once", status == 0, f"status {status} after {seconds:.1f} s: {daemon.text!r}")


def run_after_kill(line):
    """A daemon that was killed leaves a socket: clients say so, the next daemon takes its place."""
    line.cases += 1
    daemon = Daemon(line)
    daemon.end(signal.SIGKILL)
    line.expect("killed", os.path.exists(daemon.socket), "no socket is left to test with")
    daemon.run("stale socket", "session", "list", status=1, errors=["no sluice answers at", "sluice run"])
    with Daemon(line) as heir:
        heir.run("heir", "show", "status", output=["capacity"])


def run_notifies(line):
    """systemd is told when it is ready and when it stops."""
    line.cases += 1
    path = os.path.join(line.directory, "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(path)
        listener.settimeout(TIME_LIMIT_SECONDS)
        with Daemon(line, environment={"NOTIFY_SOCKET": path}):
            ready = listener.recv(4096)
            line.expect("notify", ready.startswith(b"READY=1"), f"told {ready!r}")
        stopping = listener.recv(4096)
        line.expect("notify", stopping == b"STOPPING=1", f"told {stopping!r}")


def client_without_daemon(line):
    """What clients say when there is nobody to talk to, or nobody that wants to."""
    missing = os.path.join(line.directory, "missing.sock")
    line.run("no socket", "session", "list", "--socket", missing, status=1,
             errors=["no sluice answers at " + re.escape(missing), "sluice run", "--socket"])
    line.run("no socket, show", "show", "workers", "--json", "--socket", missing, status=1,
             errors=["no sluice"])
    line.run("$SLUICE_SOCKET", "show", "status", environment={"SLUICE_SOCKET": missing}, status=1,
             errors=[re.escape(missing)])
    line.run("a file", "show", "status", "--socket", line.file("file", "text"), status=1,
             errors=["no sluice"])
    line.run("long path", "show", "status", "--socket", "/" + "x" * 120, status=1, errors=["107 bytes"])
    line.run("empty path", "show", "status", "--socket", "", status=2, errors=["--socket", "empty"])
    with Daemon(line) as daemon:
        line.run("$SLUICE_SOCKET, good", "show", "status", environment={"SLUICE_SOCKET": daemon.socket},
                 output=["capacity"])
        if os.geteuid() == 0:
            _refused_by_mode(line, daemon)


def _refused_by_mode(line, daemon):
    """Somebody who is neither root nor in the group; only root can be somebody else."""
    line.cases += 1
    for mode, wanted in ((0o755, "mode 0660, group"), (0o700, "directory")):
        os.chmod(line.directory, mode)
        try:
            done = subprocess.run([line.sluice, "show", "status", "--socket", daemon.socket], user="nobody",
                                  group="nogroup", extra_groups=[], capture_output=True, text=True,
                                  check=False, timeout=TIME_LIMIT_SECONDS)
        except PermissionError:     # nor may that user run the binary where it lies
            return
        line.expect("permission", done.returncode == 1 and "permission denied" in done.stderr
                    and wanted in done.stderr, f"status {done.returncode}: {done.stderr!r}")


def client_interrupted(line):
    """Ctrl-C ends what would go on forever, with status 130 and nothing said."""
    with Daemon(line) as daemon:
        for arguments in (["session", "watch"], ["show", "workers", "--interval", "0.2"],
                          ["session", "closed", "--follow"], ["session", "list", "--interval", "0.2"]):
            line.cases += 1
            process = subprocess.Popen([line.sluice, *arguments, "--socket", daemon.socket], text=True,
                                       stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            process.stdout.readline()
            time.sleep(0.3)
            process.send_signal(signal.SIGINT)
            _, errors = process.communicate(timeout=TIME_LIMIT_SECONDS)
            line.expect(" ".join(arguments), process.returncode == 130 and errors == "",
                        f"status {process.returncode}: {errors!r}")
