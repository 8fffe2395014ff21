/*
 * Runtimes with threads that are preempted, let go and destroyed, opened and
 * closed again and again, leave kernel threads, timers, mappings and
 * descriptors as they were.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "process.h"
#include "ticks.h"
#include <malloc.h>

#define THREADS    8
#define TIMES      200
#define WARM_UPS   20
#define SLACK_MAPS 8 /* neighbours merge or do not */

static void *run_away(void *unused)
{
	for (;;) {
		compute(1, 1000);
	}
	return unused;
}

static void *block_often(void *unused)
{
	for (;;) {
		nanosleep(&(struct timespec){.tv_nsec = 50 * MICROSECOND}, NULL);
		compute(1, 50000);
	}
	return unused;
}

static void open_and_close(int setting)
{
	struct ticks ticks = ticks_open(ticks_setting(setting));
	struct vcore_thread_options options = {.flags = VCORE_THREAD_DESTROY_ANYWHERE};

	for (int i = 0; ticks.off == NULL && i < THREADS; i++) {
		options.runtime = ticks.runtime;
		CHECK_IS(vcore_thread_allocate(NULL, &options, i % 4 == 0 ? block_often : run_away,
					       NULL),
			 0);
	}
	ticks_until(ticks.off != NULL || ticks_switches(&ticks) > 2);
	CHECK_IS(vcore_runtime_stop(ticks.runtime), 0);
	stress_close(ticks.runtime);
}

/* Those of timer_create; -1 if the kernel does not list them. */
static long process_timers(void)
{
	FILE *timers = fopen("/proc/self/timers", "re");
	char line[256];
	long n = 0;

	if (timers == NULL) {
		return -1;
	}
	while (fgets(line, sizeof(line), timers) != NULL) {
		n += strncmp(line, "ID:", 3) == 0;
	}
	fclose(timers);
	return n;
}

static void check_flat(int setting)
{
	struct vcore_runtime_options options = ticks_setting(setting);
	long kernel_threads, timers, mappings, descriptors;

	for (int i = 0; i < WARM_UPS; i++) {
		open_and_close(setting);
	}
	kernel_threads = process_kernel_threads_settled();
	timers = process_timers();
	mappings = process_mappings();
	descriptors = process_descriptors();
	for (size_t i = stress_size(TIMES / TICKS_SETTINGS, 3); i > 0; i--) {
		open_and_close(setting);
	}
	CHECK(process_kernel_threads_become(kernel_threads));
	CHECK_IS(process_timers(), timers);
	CHECK_IS(process_descriptors(), descriptors);
#if STRESS_DIVISOR == 1 /* sanitizers keep mappings of their own */
	CHECK(process_mappings() <= mappings + SLACK_MAPS);
#endif
	tap_case("flat, %jd us on %u: %ld timers, %ld mappings more",
		 (intmax_t)(options.quantum / MICROSECOND), options.processors, timers,
		 process_mappings() - mappings);
}

int main(int argc, char **argv)
{
	mallopt(M_ARENA_MAX, 1); /* their number depends on who contends */
	stress_begin(argc, argv);
	for (int i = ticks_first_setting(); i < TICKS_SETTINGS; i++) {
		check_flat(i);
	}
	return tap_done();
}
