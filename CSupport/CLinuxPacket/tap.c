#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>
#include "sluice_tap.h"

#ifndef TUN_F_USO4
#define TUN_F_USO4 0x20 /* Linux 6.2 */
#define TUN_F_USO6 0x40
#endif

static void set_name(struct ifreq *request, const char *name)
{
	memset(request, 0, sizeof(*request));
	strncpy(request->ifr_name, name, sizeof(request->ifr_name) - 1);
}

static int set_options(int descriptor)
{
	int size = SLUICE_TAP_HEADER;
	if (ioctl(descriptor, TUNSETVNETHDRSZ, &size) != 0)
		return errno;
	unsigned tcp = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6;
	// Older kernels cut super-frames of UDP themselves.
	if (ioctl(descriptor, TUNSETOFFLOAD, tcp | TUN_F_USO4 | TUN_F_USO6) != 0 &&
	    ioctl(descriptor, TUNSETOFFLOAD, tcp) != 0)
		return errno;
	return 0;
}

int sluice_tap_open(const char *name, bool has_queues, int *descriptor, enum sluice_tap_step *step)
{
	*step = SLUICE_TAP_DEVICE;
	int opened = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
	if (opened < 0)
		return errno;
	struct ifreq request;
	set_name(&request, name);
	request.ifr_flags = (short)(IFF_TAP | IFF_NO_PI | IFF_VNET_HDR | (has_queues ? IFF_MULTI_QUEUE : 0));
	*step = SLUICE_TAP_ATTACH;
	int error = ioctl(opened, TUNSETIFF, &request) == 0 ? 0 : errno;
	if (!error) {
		*step = SLUICE_TAP_OPTIONS;
		error = set_options(opened);
	}
	if (error)
		close(opened);
	else
		*descriptor = opened;
	return error;
}

int sluice_interface_set_up(const char *name)
{
	struct ifreq request;
	int descriptor = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (descriptor < 0)
		return errno;
	set_name(&request, name);
	int error = ioctl(descriptor, SIOCGIFFLAGS, &request) == 0 ? 0 : errno;
	if (!error) {
		request.ifr_flags |= IFF_UP;
		error = ioctl(descriptor, SIOCSIFFLAGS, &request) == 0 ? 0 : errno;
	}
	close(descriptor);
	return error;
}

int sluice_tap_read(int descriptor, void *buffer, size_t capacity, struct sluice_received *out)
{
	ssize_t count = read(descriptor, buffer, capacity);
	if (count < 0)
		return errno;
	if (count < SLUICE_TAP_HEADER)
		return EFAULT;
	struct virtio_net_hdr offload;
	memcpy(&offload, buffer, sizeof(offload));
	memset(out, 0, sizeof(*out));
	out->start = (uint8_t *)buffer + SLUICE_TAP_HEADER;
	out->length = (uint32_t)(count - SLUICE_TAP_HEADER);
	out->original = out->length;
	out->flags = offload.flags;
	out->segmentation = offload.gso_type;
	out->segment_size = offload.gso_size;
	out->checksum_start = offload.csum_start;
	out->checksum_field = offload.csum_offset;
	return 0;
}

int sluice_tap_write(int descriptor, const void *packet, size_t length)
{
	static const uint8_t nothing_left[SLUICE_TAP_HEADER];
	struct iovec parts[2] = {
		{.iov_base = (void *)nothing_left, .iov_len = sizeof(nothing_left)},
		{.iov_base = (void *)packet, .iov_len = length},
	};
	return writev(descriptor, parts, 2) >= 0 ? 0 : errno;
}
