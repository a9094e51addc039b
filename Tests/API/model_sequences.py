"""Any sequence of operations against the naive model: thousands of them from a seed, 1 and 2 workers."""

import random

import grpc

from model import Model
from settings import settings
from suite import equal, seconds, true
from table import BOTH, CLOSED, ESTABLISHED, NONEXISTENT, NOT_CLOSED, OPI, SERVER_BIT, V2, fields

OPERATIONS = 1500
CAPACITY = 24
IDS, TUPLES = 40, 40


class Sequence:
    """One daemon, its model, and what was done so far."""

    def __init__(self, daemon, seed):
        self.daemon = daemon
        self.chance = random.Random(seed)
        self.model = Model(CAPACITY)
        self.tables = [generation(daemon) for generation in BOTH]
        self.opened = 0

    def step(self):
        table = self.chance.choice(self.tables)
        operation = self.chance.choices((self.add, self.get, self.delete, self.list), (6, 2, 4, 1))[0]
        operation(table)

    def _id(self):
        """One of the client's range, of the server's that exist, or nobody's."""
        servers = [identity for identity in self.model.by_id if identity >= SERVER_BIT]
        if servers and self.chance.random() < 0.3:
            return self.chance.choice(servers)
        return self.chance.randint(1, IDS)

    def _request(self):
        identity = 0 if self.chance.random() < 0.15 else self.chance.randint(1, IDS)
        # Often the tuple that the id mostly has, so that replacements happen.
        number = identity if identity and self.chance.random() < 0.6 else self.chance.randint(1, TUPLES)
        request = fields(identity, number, action=self.chance.randint(0, 1),
                         protocolid=self.chance.choice((6, 17)) if number % 4 == 0 else 17)
        if self.chance.random() < 0.1:
            for one, other in (("sourceip", "destinationip"), ("sourceport", "destinationport"),
                               ("inlif", "outlif")):
                request[one], request[other] = request[other], request[one]
        if self.chance.random() < 0.08:
            request |= self.chance.choice(({"protocolid": 1}, {"sourceport": 65536}, {"inlif": 3},
                                           {"cachetimeout": 10**6}, {"session_id": SERVER_BIT + 5},
                                           {"action": {"actiontype": 7}}))
        return request

    def add(self, table):
        requests = [self._request() for _ in range(self.chance.choice((0, 1, 1, 2, 3, 8, 20, 70)))]
        replacing = self.chance.random() < 0.4
        reply = (table.upsert if replacing else table.add)(*requests)
        count = len(self.model.by_id)
        expected = self.model.add(requests, replacing, reply.assigned)
        equal(reply.summary, expected, f"AddSession of {len(requests)}, replacing {replacing}")
        self.opened += len(self.model.by_id) - count
        if len(expected[2]) == len(requests):
            equal(reply.start, None, "starttime of a reply that inserted nothing")

    def get(self, table):
        identity = self._id()
        self._expect(table, table.get, identity, identity in self.model.by_id, (ESTABLISHED, NOT_CLOSED))

    def delete(self, table):
        identity = self._id()
        self._expect(table, table.delete, identity, self.model.delete(identity), (CLOSED, NOT_CLOSED))

    def _expect(self, table, call, identity, is_there, ending):
        try:
            found = call(identity)
        except grpc.RpcError as error:
            equal((type(table), error.code(), is_there), (V2, grpc.StatusCode.NOT_FOUND, False),
                  f"{identity}: {error.details()}")
            return
        equal(found.sessionid, identity, "id")
        if not is_there:
            equal((type(table), found.requeststatus), (OPI, NONEXISTENT), f"{identity} is not there")
            return
        equal((found.requeststatus, found.ending, found.counters), (0, ending, (0, 0, 0, 0)), f"{identity}")

    def list(self, table):
        ids = [each.sessionid for each in table.list()]
        equal(sorted(ids), sorted(self.model.by_id), "live sessions")
        for session in self.daemon.sessions():
            request = self.model.by_id[session.session_id]
            equal((session.action, session.source_port, session.in_lif, session.protocol),
                  (request["action"]["actiontype"], request["sourceport"], request["inlif"],
                   request["protocolid"]), f"session {session.session_id}")

    def finish(self):
        self.list(self.tables[0])
        status = self.daemon.status()
        true(self.opened > OPERATIONS / 20, f"only {self.opened} sessions were opened")
        equal((status.live_sessions, status.sessions_opened, status.sessions_deleted),
              (len(self.model.by_id), self.opened, self.opened - len(self.model.by_id)),
              "live, opened and deleted")


def _run(case, workers, seed):
    sequence = Sequence(case.daemon(settings(capacity=CAPACITY, workers=workers)), seed)
    for number in range(OPERATIONS):
        try:
            sequence.step()
        except Exception as error:
            error.args = (f"{error}; seed {seed}, operation {number}",)
            raise
    sequence.finish()


@seconds(120)
def test_one_worker(case):
    _run(case, 1, 1)


@seconds(120)
def test_two_workers(case):
    _run(case, 2, 2)
