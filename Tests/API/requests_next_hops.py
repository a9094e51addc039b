"""Next hops: needed by MIRROR and SNOOP, without meaning for DROP and FORWARD (decision A15)."""

from settings import settings
from suite import both, equal, true
from table import ACCEPTED, DROP, FORWARD, MIRROR, REJECTED, SNOOP, fields, ipv4, ipv6


def _add(table, action, status, what, **parts):
    request = fields(7, action=action)
    request["action"] |= parts
    reply = table.add(request)
    equal(reply.status, status, what)
    equal([each.sessionid for each in table.list()], [7] if status == ACCEPTED else [], what)
    if status == ACCEPTED:
        equal(table.daemon.session(7).action, action, f"{what}: action")
        table.delete(7)
    return reply


@both
def test_a15_forward_and_drop_ignore_next_hops(case):
    """Every reference client sends 12.2.3.4 together with FORWARD."""
    table = case.table(settings())
    for action in (DROP, FORWARD):
        _add(table, action, ACCEPTED, "without")
        _add(table, action, ACCEPTED, "12.2.3.4", actionnexthop=ipv4("12.2.3.4"))
        _add(table, action, ACCEPTED, "IPv6", actionnexthopv6=ipv6("2001:db8::9"))
        _add(table, action, ACCEPTED, "both", actionnexthop=1, actionnexthopv6=ipv6("2001:db8::9"))
        _add(table, action, ACCEPTED, "three bytes", actionnexthopv6=b"abc")


@both
def test_a15_mirror_and_snoop_need_a_next_hop(case):
    table = case.table(settings())
    for action in (MIRROR, SNOOP):
        reply = _add(table, action, REJECTED, "without")
        name = table.names.get("actionnexthop", "actionnexthop")
        true(name in reply.trailers["x-session-error"], f"{name} is not named: {reply.trailers}")
        _add(table, action, ACCEPTED, "IPv4", actionnexthop=ipv4("192.0.2.9"))
        _add(table, action, ACCEPTED, "IPv6", actionnexthopv6=ipv6("2001:db8::9"))
        for length in (1, 4, 15, 17):
            _add(table, action, REJECTED, f"{length} bytes", actionnexthopv6=bytes([1] * length))
