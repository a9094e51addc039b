"""Kernel TCP through AF_XDP ports, and frames of memory that are all there afterwards."""

import signal

from bump import bump, check_explained
from namespaces import ADDRESSES, Net
from raw import LINK_FRAME, Listener, send
from suite import equal, eventually, true
from transfers import Files

MEGABYTE = 1 << 20


def _check_frames(daemon):
    """No frame is on its way, none was lost, and none was used twice."""
    def resting():
        return all("framesInUse" not in dict(port.events) for port in daemon.ports().values())
    eventually(resting, "all frames are back", seconds=5)
    for name, port in daemon.ports().items():
        equal(dict(port.events).get("frameFaults", 0), 0, f"frames of {name} used twice")


def _transfer(case, size=32 * MEGABYTE, queues=1, **options):
    """A file by IPv4 and by IPv6, then everything explained: ports, counters and frames."""
    with Net(queues=queues) as net:
        net.finish_checksums()
        daemon = bump(case, net, kind="af_xdp", **options)
        equal({port.kind for port in daemon.ports().values()}, {"af_xdp"}, "kinds of the ports")
        equal({worker.polling for worker in daemon.workers()}, {options.get("polling", "adaptive")},
              "polling")
        files = Files(case, net)
        files.add("file", size)
        for address in ADDRESSES["right"]:
            files.fetch("file", address)
        _, total = check_explained(daemon)
        true(total["sessionsOpened"] >= 2, "the connections were learned")
        _check_frames(daemon)
        daemon.terminate()
        return total


def test_one_worker(case):
    _transfer(case)


def test_generic(case):
    _transfer(case, xdp="generic")


def test_worker_that_never_sleeps(case):
    _transfer(case, size=8 * MEGABYTE, polling="busy")


def test_two_workers_one_queue(case):
    total = _transfer(case, workers=2)
    equal(total["handedOff"], total["takenOver"], "packets handed over")


def test_two_workers_two_queues(case):
    total = _transfer(case, workers=2, queues=2)
    equal(total["handedOff"], total["takenOver"], "packets handed over")


def test_three_workers_two_queues(case):
    """The third one sends by packet sockets."""
    total = _transfer(case, size=8 * MEGABYTE, workers=3, queues=2)
    equal(total["handedOff"], total["takenOver"], "packets handed over")


def test_one_worker_three_queues(case):
    _transfer(case, queues=3)


def test_small_rings(case):
    _transfer(case, ring={"packets": 512})


def test_many_connections_two_workers(case):
    with Net(queues=2) as net:
        net.finish_checksums()
        daemon = bump(case, net, workers=2, kind="af_xdp")
        files = Files(case, net)
        names = [f"file-{number}" for number in range(16)]
        for name in names:
            files.add(name, MEGABYTE)
        files.fetch_at_once(names, ADDRESSES["right"][0])
        _, total = check_explained(daemon)
        true(total["handedOff"] > 0, "some connections belong to the other worker")
        _check_frames(daemon)


def test_beside_af_packet(case):
    """From one kind to the other: packets are copied."""
    with Net() as net:
        net.finish_checksums()
        daemon = bump(case, net, kinds=("af_xdp", "af_packet"))
        files = Files(case, net)
        files.add("file", 8 * MEGABYTE)
        files.fetch("file", ADDRESSES["right"][0])
        check_explained(daemon)
        _check_frames(daemon)


def test_way_out_is_down(case):
    with Net() as net:
        daemon = bump(case, net, kind="af_xdp")
        net.run("middle", "ip", "link", "set", "port1", "down")
        send(net, "left", [LINK_FRAME] * 10)
        eventually(lambda: daemon.drops().get("portDown") == 10, "ten drops for that reason")
        net.run("middle", "ip", "link", "set", "port1", "up")
        listener = Listener(net, "right", 3)
        send(net, "left", [LINK_FRAME] * 3)
        equal(listener.frames(), [LINK_FRAME] * 3, "frames at the right, none of before")
        check_explained(daemon)
        _check_frames(daemon)


def test_no_carrier(case):
    with Net() as net:
        daemon = bump(case, net, kind="af_xdp")
        net.run("right", "ip", "link", "set", "eth0", "down")
        eventually(lambda: "no carrier" in daemon.ports()["lif-2"].error, "the port tells why")
        send(net, "left", [LINK_FRAME] * 10)
        eventually(lambda: sum(daemon.drops().values()) == 10, "ten drops")
        _check_frames(daemon)


def test_other_queues(case):
    """Packets of a queue that came later are nobody's: the port says so."""
    with Net(queues=2) as net:
        for place, name in (("right", "eth0"), ("middle", "port1")):
            net.run(place, "ethtool", "-L", name, "rx", "1", "tx", "1")
        daemon = bump(case, net, kind="af_xdp")
        equal(daemon.ports()["lif-2"].error, "", "the port's error")
        for place, name in (("middle", "port1"), ("right", "eth0")):
            net.run(place, "ethtool", "-L", name, "rx", "2", "tx", "2")
        true("has 2 receive queues now, and had 1" in daemon.ports()["lif-2"].error, "the port tells")


def test_worker_that_was_stopped(case):
    """More comes than rings hold: each packet that was lost is counted, and no frame is."""
    with Net() as net:
        daemon = bump(case, net, kind="af_xdp", ring={"packets": 512})
        daemon.process.send_signal(signal.SIGSTOP)
        send(net, "left", [LINK_FRAME] * 3000)
        daemon.process.send_signal(signal.SIGCONT)
        ports, _ = check_explained(daemon)
        true(dict(ports["lif-1"].events).get("ringFull", 0) > 0, "some were lost")
        _check_frames(daemon)


def test_hundred_thousand_packets(case):
    """A flood by two workers, where half of it is handed over."""
    with Net() as net:
        daemon = bump(case, net, workers=2, kind="af_xdp")
        flood = "\n".join((
            "import socket, sys",
            "s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)",
            "s.bind(('eth0', 0))",
            "frame = bytearray.fromhex(sys.argv[1])",
            "for number in range(100000):",
            "    frame[35] = number & 63",
            "    s.send(frame)"))
        net.run("left", "/usr/bin/python3", "-c", flood, LINK_FRAME.hex(), seconds=120)
        ports, total = check_explained(daemon)
        received = ports["lif-1"].received_packets + dict(ports["lif-1"].events).get("ringFull", 0)
        true(received >= 100000, f"all were received or counted: {received}")
        true(total["handedOff"] > 10000, "many are handed over")
        equal(total["handedOff"], total["takenOver"], "packets handed over")
        _check_frames(daemon)
