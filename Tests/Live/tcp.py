"""Kernel TCP through sluice with the offloads that hosts have by default."""

from bump import bump, check_explained
from namespaces import ADDRESSES, Net
from suite import equal, true
from transfers import Files

MEGABYTE = 1 << 20


def _transfer(case, size=32 * MEGABYTE, mtu=1500, **options):
    """A file by IPv4 and by IPv6, then everything explained: ports and counters."""
    with Net(mtu=mtu) as net:
        daemon = bump(case, net, **options)
        equal({worker.polling for worker in daemon.workers()}, {options.get("polling", "adaptive")},
              "polling")
        files = Files(case, net)
        files.add("file", size)
        for address in ADDRESSES["right"]:
            files.fetch("file", address)
        ports, total = check_explained(daemon)
        true(total["sessionsOpened"] >= 2, "the connections were learned")
        daemon.terminate()
        return ports, total


def test_default_offloads(case):
    ports, _ = _transfer(case)
    events = dict(ports["lif-2"].events)
    true(events.get("superFrames", 0) > 0, f"the server sends super-frames: {events}")
    true(dict(ports["lif-1"].events).get("checksums", 0) > 0, "the client leaves checksums to its device")


def test_two_workers(case):
    _, total = _transfer(case, workers=2)
    equal(total["handedOff"], total["takenOver"], "packets handed over")


def test_blocks_of_packets(case):
    _transfer(case, ring={"version": 3})


def test_blocks_of_packets_two_workers(case):
    _transfer(case, ring={"version": 3}, workers=2)


def test_worker_that_never_sleeps(case):
    _transfer(case, size=8 * MEGABYTE, polling="busy")


def test_large_mtu(case):
    _transfer(case, mtu=9000)


def test_many_connections_two_workers(case):
    with Net() as net:
        daemon = bump(case, net, workers=2, policies={"fanout": "hash"})
        files = Files(case, net)
        names = [f"file-{number}" for number in range(16)]
        for name in names:
            files.add(name, MEGABYTE)
        files.fetch_at_once(names, ADDRESSES["right"][0])
        _, total = check_explained(daemon)
        true(total["handedOff"] > 0, "some connections belong to the other worker")
        workers = daemon.workers()
        true(all(worker.counters["packets"] > 0 for worker in workers), "both workers have packets")


def test_from_right_to_left(case):
    with Net() as net:
        daemon = bump(case, net)
        files = Files(case, net, place="left")
        files.add("file", 8 * MEGABYTE)
        files.fetch("file", ADDRESSES["left"][0], place="right")
        check_explained(daemon)
