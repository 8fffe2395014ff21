/*
 * Failures on demand: definitions of what the library calls in libc that
 * count the calls and let the one that was asked for fail.  The library is
 * linked as a shared one, so that the executable's definitions win.
 *
 *	inject_arm(n);	// the nth from here on fails
 *	...
 *	fired = inject_disarm();
 *
 * They also keep account of what the library has mapped, to the byte.
 * Included once in a program; not with sanitizers, which define the same.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef TESTS_FAULT_INJECT_H
#define TESTS_FAULT_INJECT_H

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#endif

static _Atomic long inject_calls;  /* since it was armed */
static _Atomic long inject_at;     /* the one that fails; 0: none */
static _Atomic bool inject_munmap; /* it is munmap that fails, and nothing else */
static _Atomic bool inject_no_guard_pages;
static _Atomic long inject_mapped; /* bytes */

static inline void inject_arm(long n)
{
	atomic_store(&inject_calls, 0);
	atomic_store(&inject_at, n);
}

/* Whether the call that was to fail was made. */
static inline bool inject_disarm(void)
{
	return atomic_load(&inject_calls) >= atomic_exchange(&inject_at, 0);
}

static inline bool inject_fails(void)
{
	long at = atomic_load(&inject_at);

	return at != 0 && !atomic_load(&inject_munmap) &&
	       atomic_fetch_add(&inject_calls, 1) + 1 == at;
}

void *mmap(void *address, size_t bytes, int protection, int flags, int fd, off_t offset)
{
	long result;

	if (inject_fails()) {
		errno = ENOMEM;
		return MAP_FAILED;
	}
	result = syscall(SYS_mmap, address, bytes, protection, flags, fd, offset);
	if (result != -1) {
		atomic_fetch_add(&inject_mapped, (long)bytes);
	}
	return (void *)result;
}

int munmap(void *address, size_t bytes)
{
	long at = atomic_load(&inject_at);
	int result;

	if (atomic_load(&inject_munmap) && atomic_fetch_add(&inject_calls, 1) + 1 == at) {
		errno = ENOMEM;
		return -1;
	}
	result = (int)syscall(SYS_munmap, address, bytes);
	if (result == 0) {
		atomic_fetch_sub(&inject_mapped, (long)bytes);
	}
	return result;
}

int mprotect(void *address, size_t bytes, int protection)
{
	if (inject_fails()) {
		errno = ENOMEM;
		return -1;
	}
	return (int)syscall(SYS_mprotect, address, bytes, protection);
}

int madvise(void *address, size_t bytes, int advice)
{
	if (advice == MADV_GUARD_INSTALL && atomic_load(&inject_no_guard_pages)) {
		errno = EINVAL;
		return -1;
	}
	if (inject_fails()) {
		errno = ENOMEM;
		return -1;
	}
	return (int)syscall(SYS_madvise, address, bytes, advice);
}

int memfd_create(const char *name, unsigned flags)
{
	if (inject_fails()) {
		errno = ENOMEM;
		return -1;
	}
	return (int)syscall(SYS_memfd_create, name, flags);
}

int ftruncate(int fd, off_t size)
{
	if (inject_fails()) {
		errno = ENOMEM;
		return -1;
	}
	return (int)syscall(SYS_ftruncate, fd, size);
}

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*entry)(void *),
		   void *argument)
{
	int (*create)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);

	if (inject_fails()) {
		return EAGAIN;
	}
	*(void **)&create = dlsym(RTLD_NEXT, "pthread_create");
	return create(thread, attributes, entry, argument);
}

#endif /* TESTS_FAULT_INJECT_H */
