"""One `sluice run`: started, asked, ended by its process id."""

import os
import signal
import subprocess
import time

import grpc

import stubs

START_SECONDS = 10
CALL_SECONDS = 20


class Daemon:
    """A daemon of a test. `settings` is the configuration's text."""

    def __init__(self, sluice, directory, settings, number=0, socket=None):
        self.sluice = sluice
        self.config = os.path.join(directory, f"config-{number}.yaml")
        self.socket = socket or os.path.join(directory, f"control-{number}.sock")
        self.log = os.path.join(directory, f"log-{number}.txt")
        self.process = None
        self.channels = []
        self.expected_status = 0
        with open(self.config, "w", encoding="utf-8") as file:
            file.write(settings)

    def command(self):
        return [self.sluice, "run", "--config", self.config, "--socket", self.socket]

    def spawn(self):
        """Starts the process and does not wait."""
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(self.command(), stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        return self.process

    def start(self):
        """Starts the process and waits until it serves."""
        self.spawn()
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end:
            if self.process.poll() is not None:
                raise RuntimeError(f"the daemon ended with status {self.process.returncode}: {self.said()}")
            if self.is_serving():
                self.channel = self.connect()
                self.dataplane = stubs.sluice_grpc.DataplaneStub(self.channel)
                return self
            time.sleep(0.02)
        raise RuntimeError(f"the daemon does not serve after {START_SECONDS} s: {self.said()}")

    def refusal(self, seconds=10):
        """Starts a process that must not start: its exit status, None when it goes on."""
        self.spawn()
        try:
            self.expected_status = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            return None
        return self.process.returncode

    def is_serving(self):
        """Whether a call on a connection of its own is answered within a second."""
        channel = grpc.insecure_channel(f"unix:{self.socket}", [("grpc.use_local_subchannel_pool", 1)])
        try:
            stubs.health_grpc.HealthStub(channel).Check(
                stubs.health.HealthCheckRequest(), timeout=1, wait_for_ready=os.path.exists(self.socket))
            return True
        except grpc.RpcError:
            return False
        finally:
            channel.close()

    def connect(self, **options):
        """A channel with a connection of its own."""
        options = {"grpc.use_local_subchannel_pool": 1, **options}
        channel = grpc.insecure_channel(f"unix:{self.socket}", list(options.items()))
        self.channels.append(channel)
        return channel

    def said(self):
        with open(self.log, encoding="utf-8", errors="replace") as log:
            return log.read()[-2000:]

    def status(self):
        return self.dataplane.GetStatus(stubs.sluice.GetStatusRequest(), timeout=CALL_SECONDS)

    def counters(self):
        """The counters of all workers, summed."""
        total = {}
        for worker in self.workers():
            for name, value in worker.counters.items():
                total[name] = total.get(name, 0) + value
        return total

    def workers(self):
        return self.dataplane.ListWorkers(stubs.sluice.ListWorkersRequest(), timeout=CALL_SECONDS).workers

    def drops(self):
        answer = self.dataplane.ListDrops(stubs.sluice.ListDropsRequest(), timeout=CALL_SECONDS)
        return {drop.reason: drop.packets for drop in answer.drops}

    def drops_by_port(self, reason):
        answer = self.dataplane.ListDrops(stubs.sluice.ListDropsRequest(), timeout=CALL_SECONDS)
        return next((dict(drop.ports) for drop in answer.drops if drop.reason == reason), {})

    def ports(self):
        answer = self.dataplane.ListPorts(stubs.sluice.ListPortsRequest(), timeout=CALL_SECONDS)
        return {port.name: port for port in answer.ports}

    def sessions(self, filter_=0):
        """Every session of sluice.v1's list by its id; an id that comes twice is a list of two."""
        found, page = [], 0
        while True:
            answer = self.dataplane.ListSessions(
                stubs.sluice.ListSessionsRequest(filter=filter_, page=page), timeout=CALL_SECONDS)
            found += answer.sessions
            page = answer.next_page
            if page == 0:
                return found

    def session(self, identity):
        """One session of sluice.v1's list, or None."""
        answer = self.dataplane.ListSessions(
            stubs.sluice.ListSessionsRequest(session_id=identity), timeout=CALL_SECONDS)
        return answer.sessions[0] if answer.sessions else None

    def resident_bytes(self):
        with open(f"/proc/{self.process.pid}/status", encoding="utf-8") as status:
            rows = dict(line.split(":", 1) for line in status)
        return int(rows["VmRSS"].split()[0]) * 1024

    def terminate(self, seconds=5):
        """SIGTERM: (exit status, seconds it took); the status is None when it did not end."""
        start = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            status = None
        return status, time.monotonic() - start

    def kill(self):
        """The end without warning."""
        self.expected_status = -signal.SIGKILL
        self.process.kill()
        self.process.wait()

    def close(self):
        """Ends it with the test; yields what is wrong with how it ended."""
        for channel in self.channels:
            channel.close()
        if self.process is None:
            return
        if self.process.poll() is None:
            self.terminate(20)
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
            yield "the daemon did not end after SIGTERM and was killed"
        elif self.process.returncode != self.expected_status:
            yield f"the daemon ended with status {self.process.returncode}: {self.said()}"
