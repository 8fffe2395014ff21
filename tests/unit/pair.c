/*
 * Two words that are compared and swapped together: what src/arch/pair.h promises,
 * of the processor's own way, and of the one with a lock, which takes its place
 * where there is none.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <criterion/criterion.h>
#include <pthread.h>

#include "arch/arch.h"

TestSuite(pair, .timeout = 100);

typedef bool swap(struct vci_pair *pair, struct vci_pair expected, struct vci_pair desired);

static swap *const ways[] = {vci_pair_compare_exchange, vci_pair_compare_exchange_locked};

enum { WAYS = 2 };

static bool is(struct vci_pair pair, uint64_t low, uint64_t high)
{
	return pair.low == low && pair.high == high;
}

Test(pair, both_words_are_swapped_if_both_are_as_expected)
{
	for (int i = 0; i < WAYS; i++) {
		struct vci_pair pair = {1, UINT64_MAX};

		cr_assert(ways[i](&pair, (struct vci_pair){1, UINT64_MAX},
				  (struct vci_pair){UINT64_MAX, 2}));
		cr_assert(is(pair, UINT64_MAX, 2));
	}
}

Test(pair, neither_is_if_one_is_not)
{
	for (int i = 0; i < WAYS; i++) {
		struct vci_pair pair = {1, 2};

		cr_assert(!ways[i](&pair, (struct vci_pair){1, 3}, (struct vci_pair){4, 5}));
		cr_assert(!ways[i](&pair, (struct vci_pair){3, 2}, (struct vci_pair){4, 5}));
		cr_assert(is(pair, 1, 2));
	}
}

/* --- several at a time ------------------------------------------------------------------ */

enum { THREADS = 4, ROUNDS = 100000 };

struct counter {
	struct vci_pair pair; /* of which one counts up, the other down */
	swap *way;
};

static void *count(void *argument)
{
	struct counter *counter = argument;

	for (int i = 0; i < ROUNDS;) {
		uint64_t high = __atomic_load_n(&counter->pair.high, __ATOMIC_RELAXED);
		uint64_t low = __atomic_load_n(&counter->pair.low, __ATOMIC_RELAXED);

		i += counter->way(&counter->pair, (struct vci_pair){low, high},
				  (struct vci_pair){low + 1, high - 1});
	}
	return NULL;
}

Test(pair, one_of_several_wins_each_time)
{
	for (int i = 0; i < WAYS; i++) {
		struct counter counter = {.way = ways[i]};
		pthread_t threads[THREADS];

		for (int j = 0; j < THREADS; j++) {
			cr_assert_eq(pthread_create(&threads[j], NULL, count, &counter), 0);
		}
		for (int j = 0; j < THREADS; j++) {
			pthread_join(threads[j], NULL);
		}
		cr_assert(is(counter.pair, THREADS * ROUNDS, -(uint64_t)(THREADS * ROUNDS)));
	}
}
