"""What a running daemon may do that others may not, and that it is enough for what it does later."""

import os

from bump import bump, prepared
from namespaces import ADDRESSES, Net
from ports_change import Changing
from suite import equal, eventually, true
from transfers import Files

NET_ADMIN, NET_RAW, IPC_LOCK, BPF = (1 << number for number in (12, 13, 14, 39))
RINGS = NET_ADMIN | NET_RAW
MEGABYTE = 1 << 20
# Nobody in particular: not root, not the tests' user.
USER = 54321


def _threads(pid):
    """What /proc says of each thread: its name, and its capability sets by their names."""
    found = []
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/status", encoding="ascii") as lines:
            found.append(dict(line.rstrip("\n").split(":\t", 1) for line in lines))
    return found


def _check(daemon, expected, optional=0, is_bounded=True):
    """Every thread has these in its permitted and effective sets, nothing more anywhere."""
    threads = _threads(daemon.process.pid)
    true(len(threads) > 2, f"{len(threads)} threads")
    for status in threads:
        name = status["Name"]
        for kind in ("CapPrm", "CapEff"):
            equal(int(status[kind], 16) & ~optional, expected, f"{kind} of {name}")
        for kind in ("CapInh", "CapAmb"):
            equal(int(status[kind], 16), 0, f"{kind} of {name}")
        if is_bounded:
            equal(int(status["CapBnd"], 16) & ~optional, expected, f"CapBnd of {name}")
        equal(status["NoNewPrivs"], "1", f"NoNewPrivs of {name}")


def _goes_on(case, bed, net):
    """A reload adds a port, an interface is made again, and a file goes through."""
    bed.change(*bed.ports, bed.third())
    bed.change(*bed.ports)
    net.run("middle", "ip", "link", "delete", "port1")
    net.connect("right")
    if bed.kind == "af_xdp":
        net.finish_checksums()
    eventually(lambda: dict(bed.daemon.ports()["lif-2"].events).get("reattached") == 1, "it has moved", 10)
    eventually(lambda: bed.daemon.ports()["lif-2"].error == "", "the port's error goes")
    net.run("left", "ip", "neighbour", "flush", "all")
    files = Files(case, net)
    files.add("file", MEGABYTE)
    files.fetch("file", ADDRESSES["right"][0])


def test_af_packet(case):
    with Net() as net:
        bed = Changing(case, net)
        _check(bed.daemon, RINGS)
        _goes_on(case, bed, net)
        _check(bed.daemon, RINGS)
        true("warning" not in bed.daemon.said(), f"no warning in {bed.daemon.said()!r}")


def test_af_xdp(case):
    with Net() as net:
        bed = Changing(case, net, kind="af_xdp")
        _check(bed.daemon, RINGS | BPF, optional=IPC_LOCK)
        _goes_on(case, bed, net)
        _check(bed.daemon, RINGS | BPF, optional=IPC_LOCK)


def _as_user(capabilities):
    """The start of a command by a user who has these capabilities and no others."""
    words = ",".join(f"+{name}" for name in capabilities)
    return ("setpriv", "--reuid", str(USER), "--regid", str(USER), "--clear-groups", "--inh-caps", words,
            "--ambient-caps", words)


def _open_to_all(case):
    os.chmod(case.directory, 0o777)
    # The directory above it may be root's alone.
    above = os.path.dirname(case.directory)
    os.chmod(above, os.stat(above).st_mode | 0o111)


def _unprivileged(case, kind, capabilities, kept):
    _open_to_all(case)
    with Net() as net:
        bed = Changing(case, net, kind=kind, prefix=_as_user(capabilities))
        # Without CAP_SETPCAP the bounding set stays; none of it can be had without new programs.
        _check(bed.daemon, kept, optional=IPC_LOCK, is_bounded=False)
        equal({status["Uid"].split()[0] for status in _threads(bed.daemon.process.pid)}, {str(USER)},
              "user of the threads")
        true("warning: the kernel's own stack" not in bed.daemon.said(), "the stack is kept off")
        _goes_on(case, bed, net)
        equal(bed.daemon.terminate()[0], 0, "exit status")


def test_unprivileged_user(case):
    _unprivileged(case, "af_packet", ("net_raw", "net_admin", "bpf"), RINGS)


def test_unprivileged_user_af_xdp(case):
    _unprivileged(case, "af_xdp", ("net_raw", "net_admin", "bpf", "ipc_lock"), RINGS | BPF)


def _limited(memory=0):
    """The start of a command whose limits are so many bytes of locked memory and no real-time priority."""
    return ("prlimit", f"--memlock={memory}:{memory}", "--rtprio=0:0")


def test_missing_ones_are_named(case):
    _open_to_all(case)
    with Net() as net:
        for kind, capabilities, named in (
                ("af_packet", ("net_admin", "bpf"), "CAP_NET_RAW"),
                ("af_xdp", ("net_admin", "net_raw"), "CAP_BPF"),
                ("af_xdp", ("net_raw", "bpf"), "CAP_NET_ADMIN"),
                ("af_xdp", ("net_admin", "bpf"), "CAP_NET_RAW")):
            daemon = prepared(case, net, kind=kind, prefix=_as_user(capabilities))
            equal(daemon.refusal(), 1, f"exit status without {named}")
            true(named in daemon.said(), f"{named} is not in {daemon.said()!r}")


def test_missing_ones_of_threads_are_named(case):
    """With both capabilities it starts, whatever the limits are."""
    _open_to_all(case)
    ports = ("net_raw", "net_admin", "bpf")
    fifo, locked = {"scheduler_policy": "fifo", "scheduler_priority": 3}, {"mlockall": True}
    with Net() as net:
        for memory, capabilities, wishes, words in (
                (0, ("ipc_lock",), fifo | locked, ("scheduler_policy: fifo: priority 3", "CAP_SYS_NICE",
                                                   "RLIMIT_RTPRIO of 3")),
                (0, ("sys_nice",), fifo | locked, ("mlockall: ", "CAP_IPC_LOCK", "RLIMIT_MEMLOCK")),
                (MEGABYTE, (), locked, ("mlockall: ", "CAP_IPC_LOCK", "RLIMIT_MEMLOCK"))):
            daemon = prepared(case, net, prefix=(*_limited(memory), *_as_user((*ports, *capabilities))),
                              **wishes)
            equal(daemon.refusal(), 1, f"exit status with {capabilities}, {wishes}")
            true(all(word in daemon.said() for word in words), f"{words} are not in {daemon.said()!r}")
        daemon = prepared(case, net, prefix=(*_limited(), *_as_user((*ports, "sys_nice", "ipc_lock"))),
                          **fifo, **locked)
        daemon.start()
        equal([worker.scheduler for worker in daemon.workers()], ["fifo 3"], "scheduler with both")
        equal(daemon.terminate()[0], 0, "exit status")


def test_silence_that_cannot_be_is_warned_of(case):
    _open_to_all(case)
    with Net() as net:
        daemon = bump(case, net, prefix=_as_user(("net_raw",)))
        true("give sluice CAP_BPF and CAP_NET_ADMIN" in daemon.said(), daemon.said())
        _check(daemon, NET_RAW, is_bounded=False)
