/*
 * Counters and the merger: from pieces to one table of words.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <stdlib.h>

#include "memory.h"
#include "tour.h"

void *tour_count(void *argument)
{
	struct tour *tour = argument;
	struct words *table = allocate(sizeof(*table));
	struct piece *piece;

	while ((piece = buffer_receive(&tour->full)) != NULL) {
		words_count(table, piece->text, piece->length);
		vcore_eventcount_advance_by(&tour->bytes_counted, (int64_t)piece->length);
		buffer_send(&tour->empty, piece);
		if (table->distinct > TABLE_WORDS) {
			buffer_send(&tour->tables, table);
			table = allocate(sizeof(*table));
		}
	}
	buffer_send(&tour->tables, table);
	return NULL;
}

void *tour_merge(void *argument)
{
	struct tour *tour = argument;
	struct words *table;

	while ((table = buffer_receive(&tour->tables)) != NULL) {
		words_merge(&tour->words, table);
		free(table);
	}
	return NULL;
}
