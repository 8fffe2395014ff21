/*
 * A server beside processors that all compute: it must not give itself away to
 * threads that were put off elsewhere, nor take along what was left to it when
 * it goes home; and handlers of fork, which are the program's, are not
 * interrupted while the library waits for them.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <sys/wait.h>
#include <unistd.h>

#include "ticks.h"

#define SPINNERS 6

struct crowd {
	_Atomic bool stop;
	struct vcore_thread *threads[SPINNERS];
};

/* More than processors; once put off, none of them can begin on a server. */
static void crowd_start(struct crowd *crowd, const struct ticks *ticks)
{
	atomic_store(&crowd->stop, false);
	for (int i = 0; i < SPINNERS; i++) {
		crowd->threads[i] = stress_spawn(ticks->runtime, ticks_spin, &crowd->stop);
	}
	for (int i = 0; i < SPINNERS; i++) {
		ticks_until(ticks_info(ticks, crowd->threads[i]).switches > 0);
	}
}

static void crowd_end(struct crowd *crowd)
{
	atomic_store(&crowd->stop, true);
	for (int i = 0; i < SPINNERS; i++) {
		stress_join(crowd->threads[i]);
	}
}

/* What the server finds to steal are mostly threads that were put off. */
static void serve_beside(const struct ticks *ticks)
{
	struct crowd crowd;

	crowd_start(&crowd, ticks);
	for (size_t i = stress_size(20, 3); i > 0; i--) {
		CHECK_IS(vcore_runtime_serve(ticks->runtime, vcore_after(200 * MICROSECOND)), 0);
	}
	crowd_end(&crowd);
}

/* A thread allocated at about the instant at which the server goes home. */
struct sender {
	const struct ticks *ticks;
	_Atomic int64_t at; /* 0: not yet; -1: never again */
	_Atomic size_t ran;
};

static void *count_one(void *ran)
{
	atomic_fetch_add((_Atomic size_t *)ran, 1);
	return NULL;
}

static void *send_at(void *argument)
{
	struct sender *self = argument;
	int64_t at;

	while ((at = atomic_load(&self->at)) >= 0) {
		if (at > 0 && vcore_now() >= at) {
			struct vcore_thread_options options = {.runtime = self->ticks->runtime};

			atomic_store(&self->at, 0);
			CHECK_IS(vcore_thread_allocate(NULL, &options, count_one, &self->ran), 0);
		}
	}
	return NULL;
}

static void send_while_leaving(const struct ticks *ticks)
{
	struct sender sender = {.ticks = ticks};
	size_t rounds = stress_size(30, 3);
	struct crowd crowd;
	pthread_t pthread;

	crowd_start(&crowd, ticks);
	if (pthread_create(&pthread, NULL, send_at, &sender) != 0) {
		abort();
	}
	for (size_t i = 0; i < rounds; i++) {
		vcore_instant deadline = vcore_after(60 * MICROSECOND);

		atomic_store(&sender.at, deadline + (int64_t)(i * 37 % 4000) - 500);
		CHECK_IS(vcore_runtime_serve(ticks->runtime, deadline), 0);
		ticks_until(atomic_load(&sender.ran) > i);
	}
	atomic_store(&sender.at, -1);
	pthread_join(pthread, NULL);
	crowd_end(&crowd);
}

/* --- fork ----------------------------------------------------------------------- */

/* Registered before the library's own: so it runs after that one. */
static void prepare(void)
{
	compute(1, 5000000);
}

static void *fork_once(void *unused)
{
	pid_t child = fork();

	if (child == 0) {
		_exit(0);
	}
	CHECK_IS(waitpid(child, NULL, 0), child);
	return unused;
}

/* Takes the lock that the library holds across fork. */
static void *create_slots(void *stop)
{
	while (!atomic_load((_Atomic bool *)stop)) {
		struct vcore_slot slot;

		CHECK_IS(vcore_slot_create(&slot, NULL), 0);
		CHECK_IS(vcore_slot_delete(slot), 0);
	}
	return NULL;
}

static void fork_slowly(const struct ticks *ticks)
{
	_Atomic bool stop = false;
	struct vcore_thread *other = stress_spawn(ticks->runtime, create_slots, &stop);

	stress_join(stress_spawn(ticks->runtime, fork_once, NULL));
	atomic_store(&stop, true);
	stress_join(other);
}

static void serve(const struct ticks *ticks)
{
	ticks_try(ticks, "a server beside threads that were put off", serve_beside);
	ticks_try(ticks, "a thread for a server that leaves", send_while_leaving);
	if (TSAN) {
		tap_skip("fork with a slow handler", "TSan's own handlers wait");
	} else {
		ticks_try(ticks, "fork with a slow handler", fork_slowly);
	}
}

int main(int argc, char **argv)
{
	if (pthread_atfork(prepare, NULL, NULL) != 0) {
		abort();
	}
	return ticks_main(argc, argv, serve);
}
