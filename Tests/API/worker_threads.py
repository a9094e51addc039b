"""Worker threads as the kernel sees them: CPUs, scheduler, locked memory, CPU time when nothing comes."""

import json
import os
import subprocess
import time

import stubs
from running import CALL_SECONDS
from settings import settings
from suite import equal, eventually, seconds, true
from table import OPI, fields


def _threads(daemon):
    """The worker threads: name -> directory in /proc."""
    tasks, found = f"/proc/{daemon.process.pid}/task", {}
    for task in os.listdir(tasks):
        with open(f"{tasks}/{task}/comm", encoding="utf-8") as file:
            name = file.read().strip()
        if name.startswith("sluice-w"):
            found[name] = f"{tasks}/{task}"
    return found


def _status(directory, key):
    with open(f"{directory}/status", encoding="utf-8") as file:
        return next(line.split(":", 1)[1].strip() for line in file if line.startswith(f"{key}:"))


def _numbers(text):
    """CPUs of a list such as 0-3,8."""
    ends = [part.split("-") for part in text.split(",")]
    return [number for end in ends for number in range(int(end[0]), int(end[-1]) + 1)]


def _cpu_seconds(directory):
    """CPU time of a thread: nanoseconds on CPU, the first of /proc/PID/task/TID/schedstat."""
    with open(f"{directory}/schedstat", encoding="utf-8") as file:
        return int(file.read().split()[0]) / 1e9


def _share(directory, duration):
    """Share of a CPU that a thread uses."""
    before, start = _cpu_seconds(directory), time.monotonic()
    time.sleep(duration)
    return (_cpu_seconds(directory) - before) / (time.monotonic() - start)


def _workers(daemon):
    answer = daemon.dataplane.ListWorkers(stubs.sluice.ListWorkersRequest(), timeout=CALL_SECONDS)
    return answer.workers


def test_workers_are_pinned_to_the_cores_that_are_named(case):
    mask = sorted(os.sched_getaffinity(0))
    cores = mask[::-1][:2]
    daemon = case.daemon(settings(workers=len(cores), cores=cores))
    threads = _threads(daemon)
    equal(len(threads), len(cores), "worker threads")
    for index, core in enumerate(cores):
        equal(_status(threads[f"sluice-w{index}"], "Cpus_allowed_list"), str(core), f"CPUs of worker {index}")
    equal([worker.core for worker in _workers(daemon)], cores, "cores by sluice.v1")
    true(all(worker.HasField("node") for worker in _workers(daemon)), "each has a node")
    shown = subprocess.run(
        [daemon.sluice, "show", "workers", "--json", "--socket", daemon.socket],
        capture_output=True, text=True, check=True, timeout=CALL_SECONDS)
    workers = json.loads(shown.stdout)["workers"]
    equal([(each["core"], each["polling"], each["scheduler"]) for each in workers],
          [(core, "adaptive", "other") for core in cores], "show workers")
    # What is no worker goes where it likes.
    equal(_numbers(_status(f"/proc/{daemon.process.pid}", "Cpus_allowed_list")), mask, "CPUs of the process")


def test_auto_leaves_the_first_cpu_to_control(case):
    mask = sorted(os.sched_getaffinity(0))
    daemon = case.daemon(settings())
    core = _numbers(_status(_threads(daemon)["sluice-w0"], "Cpus_allowed_list"))
    equal(len(core), 1, "CPUs of worker 0")
    true(core[0] in mask and (len(mask) == 1 or core[0] != mask[0]), f"worker 0 on {core} of {mask}")


def test_any_pins_nothing(case):
    daemon = case.daemon(settings(cores="any"))
    mask = sorted(os.sched_getaffinity(0))
    equal(_numbers(_status(_threads(daemon)["sluice-w0"], "Cpus_allowed_list")), mask, "CPUs of worker 0")
    worker, = _workers(daemon)
    equal((worker.core, worker.HasField("node")), (-1, False), "core and node")


def test_cores_that_are_not_there_are_refused(case):
    from running import Daemon
    daemon = Daemon(case.sluice, case.directory, settings(cores=[8000]))
    case.daemons.append(daemon)
    equal(daemon.refusal(), 2, "exit status")
    true("cores[0]: CPU 8000 is offline or does not exist" in daemon.said(), daemon.said())


def test_the_mask_of_the_process_is_obeyed(case):
    """A daemon that may run on one CPU puts its worker there, and refuses others by name."""
    mask = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, mask[-1:])
    try:
        daemon = case.daemon(settings())
        equal(_status(_threads(daemon)["sluice-w0"], "Cpus_allowed_list"), str(mask[-1]), "CPUs of worker 0")
        if len(mask) > 1:
            from running import Daemon
            other = Daemon(case.sluice, case.directory, settings(cores=mask[:1]), 1)
            case.daemons.append(other)
            equal(other.refusal(), 2, "exit status")
            true(f"cores[0]: CPU {mask[0]} is outside the affinity mask" in other.said(), other.said())
    finally:
        os.sched_setaffinity(0, mask)


@seconds(90)
def test_adaptive_workers_cost_under_two_percent_without_traffic(case):
    workers = min(2, len(os.sched_getaffinity(0)))
    daemon = case.daemon(settings(workers=workers, polling="adaptive"))
    threads = _threads(daemon)
    time.sleep(0.5)
    for name, directory in sorted(threads.items()):
        # What else the machine does makes waking dearer: the least of three looks is the worker's.
        share = min(_share(directory, 2) for _ in range(3))
        true(share < 0.02, f"{name} uses {share:.1%} of a CPU without traffic")
    # And they answer at once all the same.
    table, times = OPI(daemon), []
    for identity in range(1, 31):
        start = time.monotonic()
        equal(table.add(fields(identity)).errors, [], "errors")
        times.append(time.monotonic() - start)
        time.sleep(0.02)
    true(sorted(times)[15] < 0.02, f"AddSession takes {sorted(times)[15] * 1000:.1f} ms at the median")


def test_a_busy_worker_polls_without_end(case):
    daemon = case.daemon(settings(polling="busy"))
    directory = _threads(daemon)["sluice-w0"]
    # A busy machine may give it less than a whole CPU; it never gives one up by itself.
    before = int(_status(directory, "voluntary_ctxt_switches"))
    share = _share(directory, 1)
    true(share > 0.2, f"a busy worker uses {share:.1%}")
    after = int(_status(directory, "voluntary_ctxt_switches"))
    true(after - before < 10, f"it slept {after - before} times in a second")
    equal(_workers(daemon)[0].polling, "busy", "polling")
    equal(OPI(daemon).add(fields(1)).errors, [], "errors of AddSession")


def test_tables_are_provided_from_the_start_on(case):
    """121 MB for a million sessions, before any is there; with `prefault: false` as sessions come."""
    daemon = case.daemon(settings(capacity=1_000_000))
    eventually(lambda: daemon.resident_bytes() > 110_000_000, "the table is in memory", 10)
    other = case.daemon(settings(capacity=1_000_000, prefault=False))
    time.sleep(0.5)
    true(other.resident_bytes() < 80_000_000, f"{other.resident_bytes()} bytes without sessions")


def test_fifo_and_locked_memory(case):
    if os.geteuid() != 0:
        return
    daemon = case.daemon(settings(scheduler_policy="fifo", scheduler_priority=3, mlockall=True))
    thread = int(os.path.basename(_threads(daemon)["sluice-w0"]))
    equal(os.sched_getscheduler(thread) & ~os.SCHED_RESET_ON_FORK, os.SCHED_FIFO, "scheduler of worker 0")
    equal(os.sched_getparam(thread).sched_priority, 3, "priority of worker 0")
    equal(os.sched_getscheduler(daemon.process.pid), os.SCHED_OTHER, "scheduler of the process")
    equal(_workers(daemon)[0].scheduler, "fifo 3", "scheduler by sluice.v1")
    locked = int(_status(f"/proc/{daemon.process.pid}", "VmLck").split()[0])
    true(locked > 1024, f"{locked} kB are locked")
    # On first touch, not all of what is reserved.
    true(daemon.resident_bytes() < 1 << 30, "the reserved memory is not populated")
    equal(OPI(daemon).add(fields(1)).errors, [], "errors of AddSession")
    eventually(lambda: daemon.counters()["liveSessions"] == 1, "the session is there")
