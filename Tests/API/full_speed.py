"""Add and delete at full speed under traffic, for a minute; then every equation must be exact."""

import ipaddress
import random
import threading
import time

import grpc

from bystander import Bystander
from capture_file import header, record
from frames import of
from settings import port, settings
from suite import equal, eventually, seconds, true
from table import BOTH, DROP, FORWARD, fields

FLOWS = 4096
RUN_SECONDS = 60
CLIENTS = 4
BATCH = 64


class Churn(threading.Thread):
    """Adds and deletes sessions of its own flows at random, and sums the final counters of the deleted."""

    def __init__(self, generation, daemon, requests, seed, end):
        super().__init__(daemon=True)
        self.table = generation(daemon, daemon.connect())
        self.requests = {request["session_id"]: request for request in requests}
        self.chance = random.Random(seed)
        self.end = end
        self.live = set()
        self.opened = self.deleted = self.packets = self.bytes = 0
        self.problem = None

    def run(self):
        try:
            while time.monotonic() < self.end:
                self.add_some()
                self.delete_some(len(self.live) // 2)
            self.delete_some(len(self.live))
        except (grpc.RpcError, AssertionError) as error:
            self.problem = str(error)

    def add_some(self):
        ids = self.chance.sample(sorted(self.requests), BATCH)
        action = self.chance.choice((DROP, FORWARD))
        call = self.table.upsert if self.chance.random() < 0.5 else self.table.add
        replacing = call == self.table.upsert
        reply = call(*[self.requests[identity] | {"action": {"actiontype": action}} for identity in ids])
        expected = [] if replacing else [(identity, 4) for identity in ids if identity in self.live]
        assert reply.errors == expected, f"errors {reply.errors}, expected {expected}"
        self.opened += len(set(ids) - self.live)
        self.live |= set(ids)

    def delete_some(self, count):
        for identity in self.chance.sample(sorted(self.live), count):
            found = self.table.delete(identity)
            assert found.sessionid == identity and found.requeststatus == 0, f"deleted {found}"
            self.live.remove(identity)
            self.deleted += 1
            self.packets += found.inpackets + found.outpackets
            self.bytes += found.inbytes + found.outbytes


def _churn(daemon, requests, run_seconds):
    """Runs the clients to their end, all their sessions deleted; the clients."""
    end = time.monotonic() + run_seconds
    clients = [Churn(BOTH[number % 2], daemon, requests[number::CLIENTS], number, end)
               for number in range(CLIENTS)]
    with Bystander(daemon):
        for client in clients:
            client.start()
        for client in clients:
            client.join()
    for client in clients:
        equal(client.problem, None, "a client's calls")
    return clients


def _expect_equations(daemon, clients):
    """Sessions: opened = deleted, none is left. Packets: what deleted sessions counted is what matched."""
    opened = sum(client.opened for client in clients)
    status = daemon.status()
    equal(status.live_sessions, 0, "live sessions")
    own = status.sessions_opened - opened
    equal(status.sessions_opened,
          status.live_sessions + status.closed_finack + status.closed_rst + status.closed_timeout
          + status.sessions_deleted, "opened = live + closed + deleted")
    equal(status.sessions_deleted - own, sum(client.deleted for client in clients), "deleted")
    true(own < opened, "the bystander did more than the clients")
    equal(daemon.counters()["matched"], sum(client.packets for client in clients), "matched packets")
    true(opened > 1000, f"only {opened} sessions were opened")
    return opened


@seconds(240)
def test_under_a_capture_that_ends(case):
    """All that the capture has is received; each packet has one verdict, each drop a reason."""
    requests = [fields(number, timeout=86_400) for number in range(1, FLOWS + 1)]
    chance = random.Random(5)
    packets = [of(chance.choice(requests), payload=chance.randint(0, 200)) for _ in range(100_000)]
    capture = case.path("flows.pcap")
    with open(capture, "wb") as file:
        file.write(header() + b"".join(record(packet) for packet in packets))
    rate, rounds = 100_000, RUN_SECONDS
    daemon = case.daemon(settings(
        [port("a", 1, capture=capture, miss="drop"), port("b", 2)], capacity=FLOWS + 10, workers=2,
        captures={"rate": rate, "loop": rounds}))
    clients = _churn(daemon, requests, RUN_SECONDS - 5)
    eventually(lambda: not daemon.ports()["a"].receiving, "the capture ends", 60)
    eventually(lambda: daemon.counters()["packets"] == len(packets) * rounds, "all have their verdict", 5)
    opened = _expect_equations(daemon, clients)
    counters, drops, ports = daemon.counters(), daemon.drops(), daemon.ports()
    equal(ports["a"].received_packets, counters["packets"], "received = verdicts")
    equal(ports["a"].received_bytes, sum(map(len, packets)) * rounds, "received bytes")
    equal(counters["packets"], counters["forwarded"] + counters["dropped"], "packets = forwarded + dropped")
    equal(counters["packets"], counters["matched"] + counters["missed"], "packets = matched + missed")
    equal(counters["dropped"], sum(drops.values()), "dropped = the sum of the reasons")
    equal(drops.get("missDrop", 0), counters["missed"], "misses dropped")
    equal(ports["b"].transmitted_packets, counters["forwarded"], "transmitted = forwarded")
    print(f"        {opened} sessions opened and deleted under {counters['packets']} packets, "
          f"{counters['matched']} of them matched")


@seconds(240)
def test_under_memory_traffic(case):
    """As fast as the workers go. Which tuples there are is learned from a daemon before."""
    memory = {"flows": FLOWS, "seed": 9}
    ports = lambda miss: [port("a", 1, memory=memory, miss=miss), port("b", 2, miss=miss)]
    first = case.daemon(settings(ports("learn"), capacity=2 * FLOWS))
    eventually(lambda: first.status().live_sessions == FLOWS, "all flows are learned", 20)
    requests = [_request(number, session) for number, session in enumerate(first.sessions(), 1)]
    first.terminate()
    daemon = case.daemon(settings(ports("forward"), capacity=FLOWS + 10, workers=2))
    clients = _churn(daemon, requests, RUN_SECONDS)
    opened = _expect_equations(daemon, clients)
    true(sum(client.packets for client in clients) > 10 * opened, "sessions had next to no packets")
    counters = daemon.counters()
    print(f"        {opened} sessions opened and deleted under {counters['packets']} packets, "
          f"{counters['matched']} of them matched")


def _request(number, session):
    """What asks for a session that was learned."""
    source, destination = (str(ipaddress.ip_address(each))
                           for each in (session.source_address, session.destination_address))
    return fields(
        number, source=source, destination=destination, sourceport=session.source_port,
        destinationport=session.destination_port, protocolid=session.protocol, timeout=86_400,
        inlif=session.in_lif | session.in_vlan << 16, outlif=session.out_lif | session.out_vlan << 16)
