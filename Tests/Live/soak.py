"""Ten minutes of iperf3 by both kinds of ports at once. Only with --long."""

import itertools
import threading

from acting import COLLECTOR, TALKER
from bump import bump, check_explained
from namespaces import ADDRESSES, Net
from raw import DESTINATION
from suite import equal, seconds, true
from table import ACCEPTED, MIRROR, OPI, fields
from throughput import check_tcp, iperf, serve

# In all, and of one run.
SECONDS, RUN_SECONDS = 600, 60
# A second, of a thousand datagrams at most: the talker has to share two CPUs with eight streams.
LEAST_COPIES = 20
# Per daemon: its table, pool and rings, with reserve.
MOST_BYTES = 1 << 30


def _mirror(daemon):
    """A session whose every packet a collector gets too: that of the datagrams that TALKER sends."""
    left, right = (ADDRESSES[place][0] for place in ("left", "right"))
    equal(OPI(daemon).add(fields(1, source=left, destination=right, sourceport=40000, destinationport=9000,
                                 action=MIRROR, hop=COLLECTOR[0])).status, ACCEPTED, "added")


def _soak(net, daemon, problems):
    """Four streams each way until the time is up, beside datagrams that are mirrored; both equations hold on
    the way and at the end."""
    try:
        runs = itertools.cycle(itertools.product(((), ("--reverse",)), ADDRESSES["right"]))
        for more, address in itertools.islice(runs, SECONDS // RUN_SECONDS):
            talker = net.start("left", "/usr/bin/python3", "-c", TALKER, ADDRESSES["right"][0])
            before = daemon.counters()["copiesMade"]
            check_tcp(iperf(net, address, "--parallel", "4", *more, length=RUN_SECONDS), address)
            talker.kill()
            _, total = check_explained(daemon)
            copies = total["copiesMade"] - before
            true(copies > LEAST_COPIES * RUN_SECONDS, f"{copies} copies in {RUN_SECONDS} s")
            equal(total["copiesFailed"], 0, "copies that failed")
    except Exception as problem:    # told by the thread that waits
        problems.append(problem)


@seconds(SECONDS + 300)
def test_soak(case):
    """Each kind between hosts of its own."""
    problems, threads = [], []
    with Net() as one, Net() as other:
        other.finish_checksums()
        for net, kind in ((one, "af_packet"), (other, "af_xdp")):
            # The collector is on the right host's link: with a third port these two would be no peers.
            daemon = bump(case, net, kind=kind,
                          neighbors=[{"address": COLLECTOR[0], "mac": DESTINATION, "lif": 2}])
            _mirror(daemon)
            serve(net)
            threads.append(threading.Thread(target=_soak, args=(net, daemon, problems)))
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for daemon in case.daemons:
            found = daemon.resident_bytes()
            true(found < MOST_BYTES, f"{found >> 20} MB of memory at the end")
    if problems:
        raise problems[0]
