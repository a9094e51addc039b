#include "sluice_files.h"

#include <errno.h>
#include <linux/magic.h>
#include <sys/mount.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>

bool sluice_is_on_tmpfs(int descriptor)
{
	struct statfs system;
	return fstatfs(descriptor, &system) == 0 && system.f_type == TMPFS_MAGIC;
}

uint64_t sluice_free_bytes(int descriptor)
{
	struct statfs system;
	if (fstatfs(descriptor, &system) != 0)
		return 0;
	/* A tmpfs without a limit says that it has no blocks at all. */
	if (system.f_blocks == 0)
		return UINT64_MAX / 2;
	return (uint64_t)system.f_bavail * (uint64_t)system.f_bsize;
}

unsigned sluice_device_major(uint64_t device) { return major(device); }

unsigned sluice_device_minor(uint64_t device) { return minor(device); }

int sluice_mount_tmpfs(const char *directory)
{
	const unsigned long flags = MS_NOSUID | MS_NODEV | MS_NOEXEC;
	if (mount("sluice", directory, "tmpfs", flags, "mode=0700,huge=advise") == 0)
		return 0;
	/* A kernel without huge pages does not know the word. */
	if (errno == EINVAL && mount("sluice", directory, "tmpfs", flags, "mode=0700") == 0)
		return 0;
	return errno;
}
