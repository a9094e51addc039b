"""sluice as a bump in the wire between the two hosts."""

import time

from running import Daemon
from settings import port, settings
from suite import equal, eventually


class LiveDaemon(Daemon):
    """A daemon in the middle."""

    def __init__(self, net, *arguments, prefix=(), **options):
        super().__init__(*arguments, **options)
        self.net, self.prefix = net, prefix
        self.missed = None

    def command(self):
        return self.net.command("middle", *self.prefix, *super().command())


def bump(case, net, workers=1, ring=None, policies=None, prefix=(), **others):
    """Starts sluice on both ports: `kind` says how, and with AF_XDP `xdp` where its program runs."""
    daemon = prepared(case, net, workers, ring, policies, prefix, **others)
    daemon.start()
    daemon.missed = _missed(_settled(daemon))
    return daemon


def prepared(case, net, workers=1, ring=None, policies=None, prefix=(), interfaces=("port0", "port1"),
             kind="af_packet", kinds=None, xdp=None, **others):
    """A daemon on both ports that has not been started."""
    kinds = kinds or [kind] * len(interfaces)
    shared = {"miss": "learn", **({"ring": ring} if ring else {}),
              **({"xdp": xdp} if xdp else {}), **(policies or {})}
    ports = [port(f"lif-{lif}", lif, interface=interface, kind=kind_, **shared)
             for lif, (interface, kind_) in enumerate(zip(interfaces, kinds), 1)]
    daemon = LiveDaemon(net, case.sluice, case.directory, settings(ports, workers=workers, **others),
                        len(case.daemons), prefix=prefix)
    case.daemons.append(daemon)
    return daemon


INTERFACES = {"lif-1": "port0", "lif-2": "port1", "lif-3": "port2"}


def _reading(daemon):
    """By port: the kernel's counts of its interface, ours of the same, and everything else that we count."""
    found = {}
    for name, port_ in daemon.ports().items():
        events = dict(port_.events)
        # A super-frame is one packet to the kernel and several to us.
        whole = port_.received_packets - events.get("segments", 0) + events.get("superFrames", 0)
        unseen = events.get("ringFull", 0) + events.get("refused", 0)
        sent = port_.transmitted_packets - events.get("unsent", 0)
        found[name] = (daemon.net.statistics(INTERFACES[name]), (whole + unseen, sent),
                       port_.received_packets + unseen, events)
    return found


def _settled(daemon):
    """A reading after nothing has changed for a while: some counts catch up only four times a second."""
    seen = [_reading(daemon), time.monotonic()]

    def same():
        now = _reading(daemon)
        if now != seen[0]:
            seen[:] = [now, time.monotonic()]
        return time.monotonic() - seen[1] > 0.6
    eventually(same, "the counters settle", seconds=15)
    return seen[0]


def _missed(reading):
    """By port: packets received and sent that the kernel counted and we did not: those before the start."""
    return {name: (kernel[0] - ours[0], kernel[1] - ours[1])
            for name, (kernel, ours, _, _) in reading.items()}


VERDICTS = ("forwarded", "dropped", "mirrored", "snooped", "punted", "consumed")


def broken_equations(total, drops):
    """Which of the counters' sums are wrong, in words: the verdicts, the drops by reason, what was sent."""
    sent = sum(total[name] for name in ("forwarded", "mirrored", "snooped", "punted", "generated"))
    sums = (("verdicts", sum(total[name] for name in VERDICTS), total["packets"]),
            ("drops by reason", sum(drops.values()), total["dropped"]),
            ("packets to send", sent + total["copiesMade"] - total["copiesFailed"], total["transmitted"]))
    return [f"{what}: {found}, expected {expected}" for what, found, expected in sums if found != expected]


def check_explained(daemon, gone=0):
    """Every packet that the kernel counted at both ports since the start is in our counts, every one of ours
    has a verdict, and what was sent is accounted for; ports and counters. `gone` packets were received by
    ports that are there no more."""
    while True:
        reading = _settled(daemon)
        total, ports, drops = daemon.counters(), daemon.ports(), daemon.drops()
        # Hosts speak for themselves now and then: all of it must be of one moment.
        if _reading(daemon) == reading:
            break
    equal(_missed(reading), daemon.missed, f"packets of the kernel's that we lack, before the start and now "
          f"({reading})")
    equal(total["packets"], sum(each[2] for each in reading.values()) + gone,
          "packets with a verdict")
    equal(broken_equations(total, drops), [], f"sums that are wrong ({total})")
    equal(total["transmitted"], sum(port_.transmitted_packets for port_ in ports.values()), "packets sent")
    return ports, total
