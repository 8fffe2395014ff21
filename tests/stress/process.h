/*
 * What a process has: descriptors, mappings, kernel threads, memory.  Tests
 * compare it before and after to see that nothing was left behind.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef TESTS_STRESS_PROCESS_H
#define TESTS_STRESS_PROCESS_H

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static inline long process_entries(const char *directory)
{
	DIR *entries = opendir(directory);
	long n = 0;

	if (entries == NULL) {
		return -1;
	}
	while (readdir(entries) != NULL) {
		n++;
	}
	closedir(entries);
	return n;
}

static inline long process_descriptors(void)
{
	return process_entries("/proc/self/fd");
}

static inline long process_kernel_threads(void)
{
	return process_entries("/proc/self/task") - 2; /* . and .. */
}

static inline long process_mappings(void)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	long lines = 0;

	if (maps == NULL) {
		return -1;
	}
	for (int c; (c = getc(maps)) != EOF;) {
		lines += c == '\n';
	}
	fclose(maps);
	return lines;
}

/* A line of a file in /proc that gives a size in kB: "VmRSS:", "VmSize:". */
static inline long process_kib(const char *path, const char *key)
{
	FILE *file = fopen(path, "re");
	char line[256];
	long kib = -1;

	if (file == NULL) {
		return -1;
	}
	while (kib < 0 && fgets(line, sizeof(line), file) != NULL) {
		if (strncmp(line, key, strlen(key)) == 0) {
			kib = strtol(line + strlen(key), NULL, 10);
		}
	}
	fclose(file);
	return kib;
}

static inline long process_resident_kib(void)
{
	return process_kib("/proc/self/status", "VmRSS:");
}

/* A kernel thread that was joined may be listed for a moment longer. */
static inline long process_kernel_threads_settled(void)
{
	const struct timespec pause = {.tv_nsec = 20000000};
	long n = process_kernel_threads();
	long before;

	do {
		before = n;
		nanosleep(&pause, NULL);
		n = process_kernel_threads();
	} while (n != before);
	return n;
}

/* The same, if it is to be so many: a second is time enough. */
static inline bool process_kernel_threads_become(long n)
{
	const struct timespec pause = {.tv_nsec = 1000000};

	for (int i = 0; i < 1000; i++) {
		if (process_kernel_threads() == n) {
			return true;
		}
		nanosleep(&pause, NULL);
	}
	return false;
}

#endif /* TESTS_STRESS_PROCESS_H */
