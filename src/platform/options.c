/*
 * Options structures: see options.h.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "platform/options.h"

#include <errno.h>

int vci_options(void *known, size_t size, const void *options)
{
	unsigned char *to = known;
	const unsigned char *from = options;
	size_t given = options != NULL ? *(const size_t *)options : 0;

	if (options == NULL) {
		given = 0;
	} else if (given == 0) {
		given = size;
	} else if (given < sizeof(size_t)) {
		return -EINVAL;
	}
	for (size_t i = size; i < given; i++) {
		if (from[i] != 0) {
			return -E2BIG;
		}
	}
	for (size_t i = 0; i < size; i++) {
		to[i] = i < given ? from[i] : 0;
	}
	return 0;
}
