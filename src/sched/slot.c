/*
 * Slots: see vcore/slot.h.
 *
 * A value is remembered with the generation of the slot that it was set in:
 * when a slot is deleted and its index used again, old values are void.  An
 * odd generation is a live slot.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <errno.h>

#include "sched/host.h"
#include "sched/registry.h"
#include "sched/slots.h"

#define ROUNDS_MAX 4

struct definition {
	uint32_t generation; /* atomic; odd: in use */
	void (*destructor)(void *);
};

static struct definition definitions[VCORE_SLOTS_MAX]; /* changed with vci_process_lock */

#define TABLE_BYTES (VCORE_SLOTS_MAX * sizeof(struct vci_slot_value))

int vcore_slot_create(struct vcore_slot *slot, void (*destructor)(void *))
{
	int error = -EAGAIN;

	VCI_PANIC_IF(slot == NULL, "slot is NULL");
	vci_spin_lock(&vci_process_lock);
	for (uint32_t i = 0; i < VCORE_SLOTS_MAX; i++) {
		struct definition *definition = &definitions[i];

		if (definition->generation % 2 == 0) {
			definition->destructor = destructor;
			__atomic_store_n(&definition->generation, definition->generation + 1,
					 __ATOMIC_RELEASE);
			slot->index_ = i;
			slot->generation_ = definition->generation;
			error = 0;
			break;
		}
	}
	vci_spin_unlock(&vci_process_lock);
	return error;
}

static bool is_live(struct vcore_slot slot)
{
	return slot.index_ < VCORE_SLOTS_MAX && slot.generation_ % 2 == 1 &&
	       __atomic_load_n(&definitions[slot.index_].generation, __ATOMIC_ACQUIRE) ==
		       slot.generation_;
}

int vcore_slot_delete(struct vcore_slot slot)
{
	int error = -EINVAL;

	vci_spin_lock(&vci_process_lock);
	if (is_live(slot)) {
		__atomic_store_n(&definitions[slot.index_].generation, slot.generation_ + 1,
				 __ATOMIC_RELEASE);
		error = 0;
	}
	vci_spin_unlock(&vci_process_lock);
	return error;
}

/* The caller's values; NULL if it has none, or there is no memory for them. */
static struct vci_slots *own_slots(bool make)
{
	struct vcore_thread *self = vci_thread_self();
	struct vci_slots *slots;
	bool *has;

	if (self != NULL) {
		slots = &self->slots;
		has = &self->has_slots;
	} else {
		struct vci_host *host = vci_host_self();

		if (host == NULL) {
			return NULL;
		}
		slots = &host->slots;
		has = &host->has_slots;
	}
	if (!*has && make) {
		for (unsigned i = 0; i < VCI_SLOTS_NEAR; i++) {
			slots->near[i].value = NULL;
			slots->near[i].generation = 0;
		}
		slots->far = NULL;
		*has = true;
	}
	return *has ? slots : NULL;
}

/* Where a value is kept; NULL if that would be in a table that is not there. */
static struct vci_slot_value *find(struct vci_slots *slots, uint32_t index)
{
	if (index < VCI_SLOTS_NEAR) {
		return &slots->near[index];
	}
	return slots->far != NULL ? &slots->far[index] : NULL;
}

void *vcore_slot_get(struct vcore_slot slot)
{
	struct vci_slots *slots = own_slots(false);
	const struct vci_slot_value *value;

	if (slots == NULL || !is_live(slot)) {
		return NULL;
	}
	value = find(slots, slot.index_);
	return value != NULL && value->generation == slot.generation_ ? value->value : NULL;
}

int vcore_slot_set(struct vcore_slot slot, void *new_value)
{
	struct vci_slots *slots;
	struct vci_slot_value *value;

	if (!is_live(slot)) {
		return -EINVAL;
	}
	slots = own_slots(true);
	if (slots == NULL) {
		return -ENOMEM;
	}
	value = find(slots, slot.index_);
	if (value == NULL) {
		slots->far = vci_pages_reserve(TABLE_BYTES);
		if (slots->far == NULL) {
			return -ENOMEM;
		}
		value = &slots->far[slot.index_];
	}
	value->value = new_value;
	value->generation = slot.generation_;
	return 0;
}

/* Calls the destructor of one value, if it is due; returns whether it was. */
static bool destroy_value(uint32_t index, struct vci_slot_value *value)
{
	struct vcore_slot slot = {index, value->generation};
	void *old = value->value;
	void (*destructor)(void *);

	if (old == NULL || !is_live(slot)) {
		return false;
	}
	destructor = definitions[index].destructor;
	value->value = NULL;
	if (destructor == NULL) {
		return false;
	}
	destructor(old);
	return true;
}

static bool destroy_round(struct vci_slots *slots)
{
	bool any = false;

	for (uint32_t i = 0; i < VCORE_SLOTS_MAX; i++) {
		struct vci_slot_value *value = find(slots, i);

		if (value == NULL) {
			break;
		}
		any = destroy_value(i, value) || any;
	}
	return any;
}

void vci_slots_destroy(struct vci_slots *slots)
{
	for (int i = 0; i < ROUNDS_MAX && destroy_round(slots); i++) {
	}
	vci_slots_forget(slots);
}

void vci_slots_forget(struct vci_slots *slots)
{
	vci_pages_release(slots->far, TABLE_BYTES);
	slots->far = NULL;
}
