"""The naive model of a session table: what AddSession, GetSession and DeleteSession must come to."""

from table import ACCEPTED, EXISTS, REJECTED, SERVER_BIT, TABLE_FULL


def key(request):
    """The same for both orientations of a session."""
    source = (request["sourceip"], request["sourceport"], request["inlif"])
    destination = (request["destinationip"], request["destinationport"], request["outlif"])
    return request["protocolid"], *sorted((source, destination))


def _ends(request):
    """The session as its client names it: turned round it is another one to replace."""
    return [request[name] for name in ("session_id", "sourceip", "sourceport", "destinationip",
                                       "destinationport", "inlif", "outlif")]


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
        outcomes, inserted, changed, planned, ids = [], [], [], {}, set(self.by_id)
        for position, request in enumerate(requests):
            identity = request["session_id"]
            if not is_valid(request):
                outcomes.append(REJECTED)
                continue
            holder = planned.get(key(request)) or self.by_id.get(self.by_key.get(key(request)))
            if holder is None and identity not in ids:
                outcomes.append(ACCEPTED)
                inserted.append(position)
                planned[key(request)] = request
                ids |= {identity} - {0}
            elif replacing and identity and holder and _ends(holder) == _ends(request):
                outcomes.append(ACCEPTED)
                changed.append(position)
            else:
                outcomes.append(EXISTS)
        return outcomes, inserted, changed

    def _insert(self, requests, inserted, changed, assigned):
        given = iter(assigned)
        for position, request in enumerate(requests):
            identity = request["session_id"] or next(given, 0)
            if position in inserted:
                self.by_id[identity] = request | {"session_id": identity}
                self.by_key[key(request)] = identity
            elif position in changed:
                self.by_id[identity] = self.by_id[identity] | {"action": request["action"]}

    def delete(self, identity):
        """Whether it was there."""
        request = self.by_id.pop(identity, None)
        if request is not None:
            del self.by_key[key(request)]
        return request is not None
