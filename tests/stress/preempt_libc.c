/*
 * Between two calls into the library a thread is a pthread: the C library,
 * errno, thread-local variables and registers are what they were, wherever
 * ticks come.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "rounds_libc.h"

static void labour(const struct ticks *ticks)
{
	for (size_t i = 0; i < LIBC_LABOURS; i++) {
		ticks_labour(ticks, &libc_labours[i]);
	}
}

int main(int argc, char **argv)
{
	return ticks_main(argc, argv, labour);
}
