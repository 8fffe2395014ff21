/*
 * Kernel threads, by pthreads.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

#include "platform/linux/linux.h"

#ifndef AT_MINSIGSTKSZ
#define AT_MINSIGSTKSZ 51
#endif

/* A kernel thread of a runtime keeps to its alternate stack and its base. */
#define BASE_STACK ((size_t)256 << 10)

_Static_assert(sizeof(pthread_t) == sizeof(unsigned long), "struct vci_kernel_thread holds one");

/* All but the tick and the signals a thread raises by what it does. */
static void signals_to_block(sigset_t *set)
{
	static const int open[] = {SIGALRM, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT};

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
	(void)pthread_attr_setstacksize(&attributes, BASE_STACK);
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
	int error = VCI_OUTSIDE(create(&handle, entry, argument));

	if (error != 0) {
		return -error;
	}
	thread->handle_ = handle;
	(void)VCI_OUTSIDE(pthread_setname_np(handle, name));
	return 0;
}

void vci_kernel_thread_join(struct vci_kernel_thread *thread)
{
	(void)VCI_OUTSIDE(pthread_join(thread->handle_, NULL));
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

unsigned vci_cpu_count(void)
{
	cpu_set_t set;
	long count;

	if (VCI_OUTSIDE(sched_getaffinity(0, sizeof set, &set)) == 0) {
		return (unsigned)CPU_COUNT(&set);
	}
	count = VCI_OUTSIDE(sysconf(_SC_NPROCESSORS_ONLN)); /* more than 1024 CPUs */
	return count > 0 ? (unsigned)count : 1;
}

static unsigned read_task_count(void)
{
	unsigned count = 0;
	char line[128];
	FILE *file = fopen("/proc/self/status", "re");

	if (file == NULL) {
		return 0;
	}
	while (fgets(line, sizeof line, file) != NULL) {
		if (strncmp(line, "Threads:", 8) == 0) {
			count = (unsigned)strtoul(line + 8, NULL, 10);
			break;
		}
	}
	fclose(file);
	return count;
}

unsigned vci_task_count(void)
{
	return VCI_OUTSIDE(read_task_count());
}

/* What the kernel pushes, and about as much again for the handler. */
size_t vci_signal_frame(void)
{
	size_t kernel = VCI_OUTSIDE(getauxval(AT_MINSIGSTKSZ));

	return (kernel > 2048 ? kernel : 2048) + 1024;
}
