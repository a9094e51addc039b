"""Daemons that are killed and started again with `warm_restart`: every session and every counter is there."""

import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time

import stubs
from feed import Feed
from frames import of
from capture_file import record
from running import CALL_SECONDS, Daemon
from settings import port, settings
from suite import equal, eventually, true
from table import ACCEPTED, FORWARD, MIRROR, OPI, RETAINED, TCP, TIMEOUT, fields

SIX = {"source": "2001:db8::1", "destination": "2001:db8::2"}


class Warm:
    """A daemon with state in a directory, on two FIFOs that are made anew for each start."""

    def __init__(self, case, above="/dev/shm", **others):
        self.case = case
        self.state = tempfile.mkdtemp(prefix="sluice-warm-", dir=above)
        self.feeds, self.daemon, self.fed = {}, None, 0
        self.start(**others)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.daemon.process.poll() is None:
            self.daemon.terminate()
        for feed in self.feeds.values():
            feed.close()
        if os.path.ismount(self.state):
            subprocess.run(["umount", self.state], check=True)
        shutil.rmtree(self.state)

    def prepared(self, **others):
        """A daemon that has not been started."""
        for feed in self.feeds.values():
            feed.close()
            os.unlink(feed.path)
        self.feeds = {lif: Feed(self.case.path(f"lif-{lif}.fifo")) for lif in (1, 2)}
        ports = [port(f"lif-{lif}", lif, capture=feed.path, miss="learn")
                 for lif, feed in self.feeds.items()]
        values = {"captures": {"rate": "max"}, "capacity": 2000,
                  "warm_restart": {"directory": self.state}, **others}
        daemon = Daemon(self.case.sluice, self.case.directory, settings(ports, **values),
                        len(self.case.daemons))
        self.case.daemons.append(daemon)
        return daemon

    def start(self, **others):
        self.daemon = self.prepared(**others)
        self.daemon.start()
        self.fed = 0
        self.table = OPI(self.daemon)
        return self.daemon

    def restart(self, **others):
        self.daemon.kill()
        return self.start(**others)

    def send(self, *packets, lif=1):
        self.feeds[lif].write(b"".join(record(packet) for packet in packets))
        self.fed += len(packets)
        eventually(lambda: self.daemon.counters()["packets"] >= self.fed, "the packets get their verdict")

    def everything(self):
        """Every field of every live session, by id."""
        found = {each.session_id: each.SerializeToString(deterministic=True)
                 for each in self.daemon.sessions()}
        listed = {each.sessionid: repr(each) for each in self.table.list()}
        equal(sorted(listed), sorted(found), "both lists")
        return {identity: (found[identity], listed[identity]) for identity in found}


def _requests():
    kinds = ({}, {"protocolid": TCP}, SIX, {"protocolid": TCP, **SIX})
    requests = [fields(number, timeout=300 + number, **kinds[number % 4]) for number in range(1, 201)]
    requests += [fields(0, number, **kinds[number % 4]) for number in range(300, 320)]
    requests.append(fields(900, action=MIRROR, hop="192.0.2.9"))
    return requests


def _filled(warm):
    """Sessions of all kinds with packets both ways, learned ones too: every field of them."""
    requests = _requests()
    equal(warm.table.add(*requests).status, ACCEPTED, "sessions added")
    there = [of(request, payload=number % 50) for number, request in enumerate(requests) for _ in "12"]
    warm.send(*there, *(of(fields(0, number)) for number in range(500, 520)))
    warm.send(*(of(request, back=True) for request in requests[::3]), lif=2)
    found = warm.everything()
    equal(len(found), len(requests) + 20, "sessions")
    return found


def test_sigkill(case):
    with Warm(case) as warm:
        before = _filled(warm)
        warm.restart()
        true(f"{len(before)} sessions are back" in warm.daemon.said(), warm.daemon.said())
        equal(warm.everything(), before, "sessions after SIGKILL")
        # They act, and count on.
        seen = warm.table.get(1).inpackets
        warm.send(of(fields(1, protocolid=TCP)))
        equal(warm.table.get(1).inpackets, seen + 1, "packets of one after another")
        # No id is given out twice.
        new = warm.table.add(*(fields(0, number) for number in range(700, 720))).assigned
        true(len(new) == 20 and not set(new) & set(before), "ids of new sessions")


def test_sigterm(case):
    with Warm(case) as warm:
        before = _filled(warm)
        equal(warm.daemon.terminate()[0], 0, "exit status")
        warm.start()
        equal(warm.everything(), before, "sessions after SIGTERM")


def test_sigkill_amid_packets(case):
    """Counters that stand still are exact; those that move are those of some moment before the end."""
    with Warm(case) as warm:
        before = _filled(warm)
        busy = fields(1000, protocolid=TCP)
        warm.table.add(busy)
        packet = of(busy)
        feed, fed, stop = warm.feeds[1], [0], threading.Event()
        learned = [record(of(fields(0, number))) for number in range(20000, 20500)]

        def write():
            while not stop.is_set():
                feed.write(record(packet) * 16 + learned[fed[0] % len(learned)])
                fed[0] += 1
        writer = threading.Thread(target=write, daemon=True)
        writer.start()
        time.sleep(0.2)
        seen = warm.table.get(1000).inpackets
        warm.daemon.process.send_signal(signal.SIGKILL)
        warm.daemon.expected_status = -signal.SIGKILL
        warm.daemon.process.wait()
        stop.set()
        # It may wait for room in the pipe.
        while writer.is_alive():
            os.read(feed.descriptor, 1 << 16)
            writer.join(0.01)
        warm.start()
        after = warm.everything()
        equal({identity: after.get(identity) for identity in before}, before, "sessions without packets")
        found = warm.table.get(1000)
        true(seen <= found.inpackets <= fed[0] * 16 + 16, f"{seen} <= {found.inpackets} <= {fed[0] * 16}")
        true(abs(found.inbytes - found.inpackets * len(packet)) <= len(packet), "bytes beside packets")
        true(len(after) > len(before) + 1, "learned ones are there too")


def test_other_numbers_of_workers(case):
    with Warm(case) as warm:
        before = _filled(warm)
        for workers in (2, 1, 3):
            warm.restart(workers=workers)
            true(f"{len(before)} sessions are back" in warm.daemon.said(), warm.daemon.said())
            equal(warm.everything(), before, f"sessions of {workers} workers")
            for identity in list(before)[::7]:
                equal(warm.table.get(identity).sessionid, identity, "found by its id")
        warm.restart(workers=3)
        equal(warm.everything(), before, "sessions in place again")
        for identity in before:
            equal(warm.table.delete(identity).sessionid, identity, "deleted by its id")
        warm.restart(workers=3)
        equal(warm.everything(), {}, "sessions after all were deleted")


def test_capacity(case):
    with Warm(case) as warm:
        before = _filled(warm)
        warm.daemon.kill()
        refused = warm.prepared(capacity=100)
        equal(refused.refusal(), 1, "exit status")
        for words in (f"has {len(before)} sessions", 'raise "capacity"', warm.state):
            true(words in refused.said(), f"{words}: {refused.said()}")
        for capacity in (len(before) + 5, 5000):
            warm.start(capacity=capacity)
            equal(warm.everything(), before, f"sessions of capacity {capacity}")
            warm.daemon.kill()
        warm.start(capacity=5000)


def test_a_timeout_meanwhile(case):
    with Warm(case) as warm:
        warm.table.add(fields(1, timeout=1), fields(2))
        start = warm.table.get(1).starttime
        warm.daemon.kill()
        time.sleep(1.3)
        warm.start()
        eventually(lambda: [each.sessionid for each in warm.table.list(state=RETAINED)] == [1], "1 is closed")
        closed, = warm.table.list(state=RETAINED)
        equal((closed.sessionclosecode, closed.endtime), (TIMEOUT, start + 10**9), "how it ended")
        equal(warm.table.ids(), [2], "what lives on")


def test_sessions_of_the_configuration(case):
    entry = {"session_id": 5, "protocolid": "UDP", "sourceip": "10.5.0.1", "sourceport": 5,
             "destinationip": "10.5.0.2", "destinationport": 50, "action": "FORWARD", "inlif": 1, "outlif": 2}
    with Warm(case, sessions=[entry]) as warm:
        before = warm.table.get(5).starttime
        warm.restart(sessions=[entry])
        equal(warm.table.get(5).starttime, before, "it stayed")
        warm.restart(sessions=[entry | {"sourceport": 6}])
        equal(warm.table.ids(), [5], "another of its id gives way")
        true('1 of "sessions" gave way' in warm.daemon.said(), warm.daemon.said())


def test_sessions_of_the_configuration_beside_learned_ones(case):
    """Neither a learned session of the tuple nor a table full of learned ones is in the way of a start."""
    entry = {"session_id": 5, "protocolid": "UDP", "sourceip": "10.5.0.1", "sourceport": 5,
             "destinationip": "10.5.0.2", "destinationport": 50, "action": "FORWARD", "inlif": 1, "outlif": 2}
    request = fields(5, source="10.5.0.1", destination="10.5.0.2", sourceport=5, destinationport=50)
    with Warm(case, capacity=3) as warm:
        warm.send(of(request))
        start = warm.table.list()[0].starttime
        warm.restart(capacity=3, sessions=[entry])
        found, = warm.table.list()
        equal((found.sessionid, found.starttime, found.inpackets), (5, start, 1), "it was taken over")
        warm.table.delete(5)
        warm.send(*(of(fields(0, number)) for number in range(10, 13)))
        warm.restart(capacity=3, sessions=[entry])
        equal(len(warm.table.ids()), 3, "sessions")
        true('1 of "sessions" gave way to others or found no room' in warm.daemon.said(), warm.daemon.said())


def test_many_timeouts_meanwhile(case):
    """More than workers can report before anybody listens, and each in the way of its successor."""
    count = 4800
    entries = [{"session_id": number, "protocolid": "UDP", "sourceip": "10.5.0.1", "sourceport": number,
                "destinationip": "10.5.0.2", "destinationport": 50, "action": "FORWARD", "inlif": 1,
                "outlif": 2, "cachetimeout": 1} for number in range(1, count + 1)]
    values = {"capacity": 20_000, "closed_retention": 2 * count, "sessions": entries}
    with Warm(case, **values) as warm:
        warm.daemon.kill()
        time.sleep(1.3)
        warm.start(**values)
        told = lambda: sum(each.sessionid <= count for each in warm.table.list(state=RETAINED))
        eventually(lambda: told() >= count, "all are told of", 10)


def test_fewer_places_for_sessions_that_are_over(case):
    with Warm(case) as warm:
        warm.table.add(*(fields(number, timeout=1 if number > 5 else 300) for number in range(1, 301)))
        warm.daemon.kill()
        time.sleep(1.3)
        warm.start(capacity=5)
        equal(warm.table.ids(), [1, 2, 3, 4, 5], "what lives on")


def test_what_is_left_alone(case):
    """Nothing of an earlier process goes before a start has succeeded, nor anything that is not sluice's."""
    with Warm(case) as warm:
        before = _filled(warm)
        number = int(open(f"{warm.state}/current", encoding="ascii").read())
        shard, others, left = (f"{warm.state}/{name}" for name in
                               (f"{number}.0", "2024-notes", f"{number + 7}.0"))
        for path in (others, left):
            open(path, "w", encoding="ascii").close()
        warm.daemon.kill()
        # Readable by others: nobody knows who wrote it.
        os.chmod(shard, 0o640)
        refused = warm.prepared()
        equal(refused.refusal(), 1, "exit status")
        true("chmod 600" in refused.said(), refused.said())
        os.chmod(shard, 0o600)
        # Of another version, and a start that fails for another reason: the other version finds its sessions.
        with open(shard, "r+b") as file:
            file.seek(8)
            layout = file.read(1)
            file.seek(8)
            file.write(bytes([layout[0] ^ 1]))
        refused = warm.prepared(sessions=[{
            "session_id": 5, "protocolid": "UDP", "sourceip": "10.5.0.1", "sourceport": 5,
            "destinationip": "10.5.0.2", "destinationport": 50, "action": "FORWARD", "inlif": 1,
            "outlif": 2}] * 2)
        refused.refusal()
        with open(shard, "r+b") as file:
            file.seek(8)
            file.write(layout)
        warm.start()
        equal(warm.everything(), before, "sessions")
        equal((os.path.exists(others), os.path.exists(left)), (True, False), "other files, and a left shard")


def test_what_is_not_taken(case):
    """Damage, and directories that are not ours: each has its words."""
    with Warm(case) as warm:
        _filled(warm)

        def changed(name, offset, content):
            warm.daemon.kill()
            with open(f"{warm.state}/{name}", "r+b") as file:
                file.seek(offset)
                file.write(content)
        number = open(f"{warm.state}/current", encoding="ascii").read().strip()
        for offset, words in ((0, "is not one of sluice's"), (8, "was written by another version of sluice"),
                              (50, "has a damaged header")):
            changed(f"{number}.0", offset, b"\x55\x55\x55")
            warm.start()
            true(words in warm.daemon.said() and "starts without sessions" in warm.daemon.said(),
                 f"{words}: {warm.daemon.said()}")
            equal(warm.table.ids(), [], "sessions")
            _filled(warm)
            number = open(f"{warm.state}/current", encoding="ascii").read().strip()
        warm.daemon.kill()
        os.truncate(f"{warm.state}/{number}.0", 10 << 20)
        warm.start()
        true("is cut short" in warm.daemon.said(), warm.daemon.said())

        second = warm.prepared()
        equal(second.refusal(), 1, "exit status of a second daemon")
        true("is used by another sluice" in second.said(), second.said())
        warm.daemon.kill()
        for mode, words in ((0o755, "chmod 700"), (0o777, "chmod 700")):
            os.chmod(warm.state, mode)
            refused = warm.prepared()
            equal(refused.refusal(), 1, "exit status")
            true(words in refused.said(), refused.said())
        os.chmod(warm.state, 0o700)
        link = case.path("link")
        os.symlink(warm.state, link)
        refused = warm.prepared(warm_restart={"directory": link})
        equal(refused.refusal(), 1, "exit status")
        true("is a link" in refused.said() and link in refused.said(), refused.said())
        refused = warm.prepared(warm_restart={"directory": "state"})
        equal(refused.refusal(), 2, "exit status")
        true("warm_restart.directory" in refused.said() and "absolute" in refused.said(), refused.said())


def test_a_directory_on_a_disk(case):
    """It gets a tmpfs of its own, with 2 MB pages, that outlives the daemon; else it is refused."""
    with tempfile.TemporaryDirectory(prefix="sluice-warm-", dir="/var/tmp") as disk:
        true(_file_system(disk)[0] != "tmpfs", f"{disk} is on a tmpfs")
        os.mkdir(f"{disk}/full", 0o700)
        open(f"{disk}/full/file", "w", encoding="ascii").close()
        os.mkdir(f"{disk}/empty", 0o700)
        with Warm(case, above=disk) as warm:
            kind, options = _file_system(warm.state)
            equal(kind, "tmpfs", "what was mounted")
            true("huge=advise" in options, f"its options: {options}")
            equal(os.stat(warm.state).st_mode & 0o777, 0o700, "its mode")
            names = os.listdir(warm.state)
            equal({os.stat(f"{warm.state}/{name}").st_mode & 0o777 for name in names}, {0o600}, "their modes")
            mounted = f"sessions lie in {warm.state}, where a tmpfs was mounted, on 2 MB pages"
            true(f"nothing was there; {mounted}" in warm.daemon.said(), warm.daemon.said())
            before = _filled(warm)
            warm.restart()
            true(f"{len(before)} sessions are back" in warm.daemon.said(), warm.daemon.said())
            true("where a tmpfs was mounted" not in warm.daemon.said(), warm.daemon.said())
            equal(warm.everything(), before, "sessions after SIGKILL")
            link = case.path("disk")
            os.symlink(disk, link)
            warm.restart(warm_restart={"directory": f"{link}/{os.path.basename(warm.state)}"})
            true("on 2 MB pages" in warm.daemon.said(), warm.daemon.said())
            for state, prefix, words in (("full", (), "it is not empty"),
                                         ("empty", DROPPED, "CAP_SYS_ADMIN")):
                refused = warm.prepared(warm_restart={"directory": f"{disk}/{state}"})
                refused.command = lambda prefix=prefix, command=refused.command: [*prefix, *command()]
                equal(refused.refusal(), 1, "exit status")
                for said in (f"{disk}/{state}", "is not on a tmpfs", words):
                    true(said in refused.said(), f"{said}: {refused.said()}")


DROPPED = ("setpriv", "--bounding-set", "-sys_admin", "--inh-caps", "-sys_admin")


def _file_system(path):
    """Its kind and its mount's options."""
    done = subprocess.run(["findmnt", "--noheadings", "--output", "FSTYPE,FS-OPTIONS", "--target", path],
                          capture_output=True, text=True, check=True)
    return done.stdout.splitlines()[-1].split()
