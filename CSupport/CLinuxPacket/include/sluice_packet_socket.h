#ifndef SLUICE_PACKET_SOCKET_H
#define SLUICE_PACKET_SOCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>
#include "sluice_packet_ring.h"

// AF_PACKET sockets and the interfaces they are bound to. Functions that return int give 0 or an errno unless
// they say otherwise.

/// An interface as the kernel describes it.
struct sluice_interface {
	int index;
	int mtu;
	/// IFF_UP and IFF_RUNNING: set up by somebody, and with a carrier.
	bool is_up;
	bool is_running;
	bool is_ethernet;
	uint8_t address[6];
};

/// Describes the interface called `name`; ENODEV when there is none.
int sluice_interface_find(const char *name, struct sluice_interface *out);

/// What a receive ring is to be like.
struct sluice_ring_wish {
	int interface;
	/// 2 or 3.
	int version;
	/// Bytes of a unit (a power of two: for version 2 at least the frame of a whole packet, for version 3 a
	/// multiple of the page size), and how many.
	uint32_t unit_size;
	uint32_t units;
	/// Milliseconds after which the kernel hands over a block that is not full. Version 3.
	uint32_t block_timeout;
};

/// What was asked of the kernel when it refused.
enum sluice_ring_step {
	SLUICE_RING_SOCKET,
	SLUICE_RING_OPTIONS,
	SLUICE_RING_MEMORY,
	SLUICE_RING_BIND,
	SLUICE_RING_FANOUT,
};

/// Opens a ring, through which nothing comes until `sluice_ring_start`. `step` tells what failed.
int sluice_ring_open(const struct sluice_ring_wish *wish, struct sluice_ring *ring,
		     enum sluice_ring_step *step);

/// Joins or makes the fanout group `group`; with -1 one that nobody else has, whose number is written there.
/// `program` deals its packets (sluice_fanout.h); -1: the kernel's symmetric flow hash.
int sluice_ring_join(struct sluice_ring *ring, int *group, int program);

/// Lets packets come.
int sluice_ring_start(struct sluice_ring *ring);

/// Lets no packets come any more; those that are in the ring stay.
int sluice_ring_stop(struct sluice_ring *ring);

void sluice_ring_close(struct sluice_ring *ring);

/// Packets that the kernel gave to the ring or had to drop, and those it dropped, since the last call.
int sluice_ring_statistics(struct sluice_ring *ring, uint32_t *packets, uint32_t *drops);

/// Forgets that the link was down. Until then poll(2) says so at once instead of waiting.
void sluice_ring_clear_error(struct sluice_ring *ring);

/// Reads a packet that was too long for its frame into `capacity` bytes at `buffer`: first the 10 bytes of
/// its virtio_net_hdr. Returns how many bytes it has with them, also beyond `capacity`; -1 when there is
/// none.
long sluice_ring_read_queued(struct sluice_ring *ring, void *buffer, size_t capacity);

/// Opens a socket that sends through an interface, past its queueing discipline.
int sluice_sender_open(int interface, int *descriptor);

/// Has an interface take packets for all stations for as long as `descriptor` is open; nothing comes by it.
int sluice_promiscuous_open(int interface, int *descriptor);

/// Packets on their way to `sendmmsg`. `capacity` of them.
struct sluice_sending;

struct sluice_sending *sluice_sending_make(unsigned capacity);
void sluice_sending_free(struct sluice_sending *sending);
/// Where the packets' addresses and lengths are to be written.
struct iovec *sluice_sending_parts(struct sluice_sending *sending);
/// Sends packets `from` up to `end` and does not wait. Returns how many were sent; 0 with the errno of the
/// first one that was not.
unsigned sluice_sending_send(struct sluice_sending *sending, int descriptor, unsigned from, unsigned end,
			     int *error);

/// Keeps the kernel's own stack off an interface: what it would receive there and what it would send is
/// dropped, behind and past packet sockets. By a program on both tcx hooks (Linux 6.6), which is off them
/// when both descriptors are closed, however the process ends.
int sluice_silence_attach(int program, int interface, int *ingress, int *egress);

/// Loads the program for it: takes CAP_BPF and CAP_NET_ADMIN, which attaching it does not.
int sluice_silence_load(int *program);

/// Closes a descriptor of any of these.
void sluice_descriptor_close(int descriptor);

#endif
