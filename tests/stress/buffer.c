/*
 * Storms through buffers: many senders and receivers, vcore's and pthreads at
 * either end, make all the calls there are at the same time, with messages of
 * any size, in buffers of few places, from numbers that are about to need more
 * bits.
 *
 *	all	is received once and in order; the buffer is closed at the end.
 *	closed	the same of what was sent, when it is closed in between.
 *	deadlines  who leaves in vain takes no message and no place with it: the
 *		patient one gets it.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "buffers.h"

/* --- storms ---------------------------------------------------------------------------- */

struct plan {
	const char *name;
	size_t capacity;
	unsigned flags;
	struct {
		unsigned vcore, plain;
	} senders, receivers;
	bool closed; /* before all is sent */
};

static size_t random_size(uint64_t *random)
{
	static const size_t sizes[] = {1, 2, 5, 8, 13, 16, 24, 64, 100, 300, LONGEST};

	return sizes[stress_below(random, sizeof(sizes) / sizeof(sizes[0]))];
}

static void start(const struct ticks *ticks, struct stress_crew *crew, void *(*work)(void *),
		  struct trafficker *traffickers, struct traffic *traffic, uint64_t *random)
{
	for (unsigned i = 0; i < crew->vcore + crew->plain; i++) {
		trafficker_begin(&traffickers[i], traffic, i, random);
	}
	stress_crew_start(crew, ticks->runtime, work, traffickers, sizeof(traffickers[0]));
}

static void storm(const struct ticks *ticks, const struct plan *plan, uint64_t *random)
{
	static struct trafficker senders[SOURCES], receivers[SOURCES];
	struct stress_crew sending = {.vcore = plan->senders.vcore, .plain = plan->senders.plain};
	struct stress_crew receiving = {.vcore = plan->receivers.vcore,
					.plain = plan->receivers.plain};
	struct traffic traffic = {.capacity = plan->capacity, .flags = plan->flags};

	traffic.size = random_size(random);
	traffic.most = (uint32_t)stress_size(300, 30);
	traffic_begin(&traffic, random);
	start(ticks, &sending, send_messages, senders, &traffic, random);
	start(ticks, &receiving, receive_messages, receivers, &traffic, random);
	if (plan->closed) {
		vcore_sleep(vcore_after((int64_t)stress_below(random, MILLISECOND)));
		vcore_buffer_close(traffic.buffer);
	}
	stress_crew_join(&sending);
	vcore_buffer_close(traffic.buffer);
	stress_crew_join(&receiving);
	traffic_settle(senders, (unsigned)(sending.vcore + sending.plain), receivers,
		       (unsigned)(receiving.vcore + receiving.plain));
	traffic_end(&traffic);
}

static const struct plan plans[] = {
	{"storm of 1", 1, 0, {4, 1}, {3, 1}, false},
	{"storm of 2", 2, 0, {3, 2}, {4, 1}, false},
	{"storm of 3", 3, 0, {6, 0}, {1, 2}, false},
	{"storm of 64", 64, 0, {1, 1}, {5, 1}, false},
	{"many to one", 3, 0, {7, 1}, {1, 0}, false},
	{"one to many", 2, 0, {0, 1}, {6, 1}, false},
	{"storm of 1 that is closed", 1, 0, {4, 1}, {3, 1}, true},
	{"storm of 5 that is closed", 5, 0, {4, 1}, {3, 1}, true},
	{"one to one of 1", 1, VCORE_BUFFER_SPSC, {1, 0}, {0, 1}, false},
	{"one to one of 3", 3, VCORE_BUFFER_SPSC, {0, 1}, {1, 0}, false},
	{"one to one of 128", 128, VCORE_BUFFER_SPSC, {1, 0}, {1, 0}, false},
	{"one to one of 130", 130, VCORE_BUFFER_SPSC, {1, 0}, {0, 1}, false},
	{"one to one of 200", 200, VCORE_BUFFER_SPSC, {0, 1}, {1, 0}, false},
	{"one to one that is closed", 128, VCORE_BUFFER_SPSC, {0, 1}, {1, 0}, true},
};

static void storms(const struct ticks *ticks, uint64_t *random)
{
	for (size_t i = 0; i < sizeof(plans) / sizeof(plans[0]); i++) {
		for (size_t n = stress_size(5, 1); n > 0; n--) {
			storm(ticks, &plans[i], random);
		}
		locks_case(ticks, plans[i].name);
	}
}

/* --- deadlines ----------------------------------------------------------------------------- */

#define HASTY 3

/* One place, or message, for one of several who wait for it. */
struct offer {
	struct vcore_buffer *buffer;
	bool place;
};

struct taker {
	const struct offer *offer;
	vcore_instant deadline;
	bool got_it;
};

static int send_or_receive(const struct offer *offer, bool send, vcore_instant deadline)
{
	uint32_t message = 0;

	return send ? vcore_buffer_send(offer->buffer, &message, deadline)
		    : vcore_buffer_receive(offer->buffer, &message, deadline);
}

static void *wait_for_offer(void *argument)
{
	struct taker *self = argument;
	int result = send_or_receive(self->offer, self->offer->place, self->deadline);

	CHECK(result == 0 || result == -ETIMEDOUT);
	self->got_it = result == 0;
	return NULL;
}

static void make(const struct offer *offer)
{
	CHECK_IS(send_or_receive(offer, !offer->place, stress_patience()), 0);
}

static void make_about(const struct offer *offer, vcore_instant instant)
{
	while (vcore_now() < instant) {
		compute(1, 100);
	}
	make(offer);
}

/*
 * It is made about when the hasty ones leave: if none of them got it the patient
 * one does, who came last.
 */
static void offer_once(const struct ticks *ticks, const struct offer *offer, uint64_t *random)
{
	struct stress_crew hasty = {.vcore = HASTY - 1, .plain = 1}, patient = {.vcore = 1};
	struct taker hasty_ones[HASTY], patient_one = {offer, stress_patience(), false};
	vcore_instant deadline = vcore_after(PATIENCE);
	unsigned taken = 0;

	for (unsigned i = 0; i < HASTY; i++) {
		hasty_ones[i] = (struct taker){offer, deadline, false};
	}
	stress_crew_start(&hasty, ticks->runtime, wait_for_offer, hasty_ones,
			  sizeof(hasty_ones[0]));
	stress_crew_start(&patient, ticks->runtime, wait_for_offer, &patient_one, 0);
	make_about(offer, deadline + (int64_t)stress_below(random, PATIENCE / 5) - PATIENCE / 10);
	stress_crew_join(&hasty);
	for (unsigned i = 0; i < HASTY; i++) {
		taken += hasty_ones[i].got_it;
	}
	CHECK(taken <= 1);
	if (taken == 1) {
		make(offer);
	}
	stress_crew_join(&patient);
	CHECK(patient_one.got_it);
}

static void deadlines(const struct ticks *ticks, uint64_t *random)
{
	struct offer offer = {.place = false};

	CHECK_IS(vcore_buffer_allocate(&offer.buffer, 1, sizeof(uint32_t), NULL), 0);
	for (size_t i = stress_size(100, 10); i > 0; i--) {
		offer_once(ticks, &offer, random);
	}
	CHECK_IS(send_or_receive(&offer, true, 0), 0);
	offer.place = true;
	for (size_t i = stress_size(100, 10); i > 0; i--) {
		offer_once(ticks, &offer, random);
	}
	CHECK_IS((intmax_t)vcore_buffer_count(offer.buffer), 1);
	vcore_buffer_deallocate(offer.buffer);
	locks_case(ticks, "who leaves in vain takes nothing with it");
}

static void rage(const struct ticks *ticks)
{
	uint64_t random = stress_seed + ticks->processors;

	storms(ticks, &random);
	deadlines(ticks, &random);
}

int main(int argc, char **argv)
{
	return locks_main(argc, argv, rage);
}
