/*
 * The Test Anything Protocol, as the programs in tests/stress and tests/fault
 * print it: checks from any number of threads, gathered into cases.
 *
 *	CHECK(sum == expected);
 *	CHECK_IS(vcore_thread_join(thread, NULL, VCORE_NEVER), 0);
 *	tap_case("sums on %u processors", processors);
 *	return tap_done();
 *
 * A failed check says where it was at once; the case that ends next is "not
 * ok".  Checks may be made by any thread, cases are ended by main alone.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef TESTS_STRESS_TAP_H
#define TESTS_STRESS_TAP_H

#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* A broken loop fails a million times: so many reports a case are enough. */
#define TAP_REPORTS 10

static _Atomic unsigned tap_failures; /* failed checks since the last case */
static unsigned tap_cases, tap_bad_cases;

#define CHECK(condition) tap_check((condition), __FILE__, __LINE__, #condition)

/* The same for two whole numbers, whose values the report shows. */
#define CHECK_IS(actual, expected) tap_check_is((actual), (expected), __FILE__, __LINE__, #actual)

static inline bool tap_check(bool good, const char *file, int line, const char *text)
{
	if (!good && atomic_fetch_add(&tap_failures, 1) < TAP_REPORTS) {
		printf("# %s:%d: failed: %s\n", file, line, text);
	}
	return good;
}

static inline bool tap_check_is(intmax_t actual, intmax_t expected, const char *file, int line,
				const char *text)
{
	if (actual != expected && atomic_fetch_add(&tap_failures, 1) < TAP_REPORTS) {
		printf("# %s:%d: %s is %jd, not %jd\n", file, line, text, actual, expected);
	}
	return actual == expected;
}

/* Says something that decides nothing. */
__attribute__((format(printf, 1, 2))) static inline void tap_say(const char *format, ...)
{
	char line[256];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(line, sizeof(line), format, arguments);
	va_end(arguments);
	printf("# %s\n", line);
}

/* Ends a case: it is ok if no check failed since the last one ended. */
__attribute__((format(printf, 1, 2))) static inline void tap_case(const char *format, ...)
{
	char name[256];
	va_list arguments;
	bool good = atomic_exchange(&tap_failures, 0) == 0;

	va_start(arguments, format);
	vsnprintf(name, sizeof(name), format, arguments);
	va_end(arguments);
	tap_bad_cases += !good;
	printf("%s %u - %s\n", good ? "ok" : "not ok", ++tap_cases, name);
}

/* Ends a case that could not be tried here. */
static inline void tap_skip(const char *name, const char *reason)
{
	printf("ok %u - %s # SKIP %s\n", ++tap_cases, name, reason);
}

/* Ends a program of which nothing can be tried here. */
static inline int tap_skip_all(const char *reason)
{
	printf("1..0 # SKIP %s\n", reason);
	return EXIT_SUCCESS;
}

/* Ends the program. */
static inline int tap_done(void)
{
	printf("1..%u\n", tap_cases);
	return tap_bad_cases == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

#endif /* TESTS_STRESS_TAP_H */
