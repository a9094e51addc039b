"""Servers of the session API, the client that drives them, and the CPU time that is charged to them."""

import json
import os
import shutil
import subprocess
import tempfile
import time

WORKER_PREFIX = "sluice-w"


class Client:
    """`session_client`, connected to a server; a command at a time."""

    def __init__(self, program, socket, core):
        self._process = subprocess.Popen(
            [program, socket], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            preexec_fn=lambda: os.sched_setaffinity(0, {core}))
        self._read()

    def ask(self, *words):
        """The answer to a command. A client that met an error has nothing that could be measured."""
        self._process.stdin.write(" ".join(map(str, words)) + "\n")
        self._process.stdin.flush()
        answer = self._read()
        if answer.get("errors"):
            raise SystemExit(f"{answer['errors']} of {answer['calls']} calls of {words[0]} failed, "
                             f"the first with: {answer['first_error']}")
        return answer

    def close(self):
        """Ends it."""
        self._process.stdin.close()
        self._process.wait(30)
        self._process.stdout.close()

    def _read(self):
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit(f"session_client: ended with {self._process.wait()}")
        return json.loads(line)


class Server:
    """A server process with a client on the other core. Use it as a context.

    Its worker threads, if it has any, are kept apart from all its other threads: on `worker_core`.
    """

    def __init__(self, bench, command, socket, core, worker_core=None):
        self._folder = tempfile.mkdtemp(prefix="sluice-bench-")
        self._process = subprocess.Popen(
            [part.replace("@", self._folder) for part in command], stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL, preexec_fn=lambda: os.sched_setaffinity(0, {core}))
        self.client = None
        # Numbers of sessions below this one have been used.
        self.used = 0
        try:
            path = os.path.join(self._folder, socket)
            self._wait_for(path)
            self.client = Client(bench.peers.grpc("session_client"), path, bench.other_core)
            for thread in self._worker_threads():
                os.sched_setaffinity(thread, {worker_core})
        except BaseException:
            self.close()
            raise

    @property
    def pid(self):
        """Its process."""
        return self._process.pid

    def control_ns(self):
        """CPU time so far of all its threads but the workers, also of threads that have ended."""
        # The kernel's encoding of clock_getcpuclockid(3) of a process. Those of threads are for their own
        # process only; their time stands in /proc, as of the last time the scheduler looked at them.
        return time.clock_gettime_ns(~self.pid << 3 | 2) - sum(map(self._thread_ns, self._worker_threads()))

    def command_ns(self):
        """CPU time so far that workers spent applying commands."""
        if not self._worker_threads():
            return 0
        return sum(worker["command_nanoseconds"] for worker in self.workers())

    def workers(self):
        """The counters of the workers."""
        return self.client.ask("workers")["workers"]

    def fresh(self, count):
        """The first of `count` numbers of sessions that nobody has used yet."""
        self.used += count
        return self.used - count

    def charged(self, *words):
        """Has the client do something; answers what it says and the server's CPU time for it in nanoseconds,
        in all and the workers' part."""
        commands, control = self.command_ns(), self.control_ns()
        answer = self.client.ask(*words)
        # What a server puts off until after its answer is part of the work.
        time.sleep(0.02)
        control = self.control_ns() - control
        commands = self.command_ns() - commands
        return answer, control + commands, commands

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """Ends client and server."""
        if self.client:
            self.client.close()
        self._process.stdin.close()
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _wait_for(self, path):
        for _ in range(1000):
            if os.path.exists(path):
                return
            if self._process.poll() is not None:
                raise SystemExit(f"{self._process.args[0]}: ended with {self._process.returncode}")
            time.sleep(0.01)
        raise SystemExit(f"{self._process.args[0]}: has no socket after ten seconds")

    def _thread_ns(self, thread):
        with open(f"/proc/{self.pid}/task/{thread}/schedstat", encoding="ascii") as file:
            return int(file.read().split()[0])

    def _worker_threads(self):
        folder = f"/proc/{self.pid}/task"
        found = []
        for thread in os.listdir(folder):
            with open(os.path.join(folder, thread, "comm"), encoding="ascii") as file:
                if file.read().startswith(WORKER_PREFIX):
                    found.append(int(thread))
        return found


def counting(bench, listed=0):
    """The peer: a C++ server that counts messages and claims to have `listed` sessions."""
    program = bench.peers.grpc("session_count_server")
    return Server(bench, [program, "@/socket", str(listed)], "socket", bench.core)


def sluice(bench, config, core, worker_core):
    """`sluice run` with a configuration, given as text."""
    with open(os.path.join(bench.folder, "run.yaml"), "w", encoding="utf-8") as file:
        file.write(config)
    return Server(bench, [bench.sluice, "run", "--config", file.name, "--socket", "@/socket"], "socket", core,
                  worker_core)
