/*
 * Work stealing: see steal.h.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "sched/steal.h"

#include "sched/timers.h"

/* At most so many at once, so that the owner finds its own again soon. */
#define LOOT_MAX 128

static uint32_t n_all(const struct vcore_runtime *runtime)
{
	return runtime->n_processors + runtime->n_servers;
}

static const struct vcore_thread *victim_slot(const struct vci_processor *victim)
{
	return __atomic_load_n(&victim->queue.slot, __ATOMIC_RELAXED);
}

/*
 * The thread in the victim's slot, if the victim has made no choice since the
 * last look at it; one victim is watched at a time.
 */
static const struct vcore_thread *stale_slot(const struct vci_processor *victim,
					     struct vci_sighting *sighting)
{
	const struct vcore_thread *slot = victim_slot(victim);
	uint32_t choices = __atomic_load_n(&victim->choices, __ATOMIC_RELAXED);

	if (sighting->watched != NULL && sighting->watched != victim) {
		return NULL;
	}
	if (sighting->watched == victim && sighting->slot == slot &&
	    sighting->choices == choices) {
		return slot;
	}
	/* Let another have its turn, if there is one, before this one again. */
	sighting->watched = sighting->watched == NULL && slot != NULL ? victim : NULL;
	sighting->slot = slot;
	sighting->choices = choices;
	return NULL;
}

static struct vcore_thread *steal_from(struct vci_processor *thief, struct vci_processor *victim,
				       struct vci_sighting *sighting)
{
	uint32_t spare = vci_queue_spare(&victim->queue);
	struct vcore_thread *loot;
	const struct vcore_thread *stale;
	uint64_t n = 0;

	if (spare == 0) {
		return NULL;
	}
	stale = stale_slot(victim, sighting);
	if (spare == 1 && stale == NULL && victim_slot(victim) != NULL) {
		return NULL; /* it will run that one itself */
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
		vci_queue_push_chain(&thief->queue, loot->next);
	}
	return loot;
}

struct vcore_thread *vci_steal(struct vci_processor *thief, struct vci_sighting *sighting)
{
	struct vcore_runtime *runtime = thief->runtime;

	for (uint32_t i = 0; i < n_all(runtime); i++) {
		struct vci_processor *victim;
		struct vcore_thread *thread;

		victim = &runtime->processors[sighting->victim % n_all(runtime)];
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

bool vci_steal_might(const struct vci_processor *thief)
{
	const struct vcore_runtime *runtime = thief->runtime;

	for (uint32_t i = 0; i < n_all(runtime); i++) {
		const struct vci_processor *victim = &runtime->processors[i];

		if (victim != thief && vci_queue_spare(&victim->queue) > 0) {
			return true;
		}
	}
	return false;
}
