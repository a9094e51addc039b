#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>
#include "sluice_window.h"

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22 /* Linux 5.14 */
#endif

enum {
	PLACES = 64,
	// Windows begin on a page: the low bits of their address hold their length, so that one load has both.
	UNIT = 4096,
	LENGTH_BITS = UNIT - 1,
	// A fault enters its neighbours that are in memory, too (fault_around_bytes in mm/memory.c).
	NEIGHBOURHOOD = 64 << 10,
	// PIDFD_SELF_THREAD (Linux 6.14): this thread, whose memory is the process's.
	SELF = -10000,
};

_Static_assert(SLUICE_WINDOW_LARGEST / UNIT <= LENGTH_BITS, "the length fits beside the address");
_Static_assert(ATOMIC_POINTER_LOCK_FREE == 2, "the signal handler may read the table");

// 0: free. 1: being filled. Else the window's address, and its length in units in the low bits.
static _Atomic(uintptr_t) windows[PLACES];
static _Atomic(bool) lost[PLACES];
static struct sigaction before;
static uintptr_t page_size;

// Who had the signal before: a handler, or the default, which ends the process when the access is repeated.
static void pass_on(int number, siginfo_t *info, void *context)
{
	if (before.sa_flags & SA_SIGINFO) {
		before.sa_sigaction(number, info, context);
	} else if (before.sa_handler != SIG_DFL && before.sa_handler != SIG_IGN) {
		before.sa_handler(number);
	} else if (info->si_code > 0 || before.sa_handler == SIG_DFL) {
		// As the kernel does: an access cannot be ignored.
		signal(number, SIG_DFL);
		if (info->si_code <= 0)
			raise(number);
	}
}

// Async-signal-safe: atomics without locks, and mmap, which is one system call.
static void on_bus_error(int number, siginfo_t *info, void *context)
{
	int error = errno;
	uintptr_t address = (uintptr_t)info->si_addr;
	for (int place = 0; info->si_code > 0 && place < PLACES; place++) {
		// The thread that faults reads from its window, which therefore stays in the table meanwhile.
		uintptr_t entry = atomic_load_explicit(&windows[place], memory_order_acquire);
		uintptr_t start = entry & ~(uintptr_t)LENGTH_BITS;
		uintptr_t end = start + (entry & LENGTH_BITS) * UNIT;
		if (start == 0 || address < start || address >= end)
			continue;
		uintptr_t page = address & ~(page_size - 1);
		void *zeros = mmap((void *)page, end - page, PROT_READ,
				   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1, 0);
		if (zeros == MAP_FAILED)
			break;
		atomic_store_explicit(&lost[place], true, memory_order_release);
		errno = error;
		return;
	}
	pass_on(number, info, context);
	errno = error;
}

static void install(void)
{
	struct sigaction ours;
	page_size = (uintptr_t)sysconf(_SC_PAGESIZE);
	// Asked for first: the handler must find it whole.
	sigaction(SIGBUS, NULL, &before);
	memset(&ours, 0, sizeof(ours));
	ours.sa_sigaction = on_bus_error;
	ours.sa_flags = SA_SIGINFO | SA_ONSTACK;
	sigemptyset(&ours.sa_mask);
	sigaction(SIGBUS, &ours, NULL);
}

// Enters the pages that are in memory: one fault a neighbourhood, all in one system call. Populating every
// page of the range instead makes the kernel look up each of them once more. Pages that this misses are
// entered when they are touched.
static void populate(char *start, size_t length)
{
	struct iovec pages[SLUICE_WINDOW_LARGEST / NEIGHBOURHOOD + 1];
	size_t count = 0;
	for (size_t at = 0; at < length && count < sizeof(pages) / sizeof(*pages); at += NEIGHBOURHOOD)
		pages[count++] = (struct iovec){start + at, UNIT};
	if (syscall(SYS_process_madvise, SELF, pages, count, MADV_POPULATE_READ, 0) < 0)
		madvise(start, length, MADV_POPULATE_READ);
}

struct sluice_window sluice_window_map(int descriptor, uint64_t offset, size_t length)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct sluice_window none = {NULL, 0, -1};
	if (length == 0 || length > SLUICE_WINDOW_LARGEST)
		return none;
	pthread_once(&once, install);
	int place = 0;
	uintptr_t nobody = 0;
	while (place < PLACES && !atomic_compare_exchange_strong(&windows[place], &nobody, 1)) {
		nobody = 0;
		place++;
	}
	if (place == PLACES)
		return none;
	size_t pages = (length + UNIT - 1) / UNIT;
	char *start = mmap(NULL, length, PROT_READ, MAP_SHARED, descriptor, (off_t)offset);
	if (start == MAP_FAILED) {
		atomic_store_explicit(&windows[place], 0, memory_order_release);
		return none;
	}
	atomic_store_explicit(&lost[place], false, memory_order_relaxed);
	atomic_store_explicit(&windows[place], (uintptr_t)start | pages, memory_order_release);
	// Reading goes one way: no page needs to be remembered as recently used.
	madvise(start, length, MADV_SEQUENTIAL);
	populate(start, length);
	return (struct sluice_window){start, length, place};
}

void sluice_window_unmap(struct sluice_window window)
{
	// First out of the table: another mapping may come to lie there at once.
	atomic_store_explicit(&windows[window.place], 0, memory_order_release);
	munmap((void *)window.start, window.length);
}

bool sluice_window_has_lost(int place)
{
	return atomic_load_explicit(&lost[place], memory_order_acquire);
}
