#ifndef SLUICE_FANOUT_H
#define SLUICE_FANOUT_H

#include <stdint.h>

// Dealing packets to the sockets of an AF_PACKET fanout group by a program: packet(7), PACKET_FANOUT_EBPF.

/// What the program has to know of sessions and workers.
struct sluice_fanout_wish {
	/// The four words of the flow hash's key.
	uint64_t secret[4];
	/// The number of TrackState.established, which is part of what is hashed.
	uint8_t established;
	/// Sockets in the group, 2...64; that of worker i is the i-th that joins.
	uint32_t workers;
};

/// Loads a program that gives each TCP or UDP packet to the worker that owns its session, ESP packets by
/// their SPI, all others by their pair of addresses. Takes CAP_BPF. Returns 0 or an errno; EOPNOTSUPP on
/// big-endian machines. `program` is closed by the caller.
int sluice_fanout_load(const struct sluice_fanout_wish *wish, int *program);

#endif
