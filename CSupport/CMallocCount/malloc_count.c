#include <errno.h>
#include <execinfo.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>
#include "CMallocCount.h"

static _Thread_local bool counting;
static _Thread_local unsigned long count;

void sluice_malloc_count_begin(void)
{
	void *frame[1];
	/* The unwinder's first use loads its library. */
	(void)backtrace(frame, 1);
	count = 0;
	counting = true;
}

unsigned long sluice_malloc_count_end(void)
{
	counting = false;
	return count;
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif

#ifdef SANITIZED

bool sluice_malloc_count_works(void) { return false; }

#else

bool sluice_malloc_count_works(void) { return true; }

static void show_stack(void)
{
	void *frames[32];
	static const char title[] = "the first allocation or free on this thread while counting:\n";
	(void)!write(STDERR_FILENO, title, sizeof(title) - 1);
	backtrace_symbols_fd(frames, backtrace(frames, 32), STDERR_FILENO);
}

static inline void note(void)
{
	if (!counting) return;
	if (count++ > 0) return;
	/* Whatever the unwinder allocates is not the thread's own. */
	counting = false;
	show_stack();
	counting = true;
}

/* glibc's own, under the names that its malloc can always be reached by. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t number, size_t size);
void *__libc_realloc(void *old, size_t size);
void *__libc_memalign(size_t alignment, size_t size);
void __libc_free(void *old);

void *malloc(size_t size)
{
	note();
	return __libc_malloc(size);
}

void *calloc(size_t number, size_t size)
{
	note();
	return __libc_calloc(number, size);
}

void *realloc(void *old, size_t size)
{
	note();
	return __libc_realloc(old, size);
}

void free(void *old)
{
	if (old) note();
	__libc_free(old);
}

void *memalign(size_t alignment, size_t size)
{
	note();
	return __libc_memalign(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
	note();
	return __libc_memalign(alignment, size);
}

int posix_memalign(void **result, size_t alignment, size_t size)
{
	if (alignment < sizeof(void *) || (alignment & (alignment - 1)) != 0) return EINVAL;
	note();
	void *new = __libc_memalign(alignment, size);
	if (!new) return ENOMEM;
	*result = new;
	return 0;
}

#endif
