#ifndef SLUICE_AGREE_H
#define SLUICE_AGREE_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#if defined(__SSE4_1__)
#include <smmintrin.h>
#endif

/// What `sluice_agree` tells, portably.
static inline bool sluice_agree_portable(const void *left, const void *right, uint64_t wanted,
					 uint64_t ignored)
{
	uint64_t l[2], r[2];
	memcpy(l, left, sizeof(l));
	memcpy(r, right, sizeof(r));
	return ((l[0] ^ r[0]) | ((l[1] ^ r[1]) & (r[1] | ~wanted) & ~ignored)) == 0;
}

/// Whether the two 64-bit words at `left` equal those at `right`. Of the second word, bits of `wanted` count
/// only where they are set at `right`, bits of `ignored` not at all. Nothing need be aligned.
static inline bool sluice_agree(const void *left, const void *right, uint64_t wanted, uint64_t ignored)
{
#if defined(__SSE4_1__)
	__m128i r = _mm_loadu_si128((const __m128i *)right);
	// lddqu, so that the compiler does not take the words at left, read again, out of the vector.
	__m128i differing = _mm_xor_si128(_mm_lddqu_si128((const __m128i *)left), r);
	__m128i always = _mm_set_epi64x((long long)~wanted, -1);
	__m128i counted = _mm_andnot_si128(_mm_set_epi64x((long long)ignored, 0), _mm_or_si128(r, always));
	return _mm_testz_si128(differing, counted) != 0;
#else
	return sluice_agree_portable(left, right, wanted, ignored);
#endif
}

#endif
