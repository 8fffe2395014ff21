/*
 * The subject libvcore: threads with default options, eventcounts, buffers, locks,
 * the stack, pools, spaces; of the rwlocks those that let readers in first, which are the
 * default.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "bench.h"
#include "preempt.h"
#include "store.h"
#include "vcore-buffers.h"
#include "vcore-locks.h"
#include "vcore-pool.h"
#include "vcore-spaces.h"
#include "vcore-stack.h"

#include <vcore/vcore.h>

#include <stdlib.h>

static void check(int error, const char *what)
{
	bench_check(error == 0, what);
}

static struct vcore_thread *spawn(void *(*entry)(void *), void *argument)
{
	struct vcore_thread *thread;

	check(vcore_thread_allocate(&thread, NULL, entry, argument), "allocate");
	return thread;
}

static void *join(struct vcore_thread *thread)
{
	struct vcore_exit exit;

	check(vcore_thread_join(thread, &exit, VCORE_NEVER), "join");
	return exit.result;
}

/* --- switch: threads that do nothing but yield --- */

static void *yield_often(void *argument)
{
	for (long i = *(long *)argument; i > 0; i--) {
		vcore_yield();
	}
	return NULL;
}

static void run_switch(struct bench *bench)
{
	struct vcore_thread **threads =
		calloc((size_t)bench->threads, sizeof(struct vcore_thread *));
	long each = bench->n / bench->threads + 1;

	for (long i = 0; i < bench->threads; i++) {
		threads[i] = spawn(yield_often, &each);
	}
	bench_start(bench);
	for (long i = 0; i < bench->threads; i++) {
		join(threads[i]);
	}
	bench_stop(bench, each * bench->threads);
	free(threads);
}

/* --- spawn: one at a time; spawn-many: all, then join all --- */

static void *nothing(void *argument)
{
	return argument;
}

static void run_spawn(struct bench *bench)
{
	bench_start(bench);
	for (long i = 0; i < bench->n; i++) {
		join(spawn(nothing, NULL));
	}
	bench_stop(bench, bench->n);
}

static void run_spawn_many(struct bench *bench)
{
	struct vcore_thread **threads = calloc((size_t)bench->n, sizeof(struct vcore_thread *));

	bench_start(bench);
	for (long i = 0; i < bench->n; i++) {
		threads[i] = spawn(nothing, NULL);
	}
	for (long i = 0; i < bench->n; i++) {
		join(threads[i]);
	}
	bench_stop(bench, bench->n);
	free(threads);
}

/* --- fib: a thread for every left call --- */

static void *fib(void *argument)
{
	intptr_t n = (intptr_t)argument;

	if (n < 2) {
		return (void *)n;
	}
	struct vcore_thread *left = spawn(fib, (void *)(n - 1));
	intptr_t right = (intptr_t)fib((void *)(n - 2));

	return (void *)(right + (intptr_t)join(left));
}

static intptr_t fib_loop(long n)
{
	intptr_t a = 0;
	intptr_t b = 1;

	for (long i = 0; i < n; i++) {
		intptr_t next = a + b;

		a = b;
		b = next;
	}
	return a;
}

static void run_fib(struct bench *bench)
{
	bench_start(bench);
	intptr_t result = (intptr_t)fib((void *)bench->n);
	bench_stop(bench, 1);
	bench_check(result == fib_loop(bench->n), "fib");
}

/* --- skynet: a tree of threads, ten to a node, whose leaves are summed --- */

#define FAN_OUT 10

struct node {
	long first, leaves;
};

static void *skynet(void *argument)
{
	const struct node *node = argument;
	struct node children[FAN_OUT];
	struct vcore_thread *threads[FAN_OUT];
	intptr_t sum = 0;

	if (node->leaves == 1) {
		return (void *)node->first;
	}
	for (int i = 0; i < FAN_OUT; i++) {
		children[i].leaves = node->leaves / FAN_OUT;
		children[i].first = node->first + i * children[i].leaves;
		threads[i] = spawn(skynet, &children[i]);
	}
	for (int i = 0; i < FAN_OUT; i++) {
		sum += (intptr_t)join(threads[i]);
	}
	return (void *)sum;
}

static void run_skynet(struct bench *bench)
{
	struct node root = {0, bench->n};

	bench_start(bench);
	intptr_t sum = (intptr_t)skynet(&root);
	bench_stop(bench, 1);
	bench_check(sum == bench->n * (bench->n - 1) / 2, "skynet");
}

/* --- ping-pong: two threads, two eventcounts --- */

struct table {
	struct bench *bench;
	struct vcore_eventcount ping __attribute__((aligned(128)));
	struct vcore_eventcount pong __attribute__((aligned(128)));
};

static void *play_ping(void *argument)
{
	struct table *table = argument;
	struct bench *bench = table->bench;

	bench_start(bench);
	for (long i = 0; i < bench->n; i++) {
		vcore_eventcount_advance(&table->ping);
		vcore_eventcount_await(&table->pong, i, VCORE_NEVER);
		bench_lap(bench);
	}
	bench_stop(bench, bench->n);
	return NULL;
}

static void *play_pong(void *argument)
{
	struct table *table = argument;

	for (long i = 0; i < table->bench->n; i++) {
		vcore_eventcount_await(&table->ping, i, VCORE_NEVER);
		vcore_eventcount_advance(&table->pong);
	}
	return NULL;
}

static void run_ping_pong(struct bench *bench)
{
	struct table table = {.bench = bench};
	struct vcore_thread_options options = {0};
	struct vcore_thread *pong;
	struct vcore_thread *ping;

	if (bench->processors > 1) {
		options.flags = VCORE_THREAD_PINNED;
	}
	check(vcore_thread_allocate(&pong, &options, play_pong, &table), "allocate");
	options.processor = bench->processors - 1;
	check(vcore_thread_allocate(&ping, &options, play_ping, &table), "allocate");
	join(ping);
	join(pong);
}

/* --- waiting: as many threads as asked for, all waiting for one event --- */

struct crowd {
	struct vcore_eventcount moved; /* one came to wait, or left */
	struct vcore_eventcount leave;
};

static void *come_and_go(void *argument)
{
	struct crowd *crowd = argument;

	vcore_eventcount_advance(&crowd->moved);
	vcore_eventcount_await(&crowd->leave, 0, VCORE_NEVER);
	vcore_eventcount_advance(&crowd->moved);
	return NULL;
}

static void run_waiting(struct bench *bench)
{
	struct crowd crowd = {0};
	double resident = bench_resident();

	bench_start(bench);
	for (long i = 0; i < bench->n; i++) {
		check(vcore_thread_allocate(NULL, NULL, come_and_go, &crowd), "allocate");
	}
	vcore_eventcount_await(&crowd.moved, bench->n - 1, VCORE_NEVER);
	bench_stop(bench, bench->n);
	bench_value(bench, "bytes", (bench_resident() - resident) / (double)bench->n);
	vcore_eventcount_advance(&crowd.leave);
	vcore_eventcount_await(&crowd.moved, 2 * bench->n - 1, VCORE_NEVER);
}

/* --- advance: nobody waits --- */

static void run_advance(struct bench *bench)
{
	static struct vcore_eventcount event;

	bench_start(bench);
	for (long i = 0; i < bench->n; i++) {
		vcore_eventcount_advance(&event);
	}
	bench_stop(bench, bench->n);
}

/* --- preemption --- */

static void *spawn_preemptible(struct bench *bench, bool urgent, void *(*entry)(void *),
			       void *argument)
{
	struct vcore_thread_options options = {
		.priority = urgent && bench->higher ? 1 : 0,
		.flags = bench->light ? VCORE_THREAD_LIGHT : 0,
	};
	struct vcore_thread *thread;

	check(vcore_thread_allocate(&thread, &options, entry, argument), "allocate");
	return thread;
}

static void join_preemptible(void *thread)
{
	join(thread);
}

static void sleep_until(int64_t instant)
{
	vcore_sleep(instant);
}

static const struct bench_threads preemptible = {spawn_preemptible, join_preemptible, sleep_until,
						 vcore_yield};

BENCH_PREEMPT_RUN(gap, preemptible)
BENCH_PREEMPT_RUN(lost, preemptible)
BENCH_PREEMPT_RUN(lost_in_libc, preemptible)
BENCH_PREEMPT_RUN(handover, preemptible)
BENCH_PREEMPT_RUN(late, preemptible)

const struct bench_crew *(*const pool_crew)(const struct bench *bench) = pinned_threads;

static const struct bench_workload workloads[] = {
	{"switch", run_switch},
	{"spawn", run_spawn},
	{"spawn-many", run_spawn_many},
	{"fib", run_fib},
	{"skynet", run_skynet},
	{"ping-pong", run_ping_pong},
	{"waiting", run_waiting},
	{"advance", run_advance},
	{"gap", run_gap},
	{"lost", run_lost},
	{"lost-in-libc", run_lost_in_libc},
	{"handover", run_handover},
	{"late", run_late},
	{"mutex", run_mutex},
	{"mutex-many", run_mutex},
	{"ticket", run_ticket},
	{"rwlock", run_readers_first},
	{"rcu", run_rcu},
	{"one-to-one", run_traffic},
	{"many-to-many", run_traffic},
	{"one-to-one-batches", run_batches},
	{"many-to-many-batches", run_batches},
	{"round-trip", run_round_trip},
	{"ring", run_exchange},
	{"ring-crowded", run_exchange},
	{"stack", run_stack},
	{"fault-end", run_fault_end},
	{"fault-protect", run_fault_protect},
	{"fault-map", run_fault_map},
	{"map", run_map},
	{"protect", run_protect},
	{"exclusive", run_exclusive},
	{"snapshot", run_snapshot},
	{"copy-in", run_copy_in},
	{"copy-out", run_copy_out},
	BENCH_STORE_WORKLOADS,
	{NULL, NULL},
};

int main(int argc, char **argv)
{
	return vcore_main(workloads, argc, argv);
}
