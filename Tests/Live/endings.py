"""Sessions of the API that kernel TCP opens, and ends by FIN, by RST and by silence."""

from bump import bump, check_explained
from namespaces import ADDRESSES, Net
from suite import equal, eventually
from table import (
    ACCEPTED, CLOSED, ESTABLISHED, FINACK, NOT_CLOSED, OPI, RETAINED, RST, TCP, TIMEOUT, fields)

# Answers each connection's first bytes, then leaves the end to the peer.
SERVER = """
import socket, threading
def serve(connection):
    with connection:
        connection.sendall(connection.recv(16))
        try:
            connection.recv(16)
        except ConnectionResetError:
            pass
listener = socket.create_server(("::", 8081), family=socket.AF_INET6, dualstack_ipv6=True)
while True:
    threading.Thread(target=serve, args=listener.accept()[:1], daemon=True).start()
"""

# One connection from a port of its own, ended in a way of its own.
CLIENT = """
import socket, struct, sys, time
address, port, ending = sys.argv[1], int(sys.argv[2]), sys.argv[3]
s = socket.create_connection((address, 8081), timeout=10, source_address=("", port))
s.sendall(b"hello")
assert s.recv(16) == b"hello"
if ending == "rst":
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
if ending == "silence":
    time.sleep(30)
s.close()
"""

PORTS = {"fin": 41001, "rst": 41002, "silence": 41003}
CODES = {"fin": FINACK, "rst": RST, "silence": TIMEOUT}


def _endings(case, **options):
    with Net() as net:
        net.finish_checksums()
        daemon = bump(case, net, policies={"miss": "drop"}, **options)
        table = OPI(daemon)
        net.start("right", "/usr/bin/python3", "-c", SERVER)
        eventually(lambda: ":8081" in net.run("right", "ss", "-ltn"), "the server listens", seconds=10)
        requests = {}
        for family, right in enumerate(ADDRESSES["right"]):
            for number, (ending, port) in enumerate(PORTS.items(), 1):
                requests[10 * family + number] = ending
                added = table.add(fields(
                    10 * family + number, source=ADDRESSES["left"][family], destination=right,
                    protocolid=TCP, sourceport=port + 100 * family, destinationport=8081,
                    timeout=8 if ending == "silence" else 600))
                equal(added.status, ACCEPTED, "added")
        # Both families at once: their silence passes at the same time.
        clients = [net.start("left", "/usr/bin/python3", "-c", CLIENT, right, PORTS[ending] + 100 * family,
                             ending)
                   for family, right in enumerate(ADDRESSES["right"]) for ending in CODES]
        equal([client.wait(10) for client in clients if "silence" not in client.args], [0] * 4,
              "the clients' status")
        eventually(lambda: len(table.list(RETAINED)) == len(requests), "all have closed", seconds=20)
        found = {session.sessionid: session for session in table.list(RETAINED)}
        equal({identity: session.ending for identity, session in found.items()},
              {identity: (CLOSED, CODES[ending]) for identity, ending in requests.items()}, "how they ended")
        for identity, ending in requests.items():
            # SYN, ACK, data and at least one more; SYN-ACK, ACK or data.
            equal(found[identity].inpackets >= 3 and found[identity].outpackets >= 2, True,
                  f"packets of {ending}: {found[identity]}")
        equal(table.list(), [], "live sessions")
        check_explained(daemon)


def test_fin_rst_and_silence(case):
    _endings(case)


def test_af_xdp(case):
    _endings(case, kind="af_xdp")


def test_two_workers(case):
    _endings(case, workers=2)


def test_handshake_is_no_end(case):
    """A connection that stays: its session is established."""
    with Net() as net:
        daemon = bump(case, net, policies={"miss": "drop"})
        table = OPI(daemon)
        net.start("right", "/usr/bin/python3", "-c", SERVER)
        eventually(lambda: ":8081" in net.run("right", "ss", "-ltn"), "the server listens", seconds=10)
        left, right = ADDRESSES["left"][0], ADDRESSES["right"][0]
        equal(table.add(fields(1, source=left, destination=right, protocolid=TCP, sourceport=41003,
                               destinationport=8081)).status, ACCEPTED, "added")
        net.start("left", "/usr/bin/python3", "-c", CLIENT, right, 41003, "silence")
        eventually(lambda: table.get(1).outpackets >= 2, "the server has answered", seconds=10)
        equal(table.get(1).ending, (ESTABLISHED, NOT_CLOSED), "state")
