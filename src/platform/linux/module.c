/*
 * What lies at an address, for a person to read.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <dlfcn.h>
#include <link.h>
#include <sys/auxv.h>

#include "platform/linux/linux.h"

/* Not there in a static program, or in an older libc without its library. */
#pragma weak dladdr

struct place {
	uintptr_t address;
	char *name;
	size_t size;
	size_t *offset;
};

static bool contains(const struct dl_phdr_info *module, uintptr_t address)
{
	for (int i = 0; i < module->dlpi_phnum; i++) {
		const ElfW(Phdr) *segment = &module->dlpi_phdr[i];

		if (segment->p_type == PT_LOAD &&
		    address - (module->dlpi_addr + segment->p_vaddr) < segment->p_memsz) {
			return true;
		}
	}
	return false;
}

static void copy(const struct place *place, const char *text)
{
	size_t n = 0;

	while (text != NULL && text[n] != '\0' && n + 1 < place->size) {
		place->name[n] = text[n];
		n++;
	}
	place->name[n] = '\0';
}

static const char *last_part(const char *path)
{
	const char *last = path;

	for (; path != NULL && *path != '\0'; path++) {
		if (*path == '/') {
			last = path + 1;
		}
	}
	return last;
}

/* The program has no name here, but the kernel has told it. */
static int visit(struct dl_phdr_info *module, size_t size, void *argument)
{
	const struct place *place = argument;
	const char *path = module->dlpi_name;

	(void)size;
	if (!contains(module, place->address)) {
		return 0;
	}
	if (path == NULL || *path == '\0') {
		path = (const char *)getauxval(AT_EXECFN); /* NOLINT(performance-no-int-to-ptr) */
	}
	copy(place, last_part(path));
	*place->offset = place->address - module->dlpi_addr;
	return 1;
}

bool vci_text_locate(const void *address, char *name, size_t size, size_t *offset)
{
	struct place place = {(uintptr_t)address, name, size, offset};

	return VCI_AWAY(dl_iterate_phdr(visit, &place)) != 0;
}

static bool find_symbol(const struct place *place)
{
	Dl_info found;

	/* NOLINTNEXTLINE(performance-no-int-to-ptr) */
	if (dladdr == NULL || dladdr((const void *)place->address, &found) == 0 ||
	    found.dli_sname == NULL) {
		return false;
	}
	copy(place, found.dli_sname);
	*place->offset = place->address - (uintptr_t)found.dli_saddr;
	return true;
}

bool vci_text_symbol(const void *address, char *name, size_t size, size_t *offset)
{
	const struct place place = {(uintptr_t)address, name, size, offset};

	return VCI_AWAY(find_symbol(&place));
}
