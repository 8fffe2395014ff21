/*
 * Kernel threads, by pthreads.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

#include "platform/linux/linux.h"

#ifndef AT_MINSIGSTKSZ
#define AT_MINSIGSTKSZ 51
#endif

/*
 * What a kernel thread of a runtime itself needs: it runs threads on theirs.  libc
 * puts thread-local variables there as well.
 */
#define BASE_STACK ((size_t)256 << 10)

static size_t local_bytes;

void vci_kernel_threads_open(void)
{
	struct vci_range locals;

	vci_tls_bounds(&locals);
	local_bytes = locals.to - locals.from;
}

_Static_assert(sizeof(pthread_t) == sizeof(unsigned long), "struct vci_kernel_thread holds one");

/* All but the signals a thread raises by what it does. */
static void signals_to_block(sigset_t *set)
{
	static const int open[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT};

	sigfillset(set);
	for (size_t i = 0; i < sizeof open / sizeof open[0]; i++) {
		sigdelset(set, open[i]);
	}
}

/* The new thread inherits the mask: no signal can slip in before it is set. */
static int create(pthread_t *thread, void *(*entry)(void *), void *argument)
{
	pthread_attr_t attributes;
	sigset_t blocked, before;
	int error = pthread_attr_init(&attributes);

	if (error != 0) {
		return error;
	}
	signals_to_block(&blocked);
	(void)pthread_attr_setstacksize(&attributes, BASE_STACK + local_bytes);
	pthread_sigmask(SIG_BLOCK, &blocked, &before);
	error = pthread_create(thread, &attributes, entry, argument);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attributes);
	return error;
}

int vci_kernel_thread_start(struct vci_kernel_thread *thread, const char *name,
			    void *(*entry)(void *), void *argument)
{
	pthread_t handle;

	if (VCI_AWAY(create(&handle, entry, argument)) != 0) {
		return -EAGAIN;
	}
	thread->handle_ = handle;
	(void)VCI_OUTSIDE(pthread_setname_np(handle, name));
	return 0;
}

void vci_kernel_thread_join(struct vci_kernel_thread *thread)
{
	(void)VCI_AWAY(pthread_join(thread->handle_, NULL));
}

static pthread_key_t end_key;
static pthread_once_t end_once = PTHREAD_ONCE_INIT;
static int end_error;
static void (*at_end)(void *host);

static void run_at_end(void *host)
{
	__atomic_load_n(&at_end, __ATOMIC_RELAXED)(host);
}

static void create_end_key(void)
{
	end_error = pthread_key_create(&end_key, run_at_end);
}

static int set_end(void (*f)(void *host), void *host)
{
	__atomic_store_n(&at_end, f, __ATOMIC_RELAXED);
	pthread_once(&end_once, create_end_key);
	return end_error != 0 ? end_error : pthread_setspecific(end_key, host);
}

int vci_at_thread_end(void (*f)(void *host))
{
	return VCI_OUTSIDE(set_end(f, vci_local()->host)) == 0 ? 0 : -ENOMEM;
}

static unsigned count_cpus(void)
{
	cpu_set_t set;
	long count;

	if (sched_getaffinity(0, sizeof set, &set) == 0) {
		return (unsigned)CPU_COUNT(&set);
	}
	count = sysconf(_SC_NPROCESSORS_ONLN); /* more than 1024 CPUs */
	return count > 0 ? (unsigned)count : 1;
}

unsigned vci_cpu_count(void)
{
	return VCI_OUTSIDE(count_cpus());
}

/* Not by stdio, whose locks a thread that was put off may hold. */
static unsigned read_task_count(void)
{
	char text[2048];
	const char *line;
	ssize_t n;
	int file = open("/proc/self/status", O_RDONLY | O_CLOEXEC);

	if (file < 0) {
		return 0;
	}
	n = read(file, text, sizeof text - 1);
	close(file);
	text[n > 0 ? n : 0] = '\0';
	line = strstr(text, "\nThreads:");
	return line != NULL ? (unsigned)strtoul(line + sizeof "\nThreads:" - 1, NULL, 10) : 0;
}

unsigned vci_task_count(void)
{
	return VCI_OUTSIDE(read_task_count());
}

/* What the handler of a tick uses: about 1 KiB. */
#define HANDLER_BYTES 2048

/* What the kernel pushes, and what the handler needs. */
size_t vci_signal_frame(void)
{
	size_t kernel = VCI_OUTSIDE(getauxval(AT_MINSIGSTKSZ));

	return (kernel > 2048 ? kernel : 2048) + HANDLER_BYTES;
}
