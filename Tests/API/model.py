"""The naive model of a session table: what AddSession, GetSession and DeleteSession must come to."""

from table import ACCEPTED, EXISTS, REJECTED, SERVER_BIT, TABLE_FULL

TUPLE = ("sourceip", "sourceport", "destinationip", "destinationport", "inlif", "outlif")


def key(request):
    """The same for both orientations of a session."""
    source = (request["sourceip"], request["sourceport"], request["inlif"])
    destination = (request["destinationip"], request["destinationport"], request["outlif"])
    return request["protocolid"], *sorted((source, destination))


def is_valid(request):
    return (request["session_id"] < SERVER_BIT and request["inlif"] in (1, 2) and request["outlif"] in (1, 2)
            and request["sourceport"] <= 65535 and request["destinationport"] <= 65535
            and request["protocolid"] in (6, 17) and request.get("action") is not None
            and request["action"]["actiontype"] in (0, 1) and request["cachetimeout"] <= 86400)


class Model:
    """Sessions without traffic. Ids of the server are told to it, as it cannot know them."""

    def __init__(self, capacity):
        self.capacity = capacity
        self.by_id = {}     # id -> request
        self.by_key = {}    # key -> id

    def add(self, requests, replacing, assigned):
        """(requeststatus, mask, responseerror); `assigned` are the ids in x-assigned-session-ids."""
        outcomes, inserted, changed = self._judge(requests, replacing)
        is_full = len(self.by_id) + len(inserted) > self.capacity
        if is_full:
            outcomes = [TABLE_FULL if position in inserted or position in changed else outcome
                        for position, outcome in enumerate(outcomes)]
        else:
            self._insert(requests, inserted, changed, assigned)
        errors = [(request["session_id"], outcome)
                  for request, outcome in zip(requests, outcomes) if outcome != ACCEPTED]
        mask = sum(1 << position for position, outcome in enumerate(outcomes[:64]) if outcome != ACCEPTED)
        causes = {outcome for _, outcome in errors}
        status = TABLE_FULL if is_full else ACCEPTED if not causes else causes.pop() if len(causes) == 1 \
            else REJECTED
        return status, mask, errors

    def _judge(self, requests, replacing):
        """Outcomes if there is room, and the positions that insert and that change."""
        outcomes, inserted, changed, ids, keys = [], [], [], set(), set()
        for position, request in enumerate(requests):
            identity = request["session_id"]
            if not is_valid(request):
                outcomes.append(REJECTED)
                continue
            holder = self.by_key.get(key(request))
            if identity in ids or key(request) in keys:
                outcomes.append(EXISTS)
            elif holder is not None or identity in self.by_id:
                is_same = holder == identity and self._oriented(self.by_id[holder]) == self._oriented(request)
                outcomes.append(ACCEPTED if replacing and is_same else EXISTS)
                if replacing and is_same:
                    changed.append(position)
            else:
                outcomes.append(ACCEPTED)
                inserted.append(position)
            if outcomes[-1] == ACCEPTED:
                ids |= {identity} - {0}
                keys.add(key(request))
        return outcomes, inserted, changed

    @staticmethod
    def _oriented(request):
        return [request[name] for name in TUPLE]

    def _insert(self, requests, inserted, changed, assigned):
        given = iter(assigned)
        for position, request in enumerate(requests):
            identity = request["session_id"] or next(given, 0)
            if position in inserted:
                self.by_id[identity] = request
                self.by_key[key(request)] = identity
            elif position in changed:
                self.by_id[identity] = request

    def delete(self, identity):
        """Whether it was there."""
        request = self.by_id.pop(identity, None)
        if request is not None:
            del self.by_key[key(request)]
        return request is not None
