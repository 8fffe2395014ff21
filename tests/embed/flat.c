/*
 * Opens and closes a thousand runtimes and looks at the process: descriptors,
 * mappings, kernel threads and memory are as before.  Then leaves one runtime
 * idle for a second, which may use no processor time.
 * Prints: what it found, "flat and idle" in the end.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>
#include <vcore/vcore.h>

enum { WARM_UP = 50, ROUNDS = 1000, THREADS = 50 };

/* What entries() finds where there is one kernel thread: it, ".", and "..". */
enum { ONLY_MAIN = 3 };

struct footprint {
	long descriptors, mappings, kernel_threads, kibibytes;
};

static long entries(const char *path)
{
	DIR *directory = opendir(path);
	long n = 0;

	while (readdir(directory) != NULL) {
		n++;
	}
	closedir(directory);
	return n;
}

static long lines(const char *path)
{
	FILE *file = fopen(path, "r");
	long n = 0;

	for (int c; (c = getc(file)) != EOF;) {
		n += c == '\n';
	}
	fclose(file);
	return n;
}

static long resident(void)
{
	FILE *file = fopen("/proc/self/statm", "r");
	long total = 0, pages = 0;

	if (fscanf(file, "%ld %ld", &total, &pages) != 2) {
		pages = 0;
	}
	fclose(file);
	return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

/* A joined kernel thread may stay in /proc for a moment. */
static long kernel_threads(long expected)
{
	long n = entries("/proc/self/task");

	for (int i = 0; i < 1000 && n != expected; i++) {
		usleep(1000);
		n = entries("/proc/self/task");
	}
	return n;
}

static struct footprint look(long expected)
{
	struct footprint found;

	found.kernel_threads = kernel_threads(expected);
	found.descriptors = entries("/proc/self/fd");
	found.mappings = lines("/proc/self/maps");
	found.kibibytes = resident();
	printf("%ld descriptors, %ld mappings, %ld kernel threads, %ld KiB\n", found.descriptors,
	       found.mappings, found.kernel_threads, found.kibibytes);
	return found;
}

static void *touch(void *unused)
{
	vcore_sleep(vcore_after(1000));
	return unused;
}

static bool open_use_and_close(void)
{
	struct vcore_runtime_options options = {.processors = 3};
	struct vcore_thread_options thread = {0};

	if (vcore_runtime_open(&thread.runtime, &options) != 0) {
		return false;
	}
	for (int i = 0; i < THREADS; i++) {
		if (vcore_thread_allocate(NULL, &thread, touch, NULL) != 0) {
			return false;
		}
	}
	return vcore_runtime_close(thread.runtime, VCORE_NEVER) == 0;
}

static bool repeat(int rounds)
{
	for (int i = 0; i < rounds; i++) {
		if (!open_use_and_close()) {
			return false;
		}
	}
	return true;
}

static void *wait_for_event(void *event)
{
	vcore_eventcount_await(event, 0, VCORE_NEVER);
	return event;
}

static double processor_time(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
	       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1e-6;
}

/* Idle after work, with a thread that waits: there is nothing to poll for. */
static bool idles(void)
{
	struct vcore_runtime_options options = {.processors = 5};
	struct vcore_thread_options thread = {0};
	struct vcore_eventcount event = {0};
	double before, used;

	if (vcore_runtime_open(&thread.runtime, &options) != 0 ||
	    vcore_thread_allocate(NULL, &thread, wait_for_event, &event) != 0) {
		return false;
	}
	usleep(100000);
	before = processor_time();
	sleep(1);
	used = processor_time() - before;
	printf("%.1f ms used in an idle second\n", used * 1e3);
	vcore_eventcount_advance(&event);
	return vcore_runtime_close(thread.runtime, VCORE_NEVER) == 0 && used < 0.010;
}

int main(void)
{
	struct footprint before, after;

	if (!repeat(WARM_UP)) {
		return 1;
	}
	before = look(ONLY_MAIN);
	if (!repeat(ROUNDS)) {
		return 1;
	}
	after = look(before.kernel_threads);
	if (after.descriptors != before.descriptors || after.mappings != before.mappings ||
	    after.kernel_threads != before.kernel_threads ||
	    after.kibibytes > before.kibibytes + 1024 || !idles()) {
		return 1;
	}
	printf("flat and idle\n");
	return 0;
}
