"""Reflection, v1 and v1alpha, and health."""

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool

import stubs
from settings import settings
from suite import equal, refused, true

SERVICES = {
    "opi.security.firewall.v1.SessionTable", "openoffload.v2.SessionTable", "sluice.v1.Dataplane",
    "grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection",
    "grpc.reflection.v1alpha.ServerReflection",
}
MODULES = (stubs.opi, stubs.v2, stubs.sluice, stubs.health, stubs.reflection, stubs.reflection_alpha)
NOT_FOUND = 5


class Reflection:
    """One stream of questions and answers."""

    def __init__(self, daemon, messages, services):
        self.messages = messages
        self.stub = services.ServerReflectionStub(daemon.channel)

    def ask(self, **questions):
        return self.ask_all([questions])[0]

    def ask_all(self, questions):
        sent = [self.messages.ServerReflectionRequest(**question) for question in questions]
        answers = list(self.stub.ServerReflectionInfo(iter(sent), timeout=20))
        equal([answer.original_request for answer in answers], sent, "original_request")
        return answers

    def files(self, **question):
        answer = self.ask(**question)
        equal(answer.WhichOneof("message_response"), "file_descriptor_response", f"answer to {question}")
        return [descriptor_pb2.FileDescriptorProto.FromString(each)
                for each in answer.file_descriptor_response.file_descriptor_proto]


def _both_versions(daemon):
    yield Reflection(daemon, stubs.reflection, stubs.reflection_grpc)
    yield Reflection(daemon, stubs.reflection_alpha, stubs.reflection_alpha_grpc)


def test_all_services_are_listed(case):
    daemon = case.daemon(settings())
    for reflection in _both_versions(daemon):
        answer = reflection.ask(list_services="")
        equal({each.name for each in answer.list_services_response.service}, SERVICES, "services")


def test_a_pool_of_all_descriptors(case):
    """Every service's files, and what they import, make a pool that says what our .proto files say."""
    daemon = case.daemon(settings())
    for reflection in _both_versions(daemon):
        files, wanted = {}, []
        for service in sorted(SERVICES):
            found = reflection.files(file_containing_symbol=service)
            files |= {each.name: each for each in found}
        wanted = [name for each in files.values() for name in each.dependency]
        while wanted:
            name = wanted.pop()
            if name not in files:
                for each in reflection.files(file_by_filename=name):
                    files[each.name] = each
                    wanted += each.dependency
        pool = descriptor_pool.DescriptorPool()
        _add_all(pool, files)
        for module in MODULES:
            for name, service in module.DESCRIPTOR.services_by_name.items():
                _expect_same(pool.FindServiceByName(service.full_name), service)


def _add_all(pool, files):
    """Adds files after what they import."""
    added = set()

    def add(name):
        if name in added:
            return
        added.add(name)
        for other in files[name].dependency:
            add(other)
        pool.Add(files[name])

    for name in files:
        add(name)


def _expect_same(found, service):
    methods = lambda each: [(method.name, method.input_type.full_name, method.output_type.full_name)
                            for method in each.methods]
    equal(methods(found), methods(service), f"methods of {service.full_name}")
    for method in service.methods:
        same = found.methods_by_name[method.name]
        for ours, theirs in ((method.input_type, same.input_type), (method.output_type, same.output_type)):
            fields = lambda each: sorted((field.number, field.name, field.type, field.label)
                                         for field in each.fields)
            equal(fields(theirs), fields(ours), f"fields of {ours.full_name}")


def test_symbols_of_every_kind(case):
    daemon = case.daemon(settings())
    for reflection in _both_versions(daemon):
        for symbol, package in (
                ("opi.security.firewall.v1.SessionTable.AddSession", "opi.security.firewall.v1"),
                ("opi.security.firewall.v1.SessionRequest", "opi.security.firewall.v1"),
                ("openoffload.v2.ActionType", "openoffload.v2"),
                ("sluice.v1.SessionEvent.Kind", "sluice.v1"),
                ("google.protobuf.Timestamp", "google.protobuf")):
            found = reflection.files(file_containing_symbol=symbol)
            true(package in {each.package for each in found}, f"no file of {package} for {symbol}")


def test_questions_without_answer(case):
    daemon = case.daemon(settings())
    for reflection in _both_versions(daemon):
        questions = [{"file_containing_symbol": "no.Such"}, {"file_by_filename": "no/such.proto"},
                     {"file_containing_symbol": ""}, {"all_extension_numbers_of_type": "no.Such"},
                     {"list_services": "x"}]
        answers = reflection.ask_all(questions)
        equal([answer.error_response.error_code for answer in answers[:4]], [NOT_FOUND] * 4, "error codes")
        equal(len(answers[4].list_services_response.service), len(SERVICES), "services after the errors")


def test_health(case):
    daemon = case.daemon(settings())
    stub = stubs.health_grpc.HealthStub(daemon.channel)
    serving = stubs.health.HealthCheckResponse.SERVING
    for service in ("", *SERVICES):
        answer = stub.Check(stubs.health.HealthCheckRequest(service=service), timeout=5)
        equal(answer.status, serving, f"health of {service!r}")
    refused(lambda: stub.Check(stubs.health.HealthCheckRequest(service="no.Such"), timeout=5),
            grpc.StatusCode.NOT_FOUND)
    watch = stub.Watch(stubs.health.HealthCheckRequest(service=""), timeout=20)
    equal(next(watch).status, serving, "the first of Watch")
    watch.cancel()
    unknown = stub.Watch(stubs.health.HealthCheckRequest(service="no.Such"), timeout=20)
    equal(next(unknown).status, stubs.health.HealthCheckResponse.SERVICE_UNKNOWN, "Watch of nothing")
    unknown.cancel()
