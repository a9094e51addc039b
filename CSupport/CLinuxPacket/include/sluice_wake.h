#ifndef SLUICE_WAKE_H
#define SLUICE_WAKE_H

/// Makes an eventfd(2) that does not block; -1 when there is none to be had.
int sluice_event_make(void);

/// Makes it readable, and no more so. Nothing for -1.
void sluice_event_raise(int event);
void sluice_event_clear(int event);

struct pollfd;

/// Waits until one of `count` descriptors is readable, at most so long: ppoll(2). One that only has an error
/// to tell is taken out (its number is made negative) and does not end the wait.
void sluice_poll_readable(struct pollfd *entries, unsigned count, unsigned long long nanoseconds);

/// Tells the core that this is a loop that waits, so that its other hardware thread runs meanwhile.
static inline void sluice_spin_pause(void)
{
#if defined(__x86_64__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("isb" ::: "memory");
#endif
}

#endif
