/* Packet sockets of the small programs that send and forward: packet(7). */
#ifndef PACKET_SOCKET_H
#define PACKET_SOCKET_H
#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>

static volatile sig_atomic_t is_stopped;

static void stop(int number)
{
	(void)number;
	is_stopped = 1;
}

/* SIGTERM ends the program in good order, and comes too when whoever measures is gone. */
static inline void stop_when_asked(void)
{
	signal(SIGTERM, stop);
	prctl(PR_SET_PDEATHSIG, SIGTERM);
}

static inline void need(int holds, const char *what)
{
	if (!holds) {
		perror(what);
		exit(1);
	}
}

static inline void set_option(int descriptor, int level, int name, int value, const char *what)
{
	need(setsockopt(descriptor, level, name, &value, sizeof(value)) == 0, what);
}

/* protocol 0: receives nothing. */
static inline void bind_to(int descriptor, const char *interface, int protocol)
{
	struct sockaddr_ll address = {
		.sll_family = AF_PACKET, .sll_protocol = htons((uint16_t)protocol),
		.sll_ifindex = (int)if_nametoindex(interface)
	};
	need(address.sll_ifindex != 0, interface);
	need(bind(descriptor, (struct sockaddr *)&address, sizeof(address)) == 0, "bind");
}

/* A socket that sends past the queueing discipline, with room for 4 MB, as sluice has it. */
static inline int open_sender(const char *interface)
{
	int descriptor = socket(AF_PACKET, SOCK_RAW, 0);
	need(descriptor >= 0, "socket");
	set_option(descriptor, SOL_PACKET, PACKET_QDISC_BYPASS, 1, "PACKET_QDISC_BYPASS");
	bind_to(descriptor, interface, 0);
	set_option(descriptor, SOL_SOCKET, SO_SNDBUFFORCE, 4 << 20, "SO_SNDBUFFORCE");
	return descriptor;
}
#endif
