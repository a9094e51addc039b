#ifndef SLUICE_FILES_H
#define SLUICE_FILES_H

#include <stdbool.h>
#include <stdint.h>

/// Whether the open file is on a tmpfs.
bool sluice_is_on_tmpfs(int descriptor);

/// Bytes that its file system has room for; 0 when that cannot be known.
uint64_t sluice_free_bytes(int descriptor);

#endif
