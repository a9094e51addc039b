#ifndef SLUICE_COPY_H
#define SLUICE_COPY_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>
#if defined(__AVX__)
#include <immintrin.h>
#endif

/// Copies `count` bytes as `memcpy` does. Those of a short packet, 32 to 64, by two moves that may overlap
/// each other, without a call.
static inline void sluice_copy_packet(void *to, const void *from, size_t count)
{
#if defined(__AVX__)
	if (count - 32 <= 32) {
		__m256i first = _mm256_loadu_si256((const __m256i *)from);
		__m256i last = _mm256_loadu_si256((const __m256i *)((const uint8_t *)from + count - 32));
		_mm256_storeu_si256((__m256i *)to, first);
		_mm256_storeu_si256((__m256i *)((uint8_t *)to + count - 32), last);
		return;
	}
#endif
	memcpy(to, from, count);
}

#endif
