#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>
#include "sluice_packet_socket.h"

#ifndef PACKET_IGNORE_OUTGOING
#define PACKET_IGNORE_OUTGOING 23 /* Linux 4.20 */
#endif
#ifndef PACKET_FANOUT_FLAG_UNIQUEID
#define PACKET_FANOUT_FLAG_UNIQUEID 0x2000 /* Linux 4.12 */
#endif

enum {
	// Room for super-frames that wait to be read, some tens of them.
	QUEUED_BYTES = 16 << 20,
	SEND_BYTES = 4 << 20,
};

static int set(int descriptor, int level, int name, int value)
{
	return setsockopt(descriptor, level, name, &value, sizeof(value)) == 0 ? 0 : errno;
}

static int ask(int descriptor, unsigned long request, const char *name, struct ifreq *answer)
{
	memset(answer, 0, sizeof(*answer));
	strncpy(answer->ifr_name, name, sizeof(answer->ifr_name) - 1);
	return ioctl(descriptor, request, answer) == 0 ? 0 : errno;
}

int sluice_interface_find(const char *name, struct sluice_interface *out)
{
	struct ifreq answer;
	int descriptor = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (descriptor < 0)
		return errno;
	int error = strlen(name) < sizeof(answer.ifr_name) ? 0 : ENODEV;
	if (!error && !(error = ask(descriptor, SIOCGIFINDEX, name, &answer)))
		out->index = answer.ifr_ifindex;
	if (!error && !(error = ask(descriptor, SIOCGIFMTU, name, &answer)))
		out->mtu = answer.ifr_mtu;
	if (!error && !(error = ask(descriptor, SIOCGIFFLAGS, name, &answer))) {
		out->is_up = (answer.ifr_flags & IFF_UP) != 0;
		out->is_running = (answer.ifr_flags & IFF_RUNNING) != 0;
	}
	if (!error && !(error = ask(descriptor, SIOCGIFHWADDR, name, &answer))) {
		out->is_ethernet = answer.ifr_hwaddr.sa_family == ARPHRD_ETHER;
		memcpy(out->address, answer.ifr_hwaddr.sa_data, sizeof(out->address));
	}
	close(descriptor);
	return error;
}

// A filter that lets nothing through, until the ring is started: a socket that is bound but has not joined
// its fanout group yet would hear what others hear, too.
static int shut(int descriptor)
{
	struct sock_filter nothing = BPF_STMT(BPF_RET | BPF_K, 0);
	struct sock_fprog program = {1, &nothing};
	int done = setsockopt(descriptor, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program));
	return done == 0 ? 0 : errno;
}

static int set_options(int descriptor, const struct sluice_ring_wish *wish)
{
	int error = shut(descriptor);
	if (!error)
		error = set(descriptor, SOL_PACKET, PACKET_VERSION, wish->version == 3 ? TPACKET_V3 : TPACKET_V2);
	if (!error)
		error = set(descriptor, SOL_PACKET, PACKET_VNET_HDR, 1);
	if (!error)
		error = set(descriptor, SOL_PACKET, PACKET_IGNORE_OUTGOING, 1);
	if (error || wish->version == 3)
		return error;
	// Packets longer than a frame are queued whole. As much as may be had: without CAP_NET_ADMIN less.
	if (set(descriptor, SOL_SOCKET, SO_RCVBUFFORCE, QUEUED_BYTES))
		set(descriptor, SOL_SOCKET, SO_RCVBUF, QUEUED_BYTES);
	return set(descriptor, SOL_PACKET, PACKET_COPY_THRESH, 1);
}

static int map(int descriptor, const struct sluice_ring_wish *wish, struct sluice_ring *ring)
{
	struct tpacket_req3 request;
	memset(&request, 0, sizeof(request));
	int is_v3 = wish->version == 3;
	// Version 2: several frames in a block of memory, so that the kernel has no page to spare for each.
	uint32_t block = is_v3 || wish->unit_size > 1 << 16 ? wish->unit_size : 1 << 16;
	request.tp_block_size = block;
	request.tp_frame_size = is_v3 ? block : wish->unit_size;
	request.tp_block_nr = (unsigned)((uint64_t)wish->unit_size * wish->units / block);
	request.tp_frame_nr = request.tp_block_nr * (block / request.tp_frame_size);
	request.tp_retire_blk_tov = wish->block_timeout;
	if (setsockopt(descriptor, SOL_PACKET, PACKET_RX_RING, &request,
		       is_v3 ? sizeof(struct tpacket_req3) : sizeof(struct tpacket_req)))
		return errno;
	ring->size = (size_t)block * request.tp_block_nr;
	ring->units = request.tp_frame_nr;
	void *memory = mmap(NULL, ring->size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, descriptor, 0);
	if (memory == MAP_FAILED)
		return errno;
	ring->memory = memory;
	return 0;
}

static int bind_to(int descriptor, int interface, int protocol)
{
	struct sockaddr_ll address = {
		.sll_family = AF_PACKET, .sll_protocol = htons((uint16_t)protocol), .sll_ifindex = interface
	};
	return bind(descriptor, (struct sockaddr *)&address, sizeof(address)) == 0 ? 0 : errno;
}

// Ends with the socket. Without it the device keeps other stations' packets to itself.
static int listen_to_all(int descriptor, int interface)
{
	struct packet_mreq request = {.mr_ifindex = interface, .mr_type = PACKET_MR_PROMISC};
	int done = setsockopt(descriptor, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &request, sizeof(request));
	return done == 0 ? 0 : errno;
}

int sluice_ring_open(const struct sluice_ring_wish *wish, struct sluice_ring *ring,
		     enum sluice_ring_step *step)
{
	memset(ring, 0, sizeof(*ring));
	ring->version = wish->version;
	ring->unit_size = wish->unit_size;
	*step = SLUICE_RING_SOCKET;
	// No protocol: nothing comes before bind.
	int descriptor = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	ring->descriptor = descriptor;
	if (descriptor < 0)
		return errno;
	*step = SLUICE_RING_OPTIONS;
	int error = set_options(descriptor, wish);
	if (!error) {
		*step = SLUICE_RING_MEMORY;
		error = map(descriptor, wish, ring);
	}
	if (!error) {
		*step = SLUICE_RING_BIND;
		error = listen_to_all(descriptor, wish->interface);
	}
	if (!error)
		error = bind_to(descriptor, wish->interface, ETH_P_ALL);
	if (error)
		sluice_ring_close(ring);
	return error;
}

int sluice_ring_join(struct sluice_ring *ring, int *group, int program)
{
	int type = program < 0 ? PACKET_FANOUT_HASH : PACKET_FANOUT_EBPF;
	int wish = *group < 0 ? (type | PACKET_FANOUT_FLAG_UNIQUEID) << 16 : *group | type << 16;
	int error = set(ring->descriptor, SOL_PACKET, PACKET_FANOUT, wish);
	int found = 0;
	socklen_t length = sizeof(found);
	if (!error && getsockopt(ring->descriptor, SOL_PACKET, PACKET_FANOUT, &found, &length) != 0)
		error = errno;
	if (!error)
		*group = found & 0xFFFF;
	if (!error && program >= 0)
		error = set(ring->descriptor, SOL_PACKET, PACKET_FANOUT_DATA, program);
	return error;
}

int sluice_ring_start(struct sluice_ring *ring)
{
	uint32_t packets, drops;
	sluice_ring_statistics(ring, &packets, &drops);
	return set(ring->descriptor, SOL_SOCKET, SO_DETACH_FILTER, 0);
}

int sluice_ring_stop(struct sluice_ring *ring)
{
	return shut(ring->descriptor);
}

void sluice_ring_close(struct sluice_ring *ring)
{
	if (ring->memory)
		munmap(ring->memory, ring->size);
	if (ring->descriptor >= 0)
		close(ring->descriptor);
	ring->memory = NULL;
	ring->descriptor = -1;
}

int sluice_ring_statistics(struct sluice_ring *ring, uint32_t *packets, uint32_t *drops)
{
	struct tpacket_stats_v3 counts = {0, 0, 0};
	socklen_t length = ring->version == 3 ? sizeof(counts) : sizeof(struct tpacket_stats);
	int done = getsockopt(ring->descriptor, SOL_PACKET, PACKET_STATISTICS, &counts, &length);
	*packets = counts.tp_packets;
	*drops = counts.tp_drops;
	return done == 0 ? 0 : errno;
}

void sluice_ring_clear_error(struct sluice_ring *ring)
{
	int error;
	socklen_t length = sizeof(error);
	getsockopt(ring->descriptor, SOL_SOCKET, SO_ERROR, &error, &length);
}

long sluice_ring_read_queued(struct sluice_ring *ring, void *buffer, size_t capacity)
{
	long count = recv(ring->descriptor, buffer, capacity, MSG_DONTWAIT | MSG_TRUNC);
	// The first call after the link was down tells only that.
	return count < 0 ? recv(ring->descriptor, buffer, capacity, MSG_DONTWAIT | MSG_TRUNC) : count;
}

int sluice_sender_open(int interface, int *descriptor)
{
	*descriptor = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	if (*descriptor < 0)
		return errno;
	int error = set(*descriptor, SOL_PACKET, PACKET_QDISC_BYPASS, 1);
	if (!error)
		error = bind_to(*descriptor, interface, 0);
	if (error)
		close(*descriptor);
	else if (set(*descriptor, SOL_SOCKET, SO_SNDBUFFORCE, SEND_BYTES))
		set(*descriptor, SOL_SOCKET, SO_SNDBUF, SEND_BYTES);
	return error;
}

int sluice_promiscuous_open(int interface, int *descriptor)
{
	*descriptor = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	if (*descriptor < 0)
		return errno;
	int error = listen_to_all(*descriptor, interface);
	if (error)
		close(*descriptor);
	return error;
}

struct sluice_sending {
	struct mmsghdr *messages;
	struct iovec *parts;
};

struct sluice_sending *sluice_sending_make(unsigned capacity)
{
	struct sluice_sending *sending = calloc(1, sizeof(*sending));
	if (!sending)
		return NULL;
	sending->messages = calloc(capacity, sizeof(*sending->messages));
	sending->parts = calloc(capacity, sizeof(*sending->parts));
	if (!sending->messages || !sending->parts) {
		sluice_sending_free(sending);
		return NULL;
	}
	for (unsigned index = 0; index < capacity; index++) {
		sending->messages[index].msg_hdr.msg_iov = &sending->parts[index];
		sending->messages[index].msg_hdr.msg_iovlen = 1;
	}
	return sending;
}

void sluice_sending_free(struct sluice_sending *sending)
{
	free(sending->messages);
	free(sending->parts);
	free(sending);
}

struct iovec *sluice_sending_parts(struct sluice_sending *sending)
{
	return sending->parts;
}

unsigned sluice_sending_send(struct sluice_sending *sending, int descriptor, unsigned from, unsigned end,
			     int *error)
{
	int sent = sendmmsg(descriptor, sending->messages + from, end - from, MSG_DONTWAIT);
	if (sent > 0)
		return (unsigned)sent;
	*error = sent < 0 ? errno : EAGAIN;
	return 0;
}

void sluice_descriptor_close(int descriptor)
{
	close(descriptor);
}
