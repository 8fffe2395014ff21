/*
 * Work stealing: see steal.h.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "sched/steal.h"

#include "sched/timers.h"

/* At most so many at once, so that the owner finds its own again soon. */
#define LOOT_MAX 128

/* A heavy fence, and the victim's wait for it: 5 to 15 µs. */
#define COST_NS 15000

/* Not for a tick: its threads compute, and one of them might as well run here. */
static uint32_t made_by_itself(const struct vci_processor *victim)
{
	uint64_t ticks = __atomic_load_n(&victim->preemptions, __ATOMIC_RELAXED) +
			 __atomic_load_n(&victim->hand_overs, __ATOMIC_RELAXED);

	return __atomic_load_n(&victim->choices, __ATOMIC_RELAXED) - (uint32_t)ticks;
}

/*
 * Whether the victim has made no choice for some time.  One victim is watched
 * at a time; when it moves, another may have its turn.
 */
static bool is_stale(const struct vci_processor *victim, vcore_instant now,
		     struct vci_sighting *sighting)
{
	uint32_t choices = made_by_itself(victim);

	if (sighting->watched == NULL) {
		sighting->watched = victim;
		sighting->choices = choices;
		sighting->since = now;
		return false;
	}
	if (sighting->watched != victim) {
		return false;
	}
	if (sighting->choices != choices) {
		sighting->watched = NULL;
		return false;
	}
	return now - sighting->since >= COST_NS;
}

static struct vcore_thread *steal_from(struct vci_processor *thief, struct vci_processor *victim,
				       struct vci_sighting *sighting)
{
	uint32_t spare = vci_queue_spare(&victim->queue);
	struct vcore_thread *loot;
	bool stale;
	uint64_t n = 0;

	if (spare == 0) {
		return NULL;
	}
	stale = is_stale(victim, thief->looked_at, sighting);
	if (spare == 1 && !stale) {
		return NULL;
	}
	loot = vci_queue_steal(&victim->queue, LOOT_MAX, stale);
	if (loot == NULL) {
		return NULL;
	}
	for (const struct vcore_thread *thread = loot; thread != NULL; thread = thread->next) {
		n++;
	}
	vci_count(&thief->steals, n);
	if (loot->next != NULL) {
		vci_queue_push_chain(&thief->queue, loot->next); /* before go_on: T1 */
	}
	return loot;
}

struct vcore_thread *vci_steal(struct vci_processor *thief, struct vci_sighting *sighting)
{
	struct vcore_runtime *runtime = thief->runtime;

	for (uint32_t i = 0; i < vci_runtime_all(runtime); i++) {
		struct vci_processor *victim;
		struct vcore_thread *thread;

		victim = &runtime->processors[sighting->victim % vci_runtime_all(runtime)];
		if (victim != thief) {
			thread = steal_from(thief, victim, sighting);
			if (thread != NULL) {
				return thread;
			}
		}
		sighting->victim++;
	}
	return NULL;
}

uint32_t vci_steal_might(const struct vci_processor *thief)
{
	const struct vcore_runtime *runtime = thief->runtime;
	uint32_t most = 0;

	for (uint32_t i = 0; i < vci_runtime_all(runtime); i++) {
		const struct vci_processor *victim = &runtime->processors[i];
		uint32_t spare = victim != thief ? vci_queue_spare(&victim->queue) : 0;

		most = spare > most ? spare : most;
	}
	return most;
}
