/*
 * What sequencers and eventcounts are for, with vcore threads and plain
 * pthreads mixed.
 *
 *	exclusion	a ticket and await(ticket - 1) admit one at a time, in
 *			the order of tickets; a plain counter stays exact.
 *	buffer		a bounded buffer of several senders and receivers
 *			loses, doubles and reorders nothing.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "stress.h"

#define CREW 8

struct section {
	struct vcore_sequencer tickets;
	struct vcore_eventcount served;
	size_t entries;        /* each member of the crew enters so often */
	int64_t inside, total; /* plain: guarded by the turns */
};

struct visitor {
	struct section *section;
	uint64_t random;
};

static void *visit(void *argument)
{
	struct visitor *self = argument;
	struct section *section = self->section;

	for (size_t i = 0; i < section->entries; i++) {
		int64_t ticket = vcore_sequencer_ticket(&section->tickets);

		CHECK_IS(vcore_eventcount_await(&section->served, ticket - 1, VCORE_NEVER), 0);
		CHECK_IS(section->inside++, 0);
		if (stress_below(&self->random, 16) == 0) {
			vcore_yield();
		}
		CHECK_IS(section->total++, ticket);
		section->inside--;
		CHECK_IS(vcore_eventcount_advance(&section->served), ticket + 1);
	}
	return NULL;
}

static void exclusion(struct vcore_runtime *runtime, uint64_t *random)
{
	struct stress_crew crew = {.vcore = CREW - 2, .plain = 2};
	struct section section = {.entries = stress_size(1200, 20)};
	struct visitor visitors[CREW];

	for (int i = 0; i < CREW; i++) {
		visitors[i] = (struct visitor){&section, stress_random(random)};
	}
	stress_crew_start(&crew, runtime, visit, visitors, sizeof(visitors[0]));
	stress_crew_join(&crew);
	CHECK_IS(section.total, (intmax_t)(CREW * section.entries));
	CHECK_IS(vcore_sequencer_read(&section.tickets), section.total);
}

/* Reed & Kanodia's buffer; who sends and receives takes turns by tickets. */
struct buffer {
	struct vcore_sequencer send, receive;
	struct vcore_eventcount in, out;
	int64_t capacity;
	uint64_t *cells;
};

struct trader {
	struct buffer *buffer;
	uint64_t *received; /* messages in the order of the receivers' tickets */
	uint64_t number, messages;
	bool sends;
};

static void send(struct buffer *buffer, uint64_t message)
{
	int64_t i = vcore_sequencer_ticket(&buffer->send);

	vcore_eventcount_await(&buffer->in, i - 1, VCORE_NEVER);
	vcore_eventcount_await(&buffer->out, i - buffer->capacity, VCORE_NEVER);
	buffer->cells[i % buffer->capacity] = message;
	vcore_eventcount_advance(&buffer->in);
}

/* Returns the place of the message in the order of all. */
static int64_t receive(struct buffer *buffer, uint64_t *message)
{
	int64_t i = vcore_sequencer_ticket(&buffer->receive);

	vcore_eventcount_await(&buffer->out, i - 1, VCORE_NEVER);
	vcore_eventcount_await(&buffer->in, i, VCORE_NEVER);
	*message = buffer->cells[i % buffer->capacity];
	vcore_eventcount_advance(&buffer->out);
	return i;
}

static void *trade(void *argument)
{
	struct trader *self = argument;

	for (uint64_t i = 0; i < self->messages; i++) {
		uint64_t message;

		if (self->sends) {
			send(self->buffer, self->number << 32 | i);
		} else {
			int64_t place = receive(self->buffer, &message);

			self->received[place] = message;
		}
	}
	return NULL;
}

/* Of each sender every message arrived once, in the order it was sent. */
static void check_received(const uint64_t *received, uint64_t total, uint64_t each)
{
	uint64_t next[CREW] = {0};

	for (uint64_t i = 0; i < total; i++) {
		uint64_t sender = received[i] >> 32;

		if (CHECK(sender < CREW)) {
			CHECK_IS((intmax_t)(received[i] & UINT32_MAX), (intmax_t)next[sender]++);
		}
	}
	for (int i = 0; i < CREW; i += 2) {
		CHECK_IS((intmax_t)next[i], (intmax_t)each);
	}
}

static void buffer(struct vcore_runtime *runtime, int64_t capacity)
{
	struct stress_crew crew = {.vcore = CREW - 2, .plain = 2};
	struct buffer buffer = {.capacity = capacity};
	uint64_t each = stress_size(600, 20), total = each * CREW / 2;
	uint64_t *received = calloc(total, sizeof(received[0]));
	struct trader traders[CREW];

	buffer.cells = calloc((size_t)capacity, sizeof(buffer.cells[0]));
	for (unsigned i = 0; i < CREW; i++) {
		traders[i] = (struct trader){&buffer, received, i, each, i % 2 == 0};
	}
	stress_crew_start(&crew, runtime, trade, traders, sizeof(traders[0]));
	stress_crew_join(&crew);
	check_received(received, total, each);
	free(buffer.cells);
	free(received);
}

static void sequencer(unsigned processors)
{
	static const int64_t capacities[] = {1, 3, 16};
	uint64_t random = stress_seed + processors;
	struct vcore_runtime *runtime = stress_open(processors);

	exclusion(runtime, &random);
	for (size_t i = 0; i < 3; i++) {
		buffer(runtime, capacities[i]);
	}
	stress_close(runtime);
}

int main(int argc, char **argv)
{
	return stress_main(argc, argv, "sequencers and eventcounts", sequencer);
}
