/*
 * The subject futex: kernel threads that hand a token round by bare futexes,
 * the least that waiting in the kernel can cost.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "bench.h"

#include <linux/futex.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#define STACK_SIZE (64 * 1024)

/* A seat in the ring: 1 when its thread has the token. */
struct seat {
	uint32_t token __attribute__((aligned(128)));
	struct seat *next;
	long rounds;
	unsigned cpu;
	pthread_t thread;
};

static void await_token(struct seat *seat)
{
	while (__atomic_exchange_n(&seat->token, 0, __ATOMIC_ACQUIRE) == 0) {
		syscall(SYS_futex, &seat->token, FUTEX_WAIT_PRIVATE, 0, NULL);
	}
}

static void pass_token(struct seat *to)
{
	__atomic_store_n(&to->token, 1, __ATOMIC_RELEASE);
	syscall(SYS_futex, &to->token, FUTEX_WAKE_PRIVATE, 1);
}

static void *sit(void *argument)
{
	struct seat *seat = argument;

	bench_pin(seat->cpu);
	for (long i = 0; i < seat->rounds; i++) {
		await_token(seat);
		pass_token(seat->next);
	}
	return NULL;
}

/* A ring in which the caller has the first seat and threads the others. */
static struct seat *open_ring(long seats, long rounds)
{
	struct seat *ring = aligned_alloc(128, (size_t)seats * sizeof(*ring));
	pthread_attr_t attributes;

	bench_check(pthread_attr_init(&attributes) == 0, "attributes");
	bench_check(pthread_attr_setstacksize(&attributes, STACK_SIZE) == 0, "stack size");
	for (long i = 0; i < seats; i++) {
		ring[i] = (struct seat){
			.next = &ring[(i + 1) % seats],
			.rounds = rounds,
			.cpu = (unsigned)i,
		};
	}
	for (long i = 1; i < seats; i++) {
		bench_check(pthread_create(&ring[i].thread, &attributes, sit, &ring[i]) == 0,
			    "pthread_create");
	}
	bench_pin(0);
	return ring;
}

static void close_ring(struct seat *ring, long seats)
{
	for (long i = 1; i < seats; i++) {
		bench_check(pthread_join(ring[i].thread, NULL) == 0, "pthread_join");
	}
	free(ring);
}

static void go_round(struct seat *mine)
{
	pass_token(mine->next);
	await_token(mine);
}

static void run_switch(struct bench *bench)
{
	long rounds = bench->n / bench->threads + 2;
	struct seat *ring = open_ring(bench->threads, rounds);

	go_round(ring); /* until all have come */
	bench_start(bench);
	for (long i = 1; i < rounds; i++) {
		go_round(ring);
	}
	bench_stop(bench, (rounds - 1) * bench->threads);
	close_ring(ring, bench->threads);
}

static void run_ping_pong(struct bench *bench)
{
	struct seat *ring = open_ring(2, bench->n + 1);

	go_round(ring);
	bench_start(bench);
	for (long i = 0; i < bench->n; i++) {
		go_round(ring);
		bench_lap(bench);
	}
	bench_stop(bench, bench->n);
	close_ring(ring, 2);
}

static const struct bench_workload workloads[] = {
	{"switch", run_switch},
	{"ping-pong", run_ping_pong},
	{NULL, NULL},
};

int main(int argc, char **argv)
{
	return bench_main(workloads, argc, argv);
}
