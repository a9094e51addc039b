#ifndef SLUICE_XDP_RING_H
#define SLUICE_XDP_RING_H

#include <linux/if_xdp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// The four rings of an AF_XDP socket: Documentation/networking/af_xdp.rst. We produce into two of them (fill,
// transmit) and consume from the other two (receive, completion); the kernel is the other side of each.

/// A mapped ring and our side's place in it. Used by one thread.
struct sluice_xdp_ring {
	uint32_t *producer;
	uint32_t *consumer;
	uint32_t *flags;
	void *entries;
	/// Entries less one: a power of two less one.
	uint32_t mask;
	/// The entry that we write or read next; it wraps at 2^32.
	uint32_t position;
	void *memory;
	size_t size;
};

/// A packet in a frame: where it begins, counted from the memory's first byte, and its length.
struct sluice_xdp_packet {
	uint64_t address;
	uint32_t length;
};

/// Entries that may be put into a ring that we produce into.
static inline uint32_t sluice_xdp_room(const struct sluice_xdp_ring *ring)
{
	return ring->mask + 1 - (ring->position - __atomic_load_n(ring->consumer, __ATOMIC_ACQUIRE));
}

/// How far the kernel has consumed such a ring.
static inline uint32_t sluice_xdp_consumed(const struct sluice_xdp_ring *ring)
{
	return __atomic_load_n(ring->consumer, __ATOMIC_ACQUIRE);
}

/// Writes an entry of the fill ring; there must be room.
static inline void sluice_xdp_put_address(struct sluice_xdp_ring *ring, uint64_t address)
{
	((uint64_t *)ring->entries)[ring->position++ & ring->mask] = address;
}

/// Reads back an entry of the fill ring that the kernel has not consumed.
static inline uint64_t sluice_xdp_filled(const struct sluice_xdp_ring *ring, uint32_t position)
{
	return ((const uint64_t *)ring->entries)[position & ring->mask];
}

/// Writes an entry of the transmit ring; there must be room.
static inline void sluice_xdp_put_packet(struct sluice_xdp_ring *ring, uint64_t address, uint32_t length)
{
	struct xdp_desc *entry = (struct xdp_desc *)ring->entries + (ring->position++ & ring->mask);
	entry->addr = address;
	entry->len = length;
	entry->options = 0;
}

/// Shows the kernel what was written.
static inline void sluice_xdp_publish(struct sluice_xdp_ring *ring)
{
	__atomic_store_n(ring->producer, ring->position, __ATOMIC_RELEASE);
}

/// Makes an entry of the transmit ring one that the kernel passes over: its address and its length are of no
/// packet. No option is set: one would say that the packet goes on in the next entry. Only while the kernel
/// reads none, as in copy mode between system calls.
///
/// Returns the address that it had.
static inline uint64_t sluice_xdp_withdraw(struct sluice_xdp_ring *ring, uint32_t position)
{
	struct xdp_desc *entry = (struct xdp_desc *)ring->entries + (position & ring->mask);
	uint64_t address = entry->addr;
	entry->addr = UINT64_MAX;
	entry->len = 0;
	return address;
}

/// Whether an entry of the transmit ring was withdrawn.
static inline bool sluice_xdp_is_withdrawn(const struct sluice_xdp_ring *ring, uint32_t position)
{
	return ((const struct xdp_desc *)ring->entries)[position & ring->mask].addr == UINT64_MAX;
}

/// Entries that can be read from a ring that we consume from.
static inline uint32_t sluice_xdp_waiting(const struct sluice_xdp_ring *ring)
{
	return __atomic_load_n(ring->producer, __ATOMIC_ACQUIRE) - ring->position;
}

/// Reads an entry of the completion ring; one must wait.
static inline uint64_t sluice_xdp_take_address(struct sluice_xdp_ring *ring)
{
	return ((const uint64_t *)ring->entries)[ring->position++ & ring->mask];
}

/// Reads an entry of the receive ring; one must wait.
static inline struct sluice_xdp_packet sluice_xdp_take_packet(struct sluice_xdp_ring *ring)
{
	const struct xdp_desc *entry = (const struct xdp_desc *)ring->entries + (ring->position++ & ring->mask);
	struct sluice_xdp_packet packet = {entry->addr, entry->len};
	return packet;
}

/// Gives the entries that were read back to the kernel.
static inline void sluice_xdp_release(struct sluice_xdp_ring *ring)
{
	__atomic_store_n(ring->consumer, ring->position, __ATOMIC_RELEASE);
}

/// Whether the kernel does not look at the ring before it is called.
static inline bool sluice_xdp_needs_call(const struct sluice_xdp_ring *ring)
{
	return (__atomic_load_n(ring->flags, __ATOMIC_RELAXED) & XDP_RING_NEED_WAKEUP) != 0;
}

#endif
