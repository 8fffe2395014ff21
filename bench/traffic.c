/*
 * The traffic of traffic.h: who takes part, and what came of it.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "traffic.h"

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/resource.h>

#define MICROSECOND INT64_C(1000)
#define SECOND      INT64_C(1000000000)

#define STACK_SIZE (64 * 1024)

static void check(int error, const char *what)
{
	bench_check(error == 0, what);
}

void *bench_apart(size_t size)
{
	size_t whole = (size + 127) / 128 * 128;
	void *memory = aligned_alloc(128, whole);

	bench_check(memory != NULL, "memory");
	memset(memory, 0, whole);
	return memory;
}

/* --- parties --- */

/* Together n parties send and receive the numbers from 0 to the sum of their n. */
static struct bench_party *gather(struct bench *bench, const struct bench_crew *crew, long n,
				  void *out, void *in)
{
	struct bench_party *all = bench_apart((size_t)n * sizeof(struct bench_party));
	long each = bench->n / n + 1;

	for (long i = 0; i < n; i++) {
		all[i] = (struct bench_party){
			.out = out,
			.in = in,
			.yield = crew->yield,
			.bench = bench,
			.messages = bench_apart((size_t)bench->batch * (size_t)bench->bytes),
			.received = bench_apart((size_t)bench->bytes),
			.size = (size_t)bench->bytes,
			.batch = (size_t)bench->batch,
			.first = i * each,
			.n = each,
			.expects_next = n == 1,
		};
	}
	return all;
}

static void spawn_all(struct bench_party *all, long n, const struct bench_crew *crew,
		      void *(*entry)(void *))
{
	for (long i = 0; i < n; i++) {
		all[i].thread = crew->spawn(entry, &all[i]);
	}
}

static void join_all(struct bench_party *all, long n, const struct bench_crew *crew)
{
	for (long i = 0; i < n; i++) {
		crew->join(all[i].thread);
	}
}

/* Each number has been received once. */
static void verify(const struct bench_party *all, long n)
{
	uint64_t count = 0;
	uint64_t sum = 0;

	for (long i = 0; i < n; i++) {
		count += (uint64_t)all[i].n;
		sum += all[i].sum;
	}
	bench_check(sum == count * (count - 1) / 2, "messages were lost, or came twice");
}

static void dismiss(struct bench_party *all, long n)
{
	for (long i = 0; i < n; i++) {
		free(all[i].messages);
		free(all[i].received);
	}
	free(all);
}

/* --- the CPU time of the process --- */

static int64_t nanoseconds(struct timeval time)
{
	return time.tv_sec * SECOND + time.tv_usec * MICROSECOND;
}

static int64_t cpu_time(void)
{
	struct rusage usage;

	check(getrusage(RUSAGE_SELF, &usage), "getrusage");
	return nanoseconds(usage.ru_utime) + nanoseconds(usage.ru_stime);
}

/* --- one way: senders and receivers --- */

static void report_cpu(struct bench *bench, int64_t cpu, long done)
{
	bench->n_values = 0; /* only the last run counts */
	bench_value(bench, "cpu", (double)cpu / (double)done);
}

void bench_traffic(struct bench *bench, const struct bench_crew *crew, void *buffer,
		   void *(*send)(void *), void *(*receive)(void *))
{
	long n = bench->threads;
	struct bench_party *senders = gather(bench, crew, n, buffer, buffer);
	struct bench_party *receivers = gather(bench, crew, n, buffer, buffer);
	long done = n * senders->n;
	int64_t cpu = cpu_time();

	bench_start(bench);
	spawn_all(senders, n, crew, send);
	spawn_all(receivers, n, crew, receive);
	join_all(senders, n, crew);
	join_all(receivers, n, crew);
	bench_stop(bench, done);
	report_cpu(bench, cpu_time() - cpu, done);
	verify(receivers, n);
	dismiss(senders, n);
	dismiss(receivers, n);
}

void bench_exchange(struct bench *bench, const struct bench_crew *crew, void *buffer,
		    void *(*exchange)(void *))
{
	long n = bench->threads;
	struct bench_party *all = gather(bench, crew, n, buffer, buffer);
	long done = n * all->n;
	int64_t cpu = cpu_time();

	bench_start(bench);
	spawn_all(all, n, crew, exchange);
	join_all(all, n, crew);
	bench_stop(bench, done);
	report_cpu(bench, cpu_time() - cpu, done);
	verify(all, n);
	dismiss(all, n);
}

/* --- there and back --- */

void bench_round_trip(struct bench *bench, const struct bench_crew *crew, void *there, void *back,
		      void *(*go)(void *), void *(*come)(void *))
{
	struct bench_party *here = gather(bench, crew, 1, there, back);
	struct bench_party *yonder = gather(bench, crew, 1, back, there);

	bench_start(bench);
	spawn_all(here, 1, crew, go);
	spawn_all(yonder, 1, crew, come);
	join_all(here, 1, crew);
	join_all(yonder, 1, crew);
	bench_stop(bench, here->n);
	verify(here, 1);
	verify(yonder, 1);
	dismiss(here, 1);
	dismiss(yonder, 1);
}

/* --- kernel threads --- */

static void *spawn(void *(*entry)(void *), void *argument)
{
	pthread_attr_t attributes;
	pthread_t thread;

	check(pthread_attr_init(&attributes), "attributes");
	check(pthread_attr_setstacksize(&attributes, STACK_SIZE), "stack size");
	check(pthread_create(&thread, &attributes, entry, argument), "pthread_create");
	pthread_attr_destroy(&attributes);
	return (void *)thread;
}

/* A new thread inherits the CPUs of the one that creates it. */
static void *spawn_pinned(void *(*entry)(void *), void *argument)
{
	static unsigned next;

	bench_pin(next++);
	return spawn(entry, argument);
}

static void join(void *thread)
{
	check(pthread_join((pthread_t)thread, NULL), "pthread_join");
}

static void yield(void)
{
	sched_yield();
}

const struct bench_crew bench_joined_threads = {.spawn = spawn, .join = join, .yield = yield};
const struct bench_crew bench_pinned_threads = {
	.spawn = spawn_pinned, .join = join, .yield = yield};
