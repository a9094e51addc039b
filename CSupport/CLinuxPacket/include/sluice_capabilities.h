#ifndef SLUICE_CAPABILITIES_H
#define SLUICE_CAPABILITIES_H

/// Drops all capabilities of the calling thread, and of those it starts from now on, but for `kept`, a mask
/// of 1 << CAP_*; those it does not have it does not get.
///
/// Returns 0, or an error number.
int sluice_limit_capabilities(unsigned long long kept);

/// Lets threads lock memory and take a real-time priority without a capability, as far as that is allowed.
void sluice_raise_thread_limits(void);

#endif
