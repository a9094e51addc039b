/* The least that forwards between two interfaces by AF_XDP: af_xdp_fwd ONE OTHER, until SIGTERM.
 *
 * One socket an interface, rings of 2048, frames of 2048 bytes that both share, native mode, need-wakeup,
 * and 256 packets a send where the kernel allows: as sluice opens its ports. A packet leaves from the frame
 * in which it came. Nothing is parsed or counted by session. It never sleeps. */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/if_link.h>
#include <linux/if_xdp.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <xdp/xsk.h>
#include "packet_socket.h"

#ifndef XDP_MAX_TX_SKB_BUDGET
#define XDP_MAX_TX_SKB_BUDGET 9
#endif

enum { BATCH = 64, FRAME = 2048, RING = 2048, FRAMES = 3 * 2 * RING, BUDGET = 256, OLD_BUDGET = 32 };

struct port {
	struct xsk_socket *socket;
	struct xsk_ring_cons received, completed;
	struct xsk_ring_prod sent, fill;
	unsigned underway, budget;
	unsigned long packets, full;
};

static uint8_t *area;
static struct xsk_umem *memory;
static uint64_t free_frames[FRAMES];
static unsigned free_count;

static void give_back(uint64_t address)
{
	free_frames[free_count++] = address & ~(uint64_t)(FRAME - 1);
}

static void fill(struct port *port)
{
	uint32_t first;
	unsigned count = xsk_prod_nb_free(&port->fill, BATCH);
	if (count > BATCH)
		count = BATCH;
	if (count > free_count)
		count = free_count;
	if (xsk_ring_prod__reserve(&port->fill, count, &first) != count)
		return;
	for (unsigned at = 0; at < count; at++)
		*xsk_ring_prod__fill_addr(&port->fill, first + at) = free_frames[--free_count];
	xsk_ring_prod__submit(&port->fill, count);
}

static void complete(struct port *port)
{
	uint32_t first;
	unsigned count = xsk_ring_cons__peek(&port->completed, 4 * BATCH, &first);
	for (unsigned at = 0; at < count; at++)
		give_back(*xsk_ring_cons__comp_addr(&port->completed, first + at));
	xsk_ring_cons__release(&port->completed, count);
	port->underway -= count;
}

static void open_port(struct port *port, const char *interface)
{
	struct xsk_umem_config frames = {.fill_size = RING, .comp_size = RING, .frame_size = FRAME};
	if (!memory)
		need(xsk_umem__create(&memory, area, (uint64_t)FRAMES * FRAME, &port->fill, &port->completed,
				      &frames) == 0, "xsk_umem__create");
	struct xsk_socket_config wish = {.rx_size = RING, .tx_size = RING, .xdp_flags = XDP_FLAGS_DRV_MODE,
					 .bind_flags = XDP_USE_NEED_WAKEUP | XDP_COPY};
	int failure = xsk_socket__create_shared(&port->socket, interface, 0, memory, &port->received, &port->sent,
						&port->fill, &port->completed, &wish);
	errno = -failure;
	need(failure == 0, "xsk_socket__create_shared");
	int budget = BUDGET;
	int refused = setsockopt(xsk_socket__fd(port->socket), SOL_XDP, XDP_MAX_TX_SKB_BUDGET, &budget,
				 sizeof(budget));
	port->budget = refused ? OLD_BUDGET : BUDGET;
	for (int at = 0; at < RING / BATCH; at++)
		fill(port);
}

static void forward(struct port *from, struct port *to)
{
	uint32_t first, place;
	if (to->underway)
		complete(to);
	fill(from);
	unsigned count = xsk_ring_cons__peek(&from->received, BATCH, &first);
	if (count == 0) {
		if (xsk_ring_prod__needs_wakeup(&from->fill))
			recvfrom(xsk_socket__fd(from->socket), NULL, 0, MSG_DONTWAIT, NULL, NULL);
		return;
	}
	unsigned room = xsk_prod_nb_free(&to->sent, count);
	if (room > count)
		room = count;
	need(xsk_ring_prod__reserve(&to->sent, room, &place) == room, "xsk_ring_prod__reserve");
	for (unsigned at = 0; at < count; at++) {
		const struct xdp_desc *packet = xsk_ring_cons__rx_desc(&from->received, first + at);
		if (at < room)
			*xsk_ring_prod__tx_desc(&to->sent, place + at) = (struct xdp_desc){packet->addr, packet->len, 0};
		else
			give_back(packet->addr);
	}
	xsk_ring_cons__release(&from->received, count);
	xsk_ring_prod__submit(&to->sent, room);
	to->underway += room;
	from->packets += count;
	to->full += count - room;
	for (unsigned done = 0; done < room; done += to->budget)
		sendto(xsk_socket__fd(to->socket), NULL, 0, MSG_DONTWAIT, NULL, 0);
}

int main(int argc, char **argv)
{
	if (argc != 3) {
		fprintf(stderr, "usage: af_xdp_fwd ONE OTHER\n");
		return 2;
	}
	static struct port ports[2];
	stop_when_asked();
	area = mmap(NULL, (size_t)FRAMES * FRAME, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	need(area != MAP_FAILED, "mmap");
	for (unsigned at = 0; at < FRAMES; at++)
		give_back((uint64_t)at * FRAME);
	for (int at = 0; at < 2; at++)
		open_port(&ports[at], argv[at + 1]);
	while (!is_stopped)
		for (int at = 0; at < 2; at++)
			forward(&ports[at], &ports[!at]);
	printf("{\"received\":%lu,\"full\":%lu}\n", ports[0].packets + ports[1].packets,
	       ports[0].full + ports[1].full);
	for (int at = 0; at < 2; at++)
		xsk_socket__delete(ports[at].socket);
	return 0;
}
