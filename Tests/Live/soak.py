"""Ten minutes of iperf3 by both kinds of ports at once. Only with --long."""

import itertools
import threading

from bump import bump, check_explained
from namespaces import ADDRESSES, Net
from suite import seconds, true
from throughput import check_tcp, iperf, serve

# In all, and of one run.
SECONDS, RUN_SECONDS = 600, 60
# Per daemon: its table, pool and rings, with reserve.
MOST_BYTES = 1 << 30


def _soak(net, daemon, problems):
    """Four streams each way until the time is up; both equations hold on the way and at the end."""
    try:
        runs = itertools.cycle(itertools.product(((), ("--reverse",)), ADDRESSES["right"]))
        for more, address in itertools.islice(runs, SECONDS // RUN_SECONDS):
            check_tcp(iperf(net, address, "--parallel", "4", *more, length=RUN_SECONDS), address)
            check_explained(daemon)
    except Exception as problem:    # told by the thread that waits
        problems.append(problem)


@seconds(SECONDS + 300)
def test_soak(case):
    """Each kind between hosts of its own."""
    problems, threads = [], []
    with Net() as one, Net() as other:
        other.finish_checksums()
        for net, kind in ((one, "af_packet"), (other, "af_xdp")):
            daemon = bump(case, net, kind=kind)
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
