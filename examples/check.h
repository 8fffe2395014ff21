/*
 * What the examples do with a failure: say which call failed and why, and end.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef EXAMPLES_CHECK_H
#define EXAMPLES_CHECK_H

#include <err.h>
#include <errno.h>
#include <stdlib.h>

/* Ends the program if a call of the library returned an error, -E... */
static inline void check(int result, const char *call)
{
	if (result < 0) {
		errno = -result;
		err(EXIT_FAILURE, "%s", call);
	}
}

#endif /* EXAMPLES_CHECK_H */
