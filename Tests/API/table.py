"""SessionTable of both generations behind one set of words: those of the seed's fields."""

import ipaddress

import stubs

CALL_SECONDS = 20

DROP, FORWARD, MIRROR, SNOOP = range(4)
TCP, UDP = 6, 17
ESTABLISHED, CLOSING_1, CLOSING_2, CLOSED = range(4)
NOT_CLOSED, FINACK, RST, TIMEOUT = range(4)
ACCEPTED, REJECTED, TABLE_FULL, UNAVAILABLE, EXISTS = range(5)
NONEXISTENT = 2
LIVE, ONLY_CLOSING_1, ONLY_CLOSING_2, RETAINED, ALL = range(5)
SERVER_BIT, CURSOR_BIT = 1 << 62, 1 << 63


def ipv4(text, encoding="inet_pton"):
    """An IPv4 address as the API's uint32."""
    return int.from_bytes(ipaddress.IPv4Address(text).packed, "little" if encoding == "inet_pton" else "big")


def ipv6(text):
    return ipaddress.IPv6Address(text).packed


def fields(identity=0, number=None, source="10.0.0.1", destination="10.0.0.2", action=FORWARD, hop=None,
           timeout=600, encoding="inet_pton", **others):
    """A good request by the seed's field names; `number` makes the tuple unique, `others` replace fields.

    `action=None` leaves the message out; the value `None` leaves any field out.
    """
    number = identity if number is None else number
    request = {"session_id": identity, "inlif": 1, "outlif": 2, "protocolid": UDP, "cachetimeout": timeout,
               "sourceport": 1024 + number % 50000, "destinationport": 1 + number // 50000}
    if ":" in source:
        request |= {"ipversion": 1, "sourceipv6": ipv6(source), "destinationipv6": ipv6(destination)}
    else:
        request |= {"sourceip": ipv4(source, encoding), "destinationip": ipv4(destination, encoding)}
    if action is not None:
        request["action"] = {"actiontype": action}
        if hop is not None:
            request["action"] |= ({"actionnexthopv6": ipv6(hop)} if ":" in hop
                                  else {"actionnexthop": ipv4(hop, encoding)})
    return {key: value for key, value in (request | others).items() if value is not None}


class AddReply:
    """AddSessionResponse by the seed's words, and the trailing metadata."""

    def __init__(self, status, mask, errors, start, trailers):
        self.status, self.mask, self.errors, self.start = status, mask, errors, start
        self.trailers = trailers

    @property
    def assigned(self):
        """x-assigned-session-ids, a number for each request that had none."""
        text = self.trailers.get("x-assigned-session-ids", "")
        return [int(word) for word in text.split(",")] if text else []

    @property
    def summary(self):
        return self.status, self.mask, self.errors


class Table:
    """What both generations have; the subclasses know names and differences."""

    def __init__(self, daemon, channel=None):
        self.daemon = daemon
        self.channel = channel or daemon.channel
        self.stub = self.services.SessionTableStub(self.channel)

    def request(self, **values):
        """A SessionRequest by the seed's field names."""
        action = values.pop("action", None)
        message = self.messages.SessionRequest(
            **{self.names.get(name, name): value for name, value in values.items()})
        if action is not None:
            message.action.SetInParent()
            for name, value in action.items():
                setattr(message.action, self.names.get(name, name), value)
        return message

    def add(self, *requests, metadata=(), timeout=CALL_SECONDS):
        """AddSession of requests: dictionaries of ``fields``, or messages."""
        messages = [self.request(**each) if isinstance(each, dict) else each for each in requests]
        answer, call = self.stub.AddSession.with_call(iter(messages), metadata=metadata, timeout=timeout)
        trailers = {}
        for key, value in call.trailing_metadata() or ():
            trailers[key] = f"{trailers[key]}\n{value}" if key in trailers else value
        return self.add_reply(answer, trailers)

    def upsert(self, *requests):
        return self.add(*requests, metadata=(("x-upsert", "true"),))

    def add_reply(self, answer, trailers):
        get = lambda message, name: getattr(message, self.names.get(name, name))
        start = self.names.get("starttime", "starttime")
        errors = [(get(error, "sessionid"), get(error, "errorstatus"))
                  for error in get(answer, "responseerror")]
        return AddReply(
            get(answer, "requeststatus"), get(answer, "errorstatus"), errors,
            getattr(answer, start).ToNanoseconds() if answer.HasField(start) else None, trailers)

    def get(self, identity, timeout=CALL_SECONDS):
        return self.response(self.stub.GetSession(self.messages.SessionId(session_id=identity),
                                                  timeout=timeout))

    def delete(self, identity, timeout=CALL_SECONDS):
        return self.response(self.stub.DeleteSession(self.messages.SessionId(session_id=identity),
                                                     timeout=timeout))

    def clear(self):
        """Deletes all live sessions."""
        for session in self.list():
            self.delete(session.sessionid)

    def ids(self):
        """The live sessions, ascending."""
        return sorted(session.sessionid for session in self.list())

    def response(self, message):
        return Response(message, self.names)


class Response:
    """A SessionResponse by the seed's words; times in nanoseconds since 1970, or None."""

    WORDS = ("sessionid", "inpackets", "outpackets", "inbytes", "outbytes", "sessionstate",
             "sessionclosecode", "requeststatus")

    def __init__(self, message, names):
        for word in self.WORDS:
            setattr(self, word, getattr(message, names.get(word, word)))
        for word in ("starttime", "endtime"):
            name = names.get(word, word)
            setattr(self, word, getattr(message, name).ToNanoseconds() if message.HasField(name) else None)

    @property
    def counters(self):
        return self.inpackets, self.outpackets, self.inbytes, self.outbytes

    @property
    def ending(self):
        return self.sessionstate, self.sessionclosecode

    def __repr__(self):
        return str(vars(self))


class OPI(Table):
    """opi.security.firewall.v1"""

    package = "opi.security.firewall.v1"
    list_rpc = "GetAllSession"
    messages, services = stubs.opi, stubs.opi_grpc
    names = {}

    def page(self, key=0, state=0, timeout=CALL_SECONDS):
        """One GetAllSession: (sessions, nextkey)."""
        answer = self.stub.GetAllSession(
            stubs.opi.SessionRequestArgs(sessionid=key, sessionstate=state), timeout=timeout)
        return [self.response(each) for each in answer.sessioninfo], answer.nextkey

    def list(self, state=0):
        """All pages."""
        found, key = self.page(0, state)
        while key:
            more, key = self.page(key, state)
            found += more
        return found


class V2(Table):
    """openoffload.v2"""

    package = "openoffload.v2"
    list_rpc = "GetAllSessions"
    messages, services = stubs.v2, stubs.v2_grpc
    names = {
        "actiontype": "action_type", "actionnexthop": "action_next_hop",
        "actionnexthopv6": "action_next_hop_v6", "inlif": "in_lif", "outlif": "out_lif",
        "ipversion": "ip_version", "sourceip": "source_ip", "sourceipv6": "source_ipv6",
        "sourceport": "source_port", "destinationip": "destination_ip",
        "destinationipv6": "destination_ipv6", "destinationport": "destination_port",
        "protocolid": "protocol_id", "cachetimeout": "cache_timeout", "sessionid": "session_id",
        "errorstatus": "error_status", "requeststatus": "request_status", "starttime": "start_time",
        "responseerror": "response_error", "inpackets": "in_packets", "outpackets": "out_packets",
        "inbytes": "in_bytes", "outbytes": "out_bytes", "sessionstate": "session_state",
        "sessionclosecode": "session_close_code", "endtime": "end_time",
    }

    def page(self, key=0, size=0, number=0, timeout=CALL_SECONDS):
        """One GetAllSessions: (sessions, next_key)."""
        answer = self.stub.GetAllSessions(
            stubs.v2.SessionRequestArgs(page_size=size, page=number, start_session=key), timeout=timeout)
        return [self.response(each) for each in answer.session_info], answer.next_key

    def list(self, size=0):
        """All pages: live sessions."""
        found, key = self.page(0, size)
        while key:
            more, key = self.page(key, size)
            found += more
        return found

    def closed(self, size=0, metadata=(), timeout=CALL_SECONDS):
        """One GetClosedSessions to its end: (sessions, trailing metadata)."""
        call = self.stub.GetClosedSessions(
            stubs.v2.SessionRequestArgs(page_size=size), metadata=metadata, timeout=timeout)
        return [self.response(each) for each in call], dict(call.trailing_metadata())

    def follow(self):
        """GetClosedSessions that stays open: the call, to iterate and to cancel."""
        return self.stub.GetClosedSessions(stubs.v2.SessionRequestArgs(), metadata=(("x-follow", "true"),))


BOTH = (OPI, V2)
