"""Datagrams in fragments, in order and reversed: all of each one arrives, behind its first fragment."""

import random

from scapy.all import IP, UDP, Ether, IPv6, IPv6ExtHdrFragment, Raw, fragment, fragment6

from bump import bump, check_explained
from namespaces import Net
from raw import DESTINATION, SOURCE, Listener, send
from suite import equal, eventually, true

DATAGRAMS = 48
# Three fragments each.
PAYLOAD_BYTES, FRAGMENT_BYTES = 3300, 1200
PIECES = 3


def _datagrams(numbers):
    """The fragments of each datagram: flows of both families, every one between hosts of its own."""
    made = []
    for number in range(DATAGRAMS):
        content = (UDP(sport=numbers.randint(1024, 65535), dport=numbers.randint(1, 65535))
                   / Raw(numbers.randbytes(PAYLOAD_BYTES)))
        if number & 1:
            packet = (IPv6(src=f"fd09::{numbers.getrandbits(16):x}:{number:x}", dst=f"fd09:1::{number:x}")
                      / IPv6ExtHdrFragment(id=numbers.getrandbits(32)) / content)
            # Its length counts the headers before the fragment's content.
            pieces = fragment6(packet, FRAGMENT_BYTES + 48)
        else:
            packet = IP(src=f"10.9.{numbers.getrandbits(8)}.{number}", dst=f"10.10.0.{number}",
                        id=numbers.getrandbits(16)) / content
            pieces = fragment(packet, FRAGMENT_BYTES)
        made.append([bytes(Ether(src=SOURCE, dst=DESTINATION) / piece) for piece in pieces])
        equal(len(made[-1]), PIECES, "fragments of a datagram")
    return made


def _pass(net, daemon, numbers, is_reversed):
    """Sends datagrams; those at the far side are each as it should be: the first one, then the others as they
    came."""
    before = daemon.counters()
    datagrams = _datagrams(numbers)
    sent = [datagram[::-1] if is_reversed else datagram for datagram in datagrams]
    # One fragment of each datagram after the other: those of different ones alternate.
    listener = Listener(net, "right", DATAGRAMS * PIECES)
    send(net, "left", [datagram[place] for place in range(PIECES) for datagram in sent])
    found = listener.frames()
    what = "reversed" if is_reversed else "in order"
    equal(sorted(found), sorted(frame for datagram in datagrams for frame in datagram), f"fragments {what}")
    places = {frame: place for place, frame in enumerate(found)}
    for datagram in sent:
        wanted = [datagram[-1], *datagram[:-1]] if is_reversed else datagram
        equal(sorted(datagram, key=places.get), wanted, f"a datagram's fragments at the right, {what}")

    def more(name):
        return daemon.counters()[name] - before[name]
    eventually(lambda: more("laterFragments") == DATAGRAMS * (PIECES - 1), "later fragments are counted")
    equal(more("fragmentsHeld"), DATAGRAMS * (PIECES - 1) if is_reversed else 0, f"waited, {what}")
    equal(more("sessionsOpened"), DATAGRAMS, f"sessions, {what}")
    equal(more("held"), 0, f"still waiting, {what}")


def _fragmented(case, **options):
    with Net() as net:
        daemon = bump(case, net, **options)
        numbers = random.Random(1)
        for is_reversed in (False, True):
            _pass(net, daemon, numbers, is_reversed)
        equal(daemon.drops(), {}, "drops")
        equal([session.in_packets for session in daemon.sessions()], [PIECES] * (2 * DATAGRAMS),
              "packets of each session")
        _, total = check_explained(daemon)
        equal(total["handedOff"], total["takenOver"], "packets handed over")
        return total, daemon.workers()


def test_in_fragments_three_workers(case):
    """Their addresses alone choose the worker that receives them, and its session's owner may be another."""
    total, workers = _fragmented(case, workers=3)
    true(total["handedOff"] > DATAGRAMS, "many are handed over")
    shares = [worker.counters["laterFragments"] for worker in workers]
    true(all(share > DATAGRAMS // 10 for share in shares), f"later fragments of each worker: {shares}")


def test_in_fragments_af_xdp(case):
    _fragmented(case, kind="af_xdp")
