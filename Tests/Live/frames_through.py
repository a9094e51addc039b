"""Frames byte by byte: what goes in at one side comes out at the other unchanged, tags and all."""

import itertools
import random

from scapy.all import Dot1AD, Dot1Q, Ether, IP, IPv6, Raw, TCP, UDP, raw

from bump import bump, check_explained
from namespaces import Net
from raw import DESTINATION, SOURCE, Listener, send
from suite import equal, eventually

LINK = Ether(src=SOURCE, dst=DESTINATION)
TAGS = {
    "untagged": lambda: LINK.copy(),
    "802.1Q": lambda: LINK / Dot1Q(vlan=100, prio=5),
    "priority tag": lambda: LINK / Dot1Q(vlan=0, prio=3),
    "802.1ad": lambda: LINK / Dot1AD(vlan=200) / Dot1Q(vlan=100),
    "two 802.1Q": lambda: LINK / Dot1Q(vlan=200, prio=1) / Dot1Q(vlan=100),
    "three": lambda: LINK / Dot1Q(vlan=1) / Dot1Q(vlan=2) / Dot1Q(vlan=3),
}


def _packets():
    payload = random.Random(1)
    for (_, tags), size in itertools.product(TAGS.items(), (0, 1, 17, 300, 1400)):
        data = Raw(payload.randbytes(size))
        yield raw(tags() / IP(src="10.9.0.1", dst="10.9.0.2") / UDP(sport=1000, dport=size + 1) / data)
        yield raw(tags() / IPv6(src="fd09::1", dst="fd09::2") / TCP(sport=1001, dport=size + 1, flags="A")
                  / data)
    yield raw(LINK / Raw(bytes(50)))


def _through(case, **options):
    with Net() as net:
        daemon = bump(case, net, **options)
        frames = list(_packets())
        for source, target in (("left", "right"), ("right", "left")):
            listener = Listener(net, target, len(frames))
            send(net, source, frames)
            found = listener.frames()
            # Several workers keep the order of a flow, not that of all.
            if options.get("workers", 1) > 1:
                frames, found = sorted(frames), sorted(found)
            equal(len(found), len(frames), f"frames at the {target}")
            for number, (sent, came) in enumerate(zip(frames, found)):
                equal(came.hex(), sent.hex(), f"frame {number} at the {target}")
        check_explained(daemon)


def test_unchanged(case):
    _through(case)


def test_unchanged_in_blocks(case):
    _through(case, ring={"version": 3})


def test_unchanged_two_workers(case):
    _through(case, workers=2)


def test_unchanged_af_xdp(case):
    _through(case, kind="af_xdp")


def test_unchanged_af_xdp_generic(case):
    _through(case, kind="af_xdp", xdp="generic")


def test_unchanged_af_xdp_two_workers(case):
    _through(case, kind="af_xdp", workers=2)


def test_unchanged_from_kind_to_kind(case):
    _through(case, kinds=("af_packet", "af_xdp"))


def test_longer_than_the_mtu_of_the_way_out(case, **options):
    with Net() as net:
        net.run("middle", "ip", "link", "set", "port1", "mtu", "1400")
        daemon = bump(case, net, **options)
        fits = [raw(LINK / IP(src="10.9.0.1", dst="10.9.0.2") / UDP() / Raw(bytes(1372))),
                raw(LINK / Dot1Q(vlan=7) / IP(src="10.9.0.1", dst="10.9.0.2") / UDP() / Raw(bytes(1372)))]
        longer = [raw(LINK / IP(src="10.9.0.1", dst="10.9.0.2") / UDP() / Raw(bytes(1373))),
                  raw(LINK / Dot1Q(vlan=7) / IP(src="10.9.0.1", dst="10.9.0.2") / UDP() / Raw(bytes(1373)))]
        listener = Listener(net, "right", 2)
        send(net, "left", longer + fits)
        equal(listener.frames(), fits, "frames at the right")
        eventually(lambda: daemon.drops().get("oversized") == 2, "frames dropped as oversized")
        eventually(lambda: dict(daemon.ports()["lif-2"].events).get("transmitFailed") == 2, "frames not sent")
        check_explained(daemon)


def test_longer_than_the_mtu_of_the_way_out_af_xdp(case):
    test_longer_than_the_mtu_of_the_way_out(case, kind="af_xdp")
