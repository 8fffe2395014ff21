/*
 * Threads share a hash table that needs no lock: liburcu's, which grows and
 * shrinks while it is used.
 *
 * Some put numbers into it and take every second one out again; others look
 * numbers up all the while.  What is taken out is freed when no look-up can be at
 * it any more.
 *
 * Shows: read sections around another library's lock-free structure; deferring
 * what frees a node, and the barrier that waits for it.
 * Prints: how many numbers are left, that each was found with its square, and how
 * many nodes were freed.
 *
 * (ThreadSanitizer does not see into liburcu's table, and reports races in it.)
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <urcu/rculfhash.h>
#include <urcu/urcu-qsbr.h> /* the readers' flavour */
#include <vcore/vcore.h>

#include "check.h"

enum { WRITERS = 4, READERS = 4, EACH = 1000, NUMBERS = WRITERS * EACH };

struct square {
	struct cds_lfht_node node;
	struct vcore_rcu_head rcu;
	unsigned long number, square;
};

static struct cds_lfht *table;
static int freed; /* only deferred calls touch it, one after the other */
static bool done;

static struct square *square_of(struct cds_lfht_node *node)
{
	return (struct square *)(void *)((char *)node - offsetof(struct square, node));
}

/* Neighbours are to lie far apart. */
static unsigned long hash(unsigned long number)
{
	return number * 0x9e3779b97f4a7c15;
}

static int matches(struct cds_lfht_node *node, const void *number)
{
	return square_of(node)->number == *(const unsigned long *)number;
}

/* In a read section: the node stays as long as that lasts. */
static struct cds_lfht_node *look_up(unsigned long number)
{
	struct cds_lfht_iter iterator;

	cds_lfht_lookup(table, hash(number), matches, &number, &iterator);
	return cds_lfht_iter_get_node(&iterator);
}

enum sight { NOTHING, RIGHT, WRONG };

static enum sight look_at(unsigned long number)
{
	struct cds_lfht_node *node;
	enum sight sight = NOTHING;

	vcore_rcu_read_lock();
	node = look_up(number);
	if (node != NULL) {
		sight = square_of(node)->square == number * number ? RIGHT : WRONG;
	}
	vcore_rcu_read_unlock();
	return sight;
}

static void put(unsigned long number)
{
	struct square *new = malloc(sizeof *new);

	if (new == NULL) {
		err(EXIT_FAILURE, "malloc");
	}
	new->number = number;
	new->square = number *number;
	cds_lfht_node_init(&new->node);
	vcore_rcu_read_lock();
	cds_lfht_add(table, hash(number), &new->node);
	vcore_rcu_read_unlock();
}

static void free_square(struct vcore_rcu_head *head)
{
	free((char *)head - offsetof(struct square, rcu));
	freed++;
}

static void take_out(unsigned long number)
{
	struct cds_lfht_node *node;
	bool mine;

	vcore_rcu_read_lock();
	node = look_up(number);
	mine = node != NULL && cds_lfht_del(table, node) == 0;
	vcore_rcu_read_unlock();
	if (mine) {
		check(vcore_rcu_defer(&square_of(node)->rcu, free_square), "vcore_rcu_defer");
	}
}

/* The even numbers of its own stay, and are found from then on. */
static void *write_some(void *first)
{
	unsigned long from = *(unsigned long *)first;

	for (unsigned long number = from; number < from + EACH; number++) {
		put(number);
		if (number % 2 == 1) {
			take_out(number);
		}
	}
	return NULL;
}

/* What is found is right, for it has not been freed. */
static void *read_all(void *unused)
{
	while (!__atomic_load_n(&done, __ATOMIC_RELAXED)) {
		for (unsigned long number = 0; number < NUMBERS; number++) {
			if (look_at(number) == WRONG) {
				errx(EXIT_FAILURE, "%lu has another square", number);
			}
		}
		vcore_yield();
	}
	return unused;
}

static struct vcore_thread *start(void *(*entry)(void *), void *argument)
{
	struct vcore_thread *thread;

	check(vcore_thread_allocate(&thread, NULL, entry, argument), "vcore_thread_allocate");
	return thread;
}

static void join(struct vcore_thread *thread)
{
	check(vcore_thread_join(thread, NULL, VCORE_NEVER), "vcore_thread_join");
}

static void print_what_is_left(void)
{
	int left = 0;

	for (unsigned long number = 0; number < NUMBERS; number++) {
		left += look_at(number) == RIGHT;
	}
	check(vcore_rcu_barrier(VCORE_NEVER), "vcore_rcu_barrier");
	printf("%d of %d numbers are left, with their squares; %d were freed\n", left, NUMBERS,
	       freed);
}

static void *share(void *unused)
{
	struct vcore_thread *readers[READERS], *writers[WRITERS];
	unsigned long first[WRITERS];

	for (int i = 0; i < READERS; i++) {
		readers[i] = start(read_all, NULL);
	}
	for (int i = 0; i < WRITERS; i++) {
		first[i] = (unsigned long)i * EACH;
		writers[i] = start(write_some, &first[i]);
	}
	for (int i = 0; i < WRITERS; i++) {
		join(writers[i]);
	}
	__atomic_store_n(&done, true, __ATOMIC_RELAXED);
	for (int i = 0; i < READERS; i++) {
		join(readers[i]);
	}
	print_what_is_left();
	return unused;
}

/* Nobody else is there any more. */
static void empty_table(void)
{
	struct cds_lfht_iter iterator;
	struct cds_lfht_node *node;

	check(vcore_rcu_register(), "vcore_rcu_register");
	vcore_rcu_read_lock();
	cds_lfht_for_each(table, &iterator, node)
	{
		cds_lfht_del(table, node);
		check(vcore_rcu_defer(&square_of(node)->rcu, free_square), "vcore_rcu_defer");
	}
	vcore_rcu_read_unlock();
	check(vcore_rcu_barrier(VCORE_NEVER), "vcore_rcu_barrier");
	printf("%d in the end\n", freed);
}

int main(void)
{
	table = cds_lfht_new_flavor(1, 1, 0, CDS_LFHT_AUTO_RESIZE, &urcu_qsbr_flavor, NULL);
	if (table == NULL) {
		err(EXIT_FAILURE, "cds_lfht_new_flavor");
	}
	check(vcore_run(NULL, share, NULL, NULL), "vcore_run");
	empty_table();
	return cds_lfht_destroy(table, NULL) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
