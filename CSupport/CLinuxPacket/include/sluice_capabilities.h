#ifndef SLUICE_CAPABILITIES_H
#define SLUICE_CAPABILITIES_H

#include <stdbool.h>

/// Drops all capabilities of the calling thread, and of those it starts from now on, but for `kept`, a mask
/// of 1 << CAP_*; those it does not have it does not get.
///
/// Returns 0, or an error number.
int sluice_limit_capabilities(unsigned long long kept);

/// Lets threads lock memory and take a real-time priority without a capability, as far as that is allowed.
void sluice_raise_thread_limits(void);

/// Whether memory may be locked without bound by RLIMIT_MEMLOCK alone.
bool sluice_may_lock_all(void);

/// Whether threads may have this real-time priority by RLIMIT_RTPRIO alone.
bool sluice_may_have_priority(int priority);

#endif
