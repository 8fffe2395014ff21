/*
 * What threads that are preempted do in C++, for programs in C: exceptions.cpp.
 * Each function says whether all was as it should be; it computes for so many
 * steps wherever a tick would be awkward.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef TESTS_STRESS_EXCEPTIONS_H
#define TESTS_STRESS_EXCEPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

bool exceptions_rethrow(unsigned number, uint64_t steps);
bool exceptions_nest(unsigned number, uint64_t steps);
bool exceptions_keep(unsigned number, uint64_t steps);
bool exceptions_lock(unsigned number, uint64_t steps);
bool exceptions_contain(unsigned number, uint64_t steps);

/* Static variables with long initialisers, each initialised by its first user. */
#define EXCEPTIONS_STATICS 36 /* nine settings of four */

/* The value of a static; and how often it was initialised. */
uint64_t exceptions_static(unsigned which);
unsigned exceptions_static_initialised(unsigned which);

#ifdef __cplusplus
}
#endif
#endif /* TESTS_STRESS_EXCEPTIONS_H */
