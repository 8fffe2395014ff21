/*
 * What the subjects of Concurrency Kit have in common.  Each is one lock of it,
 * and its only workload a contest for that; kernel threads compete.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BENCH_CK_LOCKS_H
#define BENCH_CK_LOCKS_H

#include "contest.h"

/* A function of a struct bench_lock that is one of CK's: of the lock alone, or of both. */
#define CK_OF_LOCK(name, function)                                                                 \
	static void name(void *lock, void *place)                                                  \
	{                                                                                          \
		(void)place;                                                                       \
		function(lock);                                                                    \
	}

#define CK_OF_BOTH(name, function)                                                                 \
	static void name(void *lock, void *place)                                                  \
	{                                                                                          \
		function(lock, place);                                                             \
	}

/* A reader-writer lock of CK's whose functions take the lock alone: `functions`. */
#define CK_READERS_AND_WRITERS(prefix)                                                             \
	CK_OF_LOCK(acquire, prefix##_write_lock)                                                   \
	CK_OF_LOCK(release, prefix##_write_unlock)                                                 \
	CK_OF_LOCK(acquire_read, prefix##_read_lock)                                               \
	CK_OF_LOCK(release_read, prefix##_read_unlock)                                             \
	static const struct bench_lock functions = {                                               \
		.acquire = acquire,                                                                \
		.release = release,                                                                \
		.acquire_read = acquire_read,                                                      \
		.release_read = release_read,                                                      \
	};

/* The rest of the program: what is called for the lock, and where it lies. */
#define CK_SUBJECT(workload, functions, lock)                                                      \
	static void *compete(void *contestant)                                                     \
	{                                                                                          \
		return bench_compete(contestant, &(functions));                                    \
	}                                                                                          \
	static void run(struct bench *bench)                                                       \
	{                                                                                          \
		bench_contest(bench, &bench_kernel_threads, compete, &(lock));                     \
	}                                                                                          \
	int main(int argc, char **argv)                                                            \
	{                                                                                          \
		static const struct bench_workload workloads[] = {                                 \
			{workload, run},                                                           \
			{NULL, NULL},                                                              \
		};                                                                                 \
                                                                                                   \
		return bench_main(workloads, argc, argv);                                          \
	}

#endif /* BENCH_CK_LOCKS_H */
