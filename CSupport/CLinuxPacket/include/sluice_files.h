#ifndef SLUICE_FILES_H
#define SLUICE_FILES_H

#include <stdbool.h>
#include <stdint.h>

/// Whether the open file is on a tmpfs.
bool sluice_is_on_tmpfs(int descriptor);

/// Bytes that its file system has room for; 0 when that cannot be known.
uint64_t sluice_free_bytes(int descriptor);

/// A device as /proc/self/mountinfo names it (proc_pid_mountinfo(5)).
unsigned sluice_device_major(uint64_t device);
unsigned sluice_device_minor(uint64_t device);

/// Mounts a tmpfs over a directory, with mode 0700 and 2 MB pages for those who ask (tmpfs(5), huge=advise)
/// where the kernel has them. Returns 0 or an errno.
int sluice_mount_tmpfs(const char *directory);

#endif
