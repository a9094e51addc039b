// Thin static-inline wrappers over what Swift cannot spell: prefetch, SIMD masks, affinity. No policy.
#ifndef SLUICE_CLINUXPACKET_H
#define SLUICE_CLINUXPACKET_H

#include "sluice_prefetch.h"
#include "sluice_thread.h"

#endif
