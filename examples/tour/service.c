/*
 * The service: counters and the merger, from pieces to one table of words.
 *
 * A table's memory lies in the service's space, and so does its head while a counter
 * has it on its stack.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "tour.h"

void *service_count(void *argument)
{
	struct tour *tour = argument;
	struct words table = words_in(tour->service);
	struct piece piece;

	while (stream_receive(tour->full, &piece)) {
		struct client *client = piece.client;

		words_count(&table, window_there(&client->window, piece.number), piece.length);
		vcore_eventcount_advance_by(&tour->bytes_counted, (int64_t)piece.length);
		stream_send(client->empty, &piece);
		if (table.distinct > TABLE_WORDS) {
			stream_send(tour->tables, &table);
			table = words_in(tour->service);
		}
	}
	stream_send(tour->tables, &table);
	return NULL;
}

void *service_merge(void *argument)
{
	struct tour *tour = argument;
	struct words table;

	while (stream_receive(tour->tables, &table)) {
		words_merge(tour->words, &table);
		words_free(&table);
	}
	return NULL;
}
