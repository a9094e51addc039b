"""iperf3 through sluice: several streams, both directions, TCP and UDP."""

import json

from bump import bump, check_explained
from namespaces import ADDRESSES, Net
from suite import equal, eventually, true

SECONDS = 1
# In Mbit/s: passed by far wherever it works; a connection whose segments are lost or wrong crawls.
LEAST_TCP = 20


def serve(net):
    """Starts iperf3 at the right."""
    net.start("right", "iperf3", "--server", "--json", "--logfile", "/dev/null")
    eventually(lambda: ":5201" in net.run("right", "ss", "-ltn"), "iperf3 listens", seconds=10)


def iperf(net, address, *options, length=SECONDS):
    """What iperf3 says of a run, at its end."""
    def run():
        found = json.loads(net.run("left", "iperf3", "--client", address, "--time", length, "--json",
                                   *options, seconds=length + 30))
        # The server may still be at the end of the run before.
        return None if "busy" in found.get("error", "") else found
    found = eventually(run, "the server takes the run", seconds=10)
    true("error" not in found, f"iperf3: {found.get('error')}")
    return found["end"]


def check_tcp(end, what):
    """A run of TCP that was no crawl."""
    rate = end["sum_received"]["bits_per_second"] / 1e6
    true(rate > LEAST_TCP, f"{rate:.1f} Mbit/s, {what}")


def _runs(case, without_offloads=False, **options):
    """Streams of both families and directions, then everything explained."""
    with Net(queues=options.get("workers", 1)) as net:
        if without_offloads:
            net.finish_checksums()
        daemon = bump(case, net, **options)
        serve(net)
        for address in ADDRESSES["right"]:
            for more in ((), ("--reverse",), ("--parallel", "4")):
                check_tcp(iperf(net, address, *more), f"to {address} {more}")
            # Slow enough for a machine with other work.
            udp = iperf(net, address, "--udp", "--bitrate", "2M", "--length", "1000")["sum"]
            true(udp["packets"] > 100, f"{udp['packets']} datagrams")
            equal(udp["lost_packets"], 0, f"datagrams lost of {udp['packets']}")
        _, total = check_explained(daemon)
        equal(total["handedOff"], total["takenOver"], "packets handed over")
        # A control connection and streams, of each run.
        true(total["sessionsOpened"] >= 20, f"{total['sessionsOpened']} sessions were learned")


def test_af_packet(case):
    _runs(case)


def test_af_packet_blocks_two_workers(case):
    _runs(case, ring={"version": 3}, workers=2)


def test_af_xdp(case):
    _runs(case, kind="af_xdp", without_offloads=True)


def test_af_xdp_two_workers(case):
    _runs(case, kind="af_xdp", without_offloads=True, workers=2)
