/*
 * Several senders and a receiver share the bounded buffer that is made from
 * eventcounts, where each sender has a TICKET.
 *
 * Letters come through three doors.  Whoever brings one draws a ticket, and that
 * is the place of the letter in the row: no two get the same, nobody locks
 * anything, and the buffer's cells are filled in the order of the tickets.
 *
 * Shows: TICKET, AWAIT, ADVANCE (buffer.c); a thread that ends is known by an
 *	eventcount.
 * Prints: how many letters came through each door, that those of one door came
 *	in order, and that all doors are closed.
 *
 * Source: Saltzer & Kaashoek, 5.6.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <inttypes.h>
#include <stdio.h>
#include <vcore/textbook.h>

#include "../check.h"
#include "buffer.h"

enum { CELLS = 5, DOORS = 3, LETTERS = 500 /* through each door */ };

struct letter {
	int door, number;
};

static struct buffer row;
static struct vcore_eventcount closed;

static void *bring(void *argument)
{
	struct letter *letters = argument;

	for (int i = 0; i < LETTERS; i++) {
		buffer_send(&row, &letters[i]);
	}
	ADVANCE(&closed);
	EXIT_THREAD();
}

static void receive_all(void)
{
	int next[DOORS] = {0};
	int late = 0;

	for (int i = 0; i < DOORS * LETTERS; i++) {
		struct letter *letter = buffer_receive(&row);

		late += letter->number != next[letter->door];
		next[letter->door]++;
	}
	for (int door = 0; door < DOORS; door++) {
		printf("door %d: %d letters\n", door, next[door]);
	}
	printf("%d out of order\n", late);
}

static void *start(void *unused)
{
	static struct letter letters[DOORS][LETTERS];

	buffer_allocate(&row, CELLS);
	for (int door = 0; door < DOORS; door++) {
		for (int i = 0; i < LETTERS; i++) {
			letters[door][i] = (struct letter){door, i};
		}
		ALLOCATE_THREAD(bring, letters[door]);
	}
	receive_all();
	AWAIT(&closed, DOORS - 1);
	printf("%" PRId64 " doors are closed\n", vcore_eventcount_read(&closed));
	buffer_deallocate(&row);
	return unused;
}

int main(void)
{
	check(vcore_run(NULL, start, NULL, NULL), "vcore_run");
	return 0;
}
