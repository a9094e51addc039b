#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include "sluice_thread.h"

// The most CPUs that a kernel is built for (NR_CPUS): a cpu_set_t has 1024.
enum { MOST_CPUS = 8192, WORD_BITS = 8 * sizeof(unsigned long) };

int sluice_pin_thread(int core)
{
	unsigned long set[MOST_CPUS / WORD_BITS] = {0};
	if (core < 0 || core >= MOST_CPUS)
		return EINVAL;
	set[core / WORD_BITS] = 1ul << (core % WORD_BITS);
	return syscall(SYS_sched_setaffinity, 0, sizeof(set), set) < 0 ? errno : 0;
}

int sluice_allowed_cpus(unsigned char *allowed, int count)
{
	unsigned long set[MOST_CPUS / WORD_BITS] = {0};
	if (syscall(SYS_sched_getaffinity, 0, sizeof(set), set) < 0)
		return errno;
	for (int core = 0; core < count; core++)
		allowed[core] = core < MOST_CPUS && (set[core / WORD_BITS] >> (core % WORD_BITS) & 1);
	return 0;
}

int sluice_prefer_node(int node)
{
	enum { PREFERRED = 1, MOST_NODES = 1024 };    // MPOL_PREFERRED of linux/mempolicy.h
	unsigned long set[MOST_NODES / WORD_BITS] = {0};
	if (node < 0 || node >= MOST_NODES)
		return EINVAL;
	set[node / WORD_BITS] = 1ul << (node % WORD_BITS);
	// The kernel takes one bit less than it is told.
	return syscall(SYS_set_mempolicy, PREFERRED, set, MOST_NODES + 1) < 0 ? errno : 0;
}

int sluice_fifo_thread(int priority)
{
	struct sched_param parameters = { .sched_priority = priority };
	return pthread_setschedparam(pthread_self(), SCHED_FIFO, &parameters);
}

int sluice_lock_memory(void)
{
	return mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) < 0 ? errno : 0;
}

int sluice_name_thread(const char *name)
{
	char cut[16];
	strncpy(cut, name, sizeof(cut) - 1);
	cut[sizeof(cut) - 1] = 0;
	return pthread_setname_np(pthread_self(), cut);
}

unsigned long long sluice_process_cpu_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (unsigned long long)t.tv_sec * 1000000000ull + (unsigned long long)t.tv_nsec;
}

int sluice_thread_clock(void)
{
	clockid_t clock;
	return pthread_getcpuclockid(pthread_self(), &clock) == 0 ? (int)clock : 0;
}

unsigned long long sluice_clock_ns(int clock)
{
	struct timespec t;
	if (clock_gettime((clockid_t)clock, &t) != 0)
		return 0;
	return (unsigned long long)t.tv_sec * 1000000000ull + (unsigned long long)t.tv_nsec;
}

unsigned long long sluice_thread_cpu_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (unsigned long long)t.tv_sec * 1000000000ull + (unsigned long long)t.tv_nsec;
}
