/*
 * Leaf functions of libc: where a bad pointer of its caller's faults.
 *
 * They are looked up when the library is first used, in what comes behind it in
 * the loader's order; and their ends, in the table that libc has for unwinding.
 * What is not libc's own (a sanitizer's, say, or a replacement's), and everything
 * in a program that libc is a part of, is not found, and so foreign.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <dlfcn.h>
#include <link.h>

#include "platform/linux/linux.h"

/* Not there in a static program, or in an older libc without its library. */
#pragma weak dlsym

/*
 * In assembler on the processors that we know: what they return to is at the
 * stack pointer, or in the link register, at each of their instructions.  The
 * last six are so on x86-64; where libc has them in C, a fault in what they call
 * is a foreign one.
 */
static const char *const names[] = {
	"memcpy",    "memmove", "memset",  "memcmp",  "bcmp",    "memchr",  "memrchr", "strlen",
	"strnlen",   "strcpy",  "stpcpy",  "strcmp",  "strncmp", "strchr",  "strrchr", "strchrnul",
	"rawmemchr", "mempcpy", "strncpy", "stpncpy", "strcat",  "strncat", "wcslen",
};

#define N_NAMES (sizeof names / sizeof names[0])

/* Written once, before the first runtime is opened. */
static struct vci_range leaves[N_NAMES];
static size_t n_leaves;

bool vci_text_is_leaf(const void *pc)
{
	for (size_t i = 0; i < n_leaves; i++) {
		if ((uintptr_t)pc - leaves[i].from < leaves[i].to - leaves[i].from) {
			return true;
		}
	}
	return false;
}

/* --- the table for unwinding, .eh_frame_hdr --------------------------------------------- */

struct entry {
	int32_t function, description; /* from the table's start */
};

struct table {
	uint8_t version, frame_encoding, count_encoding, entry_encoding;
	int32_t frame;
	uint32_t n;
	struct entry entries[];
};

/* As linkers make it: relative to the table, sorted. */
static bool is_usual(const struct table *table)
{
	return table->version == 1 && table->frame_encoding == 0x1b &&
	       table->count_encoding == 0x03 && table->entry_encoding == 0x3b;
}

static uintptr_t start_of(const struct table *table, uint32_t i)
{
	return (uintptr_t)table + (uintptr_t)(intptr_t)table->entries[i].function;
}

/* The function that begins at the address. */
static bool find_bounds(const struct table *table, uintptr_t address, struct vci_range *bounds)
{
	uint32_t below = 0, above = table->n;

	while (above - below > 1) {
		uint32_t middle = below + (above - below) / 2;

		if (start_of(table, middle) <= address) {
			below = middle;
		} else {
			above = middle;
		}
	}
	if (above >= table->n || start_of(table, below) != address) {
		return false;
	}
	bounds->from = address;
	bounds->to = start_of(table, above);
	return true;
}

/* --- libc ------------------------------------------------------------------------------------ */

static bool contains(const struct dl_phdr_info *module, uintptr_t address)
{
	for (int i = 0; i < module->dlpi_phnum; i++) {
		const ElfW(Phdr) *segment = &module->dlpi_phdr[i];

		if (segment->p_type == PT_LOAD && (segment->p_flags & PF_X) &&
		    address - (module->dlpi_addr + segment->p_vaddr) < segment->p_memsz) {
			return true;
		}
	}
	return false;
}

static const struct table *table_of(const struct dl_phdr_info *module)
{
	for (int i = 0; i < module->dlpi_phnum; i++) {
		if (module->dlpi_phdr[i].p_type == PT_GNU_EH_FRAME) {
			/* NOLINTNEXTLINE(performance-no-int-to-ptr) */
			return (const struct table *)(module->dlpi_addr +
						      module->dlpi_phdr[i].p_vaddr);
		}
	}
	return NULL;
}

static int visit(struct dl_phdr_info *module, size_t size, void *of_libc)
{
	const struct table *table = table_of(module);

	(void)size;
	if (!contains(module, (uintptr_t)of_libc)) {
		return 0;
	}
	for (size_t i = 0; table != NULL && is_usual(table) && i < N_NAMES; i++) {
		uintptr_t address = (uintptr_t)dlsym(RTLD_NEXT, names[i]);

		if (contains(module, address) && find_bounds(table, address, &leaves[n_leaves])) {
			n_leaves++;
		}
	}
	return 1;
}

static int find_leaves(void)
{
	void *of_libc = dlsym != NULL ? dlsym(RTLD_NEXT, "abort") : NULL;

	return of_libc != NULL ? dl_iterate_phdr(visit, of_libc) : 0;
}

void vci_leaves_open(void)
{
	(void)VCI_OUTSIDE(find_leaves());
}
