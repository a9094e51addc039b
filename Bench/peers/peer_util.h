/* Shared parts of the peer programs: CPU clock, core-clock calibration, probe for a busy hidden sibling. */
#ifndef PEER_UTIL_H
#define PEER_UTIL_H
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

/* CPU time of this thread in ns, not wall time: others may share the core, and preemption must not count. */
static inline uint64_t now_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000ull + (uint64_t)t.tv_nsec;
}

#ifdef __x86_64__
/* Clock of the core in GHz: a chain of dependent one-cycle adds. Virtual machines often have no cycle
 * counter, and the TSC is another clock. Best of 5, so that a preemption does not spoil it. */
static inline double core_ghz(void)
{
	double best = 0;
	for (int r = 0; r < 5; r++) {
		uint64_t x = 1, n = 20000, t0 = now_ns();
		for (uint64_t i = 0; i < n; i++)
			__asm__ volatile(".rept 50\n\tadd %0, %0\n\t.endr" : "+r"(x));
		double g = 50.0 * (double)n / (double)(now_ns() - t0);
		if (g > best)
			best = g;
	}
	return best;
}

/* Adds a nanosecond of four independent chains: close to 4 a cycle when the other hyperthread of this core is
 * quiet, 2 to 3 when somebody computes there, which neither CPU time nor the dependent chain shows. Median
 * of 5, about half a millisecond in all. */
static inline double adds_per_ns(void)
{
	double v[5];
	for (int r = 0; r < 5; r++) {
		uint64_t a = 1, b = 1, c = 1, d = 1, n = 6000, t0 = now_ns();
		for (uint64_t i = 0; i < n; i++)
			__asm__ volatile(".rept 50\n\tadd %0,%0\n\tadd %1,%1\n\t"
					 "add %2,%2\n\tadd %3,%3\n\t.endr"
					 : "+r"(a), "+r"(b), "+r"(c), "+r"(d));
		v[r] = 200.0 * (double)n / (double)(now_ns() - t0);
		for (int i = r; i > 0 && v[i] < v[i - 1]; i--) {
			double t = v[i];
			v[i] = v[i - 1];
			v[i - 1] = t;
		}
	}
	return v[2];
}
#else
/* The probe counts x86 adds; 0 says that it cannot tell here. */
static inline double core_ghz(void) { return 0; }
static inline double adds_per_ns(void) { return 0; }
#endif
#endif
