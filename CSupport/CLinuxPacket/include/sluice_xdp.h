#ifndef SLUICE_XDP_H
#define SLUICE_XDP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "sluice_xdp_ring.h"

// AF_XDP sockets, and the program that gives them an interface's packets. Functions that return int give 0 or
// an errno unless they say otherwise.

/// An AF_XDP socket with its rings. Used by one thread.
struct sluice_xdp_socket {
	int descriptor;
	/// Whether the device works on our memory itself.
	bool is_zero_copy;
	struct sluice_xdp_ring fill;
	struct sluice_xdp_ring completion;
	struct sluice_xdp_ring receive;
	struct sluice_xdp_ring transmit;
};

/// What a socket is to be like.
struct sluice_xdp_wish {
	int interface;
	uint32_t queue;
	/// Frames: `chunk` bytes each, a power of two. Of the first socket only.
	void *memory;
	uint64_t memory_size;
	uint32_t chunk;
	/// The first socket on the same memory; -1 for that one itself.
	int first;
	/// Entries of each ring, a power of two.
	uint32_t ring_size;
	/// Whether the device must not work on our memory. Of the first socket only: others do as it does.
	bool copies;
};

/// What was asked of the kernel when it refused.
enum sluice_xdp_step {
	SLUICE_XDP_SOCKET,
	SLUICE_XDP_MEMORY,
	SLUICE_XDP_RINGS,
	SLUICE_XDP_BIND,
};

/// Opens and binds a socket, to which nothing comes before its fill ring has frames. `step` tells what
/// failed.
int sluice_xdp_open(const struct sluice_xdp_wish *wish, struct sluice_xdp_socket *socket,
		    enum sluice_xdp_step *step);

void sluice_xdp_close(struct sluice_xdp_socket *socket);

/// Packets that the kernel had to drop since the socket was opened.
struct sluice_xdp_drops {
	/// For want of room in the receive ring or of a frame.
	uint64_t no_room;
	/// Longer than a frame.
	uint64_t too_long;
};

int sluice_xdp_statistics(const struct sluice_xdp_socket *socket, struct sluice_xdp_drops *out);

/// Has the kernel send what the transmit ring has. Returns 0, or an errno: EAGAIN where something is left,
/// EBUSY where the device dropped the packet that was sent last.
int sluice_xdp_send(struct sluice_xdp_socket *socket);

/// Has the kernel look at the fill ring.
void sluice_xdp_wake_receive(struct sluice_xdp_socket *socket);

/// Queues of an interface, 1 and 1 where it does not say.
void sluice_xdp_queues(const char *interface, uint32_t *receive, uint32_t *transmit);

/// Whether an interface is driven by `driver` (ethtool(8), -i).
bool sluice_driver_is(const char *interface, const char *driver);

/// Makes a map from queue to socket (BPF_MAP_TYPE_XSKMAP). Returns its descriptor, or -errno.
int sluice_xdp_map_make(uint32_t queues);

/// Gives the packets of a queue to a socket.
int sluice_xdp_map_set(int map, uint32_t queue, int socket);

/// Has an interface's packets given to the sockets of `map` by their queue; others go to the kernel's stack.
/// The program goes when the link that is returned is closed, however the process ends. Returns -errno when
/// it is refused.
int sluice_xdp_attach(int map, int interface, bool is_generic);

/// The XDP program that an interface has.
struct sluice_xdp_program {
	/// 0 when there is none.
	uint32_t id;
	/// Empty where it is not to be learned.
	char name[16];
	bool is_ours;
	/// Where it runs, one of XDP_FLAGS_*_MODE.
	uint32_t mode;
};

int sluice_xdp_find(int interface, struct sluice_xdp_program *out);

/// Takes a program that was found off an interface to which it was attached without a link; EBUSY when it has
/// one.
int sluice_xdp_detach(int interface, const struct sluice_xdp_program *program);

#endif
