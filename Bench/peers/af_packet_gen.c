/* Sends UDP packets of some flows until SIGTERM, then says how many.
 *
 *     af_packet_gen INTERFACE FLOWS BYTES RATE
 *
 * BYTES of a frame, its check sequence not included; RATE in packets a second, 0 for as fast as it can. Flows
 * differ in their source port, and take turns in one order that was shuffled. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <time.h>
#include "packet_socket.h"

enum { BATCH = 64, LARGEST = 1514, FIRST_PORT = 1024, MOST_FLOWS = 65536 - FIRST_PORT };

static void put16(uint8_t *at, unsigned value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static unsigned header_sum(const uint8_t *header)
{
	unsigned sum = 0;
	for (int at = 0; at < 20; at += 2)
		sum += (unsigned)(header[at] << 8 | header[at + 1]);
	sum = (sum & 0xffff) + (sum >> 16);
	return ~(sum + (sum >> 16)) & 0xffff;
}

/* Ethernet, IPv4 from 10.9.0.1 to 10.9.0.2, UDP without a checksum, zeros. */
static void make(uint8_t *frame, unsigned flow, unsigned size)
{
	static const uint8_t start[] = {2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0, 0x45};
	static const uint8_t addresses[] = {10, 9, 0, 1, 10, 9, 0, 2};
	uint8_t *ip = frame + ETH_HLEN, *udp = ip + 20;
	memset(frame, 0, size);
	memcpy(frame, start, sizeof(start));
	put16(ip + 2, size - ETH_HLEN);
	ip[8] = 64;
	ip[9] = 17;
	memcpy(ip + 12, addresses, sizeof(addresses));
	put16(ip + 10, header_sum(ip));
	put16(udp, FIRST_PORT + flow);
	put16(udp + 2, 5000);
	put16(udp + 4, size - ETH_HLEN - 20);
}

static void shuffle(unsigned *order, unsigned count)
{
	uint64_t state = 7;
	for (unsigned left = count; left > 1; left--) {
		state = state * 6364136223846793005u + 1442695040888963407u;
		unsigned other = (unsigned)((state >> 33) % left), kept = order[left - 1];
		order[left - 1] = order[other];
		order[other] = kept;
	}
}

static double seconds(clockid_t clock)
{
	struct timespec time;
	clock_gettime(clock, &time);
	return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

/* How many are due; sleeps when there are none. */
static unsigned due(double rate, double start, uint64_t sent)
{
	if (rate <= 0)
		return BATCH;
	double count = (seconds(CLOCK_MONOTONIC) - start) * rate - (double)sent;
	if (count >= 1)
		return count < BATCH ? (unsigned)count : BATCH;
	struct timespec pause = {0, 200000};
	nanosleep(&pause, NULL);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc != 5) {
		fprintf(stderr, "usage: af_packet_gen INTERFACE FLOWS BYTES RATE\n");
		return 2;
	}
	unsigned flows = (unsigned)atoi(argv[2]), size = (unsigned)atoi(argv[3]), next = 0;
	if (flows < 1 || flows > MOST_FLOWS || size < 42 || size > LARGEST) {
		fprintf(stderr, "af_packet_gen: accepted: 1...%d flows of 42...%d bytes\n", MOST_FLOWS, LARGEST);
		return 2;
	}
	double rate = atof(argv[4]);
	stop_when_asked();
	uint8_t *frames = malloc((size_t)flows * size);
	unsigned *order = malloc(flows * sizeof(*order));
	need(frames && order, "malloc");
	for (unsigned flow = 0; flow < flows; flow++)
		order[flow] = flow;
	shuffle(order, flows);
	for (unsigned at = 0; at < flows; at++)
		make(frames + (size_t)at * size, order[at], size);
	struct mmsghdr messages[BATCH];
	struct iovec parts[BATCH];
	memset(messages, 0, sizeof(messages));
	for (int at = 0; at < BATCH; at++) {
		parts[at].iov_len = size;
		messages[at].msg_hdr.msg_iov = &parts[at];
		messages[at].msg_hdr.msg_iovlen = 1;
	}
	int descriptor = open_sender(argv[1]);
	uint64_t sent = 0, refused = 0;
	double start = seconds(CLOCK_MONOTONIC);
	while (!is_stopped) {
		unsigned count = due(rate, start, sent);
		if (count == 0)
			continue;
		for (unsigned at = 0; at < count; at++)
			parts[at].iov_base = frames + (size_t)((next + at) % flows) * size;
		int done = sendmmsg(descriptor, messages, count, 0);
		if (done > 0) {
			sent += (uint64_t)done;
			next = (next + (unsigned)done) % flows;
		} else {
			need(errno == ENOBUFS || errno == EAGAIN || errno == EINTR, "sendmmsg");
			refused++;
		}
	}
	printf("{\"sent\":%lu,\"refused\":%lu,\"cpu_ns\":%.0f}\n", (unsigned long)sent, (unsigned long)refused,
	       seconds(CLOCK_PROCESS_CPUTIME_ID) * 1e9);
	return 0;
}
