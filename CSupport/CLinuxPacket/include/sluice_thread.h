#ifndef SLUICE_THREAD_H
#define SLUICE_THREAD_H

// Not static inline: glibc declares these only for _GNU_SOURCE, which Swift's importer does not define.

/// Pins the calling thread to CPU `core`. Returns 0 or an errno.
int sluice_pin_thread(int core);

/// Says for each of `count` CPUs whether the calling thread may run on it: 1 or 0. Returns 0 or an errno.
int sluice_allowed_cpus(unsigned char *allowed, int count);

/// Lets pages that the calling thread touches first come from NUMA node `node` while it has any:
/// set_mempolicy(2) with MPOL_PREFERRED. Returns 0 or an errno.
int sluice_prefer_node(int node);

/// Makes the calling thread a real-time one, SCHED_FIFO of sched(7). Returns 0 or an errno.
int sluice_fifo_thread(int priority);

/// Keeps every page of the process in main memory from the time on when it is first touched: mlockall(2).
/// Returns 0 or an errno.
int sluice_lock_memory(void);

/// Names the calling thread, cut to 15 bytes. Returns 0 or an errno.
int sluice_name_thread(const char *name);

/// CPU time of the whole process in nanoseconds.
unsigned long long sluice_process_cpu_ns(void);

/// The clock of the calling thread's CPU time, which any thread may read while that thread lives. 0 when
/// there is none.
int sluice_thread_clock(void);

/// The time of a clock in nanoseconds; 0 when there is no such clock any more.
unsigned long long sluice_clock_ns(int clock);

/// CPU time of the calling thread in nanoseconds.
unsigned long long sluice_thread_cpu_ns(void);

#endif
