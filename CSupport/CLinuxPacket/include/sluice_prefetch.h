#ifndef SLUICE_PREFETCH_H
#define SLUICE_PREFETCH_H

#include <stdint.h>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

/// Hints that the cache line at `address` will be read.
static inline void sluice_prefetch_read(const void *address)
{
	__builtin_prefetch(address, 0, 3);
}

/// Hints that the cache line at `address` will be written.
static inline void sluice_prefetch_write(const void *address)
{
	__builtin_prefetch(address, 1, 3);
}

/// Bit i is set when the i-th of the eight 16-bit tags at `tags` equals `tag`, portably.
static inline uint32_t sluice_match_tags8_portable(const uint16_t *tags, uint16_t tag)
{
	uint32_t mask = 0;
	for (int i = 0; i < 8; i++)
		mask |= (uint32_t)(tags[i] == tag) << i;
	return mask;
}

/// Bit i is set when the i-th of the eight 16-bit tags at `tags` equals `tag`.
static inline uint32_t sluice_match_tags8(const uint16_t *tags, uint16_t tag)
{
#if defined(__SSE2__)
	__m128i line = _mm_load_si128((const __m128i *)tags);
	__m128i equal = _mm_cmpeq_epi16(line, _mm_set1_epi16((short)tag));
	return (uint32_t)_mm_movemask_epi8(_mm_packs_epi16(equal, _mm_setzero_si128()));
#else
	return sluice_match_tags8_portable(tags, tag);
#endif
}

/// Bits 2i and 2i+1 are set when the i-th of the eight 16-bit tags at `tags` equals `tag`, portably.
static inline uint32_t sluice_tag_pairs8_portable(const uint16_t *tags, uint16_t tag)
{
	uint32_t mask = 0;
	for (int i = 0; i < 8; i++)
		mask |= (uint32_t)(tags[i] == tag ? 3 : 0) << (2 * i);
	return mask;
}

/// Bits 2i and 2i+1 are set when the i-th of the eight 16-bit tags at `tags` equals `tag`: one step less.
static inline uint32_t sluice_tag_pairs8(const uint16_t *tags, uint16_t tag)
{
#if defined(__SSE2__)
	__m128i line = _mm_load_si128((const __m128i *)tags);
	return (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi16(line, _mm_set1_epi16((short)tag)));
#else
	return sluice_tag_pairs8_portable(tags, tag);
#endif
}

#endif
