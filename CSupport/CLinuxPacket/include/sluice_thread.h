#ifndef SLUICE_THREAD_H
#define SLUICE_THREAD_H

// Not static inline: glibc declares these only for _GNU_SOURCE, which Swift's importer does not define.

/// Pins the calling thread to CPU `core`. Returns 0 or an errno.
int sluice_pin_thread(int core);

/// Names the calling thread, cut to 15 bytes. Returns 0 or an errno.
int sluice_name_thread(const char *name);

/// CPU time of the whole process in nanoseconds.
unsigned long long sluice_process_cpu_ns(void);

/// CPU time of the calling thread in nanoseconds.
unsigned long long sluice_thread_cpu_ns(void);

#endif
