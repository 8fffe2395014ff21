/*
 * What the tests of preemption share; see ticking.h.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "ticking.h"

const struct vcore_runtime_options ticking = {.processors = 1, .quantum = MILLISECOND};

void occupy_for(uint64_t steps)
{
	for (; steps > 0; steps--) {
		__asm__ volatile("" : "+r"(steps));
	}
}

enum { TURNS = 6 };

static atomic_int turns;

static void *take_turns(void *first)
{
	for (int i = *(int *)first; i < TURNS; i += 2) {
		while (atomic_load(&turns) != i) {
			occupy_for(100);
		}
		atomic_fetch_add(&turns, 1);
	}
	return NULL;
}

void let_two_take_turns(unsigned flags)
{
	static int first[] = {0, 1};
	struct vcore_thread_options options = {.flags = flags};
	struct vcore_thread *threads[2];

	atomic_store(&turns, 0);
	for (int i = 0; i < 2; i++) {
		threads[i] = spawn_with(options, take_turns, &first[i]);
	}
	finish(threads[0]);
	finish(threads[1]);
	check(turns == TURNS);
}

struct vcore_thread_info info_of(struct vcore_thread *thread)
{
	struct vcore_thread_info info;

	check(look_at(vcore_thread_id(thread), &info));
	return info;
}

struct vcore_statistics statistics_now(void)
{
	struct vcore_statistics statistics = {.size = sizeof(statistics)};

	check(vcore_inspect_runtime(runtime, &statistics) == 0);
	return statistics;
}
