// The client of the session API's rows, the same for Sluice and for the peer.
//
//   session_client SOCKET
//
// Reads a command a line and answers each with one JSON object a line; times are microseconds by the clock:
//
//   add FIRST COUNT STREAM CALLS   adds sessions FIRST...FIRST+COUNT-1 in streams of STREAM messages, CALLS
//                                  streams at a time
//   get FIRST COUNT CALLS          gets CALLS random ones of the sessions FIRST...FIRST+COUNT-1, one by one
//   list                           lists all sessions, page by page; "fingerprint" is the sum of their ids
//   ids FIRST COUNT                the fingerprint that a list of these sessions has
//   workers                        the workers' counters (sluice.v1, so not of the peer)
//
// A session is made from its number alone: the same bytes in every run, and no two have an id or a tuple in
// common. All calls share one connection.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <grpcpp/grpcpp.h>

#include "opi/security/firewall/v1/openoffload.grpc.pb.h"
#include "sluice/v1/dataplane.grpc.pb.h"

namespace v1 = opi::security::firewall::v1;
using Clock = std::chrono::steady_clock;

namespace {

// 32 bits of the number are in the tuple, see `make_session`.
constexpr uint64_t session_limit = 1ull << 32;
// Clients' ids are below 2^62.
constexpr uint64_t id_mask = (1ull << 62) - 1;

// splitmix64 (Steele, Lea and Flood 2014).
uint64_t mix(uint64_t number)
{
	uint64_t z = (number + 1) * 0x9E3779B97F4A7C15ull;
	z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
	z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
	return z ^ (z >> 31);
}

// An odd factor maps numbers one to one, and none but 0 to 0.
uint64_t session_id(uint64_t number)
{
	return (number + 1) * 0x9E3779B97F4A7C15ull & id_mask;
}

void make_session(uint64_t number, v1::SessionRequest *session)
{
	uint64_t random = mix(number);
	session->set_session_id(session_id(number));
	session->set_inlif(1);
	session->set_outlif(2);
	// 10.0.0.0/8 as inet_pton stores it on a little-endian machine; 24 bits of the number, 8 in the port.
	session->set_sourceip(uint32_t(10 | number << 8));
	session->set_sourceport(uint32_t(1024 + (number >> 24)));
	session->set_destinationip(uint32_t(random) | 0x80);
	session->set_destinationport(uint32_t(1024 + (random >> 32) % 60000));
	session->set_protocolid(v1::_TCP);
	session->mutable_action()->set_actiontype(v1::_FORWARD);
	// A day: none ends while something is measured.
	session->set_cachetimeout(86400);
}

double microseconds(Clock::duration taken)
{
	return std::chrono::duration<double, std::micro>(taken).count();
}

// What calls took and what went wrong, from several threads.
class Calls {
public:
	void add(double taken, const std::string &error)
	{
		std::lock_guard<std::mutex> lock(mutex_);
		taken_.push_back(taken);
		if (!error.empty() && errors_++ == 0)
			first_error_ = error;
	}

	// Prints the answer of a command that sent or got `messages`.
	void print(uint64_t messages, Clock::time_point start, const std::string &more = "")
	{
		double wall = microseconds(Clock::now() - start);
		std::sort(taken_.begin(), taken_.end());
		for (char &letter : first_error_)
			if (letter == '"' || letter == '\\' || uint8_t(letter) < ' ')
				letter = ' ';
		printf("{\"messages\":%" PRIu64 ",\"calls\":%zu,\"wall_us\":%.0f,\"p50_us\":%.1f,\"p99_us\":%.1f,"
		       "\"errors\":%" PRIu64 ",\"first_error\":\"%s\"%s}\n",
		       messages, taken_.size(), wall, at(0.5), at(0.99), errors_, first_error_.c_str(),
		       more.c_str());
	}

private:
	double at(double part) const
	{
		return taken_.empty() ? 0 : taken_[size_t(part * double(taken_.size() - 1))];
	}

	std::mutex mutex_;
	std::vector<double> taken_;
	uint64_t errors_ = 0;
	std::string first_error_;
};

class Client {
public:
	explicit Client(const std::string &socket)
	{
		grpc::ChannelArguments arguments;
		arguments.SetMaxReceiveMessageSize(-1);
		channel_ = grpc::CreateCustomChannel("unix:" + socket, grpc::InsecureChannelCredentials(), arguments);
		table_ = v1::SessionTable::NewStub(channel_);
		dataplane_ = sluice::v1::Dataplane::NewStub(channel_);
	}

	bool connect()
	{
		return channel_->WaitForConnected(std::chrono::system_clock::now() + std::chrono::seconds(10));
	}

	void add(uint64_t first, uint64_t count, uint64_t stream, unsigned at_a_time)
	{
		Calls calls;
		std::atomic<uint64_t> next{first};
		auto start = Clock::now();
		std::vector<std::thread> threads;
		for (unsigned index = 0; index < at_a_time; index++)
			threads.emplace_back([&] {
				for (;;) {
					uint64_t from = next.fetch_add(stream);
					if (from >= first + count)
						return;
					add_stream(from, std::min(from + stream, first + count), calls);
				}
			});
		for (auto &thread : threads)
			thread.join();
		calls.print(count, start);
	}

	void get(uint64_t first, uint64_t count, uint64_t wanted)
	{
		Calls calls;
		auto start = Clock::now();
		for (uint64_t index = 0; index < wanted; index++) {
			v1::SessionId request;
			v1::SessionResponse answer;
			grpc::ClientContext context;
			request.set_session_id(session_id(first + mix(index) % count));
			auto begin = Clock::now();
			auto status = table_->GetSession(&context, request, &answer);
			auto taken = Clock::now() - begin;
			bool is_right = answer.sessionid() == request.session_id()
				&& answer.requeststatus() == v1::_ACCEPTED;
			calls.add(microseconds(taken), !status.ok() ? status.error_message()
				: is_right ? "" : "another answer than that session");
		}
		calls.print(wanted, start);
	}

	void list()
	{
		Calls calls;
		auto start = Clock::now();
		uint64_t count = 0, fingerprint = 0, cursor = 0;
		do {
			v1::SessionRequestArgs request;
			v1::SessionResponses answer;
			grpc::ClientContext context;
			request.set_sessionid(cursor);
			auto begin = Clock::now();
			auto status = table_->GetAllSession(&context, request, &answer);
			calls.add(microseconds(Clock::now() - begin), status.ok() ? "" : status.error_message());
			count += uint64_t(answer.sessioninfo_size());
			for (const auto &session : answer.sessioninfo())
				fingerprint += session.sessionid();
			cursor = status.ok() ? answer.nextkey() : 0;
		} while (cursor != 0);
		calls.print(count, start, ",\"fingerprint\":" + std::to_string(fingerprint));
	}

	void workers()
	{
		sluice::v1::ListWorkersResponse answer;
		grpc::ClientContext context;
		auto status = dataplane_->ListWorkers(&context, {}, &answer);
		std::string text = "{\"error\":" + std::string(status.ok() ? "false" : "true") + ",\"workers\":[";
		for (int index = 0; index < answer.workers_size(); index++) {
			const auto &worker = answer.workers(index);
			text += (index ? ",{" : "{");
			for (const auto &[name, value] : worker.counters())
				text += "\"" + name + "\":" + std::to_string(value) + ",";
			text += "\"cpu_nanoseconds\":" + std::to_string(worker.cpu_nanoseconds())
				+ ",\"command_nanoseconds\":" + std::to_string(worker.command_nanoseconds())
				+ ",\"commands\":" + std::to_string(worker.commands()) + "}";
		}
		printf("%s]}\n", text.c_str());
	}

private:
	void add_stream(uint64_t from, uint64_t end, Calls &calls)
	{
		v1::SessionRequest request;
		v1::AddSessionResponse answer;
		grpc::ClientContext context;
		auto begin = Clock::now();
		auto writer = table_->AddSession(&context, &answer);
		for (uint64_t number = from; number < end; number++) {
			make_session(number, &request);
			// Sent when there is a buffer full: with a system call a message, on both sides, system calls
			// would be what is measured.
			if (!writer->Write(request, grpc::WriteOptions().set_buffer_hint()))
				break;
		}
		writer->WritesDone();
		auto status = writer->Finish();
		auto taken = Clock::now() - begin;
		bool is_right = answer.requeststatus() == v1::_SESSION_ACCEPTED && answer.errorstatus() == 0
			&& answer.responseerror_size() == 0;
		calls.add(microseconds(taken), !status.ok() ? status.error_message()
			: is_right ? "" : "status " + std::to_string(answer.requeststatus()));
	}

	std::shared_ptr<grpc::Channel> channel_;
	std::unique_ptr<v1::SessionTable::Stub> table_;
	std::unique_ptr<sluice::v1::Dataplane::Stub> dataplane_;
};

bool obey(Client &client, const char *line)
{
	uint64_t first, count, stream;
	unsigned at_a_time;
	if (sscanf(line, "add %" SCNu64 " %" SCNu64 " %" SCNu64 " %u", &first, &count, &stream, &at_a_time) == 4
	    && stream > 0 && at_a_time > 0 && first + count <= session_limit)
		client.add(first, count, stream, at_a_time);
	else if (sscanf(line, "get %" SCNu64 " %" SCNu64 " %" SCNu64, &first, &count, &stream) == 3 && count > 0)
		client.get(first, count, stream);
	else if (sscanf(line, "ids %" SCNu64 " %" SCNu64, &first, &count) == 2) {
		uint64_t fingerprint = 0;
		for (uint64_t number = first; number < first + count; number++)
			fingerprint += session_id(number);
		printf("{\"fingerprint\":%" PRIu64 "}\n", fingerprint);
	} else if (std::string(line) == "list\n")
		client.list();
	else if (std::string(line) == "workers\n")
		client.workers();
	else
		return false;
	fflush(stdout);
	return true;
}

} // namespace

int main(int argc, char **argv)
{
	if (argc != 2) {
		fprintf(stderr, "usage: session_client SOCKET\n");
		return 2;
	}
	Client client(argv[1]);
	if (!client.connect()) {
		fprintf(stderr, "session_client: nobody answers on %s\n", argv[1]);
		return 1;
	}
	printf("{\"ready\":true}\n");
	fflush(stdout);
	char line[256];
	while (fgets(line, sizeof line, stdin))
		if (!obey(client, line)) {
			fprintf(stderr, "session_client: what is %s", line);
			return 2;
		}
	return 0;
}
