/*
 * C++ in threads that are preempted: each has its own exceptions, and a static
 * is initialised once, however long that takes.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "rounds_exceptions.h"

#define STATICS_AT_ONCE 4
#define USERS           8

static unsigned next_static;

static void *use_static(void *argument)
{
	unsigned which = *(unsigned *)argument;

	CHECK(exceptions_static(which) == compute(which + 1, 2000000));
	return NULL;
}

/* Some wait in the kernel while another, preempted, initialises. */
static void use_statics(const struct ticks *ticks)
{
	unsigned which[STATICS_AT_ONCE];
	struct vcore_thread *threads[STATICS_AT_ONCE][USERS];

	for (int i = 0; i < STATICS_AT_ONCE; i++) {
		which[i] = next_static++;
		for (int k = 0; k < USERS; k++) {
			threads[i][k] = stress_spawn(ticks->runtime, use_static, &which[i]);
		}
	}
	for (int i = 0; i < STATICS_AT_ONCE; i++) {
		for (int k = 0; k < USERS; k++) {
			stress_join(threads[i][k]);
		}
		CHECK_IS(exceptions_static_initialised(which[i]), 1);
	}
	ticks_case(ticks, "statics with long initialisers");
}

static void labour(const struct ticks *ticks)
{
	if (TSAN) {
		tap_skip("statics with long initialisers", "TSan waits inside itself for them");
	} else {
		use_statics(ticks);
	}
	for (size_t i = 0; i < EXCEPTIONS_LABOURS; i++) {
		ticks_labour(ticks, &exceptions_labours[i]);
	}
}

int main(int argc, char **argv)
{
	return ticks_main(argc, argv, labour);
}
