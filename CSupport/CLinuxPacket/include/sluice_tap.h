#ifndef SLUICE_TAP_H
#define SLUICE_TAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "sluice_packet_ring.h"

// TAP interfaces: Documentation/networking/tuntap.rst. Functions that return int give 0 or an errno.

/// Bytes before each packet, read or written: struct virtio_net_hdr_mrg_rxbuf, Virtio 1.2 §5.1.6.
enum { SLUICE_TAP_HEADER = 12 };

/// What was asked of the kernel when it refused.
enum sluice_tap_step {
	SLUICE_TAP_DEVICE,
	SLUICE_TAP_ATTACH,
	SLUICE_TAP_OPTIONS,
};

/// Opens a queue of the TAP interface called `name`, which is made where it does not exist and then ends with
/// its last queue. What its stack leaves to a device is done here: checksums, super-frames of TCP and UDP.
int sluice_tap_open(const char *name, bool has_queues, int *descriptor, enum sluice_tap_step *step);

/// Sets an interface up.
int sluice_interface_set_up(const char *name);

/// Reads the next packet, behind its header, into `capacity` bytes at `buffer`, and does not wait. Its fields
/// but for its time are written to `out`. An errno: EAGAIN when there is none, EFAULT when it was too long
/// and is lost, EBADFD when the interface was deleted.
int sluice_tap_read(int descriptor, void *buffer, size_t capacity, struct sluice_received *out);

/// Hands a packet to the interface's stack: EIO when it is down, EBADFD when it was deleted.
int sluice_tap_write(int descriptor, const void *packet, size_t length);

#endif
