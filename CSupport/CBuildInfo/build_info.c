#include <stdio.h>
#include <string.h>
#include "CBuildInfo.h"

/* Compiled for the first x86-64, whatever the rest is compiled for: it runs before the check. */
#if defined(__x86_64__)
#define FIRST __attribute__((target("arch=x86-64")))
#else
#define FIRST
#endif

static char list[256];

FIRST static void append(const char *name)
{
	size_t used = strlen(list);
	snprintf(list + used, sizeof(list) - used, "%s%s", used ? "," : "", name);
}

FIRST const char *sluice_commit(void) { return SLUICE_COMMIT; }

FIRST const char *sluice_cpu_missing(void)
{
	list[0] = 0;
#if defined(__x86_64__)
	__builtin_cpu_init();
	if (!__builtin_cpu_supports("sse4.2"))
		append("sse4.2");
	if (!__builtin_cpu_supports("popcnt"))
		append("popcnt");
	if (!__builtin_cpu_supports("avx"))
		append("avx");
	if (!__builtin_cpu_supports("avx2"))
		append("avx2");
	if (!__builtin_cpu_supports("bmi"))
		append("bmi");
	if (!__builtin_cpu_supports("bmi2"))
		append("bmi2");
	if (!__builtin_cpu_supports("fma"))
		append("fma");
#endif
	return list;
}

FIRST const char *sluice_cpu_features(void)
{
	list[0] = 0;
#if defined(__x86_64__)
	append("x86-64-v3");
	__builtin_cpu_init();
	if (__builtin_cpu_supports("aes"))
		append("aes");
	if (__builtin_cpu_supports("pclmul"))
		append("pclmul");
	if (__builtin_cpu_supports("avx512f"))
		append("avx512f");
#else
	append("portable");
#endif
	return list;
}
