// The peer of the session API: a synchronous gRPC server that only counts what it is sent.
//
//   session_count_server SOCKET SESSIONS
//
// Says {"ready":true} when it listens on the unix socket and ends when its standard input does. A list has
// SESSIONS sessions, 1024 a page, none of which is stored.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <string>

#include <grpcpp/grpcpp.h>

#include "opi/security/firewall/v1/openoffload.grpc.pb.h"

namespace v1 = opi::security::firewall::v1;

namespace {

constexpr uint64_t cursor_bit = 1ull << 63;
constexpr uint64_t page_size = 1024;

void set_now(google::protobuf::Timestamp *stamp)
{
	timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	stamp->set_seconds(now.tv_sec);
	stamp->set_nanos(int32_t(now.tv_nsec));
}

void set_established(uint64_t id, v1::SessionResponse *session)
{
	session->set_sessionid(id);
	session->set_sessionstate(v1::_ESTABLISHED);
	set_now(session->mutable_starttime());
}

class CountingTable final : public v1::SessionTable::Service {
public:
	explicit CountingTable(uint64_t listed) : listed_(listed) {}

	grpc::Status AddSession(grpc::ServerContext *, grpc::ServerReader<v1::SessionRequest> *reader,
				v1::AddSessionResponse *answer) override
	{
		v1::SessionRequest request;
		uint64_t count = 0;
		while (reader->Read(&request))
			count++;
		answer->set_requeststatus(v1::_SESSION_ACCEPTED);
		if (count > 0)
			set_now(answer->mutable_starttime());
		return grpc::Status::OK;
	}

	grpc::Status GetSession(grpc::ServerContext *, const v1::SessionId *request,
				v1::SessionResponse *answer) override
	{
		set_established(request->session_id(), answer);
		return grpc::Status::OK;
	}

	grpc::Status GetAllSession(grpc::ServerContext *, const v1::SessionRequestArgs *request,
				   v1::SessionResponses *answer) override
	{
		uint64_t first = request->sessionid() & ~cursor_bit;
		uint64_t end = std::min(listed_, first + page_size);
		for (uint64_t index = first; index < end; index++)
			set_established(index + 1, answer->add_sessioninfo());
		if (end < listed_)
			answer->set_nextkey(cursor_bit | end);
		return grpc::Status::OK;
	}

private:
	const uint64_t listed_;
};

} // namespace

int main(int argc, char **argv)
{
	if (argc != 3) {
		fprintf(stderr, "usage: session_count_server SOCKET SESSIONS\n");
		return 2;
	}
	CountingTable table(strtoull(argv[2], nullptr, 10));
	grpc::ServerBuilder builder;
	builder.AddListeningPort(std::string("unix:") + argv[1], grpc::InsecureServerCredentials());
	builder.RegisterService(&table);
	auto server = builder.BuildAndStart();
	if (!server) {
		fprintf(stderr, "session_count_server: cannot listen on %s\n", argv[1]);
		return 1;
	}
	printf("{\"ready\":true}\n");
	fflush(stdout);
	while (getchar() != EOF)
		;
	server->Shutdown();
	return 0;
}
