#ifndef SLUICE_PACKET_RING_H
#define SLUICE_PACKET_RING_H

#include <linux/if_packet.h>
#include <linux/virtio_net.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

// An AF_PACKET receive ring: packet(7), Documentation/networking/packet_mmap.rst. Units are what the kernel
// fills and takes back: a frame in TPACKET_V2, a block of several packets in TPACKET_V3.

/// A mapped ring and how far it has been read. Used by one thread.
struct sluice_ring {
	int descriptor;
	/// 2 or 3.
	int version;
	uint8_t *memory;
	size_t size;
	/// Bytes of a unit, and how many there are.
	uint32_t unit_size;
	uint32_t units;
	/// The unit that is read next, and the oldest one that was not given back.
	uint32_t position;
	uint32_t oldest;
	/// Units read to their end and not given back.
	uint32_t taken;
	/// TPACKET_V3: packets left in the unit being read, and the next one.
	uint32_t packets_left;
	uint8_t *next;
};

/// A packet as the ring shows it, its outer VLAN tag put back.
struct sluice_received {
	uint8_t *start;
	/// Bytes there, and bytes that the packet had on its link.
	uint32_t length;
	uint32_t original;
	/// When it came, in nanoseconds since the Unix epoch.
	uint64_t time;
	/// The sender's offloads as virtio_net_hdr has them; `checksum_start` counts from `start`.
	uint8_t flags;
	uint8_t segmentation;
	uint16_t segment_size;
	uint32_t checksum_start;
	uint16_t checksum_field;
	/// Whether the frame was too small for the packet, and whole it waits to be read from the socket.
	bool is_queued;
	/// Whether a tag was put back, and its TPID and control field.
	bool has_tag;
	uint16_t tag_protocol;
	uint16_t tag_control;
};

/// Moves the addresses and writes the tag that the kernel took off before the EtherType. The 4 bytes before
/// `received->start` must be ours.
static inline void sluice_put_tag_back(struct sluice_received *received)
{
	uint8_t *start = received->start - 4;
	memmove(start, received->start, 12);
	start[12] = (uint8_t)(received->tag_protocol >> 8);
	start[13] = (uint8_t)received->tag_protocol;
	start[14] = (uint8_t)(received->tag_control >> 8);
	start[15] = (uint8_t)received->tag_control;
	received->start = start;
	received->length += 4;
	received->original += 4;
	received->checksum_start += 4;
}

/// What the fields of both versions' headers say.
static inline void sluice_ring_read(uint8_t *start, uint32_t status, uint32_t length, uint32_t original,
				    uint16_t tci, uint16_t tpid, struct sluice_received *out)
{
	struct virtio_net_hdr offload;
	memcpy(&offload, start - sizeof(offload), sizeof(offload));
	out->start = start;
	out->length = length;
	out->original = original;
	out->flags = offload.flags;
	out->segmentation = offload.gso_type;
	out->segment_size = offload.gso_size;
	out->checksum_start = offload.csum_start;
	out->checksum_field = offload.csum_offset;
	out->is_queued = (status & TP_STATUS_COPY) != 0;
	// A priority tag has a control field whose VID is 0: the flag tells, not the value.
	out->has_tag = (status & TP_STATUS_VLAN_VALID) != 0;
	out->tag_control = tci;
	out->tag_protocol = (status & TP_STATUS_VLAN_TPID_VALID) != 0 ? tpid : 0x8100;
	if (out->has_tag && !out->is_queued && length >= 12)
		sluice_put_tag_back(out);
}

static inline bool sluice_ring_take_v2(struct sluice_ring *ring, struct sluice_received *out)
{
	// All taken: the frame at the position is one that we hold ourselves.
	if (ring->taken == ring->units)
		return false;
	uint8_t *frame = ring->memory + (size_t)ring->position * ring->unit_size;
	struct tpacket2_hdr *header = (struct tpacket2_hdr *)frame;
	uint32_t status = __atomic_load_n(&header->tp_status, __ATOMIC_ACQUIRE);
	if (!(status & TP_STATUS_USER))
		return false;
	ring->position = ring->position + 1 == ring->units ? 0 : ring->position + 1;
	ring->taken++;
	__builtin_prefetch(ring->memory + (size_t)ring->position * ring->unit_size, 0, 3);
	out->time = (uint64_t)header->tp_sec * 1000000000u + header->tp_nsec;
	sluice_ring_read(frame + header->tp_mac, status, header->tp_snaplen, header->tp_len,
			 header->tp_vlan_tci, header->tp_vlan_tpid, out);
	return true;
}

/// Begins the next unit that the kernel has filled; false when there is none.
static inline bool sluice_ring_open_block(struct sluice_ring *ring)
{
	while (ring->taken < ring->units) {
		uint8_t *block = ring->memory + (size_t)ring->position * ring->unit_size;
		struct tpacket_hdr_v1 *header = &((struct tpacket_block_desc *)block)->hdr.bh1;
		if (!(__atomic_load_n(&header->block_status, __ATOMIC_ACQUIRE) & TP_STATUS_USER))
			return false;
		ring->packets_left = header->num_pkts;
		ring->next = block + header->offset_to_first_pkt;
		if (ring->packets_left > 0)
			return true;
		ring->position = ring->position + 1 == ring->units ? 0 : ring->position + 1;
		ring->taken++;
	}
	return false;
}

static inline bool sluice_ring_take_v3(struct sluice_ring *ring, struct sluice_received *out)
{
	if (ring->packets_left == 0 && !sluice_ring_open_block(ring))
		return false;
	struct tpacket3_hdr *header = (struct tpacket3_hdr *)ring->next;
	uint8_t *start = ring->next + header->tp_mac;
	if (--ring->packets_left == 0) {
		ring->position = ring->position + 1 == ring->units ? 0 : ring->position + 1;
		ring->taken++;
	} else {
		ring->next += header->tp_next_offset;
		__builtin_prefetch(ring->next, 0, 3);
	}
	out->time = (uint64_t)header->tp_sec * 1000000000u + header->tp_nsec;
	sluice_ring_read(start, header->tp_status & ~(uint32_t)TP_STATUS_COPY, header->tp_snaplen,
			 header->tp_len, (uint16_t)header->hv1.tp_vlan_tci, header->hv1.tp_vlan_tpid, out);
	return true;
}

/// Takes the next packet; false when there is none. Its bytes stay until its unit is given back.
static inline bool sluice_ring_take(struct sluice_ring *ring, struct sluice_received *out)
{
	return ring->version == 3 ? sluice_ring_take_v3(ring, out) : sluice_ring_take_v2(ring, out);
}

/// Whether the kernel has filled a unit and not yet had it back.
static inline bool sluice_ring_is_ready(const struct sluice_ring *ring, uint32_t position)
{
	const uint8_t *unit = ring->memory + (size_t)position * ring->unit_size;
	const uint32_t *status = ring->version == 3
		? &((const struct tpacket_block_desc *)unit)->hdr.bh1.block_status
		: &((const struct tpacket2_hdr *)unit)->tp_status;
	return (__atomic_load_n(status, __ATOMIC_RELAXED) & TP_STATUS_USER) != 0;
}

/// Units that wait to be taken. The kernel fills them in order: the first that is not ready is searched for.
static inline uint32_t sluice_ring_waiting(const struct sluice_ring *ring)
{
	uint32_t ready = 0, least_unready = ring->memory ? ring->units - ring->taken : 0;
	while (ready < least_unready) {
		uint32_t middle = ready + (least_unready - ready) / 2;
		if (sluice_ring_is_ready(ring, (uint32_t)(((uint64_t)ring->position + middle) % ring->units)))
			ready = middle + 1;
		else
			least_unready = middle;
	}
	return ready;
}

/// Gives the `count` oldest taken units back to the kernel, at most those that there are.
static inline void sluice_ring_release(struct sluice_ring *ring, uint32_t count)
{
	if (count > ring->taken)
		count = ring->taken;
	ring->taken -= count;
	for (; count > 0; count--) {
		uint8_t *unit = ring->memory + (size_t)ring->oldest * ring->unit_size;
		if (ring->version == 3) {
			struct tpacket_block_desc *block = (struct tpacket_block_desc *)unit;
			__atomic_store_n(&block->hdr.bh1.block_status, TP_STATUS_KERNEL, __ATOMIC_RELEASE);
		} else {
			struct tpacket2_hdr *frame = (struct tpacket2_hdr *)unit;
			__atomic_store_n(&frame->tp_status, TP_STATUS_KERNEL, __ATOMIC_RELEASE);
		}
		ring->oldest = ring->oldest + 1 == ring->units ? 0 : ring->oldest + 1;
	}
}

#endif
