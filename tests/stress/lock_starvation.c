/*
 * Nobody starves: who asks for a lock ten times gets it ten times, although
 * hogs have it and acquire it again as soon as they have released it.
 *
 * Hogs keep a lock over a yield, so that whoever else runs finds it owned: were
 * it not handed over, a waiter would never get it.  Hogs that read overlap: were
 * they let in past a waiting writer, it would never get in.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "locks.h"

#define PATIENCE     (10 * SECOND) /* who waits so long has starved */
#define ACQUISITIONS 10
#define HOGS         5
#define PLAIN_HOGS   2 /* of these, pthreads */
#define VICTIMS      2 /* one a pthread */

/* Who would starve, if the lock did not see to it. */
static const struct contest_kind {
	enum lock_kind lock;
	bool hogs_read, victims_read;
	const char *name;
} contest_kinds[] = {
	{LOCK, false, false, "lock"},
	{TICKETLOCK, false, false, "ticketlock"},
	{SEMAPHORE, false, false, "semaphore"},
	{FAIR, false, false, "fair, among writers"},
	{FAIR, true, false, "fair, a writer among readers"},
	{FAIR, false, true, "fair, a reader among writers"},
	{WRITERS_FIRST, true, false, "writers first, a writer among readers"},
	{READERS_FIRST, false, true, "readers first, a reader among writers"},
};

struct contest {
	const struct contest_kind *kind;
	struct any_lock lock;
	_Atomic bool over;
};

struct contestant {
	struct contest *contest;
	uint64_t acquisitions;
	int64_t longest; /* that it waited, nanoseconds */
};

static void *hog(void *argument)
{
	struct contestant *self = argument;
	struct contest *contest = self->contest;

	while (!atomic_load(&contest->over)) {
		CHECK_IS(any_enter_until(&contest->lock, contest->kind->hogs_read, VCORE_NEVER), 0);
		compute(1, 10000);
		vcore_yield();
		compute(1, 10000);
		any_leave(&contest->lock, contest->kind->hogs_read);
		self->acquisitions++;
	}
	return NULL;
}

static bool acquire_once(struct contestant *self)
{
	struct contest *contest = self->contest;
	vcore_instant began = vcore_now();
	int64_t waited;

	if (!CHECK_IS(any_enter_until(&contest->lock, contest->kind->victims_read,
				      vcore_after(PATIENCE)),
		      0)) {
		return false;
	}
	waited = vcore_now() - began;
	self->longest = waited > self->longest ? waited : self->longest;
	self->acquisitions++;
	any_leave(&contest->lock, contest->kind->victims_read);
	return true;
}

static void *suffer(void *contestant)
{
	for (int i = 0; i < ACQUISITIONS && acquire_once(contestant); i++) {
		vcore_sleep(vcore_after(100 * MICROSECOND));
	}
	return NULL;
}

static void contend(const struct ticks *ticks, const struct contest_kind *kind)
{
	struct stress_crew hogs = {.vcore = HOGS - PLAIN_HOGS, .plain = PLAIN_HOGS};
	struct stress_crew victims = {.vcore = VICTIMS - 1, .plain = 1};
	struct contestant hog_records[HOGS] = {0}, victim_records[VICTIMS] = {0};
	struct contest contest = {.kind = kind};
	uint64_t hogged = 0;

	any_make(&contest.lock, kind->lock);
	for (int i = 0; i < HOGS; i++) {
		hog_records[i].contest = &contest;
	}
	for (int i = 0; i < VICTIMS; i++) {
		victim_records[i].contest = &contest;
	}
	stress_crew_start(&hogs, ticks->runtime, hog, hog_records, sizeof(hog_records[0]));
	stress_crew_start(&victims, ticks->runtime, suffer, victim_records,
			  sizeof(victim_records[0]));
	stress_crew_join(&victims);
	atomic_store(&contest.over, true);
	stress_crew_join(&hogs);
	for (int i = 0; i < HOGS; i++) {
		hogged += hog_records[i].acquisitions;
	}
	tap_say("%s: hogs %ju times; victims waited at most %jd and %jd us", kind->name,
		(uintmax_t)hogged, (intmax_t)(victim_records[0].longest / MICROSECOND),
		(intmax_t)(victim_records[1].longest / MICROSECOND));
	locks_case(ticks, kind->name);
}

static void starve(const struct ticks *ticks)
{
	for (size_t i = 0; i < sizeof(contest_kinds) / sizeof(contest_kinds[0]); i++) {
		contend(ticks, &contest_kinds[i]);
	}
}

int main(int argc, char **argv)
{
	return locks_main(argc, argv, starve);
}
