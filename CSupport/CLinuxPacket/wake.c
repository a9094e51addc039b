#define _GNU_SOURCE
#include <poll.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>
#include "sluice_wake.h"

int sluice_event_make(void)
{
	return eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
}

void sluice_event_raise(int event)
{
	uint64_t one = 1;
	// It fails only where it is raised already, or is none.
	if (write(event, &one, sizeof(one)) < 0)
		return;
}

void sluice_event_clear(int event)
{
	uint64_t count;
	if (read(event, &count, sizeof(count)) < 0)
		return;
}

static unsigned long long now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (unsigned long long)t.tv_sec * 1000000000ull + (unsigned long long)t.tv_nsec;
}

void sluice_poll_readable(struct pollfd *entries, unsigned count, unsigned long long nanoseconds)
{
	unsigned long long end = now() + nanoseconds;
	for (;;) {
		struct timespec t = {
			.tv_sec = (time_t)(nanoseconds / 1000000000ull), .tv_nsec = (long)(nanoseconds % 1000000000ull)
		};
		if (ppoll(entries, count, &t, NULL) <= 0)
			return;
		for (unsigned i = 0; i < count; i++) {
			if (entries[i].revents & POLLIN)
				return;
			// A descriptor below 0 is passed over: -1 - fd.
			if (entries[i].revents)
				entries[i].fd = ~entries[i].fd;
		}
		unsigned long long present = now();
		if (present >= end)
			return;
		nanoseconds = end - present;
	}
}
