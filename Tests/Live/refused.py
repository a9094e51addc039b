"""Ports that cannot be opened: the message names the port, and what mends it."""

from bump import prepared
from namespaces import Net
from suite import equal, true


def _refusal(case, net, *words, **options):
    daemon = prepared(case, net, **options)
    equal(daemon.refusal(), 1, "exit status")
    for word in words:
        true(word in daemon.said(), f"{word!r} is in {daemon.said()!r}")


def test_no_such_interface(case):
    with Net() as net:
        _refusal(case, net, "port lif-2", "no interface nosuch", "ip link", interfaces=("port0", "nosuch"))


def test_interface_that_is_down(case):
    with Net() as net:
        net.run("middle", "ip", "link", "set", "port1", "down")
        _refusal(case, net, "port lif-2", "port1 is down", "ip link set port1 up")


def test_interface_that_is_not_ethernet(case):
    with Net() as net:
        net.run("middle", "ip", "link", "set", "lo", "up")
        _refusal(case, net, "port lif-1", "lo is no Ethernet device", interfaces=("lo", "port1"))


def test_without_the_capability(case):
    with Net() as net:
        _refusal(case, net, "port lif-1", "CAP_NET_RAW", prefix=("setpriv", "--bounding-set", "-net_raw"))
