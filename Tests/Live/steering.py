"""Several workers: the kernel gives each one the packets of its own sessions."""

import ipaddress
import random

import frames
from bump import bump, check_explained
from namespaces import Net
from raw import Listener, send, to_listener
from suite import equal, eventually, true

WORKERS = 3
FLOWS = 60
VLANS = (None, 7)


def _flows(seed):
    """Frames of one packet each way of flows of every kind: (from the left, from the right)."""
    numbers = random.Random(seed)
    there, back = [], []
    for flow in range(FLOWS):
        make = (frames.udp, frames.tcp)[flow & 1]
        bits = (32, 128)[flow >> 1 & 1]
        # Neighbours too, so that the order of ports and of single bytes of addresses counts.
        base = numbers.getrandbits(bits - 8) << 8 if flow % 5 else 10 << bits - 8
        lowest = ipaddress.ip_address(base.to_bytes(bits // 8, "big"))
        first, second = (str(lowest + numbers.getrandbits(6) + 1) for _ in range(2))
        ports = numbers.randint(1, 65535), numbers.randint(1, 65535)
        vlan = VLANS[flow >> 2 & 1]
        there.append(to_listener(make(first, ports[0], second, ports[1], vlan=vlan)))
        back.append(to_listener(make(second, ports[1], first, ports[0], vlan=vlan)))
    return there, back


def _pass(net, daemon, seed):
    """Sends flows both ways; every frame arrives."""
    before = daemon.counters()
    for place, far, sent in zip(("left", "right"), ("right", "left"), _flows(seed)):
        listener = Listener(net, far, len(sent))
        send(net, place, sent)
        equal(sorted(listener.frames()), sorted(sent), f"frames at the {far}")
    eventually(lambda: daemon.counters()["matched"] - before["matched"] >= FLOWS, "the way back is counted")


def _own_packets(daemon, before):
    """Nothing was handed over since, and every worker had packets of flows."""
    workers = daemon.workers()
    equal(sum(worker.counters["handedOff"] for worker in workers), before, "handed over")
    shares = [worker.counters["sessionsOpened"] for worker in workers]
    true(all(share > FLOWS // 10 for share in shares), f"sessions of each worker: {shares}")


def _steered(case, **options):
    with Net() as net:
        daemon = bump(case, net, workers=WORKERS, **options)
        _pass(net, daemon, 1)
        _own_packets(daemon, 0)
        check_explained(daemon)


def test_every_kind_of_flow(case):
    _steered(case)


def test_blocks_of_packets(case):
    _steered(case, ring={"version": 3})


def test_security_payloads_by_their_spi(case):
    """ESP: packets of one SPI are one worker's, whatever else there is about them."""
    with Net() as net:
        daemon = bump(case, net, workers=WORKERS)
        before = [worker.counters["packets"] for worker in daemon.workers()]
        esp = to_listener(frames.udp("10.9.0.1", 7, "10.9.0.2", 8, payload=40))
        sent = []
        for number in range(30):
            frame = bytearray(esp)
            frame[23] = 50
            frame[34:38] = (0x1001).to_bytes(4, "big")
            frame[38:42] = number.to_bytes(4, "big")
            frame[33] = number
            sent.append(bytes(frame))
        listener = Listener(net, "right", len(sent))
        send(net, "left", sent)
        equal(listener.frames(), sent, "frames at the right, in order")
        eventually(lambda: sum(worker.counters["packets"] for worker in daemon.workers()) >= sum(before) + 30,
                   "they are counted")
        more = [worker.counters["packets"] - old for worker, old in zip(daemon.workers(), before)]
        true(max(more) >= 30, f"packets of each worker: {more}")


def test_the_kernels_hash(case):
    """By choice: packets are handed over, and all else is the same."""
    with Net() as net:
        daemon = bump(case, net, workers=WORKERS, policies={"fanout": "hash"})
        _pass(net, daemon, 1)
        true(daemon.counters()["handedOff"] > FLOWS // 4, "many are handed over")
        _, total = check_explained(daemon)
        equal(total["handedOff"], total["takenOver"], "packets handed over")


def test_interface_made_again(case):
    """Workers move in their order: packets are dealt as before."""
    with Net() as net:
        daemon = bump(case, net, workers=WORKERS)
        net.run("middle", "ip", "link", "delete", "port1")
        net.connect("right")
        eventually(lambda: dict(daemon.ports()["lif-2"].events).get("reattached") == WORKERS,
                   "every ring has moved", seconds=10)
        before = daemon.counters()["handedOff"]
        _pass(net, daemon, 2)
        _own_packets(daemon, before)
