"""The kernel's own stack is off the ports while sluice runs, and the interfaces are as found afterwards."""

import signal

from bump import bump
from namespaces import ADDRESSES, Net
from suite import equal, true
from transfers import Files

PORT_ADDRESS = "10.77.0.9"

ASK = """
import socket, struct, sys, time
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
s.bind(("eth0", 3))
mac = s.getsockname()[4]
ask = (b"\\xff" * 6 + mac + b"\\x08\\x06" + struct.pack("!HHBBH", 1, 0x800, 6, 4, 1) + mac
       + socket.inet_aton("10.77.0.1") + bytes(6) + socket.inet_aton(sys.argv[1]))
s.send(ask)
end = time.monotonic() + 1
while time.monotonic() < end:
    s.settimeout(max(0.01, end - time.monotonic()))
    try:
        data = s.recv(2000)
    except TimeoutError:
        break
    if data[12:14] == b"\\x08\\x06" and data[20:22] == b"\\0\\2":
        print(data[22:28].hex(":"))
        break
"""


def _who_has(net, address):
    """The MAC address that answers the left host's ARP request; empty when nobody does."""
    return net.run("left", "/usr/bin/python3", "-c", ASK, address).strip()


def _state(net):
    """Everything of the ports that ip and tc show: addresses, flags, promiscuity, XDP programs, queueing."""
    found = []
    for name in ("port0", "port1"):
        found.append(net.link("middle", name))
        for what in (("qdisc",), ("filter",), ("filter", "ingress"), ("filter", "egress")):
            words = ("tc", what[0], "show", "dev", name, *what[1:])
            found.append(net.run("middle", *words))
        found.append(net.run("middle", "ip", "-d", "link", "show", "dev", name))
    return found


def test_stack_neither_answers_nor_forwards(case, **options):
    with Net() as net:
        net.run("middle", "ip", "address", "add", f"{PORT_ADDRESS}/24", "dev", "port0")
        net.run("middle", "sysctl", "-qw", "net.ipv4.ip_forward=1")
        true(_who_has(net, PORT_ADDRESS), "the stack answers before")
        daemon = bump(case, net, **options)
        equal(_who_has(net, PORT_ADDRESS), "", "who answers while sluice runs")
        true(_who_has(net, ADDRESSES["right"][0]), "the right host answers through sluice")
        equal(daemon.terminate()[0], 0, "exit status")
        true(_who_has(net, PORT_ADDRESS), "the stack answers afterwards")


def test_stack_neither_answers_nor_forwards_af_xdp(case):
    test_stack_neither_answers_nor_forwards(case, kind="af_xdp")


def test_interfaces_as_found_af_xdp(case):
    test_interfaces_as_found(case, kind="af_xdp")


def test_interfaces_as_found(case, **options):
    for number in (signal.SIGTERM, signal.SIGKILL):
        with Net() as net:
            net.run("middle", "ip", "address", "add", f"{PORT_ADDRESS}/24", "dev", "port0")
            if options:
                net.finish_checksums()
            before = _state(net)
            daemon = bump(case, net, **options)
            files = Files(case, net) if number == signal.SIGTERM else None
            if files:
                files.add("file", 1 << 20)
                files.fetch("file", ADDRESSES["right"][0])
                equal(daemon.terminate()[0], 0, "exit status")
            else:
                daemon.kill()
            equal(_state(net), before, f"the interfaces after {number.name}")
            true(_who_has(net, PORT_ADDRESS), f"the stack answers after {number.name}")
            if number == signal.SIGKILL:
                again = bump(case, net, **options)
                equal(_who_has(net, PORT_ADDRESS), "", "who answers after a new start")
                equal(again.terminate()[0], 0, "exit status after a new start")
                equal(_state(net), before, "the interfaces after SIGKILL, a new start and SIGTERM")
                true(_who_has(net, PORT_ADDRESS), "the stack answers after SIGKILL, a new start and SIGTERM")
