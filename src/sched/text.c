/*
 * Application text: see text.h, and vcore/preempt.h.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "sched/text.h"

#include <errno.h>

#include <vcore/preempt.h>

#include "platform/panic.h"
#include "sched/registry.h"

#define RANGES_MAX 256

struct range {
	struct vci_range text;
	bool application;
};

/*
 * Written under the process lock, with `sequence` odd meanwhile.  Of two ranges
 * that contain an address the later one counts.
 */
static struct range ranges[RANGES_MAX];
static unsigned n_ranges;
static unsigned sequence; /* atomic */

struct vci_range vci_text_program;
static const char *program_holds; /* written with it */

/* --- reading -------------------------------------------------------------------- */

enum verdict { UNKNOWN, FOREIGN, APPLICATION, UNCERTAIN /* they are being changed */ };

VCI_READS_RACILY static enum verdict look_up(uintptr_t address)
{
	unsigned before = __atomic_load_n(&sequence, __ATOMIC_ACQUIRE);
	unsigned n = __atomic_load_n(&n_ranges, __ATOMIC_RELAXED);
	enum verdict verdict = UNKNOWN;

	while (n-- > 0 && verdict == UNKNOWN) {
		uintptr_t from = __atomic_load_n(&ranges[n].text.from, __ATOMIC_RELAXED);
		uintptr_t to = __atomic_load_n(&ranges[n].text.to, __ATOMIC_RELAXED);

		if (address - from < to - from) {
			verdict = __atomic_load_n(&ranges[n].application, __ATOMIC_RELAXED)
					  ? APPLICATION
					  : FOREIGN;
		}
	}
	vci_fence_full(); /* the ranges were read before the count is again */
	if ((before & 1) || __atomic_load_n(&sequence, __ATOMIC_RELAXED) != before) {
		return UNCERTAIN;
	}
	return verdict;
}

bool vci_text_is_application(const void *pc)
{
	return look_up((uintptr_t)pc) == APPLICATION;
}

/*
 * A program that has a part of the C library in itself, or of an allocator: it
 * cannot be told from the rest.
 */
static bool is_among_holders(uintptr_t address)
{
	return vci_text_is_holder(program_holds) &&
	       address - vci_text_program.from < vci_text_program.to - vci_text_program.from;
}

/* A handler may have interrupted who changes them: it does not wait for ever. */
#define LOOKS 1000

bool vci_text_may_fault(const void *pc)
{
	enum verdict verdict = look_up((uintptr_t)pc);

	for (int i = 0; verdict == UNCERTAIN && i < LOOKS; i++) {
		vci_relax();
		verdict = look_up((uintptr_t)pc);
	}
	return verdict == APPLICATION && !is_among_holders((uintptr_t)pc);
}

/* --- writing, with the process lock ------------------------------------------------- */

static void begin_writing(void)
{
	__atomic_store_n(&sequence, sequence + 1, __ATOMIC_RELAXED);
	vci_fence_full();
}

static void end_writing(void)
{
	__atomic_store_n(&sequence, sequence + 1, __ATOMIC_RELEASE);
}

static void put(unsigned i, struct range range)
{
	__atomic_store_n(&ranges[i].text.from, range.text.from, __ATOMIC_RELAXED);
	__atomic_store_n(&ranges[i].text.to, range.text.to, __ATOMIC_RELAXED);
	__atomic_store_n(&ranges[i].application, range.application, __ATOMIC_RELAXED);
}

static bool is_within(const struct vci_range *inner, const struct vci_range *outer)
{
	return inner->from >= outer->from && inner->to <= outer->to;
}

/* Removes ranges that the new one hides: the same code allowed and forbidden in turn. */
static void remove_hidden(const struct vci_range *text)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < n_ranges; i++) {
		if (!is_within(&ranges[i].text, text)) {
			put(kept++, ranges[i]);
		}
	}
	__atomic_store_n(&n_ranges, kept, __ATOMIC_RELAXED);
}

static int add(struct vci_range text, bool application)
{
	int error = 0;

	begin_writing();
	remove_hidden(&text);
	if (n_ranges < RANGES_MAX) {
		put(n_ranges, (struct range){text, application});
		__atomic_store_n(&n_ranges, n_ranges + 1, __ATOMIC_RELAXED);
	} else {
		error = -ENOMEM;
	}
	end_writing();
	return error;
}

/* Behind all others: what users have said of a part of it counts. */
static int add_below(struct vci_range text, bool application)
{
	if (n_ranges == RANGES_MAX) {
		return -ENOMEM;
	}
	begin_writing();
	for (unsigned i = n_ranges; i > 0; i--) {
		put(i, ranges[i - 1]);
	}
	put(0, (struct range){text, application});
	__atomic_store_n(&n_ranges, n_ranges + 1, __ATOMIC_RELAXED);
	end_writing();
	return 0;
}

static int add_locked(const struct vci_range *texts, int n, bool application,
		      int (*add_one)(struct vci_range text, bool application))
{
	int error = 0;

	vci_spin_lock(&vci_process_lock);
	for (int i = 0; i < n && error == 0; i++) {
		error = add_one(texts[i], application);
	}
	vci_spin_unlock(&vci_process_lock);
	return error;
}

/* Nothing is known of it any more, which is foreign, until an entry lies there. */
static void forget(const struct vci_range *text)
{
	begin_writing();
	remove_hidden(text);
	end_writing();
}

static void forget_locked(const struct vci_range *texts, int n)
{
	vci_spin_lock(&vci_process_lock);
	for (int i = 0; i < n; i++) {
		forget(&texts[i]);
	}
	vci_spin_unlock(&vci_process_lock);
}

/* --- modules -------------------------------------------------------------------------- */

/* The C library's, an allocator's, a sanitizer's; whatever the program consists of is its own. */
static bool is_system(const struct vci_range *segments, int n)
{
	return segments[0].from != vci_text_program.from && vci_text_holds(segments, n) != NULL;
}

void vci_text_open(void)
{
	struct vci_range segments[VCI_TEXT_SEGMENTS];
	int n;

	if (__atomic_load_n(&vci_text_program.to, __ATOMIC_ACQUIRE) != 0) {
		return;
	}
	n = vci_text_of_module(NULL, segments);
	(void)add_locked(segments, n, true, add);
	program_holds = vci_text_holds(segments, n);
	if (n > 0) {
		vci_text_program.from = segments[0].from;
		__atomic_store_n(&vci_text_program.to, segments[0].to, __ATOMIC_RELEASE);
	}
}

const char *vci_text_obstacle(void)
{
	return program_holds;
}

static bool is_known(const void *address)
{
	enum verdict verdict = look_up((uintptr_t)address);

	if (verdict == UNCERTAIN) {
		vci_spin_lock(&vci_process_lock);
		verdict = look_up((uintptr_t)address);
		vci_spin_unlock(&vci_process_lock);
	}
	return verdict != UNKNOWN;
}

/* A foreign one is noted as well: it need not be looked up again. */
void vci_text_note_module(const void *entry)
{
	struct vci_range segments[VCI_TEXT_SEGMENTS];
	int n;

	if (is_known(entry)) {
		return;
	}
	n = vci_text_of_module(entry, segments);
	if (n > 0) {
		(void)add_locked(segments, n, !is_system(segments, n), add_below);
	}
}

/* --- the calls ---------------------------------------------------------------------------- */

int vcore_preempt_allow(const void *address_in_module)
{
	struct vci_range segments[VCI_TEXT_SEGMENTS];
	int n;

	VCI_PANIC_IF(address_in_module == NULL, "address_in_module is NULL");
	(void)vci_registry_open(); /* which notes the program's own text */
	n = vci_text_of_module(address_in_module, segments);
	if (n == 0) {
		return -EINVAL;
	}
	return is_system(segments, n) ? -ENOTSUP : add_locked(segments, n, true, add);
}

int vcore_preempt_allow_range(const void *from, const void *to)
{
	struct vci_range text = {(uintptr_t)from, (uintptr_t)to};

	(void)vci_registry_open();
	return text.from < text.to ? add_locked(&text, 1, true, add) : -EINVAL;
}

static bool overlaps_another(const struct vci_range *text)
{
	for (unsigned i = 0; i < n_ranges; i++) {
		if (ranges[i].text.from < text->to && text->from < ranges[i].text.to &&
		    !is_within(&ranges[i].text, text)) {
			return true;
		}
	}
	return false;
}

/*
 * A part of a module stays forbidden when the module is allowed later, by an
 * entry say.  Other code is forgotten, once all of it that was allowed is
 * forbidden: when it has been unmapped a module may come to lie there.
 */
static int forbid_range(struct vci_range text)
{
	struct vci_range segments[VCI_TEXT_SEGMENTS];
	const void *from = (const void *)text.from; /* NOLINT(performance-no-int-to-ptr) */
	bool in_module = vci_text_of_module(from, segments) > 0;
	int error = 0;

	vci_spin_lock(&vci_process_lock);
	if (in_module || overlaps_another(&text)) {
		error = add(text, false); /* in one step: it may be foreign already */
	} else {
		forget(&text);
	}
	vci_spin_unlock(&vci_process_lock);
	return error;
}

int vcore_preempt_forbid(const void *from, const void *to)
{
	struct vci_range segments[VCI_TEXT_SEGMENTS];
	int n;

	(void)vci_registry_open();
	if (to != NULL) {
		return from < to ? forbid_range((struct vci_range){(uintptr_t)from, (uintptr_t)to})
				 : -EINVAL;
	}
	VCI_PANIC_IF(from == NULL, "from is NULL");
	n = vci_text_of_module(from, segments);
	forget_locked(segments, n);
	return n > 0 ? 0 : -EINVAL;
}

const char *vcore_preempt_obstacle(void)
{
	(void)vci_registry_open();
	return vci_sanitizer_obstacle() != NULL ? vci_sanitizer_obstacle() : program_holds;
}
