/* What the DPDK peers share: random flows, the order in which they are asked for, and taking turns with us.
 * Bench/Measure draws the same flows in the same order. */
#ifndef FLOWS_H
#define FLOWS_H
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include "peer_util.h"

static uint64_t rng_state = 0x9E3779B97F4A7C15ull;

/* splitmix64 (Steele, Lea and Flood 2014). */
static inline uint64_t rng(void)
{
	uint64_t z = (rng_state += 0x9E3779B97F4A7C15ull);
	z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
	z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
	return z ^ (z >> 31);
}

/* Zeroed memory on 2 MB pages where the kernel allows it: the program's own data adds no TLB misses. */
static inline void *big_alloc(size_t n)
{
	n = (n + (2u << 20) - 1) & ~(size_t)((2u << 20) - 1);
	void *p = aligned_alloc(2u << 20, n);
	if (!p) {
		perror("aligned_alloc");
		exit(1);
	}
	madvise(p, n, MADV_HUGEPAGE);
	memset(p, 0, n);
	return p;
}

static inline uint32_t below(uint32_t n) { return (uint32_t)(((rng() >> 32) * n) >> 32); }

/* out[i] = index of the flow that query i asks for: uniform, or Zipf(1.0), ranks shuffled over the flows. */
static inline void make_queries(uint32_t *out, size_t nq, uint32_t nflows, int zipf)
{
	if (!zipf) {
		for (size_t i = 0; i < nq; i++)
			out[i] = below(nflows);
		return;
	}
	double *cdf = big_alloc(sizeof(double) * nflows), s = 0;
	uint32_t *perm = big_alloc(sizeof(uint32_t) * nflows);
	for (uint32_t i = 0; i < nflows; i++) {
		cdf[i] = (s += 1.0 / (i + 1.0));
		perm[i] = i;
	}
	for (uint32_t i = nflows - 1; i > 0; i--) {
		uint32_t j = below(i + 1), t = perm[i];
		perm[i] = perm[j];
		perm[j] = t;
	}
	for (size_t i = 0; i < nq; i++) {
		double u = (double)(rng() >> 11) * (1.0 / 9007199254740992.0) * s;
		uint32_t lo = 0, hi = nflows - 1;
		while (lo < hi) {
			uint32_t m = (lo + hi) / 2;
			if (cdf[m] < u)
				lo = m + 1;
			else
				hi = m;
		}
		out[i] = perm[lo];
	}
	free(cdf);
	free(perm);
}

/* Waits for a line on standard input: our turn. 0 at its end. */
static inline int next_turn(void)
{
	char line[64];
	return fgets(line, sizeof(line), stdin) != NULL;
}

static inline void report(uint64_t ns, size_t operations)
{
	printf("{\"ns\":%.2f}\n", (double)ns / (double)operations);
	fflush(stdout);
}

/* The value of argument NAME=VALUE among the arguments, or the default. */
static inline const char *option(int argc, char **argv, const char *name, const char *otherwise)
{
	size_t n = strlen(name);
	for (int i = 0; i < argc; i++)
		if (!strncmp(argv[i], name, n) && argv[i][n] == '=')
			return argv[i] + n + 1;
	return otherwise;
}

static inline size_t number(int argc, char **argv, const char *name, size_t otherwise)
{
	const char *v = option(argc, argv, name, NULL);
	return v ? strtoull(v, NULL, 0) : otherwise;
}
#endif
