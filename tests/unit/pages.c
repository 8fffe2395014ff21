/*
 * Objects in pages of their own; see pages.h.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "pages.h"

#include <sys/mman.h>

enum { PAGE_SIZE = 4096 };

void *page_allocate(void)
{
	void *page =
		mmap(NULL, PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	check(page != MAP_FAILED);
	return page;
}

void page_free(void *page)
{
	check(mprotect(page, PAGE_SIZE, PROT_NONE) == 0);
}

struct sharing {
	int n;
	bool (*use)(void *page);
	void *page; /* the present one */
	struct vcore_eventcount begun, done;
};

static void *share(void *argument)
{
	struct sharing *sharing = argument;

	for (int i = 0; i < sharing->n; i++) {
		void *page;

		check(vcore_eventcount_await(&sharing->begun, i, VCORE_NEVER) == 0);
		page = sharing->page;
		if (sharing->use(page)) {
			page_free(page);
		}
		vcore_eventcount_advance(&sharing->done);
	}
	return NULL;
}

void pages_share(int n, void (*prepare)(void *page), bool (*use)(void *page))
{
	struct sharing sharing = {.n = n, .use = use};
	struct vcore_thread *threads[PAGE_USERS / 2];
	pthread_t pthreads[PAGE_USERS / 2];

	for (int i = 0; i < PAGE_USERS / 2; i++) {
		threads[i] = spawn(share, &sharing);
		pthreads[i] = start_pthread(share, &sharing);
	}
	for (int64_t i = 1; i <= n; i++) {
		sharing.page = page_allocate();
		prepare(sharing.page);
		vcore_eventcount_advance(&sharing.begun);
		vcore_eventcount_await(&sharing.done, i * PAGE_USERS - 1, VCORE_NEVER);
	}
	for (int i = 0; i < PAGE_USERS / 2; i++) {
		finish(threads[i]);
		finish_pthread(pthreads[i]);
	}
}
