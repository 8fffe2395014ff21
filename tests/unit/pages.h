/*
 * Objects in pages of their own: whoever touches one that was freed is ended by
 * SIGSEGV.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef TESTS_UNIT_PAGES_H
#define TESTS_UNIT_PAGES_H

#include "support.h"

/* Of zero bytes; its address is never used again. */
void *page_allocate(void);
void page_free(void *page);

/*
 * One page after the other, each prepared, and then used by four at the same
 * time: two vcore threads of the global runtime, and two pthreads.  Use tells
 * whether it was the last of the four, which frees the page at once.
 */
enum { PAGE_USERS = 4 };
void pages_share(int n, void (*prepare)(void *page), bool (*use)(void *page));

#endif /* TESTS_UNIT_PAGES_H */
