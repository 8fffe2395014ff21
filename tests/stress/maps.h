/*
 * /proc/self/maps, read into lines.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef TESTS_STRESS_MAPS_H
#define TESTS_STRESS_MAPS_H

#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct maps_line {
	uintptr_t from, to;
	char access[5]; /* "rwxs", "p" where private */
	uintmax_t offset;
	bool is_block; /* of the library's file of blocks */
};

struct maps {
	struct maps_line *lines;
	size_t n;
};

static inline void maps_add(struct maps *maps, const char *text)
{
	struct maps_line line;

	if (sscanf(text, "%" SCNxPTR "-%" SCNxPTR " %4s %jx", &line.from, &line.to, line.access,
		   &line.offset) != 4) {
		abort();
	}
	line.is_block = strstr(text, "/memfd:vcore") != NULL;
	maps->lines = realloc(maps->lines, (maps->n + 1) * sizeof(line));
	if (maps->lines == NULL) {
		abort();
	}
	maps->lines[maps->n++] = line;
}

/* As they are now; those that were read before are forgotten. */
static inline void maps_read(struct maps *maps)
{
	FILE *file = fopen("/proc/self/maps", "re");
	char text[512];

	if (file == NULL) {
		abort();
	}
	maps->n = 0;
	while (fgets(text, sizeof(text), file) != NULL) {
		maps_add(maps, text);
	}
	fclose(file);
}

/* That of the address, or NULL. */
static inline const struct maps_line *maps_line(const struct maps *maps, const void *address)
{
	for (size_t i = 0; i < maps->n; i++) {
		const struct maps_line *line = &maps->lines[i];

		if ((uintptr_t)address >= line->from && (uintptr_t)address < line->to) {
			return line;
		}
	}
	return NULL;
}

#endif /* TESTS_STRESS_MAPS_H */
