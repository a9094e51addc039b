"""What a SessionRequest must be: each field's limits, and that the refusal names the field."""

from settings import settings
from suite import both, equal, true
from table import (
    ACCEPTED, CLOSED, DROP, FORWARD, NOT_CLOSED, REJECTED, TCP, UDP, fields, ipv4, ipv6)


def _expect(table, request, status, what, metadata=(), word=None):
    """One request in a stream of its own: its outcome, and that the table has it or has it not."""
    reply = table.add(request, metadata=metadata)
    identity = request["session_id"]
    equal(reply.summary, (status, 0, []) if status == ACCEPTED else (status, 1, [(identity, status)]), what)
    equal(reply.start is not None, status == ACCEPTED, f"{what}: starttime is there")
    listed = [each.sessionid for each in table.list()]
    equal(listed, [identity] if status == ACCEPTED else [], f"{what}: sessions in the table")
    if status == ACCEPTED:
        equal(table.delete(identity).ending, (CLOSED, NOT_CLOSED), f"{what}: deleted")
    elif word:
        text = reply.trailers.get("x-session-error", "")
        true(table.names.get(word, word) in text, f"{what}: {word} is not named in {text!r}")


@both
def test_ports_are_plain_numbers_to_65535(case):
    table = case.table(settings())
    for name in ("sourceport", "destinationport"):
        for value, status in ((0, ACCEPTED), (80, ACCEPTED), (65535, ACCEPTED), (65536, REJECTED),
                              (2**32 - 1, REJECTED)):
            _expect(table, fields(7, **{name: value}), status, f"{name} {value}", word=name)
    table.add(fields(7, sourceport=80, destinationport=12345))
    session = table.daemon.session(7)
    equal((session.source_port, session.destination_port), (80, 12345), "ports as they were sent")


@both
def test_a20_protocols_are_tcp_and_udp(case):
    table = case.table(settings())
    for number, status in ((6, ACCEPTED), (17, ACCEPTED), (0, REJECTED), (1, REJECTED), (58, REJECTED),
                           (132, REJECTED), (255, REJECTED), (256 + 6, REJECTED), (-1, REJECTED)):
        _expect(table, fields(7, protocolid=number), status, f"protocolid {number}", word="protocolid")
    for number in (TCP, UDP):
        table.add(fields(number, protocolid=number))
        equal(table.daemon.session(number).protocol, number, "protocol")


@both
def test_a3_an_absent_action_is_no_drop(case):
    table = case.table(settings())
    _expect(table, fields(7, action=None), REJECTED, "no action", word="action")
    table.add(fields(7, action=DROP))
    equal(table.daemon.session(7).action, DROP, "an action message of no bytes")
    table.add(fields(8, action=FORWARD))
    equal(table.daemon.session(8).action, FORWARD, "actiontype 1")
    for number in (4, 5, 1000, -1, -2**31, 2**31 - 1):
        table.clear()
        _expect(table, fields(7, action=number), REJECTED, f"actiontype {number}", word="actiontype")


@both
def test_ip_versions_agree_with_addresses(case):
    table = case.table(settings())
    six = {"source": "2001:db8::1", "destination": "2001:db8::2"}
    _expect(table, fields(7), ACCEPTED, "IPv4")
    _expect(table, fields(7, **six), ACCEPTED, "IPv6")
    for number in (2, 4, 6, -1):
        _expect(table, fields(7, ipversion=number), REJECTED, f"ipversion {number}", word="ipversion")
    for name in ("sourceipv6", "destinationipv6"):
        for length in (0, 1, 4, 15, 17, 32, 1000):
            _expect(table, fields(7, **six, **{name: bytes(length)}), REJECTED,
                    f"{name} of {length} bytes", word=name)
        for length in (1, 16):
            _expect(table, fields(7, **{name: bytes(length)}), REJECTED,
                    f"{name} of {length} bytes with IPv4", word=name)
    for name in ("sourceip", "destinationip"):
        _expect(table, fields(7, **six, **{name: ipv4("10.0.0.1")}), REJECTED, f"{name} with IPv6")
    table.add(fields(9, **six))
    session = table.daemon.session(9)
    equal((session.source_address, session.destination_address),
          (ipv6("2001:db8::1"), ipv6("2001:db8::2")), "addresses")


@both
def test_a16_timeouts_have_a_default_and_a_largest(case):
    table = case.table(settings(timeouts={"cache_maximum": 500, "cache_default": 20}))
    for value, status in ((0, ACCEPTED), (1, ACCEPTED), (500, ACCEPTED), (501, REJECTED),
                          (2**32 - 1, REJECTED)):
        _expect(table, fields(7, timeout=value), status, f"cachetimeout {value}", word="cachetimeout")
    table = case.table(settings())
    for value, status in ((86400, ACCEPTED), (86401, REJECTED)):
        _expect(table, fields(7, timeout=value), status, f"cachetimeout {value}", word="cachetimeout")


@both
def test_a14_strict_lifs_are_those_of_ports(case):
    table = case.table(settings())
    for name in ("inlif", "outlif"):
        for value in (0, 3, 9, 65535, 0x10000, 3 | 100 << 16, -1, 1 - 2**31):
            _expect(table, fields(7, **{name: value}), REJECTED, f"{name} {value}", word=name)
        for value in (1, 2, 1 | 100 << 16, 2 | 4094 << 16):
            _expect(table, fields(7, **{name: value}), ACCEPTED, f"{name} {value}")
        _expect(table, fields(7, **{name: 1 | 4095 << 16}), REJECTED, f"{name} of VLAN 4095", word=name)
    table.add(fields(7, inlif=1 | 100 << 16, outlif=2 | 200 << 16))
    session = table.daemon.session(7)
    equal((session.in_lif, session.in_vlan, session.out_lif, session.out_vlan), (1, 100, 2, 200), "LIFs")


@both
def test_a14_opaque_lifs_are_any(case):
    table = case.table(settings(api={"lif": "opaque"}))
    for value in (0, 1, 3, 9, 65535, 77 | 4094 << 16):
        _expect(table, fields(7, inlif=value), ACCEPTED, f"inlif {value}")
    # As the Go example client sends them: no id, no destination, source port 0, LIFs 1 to 9.
    reply = table.add(*[fields(0, inlif=lif, outlif=10 - lif if lif != 5 else 6, destinationip=0,
                               sourceport=0, destinationport=lif) for lif in range(1, 10)])
    equal(reply.summary, (ACCEPTED, 0, []), "LIFs of the Go example client")


@both
def test_a1_addresses_in_both_byte_orders(case):
    for encoding in (None, "host", "inet_pton"):
        table = case.table(settings(api={"ipv4_encoding": encoding} if encoding else None))
        for identity, told in enumerate((None, "host", "inet_pton"), 1):
            used = told or encoding or "inet_pton"
            _expect_addresses(table, identity, used, told, f"listener {encoding}, call {told}")
    equal(ipv4("10.0.0.1"), 0x0100000A, "10.0.0.1 as inet_pton")
    equal(ipv4("10.0.0.1", "host"), 0x0A000001, "10.0.0.1 as host")


def _expect_addresses(table, identity, encoding, told, what):
    metadata = (("x-ipv4-encoding", told),) if told else ()
    table.add(fields(identity, source="10.1.2.3", destination="192.0.2.77", encoding=encoding),
              metadata=metadata)
    session = table.daemon.session(identity)
    equal((session.source_address.hex(), session.destination_address.hex()), ("0a010203", "c000024d"), what)


@both
def test_unknown_fields_are_left_alone(case):
    """As protobuf has it: later generations of the message go on to work."""
    from wire import varint_field
    table = case.table(settings())
    message = table.request(**fields(7)).SerializeToString() + varint_field(14, 5) + varint_field(500, 1)
    table.add(table.messages.SessionRequest.FromString(message))
    equal([each.sessionid for each in table.list()], [7], "sessions")
