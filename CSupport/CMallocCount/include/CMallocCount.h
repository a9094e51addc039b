#ifndef SLUICE_MALLOC_COUNT_H
#define SLUICE_MALLOC_COUNT_H

#include <stdbool.h>

// Linking this target puts its malloc, free and their kin in the place of glibc's, for the whole process;
// they count the calling thread's calls and pass them on. For test programs only.

/// Starts counting the calling thread's allocations and frees from 0. The first one's call stack goes to
/// standard error.
void sluice_malloc_count_begin(void);

/// Stops counting on the calling thread. Returns how many allocations and frees it made since.
unsigned long sluice_malloc_count_end(void);

/// Whether the counting functions are in place: false where a sanitizer has brought its own.
bool sluice_malloc_count_works(void);

#endif
