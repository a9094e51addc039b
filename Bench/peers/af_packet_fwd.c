/* The least that forwards between two interfaces: af_packet_fwd ONE OTHER, until SIGTERM.
 *
 * A TPACKET_V2 ring of 8 MB with PACKET_VNET_HDR for each, the kernel's own VLAN offload and all other
 * offloads as they are, sendmmsg past the queueing discipline: as sluice opens its ports. Nothing is parsed,
 * put back, completed, counted by session or refused: packets that need that get through wrong. It never
 * sleeps. */
#define _GNU_SOURCE
#include <linux/virtio_net.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include "packet_socket.h"

#ifndef PACKET_IGNORE_OUTGOING
#define PACKET_IGNORE_OUTGOING 23
#endif

enum { BATCH = 64, FRAME = 2048, BLOCK = 1 << 16, RING = 8 << 20, FRAMES = RING / FRAME };

struct way {
	uint8_t *ring;
	unsigned position;
	int receiver, sender;
	unsigned long received, sent, failed;
};

static void open_way(struct way *way, const char *from, const char *to)
{
	struct tpacket_req request = {BLOCK, RING / BLOCK, FRAME, FRAMES};
	way->receiver = socket(AF_PACKET, SOCK_RAW, 0);
	need(way->receiver >= 0, "socket");
	set_option(way->receiver, SOL_PACKET, PACKET_VERSION, TPACKET_V2, "PACKET_VERSION");
	set_option(way->receiver, SOL_PACKET, PACKET_VNET_HDR, 1, "PACKET_VNET_HDR");
	set_option(way->receiver, SOL_PACKET, PACKET_IGNORE_OUTGOING, 1, "PACKET_IGNORE_OUTGOING");
	need(setsockopt(way->receiver, SOL_PACKET, PACKET_RX_RING, &request, sizeof(request)) == 0,
	     "PACKET_RX_RING");
	way->ring = mmap(NULL, RING, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, way->receiver, 0);
	need(way->ring != MAP_FAILED, "mmap");
	struct packet_mreq all = {.mr_ifindex = (int)if_nametoindex(from), .mr_type = PACKET_MR_PROMISC};
	need(setsockopt(way->receiver, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &all, sizeof(all)) == 0,
	     "PACKET_ADD_MEMBERSHIP");
	bind_to(way->receiver, from, ETH_P_ALL);
	way->sender = open_sender(to);
}

static struct tpacket2_hdr *frame(struct way *way, unsigned index)
{
	return (struct tpacket2_hdr *)(way->ring + (size_t)(index % FRAMES) * FRAME);
}

static void forward(struct way *way, struct mmsghdr *messages, struct iovec *parts)
{
	unsigned count = 0, first = way->position;
	for (; count < BATCH; count++) {
		struct tpacket2_hdr *header = frame(way, first + count);
		if (!(__atomic_load_n(&header->tp_status, __ATOMIC_ACQUIRE) & TP_STATUS_USER))
			break;
		__builtin_prefetch(frame(way, first + count + 1));
		parts[count].iov_base = (uint8_t *)header + header->tp_mac;
		parts[count].iov_len = header->tp_snaplen;
	}
	for (unsigned done = 0; done < count;) {
		int sent = sendmmsg(way->sender, messages + done, count - done, MSG_DONTWAIT);
		way->sent += sent > 0 ? (unsigned)sent : 0;
		way->failed += sent <= 0;
		done += sent > 0 ? (unsigned)sent : 1;
	}
	for (unsigned at = 0; at < count; at++)
		__atomic_store_n(&frame(way, first + at)->tp_status, TP_STATUS_KERNEL, __ATOMIC_RELEASE);
	way->position = (first + count) % FRAMES;
	way->received += count;
}

int main(int argc, char **argv)
{
	if (argc != 3) {
		fprintf(stderr, "usage: af_packet_fwd ONE OTHER\n");
		return 2;
	}
	static struct way ways[2];
	static struct mmsghdr messages[BATCH];
	static struct iovec parts[BATCH];
	for (int at = 0; at < BATCH; at++) {
		messages[at].msg_hdr.msg_iov = &parts[at];
		messages[at].msg_hdr.msg_iovlen = 1;
	}
	stop_when_asked();
	open_way(&ways[0], argv[1], argv[2]);
	open_way(&ways[1], argv[2], argv[1]);
	while (!is_stopped)
		for (int at = 0; at < 2; at++)
			forward(&ways[at], messages, parts);
	printf("{\"received\":%lu,\"sent\":%lu,\"failed\":%lu}\n", ways[0].received + ways[1].received,
	       ways[0].sent + ways[1].sent, ways[0].failed + ways[1].failed);
	return 0;
}
