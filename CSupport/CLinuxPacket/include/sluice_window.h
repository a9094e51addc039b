#ifndef SLUICE_WINDOW_H
#define SLUICE_WINDOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Parts of files in memory that may be read although the file shrinks: what it lost reads as zeros.
//
// A page of a mapping behind the file's end raises SIGBUS. The first window installs a handler, which finds
// the address in a fixed table, puts zeros from there to the window's end and notes that the window has
// lost bytes. Every other SIGBUS goes to who had the signal before.

/// The most bytes of a window: 8 MB.
#define SLUICE_WINDOW_LARGEST ((size_t)8 << 20)

/// A window. `place` is its place in the table, 0...63.
struct sluice_window {
	const void *start;
	size_t length;
	int place;
};

/// Maps `length` bytes of a file for reading, and has the kernel enter those of its pages that are in memory.
///
/// `offset` is a multiple of the page size, `length` 1...SLUICE_WINDOW_LARGEST. `start` is NULL where there
/// is no window to be had: the table is full, or the kernel refuses.
struct sluice_window sluice_window_map(int descriptor, uint64_t offset, size_t length);

/// Lets go of a window that nobody reads from any more.
void sluice_window_unmap(struct sluice_window window);

/// Whether bytes of the window were found to be lost.
bool sluice_window_has_lost(int place);

#endif
