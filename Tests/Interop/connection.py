"""The naive model of sessions: what a tracker must have seen, packet by packet."""

from packets import TCP, unordered

SECOND = 10**9
CLOSING_SECONDS = 10
LINGER_SECONDS = 10


class LearnedTimeouts:
    """Idle seconds of sessions that were learned from the traffic."""

    established, handshake, udp = 3600, 30, 60


class Connection:
    """One session: its counts and how it ended. The sender of `tuple5` is the initiator.

    `timeout` is the session's own idle time in seconds, None for a learned session.
    """

    def __init__(self, tuple5, start, timeout=None):
        self.tuple5 = tuple5
        self.start = self.last = start
        self.own_timeout = timeout
        self.packets = [0, 0]      # by direction: from the initiator, to it
        self.bytes = [0, 0]
        self.in_handshake = False
        self.answered = False
        self.fin_end = [None, None]
        self.last_fin = None       # which way the last FIN that counted went
        self.close_code = "_NOT_CLOSED"
        self.closed_at = None      # nanoseconds, when FINs or a RST ended it

    @property
    def is_live(self):
        return self.close_code == "_NOT_CLOSED"

    @property
    def timeout(self):
        """Seconds of idleness after which it ends, as things stand now."""
        own = self.own_timeout
        if own is None:
            tcp = LearnedTimeouts.handshake if self.in_handshake else LearnedTimeouts.established
            own = tcp if self.tuple5.protocol == TCP else LearnedTimeouts.udp
        return min(CLOSING_SECONDS, own) if self.fins else own

    @property
    def fins(self):
        return sum(end is not None for end in self.fin_end)

    def expire(self, now):
        """Ends it by timeout when it was idle for too long."""
        if self.is_live and now - self.last >= self.timeout * SECOND:
            self.close_code = "_TIMEOUT"

    def accepts(self, packet):
        """Whether the packet belongs to it. A SYN on a closing or closed tuple is a new connection."""
        self.expire(packet.time)
        opens = packet.syn and not packet.ack
        if self.closed_at is not None:
            linger = min(LINGER_SECONDS, self.own_timeout or LINGER_SECONDS)
            return not opens and packet.time - self.closed_at < linger * SECOND
        if opens and self.is_live and self.fins:
            self.close_code = "_FINACK" if self.fins == 2 else "_TIMEOUT"
        return self.is_live

    def count(self, packet):
        way = 0 if packet.tuple5 == self.tuple5 else 1
        self.packets[way] += 1
        self.bytes[way] += packet.length
        self.last = packet.time
        if self.tuple5.protocol == TCP and self.is_live:
            self._follow(packet, way)

    def _follow(self, packet, way):
        """Handshake, FIN, the ACK that covers it, RST. Sequence numbers wrap at 2^32."""
        if packet.syn and not packet.ack and sum(self.packets) == 1:
            self.in_handshake = True
        if packet.syn and packet.ack and way == 1:
            self.answered = True
        elif packet.ack and not packet.syn and way == 0 and self.answered:
            self.in_handshake = False
        if packet.reset:
            self._end("_RST", packet)
            return
        if self.fins == 2 and packet.ack and self.last_fin != way:
            # The ACK that covers the last FIN closes, whether or not the first FIN was ever acknowledged.
            if (packet.acknowledged - self.fin_end[self.last_fin]) & 0xFFFFFFFF < 0x80000000:
                self._end("_FINACK", packet)
                return
        if packet.fin and self.fin_end[way] is None:
            self.fin_end[way] = (packet.sequence + packet.payload + 1) & 0xFFFFFFFF
            self.last_fin = way

    def _end(self, code, packet):
        self.close_code = code
        self.closed_at = packet.time


def learn(packets):
    """The sessions that a tracker opens when it learns every conversation, in order of opening."""
    opened, current = [], {}
    for packet in packets:
        if packet.tuple5 is None:
            continue
        key = unordered(packet.tuple5)
        connection = current.get(key)
        if connection is None or not connection.accepts(packet):
            connection = current[key] = Connection(packet.tuple5, packet.time)
            opened.append(connection)
        connection.count(packet)
    for connection in opened:
        connection.expire(packets[-1].time)
    return opened


def follow(packets, requests):
    """Runs packets through sessions that exist from the start and are not renewed.

    `requests` are (5-tuple, timeout in seconds). Returns the connections in that order, and for
    every packet the index of the session it belonged to, or None.
    """
    start = packets[0].time
    connections = [Connection(tuple5, start, timeout) for tuple5, timeout in requests]
    by_tuple = {unordered(tuple5): index for index, (tuple5, _) in enumerate(requests)}
    owners = []
    for packet in packets:
        index = by_tuple.get(unordered(packet.tuple5)) if packet.tuple5 else None
        if index is not None and connections[index].accepts(packet):
            connections[index].count(packet)
            owners.append(index)
        else:
            owners.append(None)
    for connection in connections:
        connection.expire(packets[-1].time)
    return connections, owners
