"""The XDP program of an AF_XDP port: whose it is, what becomes of it, and interfaces that cannot have one."""

import signal

from bump import bump, prepared
from namespaces import Net
from suite import equal, eventually, true

# A program of somebody else's, attached without a link as ip(8) does: mov r0, 2 (XDP_PASS); exit.
FOREIGN = """
import ctypes, os, socket, struct, sys
libc = ctypes.CDLL(None, use_errno=True)
def bpf(command, attributes):
    buffer = ctypes.create_string_buffer(attributes, 160)
    found = libc.syscall(321 if os.uname().machine == "x86_64" else 280, command, buffer, 160)
    if found < 0:
        raise OSError(ctypes.get_errno(), "bpf")
    return found
code = ctypes.create_string_buffer(struct.pack("<BBhiBBhi", 0xb7, 0, 0, 2, 0x95, 0, 0, 0))
license = ctypes.create_string_buffer(b"GPL")
name = sys.argv[2].encode().ljust(16, bytes(1))
program = bpf(5, struct.pack("<IIQQIIQII16s", 6, 2, ctypes.addressof(code), ctypes.addressof(license),
                             0, 0, 0, 0, 0, name))
index = socket.if_nametoindex(sys.argv[1])
inner = struct.pack("=HHi", 8, 1, program) + struct.pack("=HHI", 8, 3, int(sys.argv[3]))
nested = struct.pack("=HH", 4 + len(inner), 43 | 0x8000) + inner
body = struct.pack("=BxHiII", 0, 0, index, 0, 0) + nested
link = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
link.send(struct.pack("=IHHII", 16 + len(body), 19, 5, 1, 0) + body)
error = struct.unpack("=i", link.recv(4096)[16:20])[0]
sys.exit(-error)
"""


# XDP_FLAGS_*_MODE: in the driver, in the kernel's stack.
NATIVE, GENERIC = 4, 2


def _attach(net, interface, name, mode=NATIVE):
    net.run("middle", "/usr/bin/python3", "-c", FOREIGN, interface, name, mode)


def _program(net, interface):
    """The number of the interface's program; None when it has none."""
    return net.link("middle", interface).get("xdp", {}).get("prog", {}).get("id")


def _refusal(case, net, *words, **options):
    daemon = prepared(case, net, **{"kind": "af_xdp", **options})
    equal(daemon.refusal(), 1, "exit status")
    for word in words:
        true(word in daemon.said(), f"{word!r} is in {daemon.said()!r}")


def test_gone_after_sigterm(case):
    with Net() as net:
        before = net.link("middle", "port0")
        daemon = bump(case, net, kind="af_xdp")
        true(_program(net, "port0") is not None, "a program while it runs")
        daemon.terminate()
        equal(net.link("middle", "port0"), before, "the interface afterwards")


def test_gone_after_sigkill(case):
    with Net() as net:
        daemon = bump(case, net, kind="af_xdp")
        daemon.process.send_signal(signal.SIGKILL)
        daemon.expected_status = daemon.process.wait(10)
        for name in ("port0", "port1"):
            eventually(lambda name=name: _program(net, name) is None, f"no program on {name}")
        bump(case, net, kind="af_xdp")


def test_native_and_generic(case):
    for mode, number in (("native", 1), ("generic", 2)):
        with Net() as net:
            bump(case, net, kind="af_xdp", xdp=mode)
            equal(net.link("middle", "port0")["xdp"]["mode"], number, f"where the program runs: {mode}")


def test_foreign_program_is_named(case):
    with Net() as net:
        _attach(net, "port1", "firewall")
        found = _program(net, "port1")
        _refusal(case, net, "port lif-2", "interface port1", "not sluice's", "firewall", f"id {found}",
                 "ip link set port1 xdp off")
        equal(_program(net, "port1"), found, "the program afterwards")


def test_program_left_behind_is_replaced(case):
    for mode in (NATIVE, GENERIC):
        for wish in ("auto", "generic"):
            with Net() as net:
                _attach(net, "port1", "sluice_xdp", mode)
                found = _program(net, "port1")
                bump(case, net, kind="af_xdp", xdp=wish)
                true(_program(net, "port1") not in (None, found), f"a program of its own, {mode} {wish}")


def test_another_sluice_is_named(case):
    with Net() as net:
        daemon = bump(case, net, kind="af_xdp")
        found = _program(net, "port0")
        _refusal(case, net, "port lif-1", "another sluice", f"id {found}")
        equal(_program(net, "port0"), found, "the program afterwards")
        daemon.terminate()


def test_mtu_beyond_a_frame(case):
    with Net(mtu=9000) as net:
        _refusal(case, net, "port lif-1", "interface port0 has an MTU of 9000", "3818", "kind: af_packet")


def test_without_capabilities(case):
    # CAP_SYS_ADMIN stands for CAP_NET_ADMIN and CAP_BPF.
    for missing, named in (("-net_raw", "CAP_NET_RAW"), ("-net_admin,-sys_admin", "CAP_NET_ADMIN")):
        with Net() as net:
            _refusal(case, net, "port lif-1", named, prefix=("setpriv", "--bounding-set", missing))


def test_offloads_are_warned_of(case):
    with Net() as net:
        daemon = bump(case, net, kind="af_xdp")
        true("ethtool -K DEVICE tx off txvlan off" in daemon.said(), f"the warning is in {daemon.said()!r}")
