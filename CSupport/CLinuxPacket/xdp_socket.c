#define _GNU_SOURCE
#include <errno.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>
#include "sluice_xdp.h"

#ifndef XDP_MAX_TX_SKB_BUDGET
#define XDP_MAX_TX_SKB_BUDGET 9 /* Linux 6.17 */
#endif

enum {
	// Packets that one system call sends, where that can be set: a whole burst.
	SEND_BUDGET = 256,
	// What may be on its way: without it some hundred packets.
	SEND_BYTES = 8 << 20,
};

static int set(int descriptor, int name, const void *value, socklen_t length)
{
	return setsockopt(descriptor, SOL_XDP, name, value, length) == 0 ? 0 : errno;
}

static int map_ring(int descriptor, uint64_t place, const struct xdp_ring_offset *offset, size_t entry,
		    uint32_t entries, struct sluice_xdp_ring *ring)
{
	size_t size = offset->desc + entry * entries;
	uint8_t *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, descriptor,
			       (off_t)place);
	if (memory == MAP_FAILED)
		return errno;
	ring->memory = memory;
	ring->size = size;
	ring->producer = (uint32_t *)(memory + offset->producer);
	ring->consumer = (uint32_t *)(memory + offset->consumer);
	ring->flags = (uint32_t *)(memory + offset->flags);
	ring->entries = memory + offset->desc;
	ring->mask = entries - 1;
	ring->position = 0;
	return 0;
}

static int make_rings(struct sluice_xdp_socket *socket, uint32_t entries)
{
	static const int options[] = {
		XDP_UMEM_FILL_RING, XDP_UMEM_COMPLETION_RING, XDP_RX_RING, XDP_TX_RING,
	};
	int descriptor = socket->descriptor;
	int error = 0;
	for (size_t index = 0; !error && index < sizeof(options) / sizeof(*options); index++)
		error = set(descriptor, options[index], &entries, sizeof(entries));
	struct xdp_mmap_offsets offsets;
	socklen_t length = sizeof(offsets);
	if (!error && getsockopt(descriptor, SOL_XDP, XDP_MMAP_OFFSETS, &offsets, &length) != 0)
		error = errno;
	// Before Linux 5.4 rings had no flags.
	if (!error && length != sizeof(offsets))
		error = EOPNOTSUPP;
	if (!error)
		error = map_ring(descriptor, XDP_UMEM_PGOFF_FILL_RING, &offsets.fr, sizeof(uint64_t), entries,
				 &socket->fill);
	if (!error)
		error = map_ring(descriptor, XDP_UMEM_PGOFF_COMPLETION_RING, &offsets.cr, sizeof(uint64_t),
				 entries, &socket->completion);
	if (!error)
		error = map_ring(descriptor, XDP_PGOFF_RX_RING, &offsets.rx, sizeof(struct xdp_desc), entries,
				 &socket->receive);
	if (!error)
		error = map_ring(descriptor, XDP_PGOFF_TX_RING, &offsets.tx, sizeof(struct xdp_desc), entries,
				 &socket->transmit);
	return error;
}

static int bind_to(struct sluice_xdp_socket *socket, const struct sluice_xdp_wish *wish)
{
	struct sockaddr_xdp address = {
		.sxdp_family = AF_XDP, .sxdp_ifindex = (uint32_t)wish->interface, .sxdp_queue_id = wish->queue
	};
	if (wish->first >= 0) {
		address.sxdp_flags = XDP_SHARED_UMEM;
		address.sxdp_shared_umem_fd = (uint32_t)wish->first;
	} else {
		address.sxdp_flags = XDP_USE_NEED_WAKEUP | (wish->copies ? XDP_COPY : 0);
	}
	if (bind(socket->descriptor, (struct sockaddr *)&address, sizeof(address)) != 0)
		return errno;
	struct xdp_options options = {0};
	socklen_t length = sizeof(options);
	if (getsockopt(socket->descriptor, SOL_XDP, XDP_OPTIONS, &options, &length) == 0)
		socket->is_zero_copy = (options.flags & XDP_OPTIONS_ZEROCOPY) != 0;
	return 0;
}

int sluice_xdp_open(const struct sluice_xdp_wish *wish, struct sluice_xdp_socket *out,
		    enum sluice_xdp_step *step)
{
	memset(out, 0, sizeof(*out));
	*step = SLUICE_XDP_SOCKET;
	out->descriptor = socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0);
	if (out->descriptor < 0)
		return errno;
	int error = 0;
	if (wish->first < 0) {
		*step = SLUICE_XDP_MEMORY;
		struct xdp_umem_reg memory = {
			.addr = (uint64_t)(uintptr_t)wish->memory, .len = wish->memory_size,
			.chunk_size = wish->chunk,
		};
		error = set(out->descriptor, XDP_UMEM_REG, &memory, sizeof(memory));
	}
	if (!error) {
		*step = SLUICE_XDP_RINGS;
		error = make_rings(out, wish->ring_size);
	}
	if (!error) {
		*step = SLUICE_XDP_BIND;
		error = bind_to(out, wish);
	}
	if (error) {
		sluice_xdp_close(out);
		return error;
	}
	// As much as may be had of both.
	uint32_t budget = SEND_BUDGET < wish->ring_size ? SEND_BUDGET : wish->ring_size;
	set(out->descriptor, XDP_MAX_TX_SKB_BUDGET, &budget, sizeof(budget));
	int bytes = SEND_BYTES;
	if (setsockopt(out->descriptor, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof(bytes)) != 0)
		setsockopt(out->descriptor, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
	return 0;
}

void sluice_xdp_close(struct sluice_xdp_socket *socket)
{
	struct sluice_xdp_ring *rings[] = {
		&socket->fill, &socket->completion, &socket->receive, &socket->transmit,
	};
	for (size_t index = 0; index < sizeof(rings) / sizeof(*rings); index++) {
		if (rings[index]->memory)
			munmap(rings[index]->memory, rings[index]->size);
		rings[index]->memory = NULL;
	}
	if (socket->descriptor >= 0)
		close(socket->descriptor);
	socket->descriptor = -1;
}

int sluice_xdp_statistics(const struct sluice_xdp_socket *socket, struct sluice_xdp_drops *out)
{
	struct xdp_statistics counts;
	memset(&counts, 0, sizeof(counts));
	memset(out, 0, sizeof(*out));
	socklen_t length = sizeof(counts);
	if (getsockopt(socket->descriptor, SOL_XDP, XDP_STATISTICS, &counts, &length) != 0)
		return errno;
	// What found no frame counts among the dropped, beside what was too long. A device that works on our
	// memory also counts frames that it looked for before there was a packet.
	uint64_t dropped = counts.rx_dropped;
	uint64_t without_frame = counts.rx_fill_ring_empty_descs;
	out->too_long = dropped > without_frame ? dropped - without_frame : 0;
	out->no_room = counts.rx_ring_full + (dropped - out->too_long);
	return 0;
}

int sluice_xdp_send(struct sluice_xdp_socket *socket)
{
	return sendto(socket->descriptor, NULL, 0, MSG_DONTWAIT, NULL, 0) >= 0 ? 0 : errno;
}

void sluice_xdp_wake_receive(struct sluice_xdp_socket *socket)
{
	recvfrom(socket->descriptor, NULL, 0, MSG_DONTWAIT, NULL, NULL);
}

static int ask_driver(const char *interface, void *request)
{
	struct ifreq answer;
	memset(&answer, 0, sizeof(answer));
	strncpy(answer.ifr_name, interface, sizeof(answer.ifr_name) - 1);
	answer.ifr_data = request;
	int descriptor = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (descriptor < 0)
		return errno;
	int error = ioctl(descriptor, SIOCETHTOOL, &answer) == 0 ? 0 : errno;
	close(descriptor);
	return error;
}

void sluice_xdp_queues(const char *interface, uint32_t *receive, uint32_t *transmit)
{
	struct ethtool_channels channels;
	memset(&channels, 0, sizeof(channels));
	channels.cmd = ETHTOOL_GCHANNELS;
	*receive = *transmit = 1;
	if (ask_driver(interface, &channels) != 0)
		return;
	if (channels.combined_count + channels.rx_count > 0)
		*receive = channels.combined_count + channels.rx_count;
	if (channels.combined_count + channels.tx_count > 0)
		*transmit = channels.combined_count + channels.tx_count;
}

bool sluice_driver_is(const char *interface, const char *driver)
{
	struct ethtool_drvinfo info;
	memset(&info, 0, sizeof(info));
	info.cmd = ETHTOOL_GDRVINFO;
	return ask_driver(interface, &info) == 0 && strncmp(info.driver, driver, sizeof(info.driver)) == 0;
}
