/*
 * Labours of preempt_exceptions and preempt_storm: C++.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef TESTS_STRESS_ROUNDS_EXCEPTIONS_H
#define TESTS_STRESS_ROUNDS_EXCEPTIONS_H

#include "exceptions.h"
#include "ticks.h"

static uint64_t steps_of(struct worker *self)
{
	return stress_below(&self->random, 20000);
}

static void round_rethrow(struct worker *self)
{
	CHECK(exceptions_rethrow(self->number, steps_of(self)));
}

static void round_nest(struct worker *self)
{
	CHECK(exceptions_nest(self->number, steps_of(self)));
}

static void round_keep(struct worker *self)
{
	CHECK(exceptions_keep(self->number, steps_of(self)));
}

static void round_lock(struct worker *self)
{
	CHECK(exceptions_lock(self->number, steps_of(self)));
}

static void round_contain(struct worker *self)
{
	CHECK(exceptions_contain(self->number, steps_of(self)));
}

static const struct labour exceptions_labours[] = {
	{.name = "throw; throws one's own exception", .round = round_rethrow},
	{.name = "exceptions within exceptions", .round = round_nest},
	{.name = "exceptions kept and thrown again", .round = round_keep},
	{.name = "std::recursive_mutex", .round = round_lock},
	{.name = "std::string, std::vector and std::map", .round = round_contain},
};

#define EXCEPTIONS_LABOURS (sizeof(exceptions_labours) / sizeof(exceptions_labours[0]))

#endif /* TESTS_STRESS_ROUNDS_EXCEPTIONS_H */
