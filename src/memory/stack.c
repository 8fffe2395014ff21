/*
 * Stacks: see stack.h.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <errno.h>

#include "memory/stack.h"
#include "platform/annotate.h"

#define SLABS_MAX  (VCI_STACKS_MAX / VCI_SLAB_SLOTS)
#define SLAB_BYTES ((size_t)8 << 20)

/* Stacks given back in one go: about 100 µs. */
#define TRIM_STEP 32

/* Wide enough that a frame of some kilobytes does not step over it. */
#define GUARD_BYTES ((size_t)16 << 10)

/* Each half is enough for what libc does, and for the cleanups of most threads. */
#define RESERVE_HALF ((size_t)16 << 10)

/*
 * A thread that was switched, or ends, in the handler of a tick is interrupted
 * again above its frame.
 */
#define SIGNALS 2

/*
 * Headers start at one of 16 lines of their page: at the same place in every
 * page they would all compete for the same set of the cache.
 */
#define COLOURS 16

int vci_stacks_open(struct vci_stacks *stacks, size_t stack_size, size_t header)
{
	stacks->slabs = vci_pages_reserve(SLABS_MAX * sizeof(struct vci_slab));
	if (stacks->slabs == NULL) {
		return -ENOMEM;
	}
	stacks->header = vci_round_up(header, VCI_CACHE_LINE);
	stacks->reserve = 2 * vci_round_up(RESERVE_HALF, vci_page_size);
	stacks->guard = vci_round_up(GUARD_BYTES + vci_page_size, vci_page_size) + stacks->reserve;
	stacks->stack_size = stack_size;
	stacks->overhead = stacks->guard + stacks->header + (size_t)COLOURS * VCI_CACHE_LINE +
			   SIGNALS * vci_signal_frame();
	for (unsigned k = 1; k < VCI_STACK_KINDS; k++) {
		stacks->kinds[k].slot_bytes = vci_page_size << k;
	}
	stacks->kinds[0].slot_bytes = vci_round_up(stack_size + stacks->overhead, vci_page_size);
	return 0;
}

void vci_stacks_close(struct vci_stacks *stacks)
{
	for (uint32_t i = 0; i < stacks->n_slabs; i++) {
		struct vci_slab *slab = &stacks->slabs[i];

		vci_pages_release(slab->base, slab->slots * stacks->kinds[slab->kind].slot_bytes);
	}
	vci_pages_release(stacks->slabs, SLABS_MAX * sizeof(struct vci_slab));
}

int vci_stack_kind(const struct vci_stacks *stacks, size_t stack_size)
{
	size_t bytes;

	if (stack_size == 0 || stack_size == stacks->stack_size) {
		return 0;
	}
	if (stack_size > VCI_STACK_SIZE_MAX) {
		return -EINVAL;
	}
	bytes = stack_size + stacks->overhead;
	for (int k = 1; k < VCI_STACK_KINDS; k++) {
		if (stacks->kinds[k].slot_bytes >= bytes) {
			return k;
		}
	}
	return -EINVAL;
}

size_t vci_stack_size(const struct vci_stacks *stacks, uint32_t kind)
{
	return stacks->kinds[kind].slot_bytes - stacks->overhead;
}

static char *slot(const struct vci_stacks *stacks, const struct vci_slab *slab, uint32_t position)
{
	return slab->base + position * stacks->kinds[slab->kind].slot_bytes;
}

static struct vci_stack *header(const struct vci_stacks *stacks, const struct vci_slab *slab,
				uint32_t position)
{
	char *top = slot(stacks, slab, position) + stacks->kinds[slab->kind].slot_bytes;

	top -= (size_t)(position % COLOURS) * VCI_CACHE_LINE;
	return (struct vci_stack *)(top - stacks->header);
}

/* Called with the lock; NULL, and the limit. */
static struct vci_slab *add_slab(struct vci_stacks *stacks, uint32_t kind)
{
	size_t slot_bytes = stacks->kinds[kind].slot_bytes;
	struct vci_slab *slab = &stacks->slabs[stacks->n_slabs];
	size_t slots = SLAB_BYTES / slot_bytes;

	if (stacks->n_slabs == SLABS_MAX) {
		__atomic_store_n(&stacks->limit, "threads", __ATOMIC_RELAXED);
		return NULL;
	}
	slots = slots < 1 ? 1 : slots > VCI_SLAB_SLOTS ? VCI_SLAB_SLOTS : slots;
	slab->base = vci_pages_reserve(slots * slot_bytes);
	if (slab->base == NULL) {
		__atomic_store_n(&stacks->limit, "memory", __ATOMIC_RELAXED);
		return NULL;
	}
	slab->kind = kind;
	slab->slots = (uint32_t)slots;
	slab->fresh = slots == 64 ? UINT64_MAX : ((uint64_t)1 << slots) - 1;
	slab->listed = false;
	__atomic_store_n(&stacks->bytes, stacks->bytes + slots * slot_bytes, __ATOMIC_RELAXED);
	__atomic_store_n(&stacks->n_slabs, stacks->n_slabs + 1, __ATOMIC_RELEASE);
	return slab;
}

/* Called with the lock: a slab that has fresh slots is in its kind's list. */
static void list_slab(struct vci_stacks *stacks, struct vci_slab *slab)
{
	if (!slab->listed) {
		slab->listed = true;
		slab->next_fresh = stacks->kinds[slab->kind].fresh;
		stacks->kinds[slab->kind].fresh = (uint32_t)(slab - stacks->slabs) + 1;
	}
}

/* Called with the lock: takes one fresh slot, a new slab if need be. */
static bool take_fresh(struct vci_stacks *stacks, uint32_t kind, uint32_t *index)
{
	struct vci_stack_kind *of = &stacks->kinds[kind];
	struct vci_slab *slab;
	unsigned position;

	if (of->fresh == 0) {
		slab = add_slab(stacks, kind);
		if (slab == NULL) {
			return false;
		}
		list_slab(stacks, slab);
	}
	slab = &stacks->slabs[of->fresh - 1];
	position = (unsigned)__builtin_ctzll(slab->fresh);
	__atomic_store_n(&slab->fresh, slab->fresh & (slab->fresh - 1), __ATOMIC_RELAXED);
	if (slab->fresh == 0) {
		of->fresh = slab->next_fresh;
		slab->listed = false;
	}
	*index = (uint32_t)(slab - stacks->slabs) * VCI_SLAB_SLOTS + position;
	return true;
}

static void untake_fresh(struct vci_stacks *stacks, uint32_t index)
{
	struct vci_slab *slab = &stacks->slabs[index / VCI_SLAB_SLOTS];

	vci_spin_lock(&stacks->lock);
	slab->fresh |= (uint64_t)1 << index % VCI_SLAB_SLOTS;
	list_slab(stacks, slab);
	vci_spin_unlock(&stacks->lock);
}

/* A fresh slot becomes a stack: guard, and header. */
static struct vci_stack *set_up(struct vci_stacks *stacks, uint32_t index)
{
	const struct vci_slab *slab = &stacks->slabs[index / VCI_SLAB_SLOTS];
	uint32_t position = index % VCI_SLAB_SLOTS;
	char *base = slot(stacks, slab, position);
	struct vci_stack *stack = header(stacks, slab, position);

	if (vci_pages_guard(base, stacks->guard, &stacks->limit) != 0) {
		untake_fresh(stacks, index);
		return NULL;
	}
	stack->next = NULL;
	stack->generation = __atomic_load_n(&slab->generation, __ATOMIC_RELAXED);
	stack->low = base + stacks->guard;
	stack->index = index;
	stack->kind = slab->kind;
	(void)VCI_VALGRIND_STACK(stack->low, (char *)stack);
	return stack;
}

/* Written with the lock, read without. */
static void count_warm(struct vci_stack_kind *of, size_t n)
{
	__atomic_store_n(&of->n_warm, of->n_warm + n, __ATOMIC_RELAXED);
}

/* Up to n warm ones, in one piece. */
static struct vci_stack *take_warm(struct vci_stacks *stacks, uint32_t kind, unsigned n)
{
	struct vci_stack_kind *of = &stacks->kinds[kind];
	struct vci_stack *list = of->warm;
	struct vci_stack *last = list;

	if (list != NULL) {
		size_t taken = 1;

		for (; taken < n && last->next != NULL; taken++) {
			last = last->next;
		}
		count_warm(of, -taken);
		of->warm = last->next;
		last->next = NULL;
	}
	return list;
}

struct vci_stack *vci_stacks_take(struct vci_stacks *stacks, uint32_t kind, unsigned n, int *error)
{
	uint32_t fresh[VCI_SLAB_SLOTS];
	unsigned n_fresh = 0;
	struct vci_stack *list;

	vci_spin_lock(&stacks->lock);
	list = take_warm(stacks, kind, n);
	while (list == NULL && n_fresh < n && n_fresh < VCI_SLAB_SLOTS &&
	       take_fresh(stacks, kind, &fresh[n_fresh])) {
		n_fresh++;
	}
	vci_spin_unlock(&stacks->lock);
	while (n_fresh > 0) {
		struct vci_stack *stack = set_up(stacks, fresh[--n_fresh]);

		if (stack != NULL) {
			stack->next = list;
			list = stack;
		}
	}
	if (list == NULL) {
		/* A limit that can be raised or waited out, or memory. */
		*error = stacks->limit[0] == 'm' ? -ENOMEM : -EAGAIN;
	}
	return list;
}

void vci_stacks_give(struct vci_stacks *stacks, struct vci_stack *list, unsigned n)
{
	struct vci_stack_kind *of = &stacks->kinds[list->kind];
	struct vci_stack *last = list;

	while (last->next != NULL) {
		last = last->next;
	}
	vci_spin_lock(&stacks->lock);
	last->next = of->warm;
	of->warm = list;
	count_warm(of, n);
	vci_spin_unlock(&stacks->lock);
}

size_t vci_stacks_warm(const struct vci_stacks *stacks)
{
	size_t most = 0;

	for (unsigned k = 0; k < VCI_STACK_KINDS; k++) {
		size_t n = __atomic_load_n(&stacks->kinds[k].n_warm, __ATOMIC_RELAXED);

		most = n > most ? n : most;
	}
	return most;
}

/* The whole slot above the guard, header included. */
static void purge(struct vci_stacks *stacks, struct vci_stack *stack)
{
	uint32_t index = stack->index;
	struct vci_slab *slab = &stacks->slabs[index / VCI_SLAB_SLOTS];

	if (slab->generation < stack->generation) {
		__atomic_store_n(&slab->generation, stack->generation, __ATOMIC_RELAXED);
	}
	vci_pages_purge(stack->low, stacks->kinds[stack->kind].slot_bytes - stacks->guard);
	untake_fresh(stacks, index);
}

static struct vci_stack *take_surplus(struct vci_stacks *stacks, size_t keep)
{
	struct vci_stack *stack = NULL;

	vci_spin_lock(&stacks->lock);
	for (uint32_t k = 0; stack == NULL && k < VCI_STACK_KINDS; k++) {
		if (stacks->kinds[k].n_warm > keep) {
			stack = take_warm(stacks, k, 1);
		}
	}
	vci_spin_unlock(&stacks->lock);
	return stack;
}

bool vci_stacks_trim(struct vci_stacks *stacks, size_t keep)
{
	struct vci_stack *stack = NULL;
	int32_t none = 0;

	if (!__atomic_compare_exchange_n(&stacks->walkers, &none, -1, false, __ATOMIC_ACQUIRE,
					 __ATOMIC_RELAXED)) {
		return false;
	}
	for (int i = 0; i < TRIM_STEP; i++) {
		stack = take_surplus(stacks, keep);
		if (stack == NULL) {
			break;
		}
		purge(stacks, stack);
	}
	__atomic_store_n(&stacks->walkers, 0, __ATOMIC_RELEASE);
	return stack != NULL;
}

void vci_stacks_walk_begin(struct vci_stacks *stacks)
{
	unsigned rounds = 0;
	int32_t n = __atomic_load_n(&stacks->walkers, __ATOMIC_RELAXED);

	for (;;) {
		if (n >= 0 && __atomic_compare_exchange_n(&stacks->walkers, &n, n + 1, true,
							  __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) {
			return;
		}
		vci_spin_round(&rounds);
		n = __atomic_load_n(&stacks->walkers, __ATOMIC_RELAXED);
	}
}

void vci_stacks_walk_end(struct vci_stacks *stacks)
{
	__atomic_fetch_sub(&stacks->walkers, 1, __ATOMIC_RELEASE);
}

uint32_t vci_stacks_limit(const struct vci_stacks *stacks)
{
	return __atomic_load_n(&stacks->n_slabs, __ATOMIC_ACQUIRE) * VCI_SLAB_SLOTS;
}

struct vci_stack *vci_stacks_at(struct vci_stacks *stacks, uint32_t index)
{
	uint32_t position = index % VCI_SLAB_SLOTS;
	const struct vci_slab *slab;

	if (index >= vci_stacks_limit(stacks)) {
		return NULL;
	}
	slab = &stacks->slabs[index / VCI_SLAB_SLOTS];
	if (position >= slab->slots ||
	    (__atomic_load_n(&slab->fresh, __ATOMIC_RELAXED) >> position & 1) != 0) {
		return NULL;
	}
	return header(stacks, slab, position);
}
