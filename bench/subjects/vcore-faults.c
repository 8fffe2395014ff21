/*
 * Faults of libvcore's threads: they end one, or are mended by a space.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "pages.h"
#include "vcore-locks.h"
#include "vcore-spaces.h"

#include <vcore/vcore.h>

#include <stddef.h>

static void check(int error, const char *what)
{
	bench_check(error == 0, what);
}

/* --- a thread ends, and is joined --- */

static void *fault(void *nowhere)
{
	*(volatile char *)nowhere = 1;
	return NULL;
}

static void *nothing(void *argument)
{
	return argument;
}

static void end_often(struct bench *bench, void *(*entry)(void *), enum vcore_how how)
{
	bench_start(bench);
	for (long i = 0; i < bench->n; i++) {
		struct vcore_thread *thread;
		struct vcore_exit exit;

		check(vcore_thread_allocate(&thread, NULL, entry, NULL), "allocate");
		check(vcore_thread_join(thread, &exit, VCORE_NEVER), "join");
		bench_check(exit.how == how, "how it ended");
	}
	bench_stop(bench, bench->n);
}

void run_fault_end(struct bench *bench)
{
	vcore_faults_expected = true;
	end_often(bench, fault, VCORE_FAULTED);
}

void run_return(struct bench *bench)
{
	end_often(bench, nothing, VCORE_RETURNED);
}

/* --- a fault is mended --- */

struct mended {
	struct vcore_space *space;
	struct vcore_block *block;
	char *at;
};

typedef int mend(struct vcore_space *space, const struct vcore_fault *fault, void *argument);

static void open_mended(struct mended *mended, mend *on_fault)
{
	struct vcore_space_options options = {.on_fault = on_fault, .argument = mended};

	check(vcore_space_create(&mended->space, &options), "create");
	check(vcore_block_allocate(&mended->block, (size_t)bench_page()), "allocate");
}

static void map(struct mended *mended, int protection)
{
	void *at;

	check(vcore_space_map(mended->space, mended->block, 0, protection, &at), "map");
	mended->at = at;
}

static void protect(struct mended *mended, int protection)
{
	check(vcore_space_protect(mended->space, mended->at, protection), "protect");
}

static void unmap(struct mended *mended)
{
	check(vcore_space_unmap(mended->space, mended->at), "unmap");
}

static void close_mended(struct mended *mended)
{
	check(vcore_space_delete(mended->space), "delete");
	check(vcore_block_free(mended->block), "free");
}

static int mend_by_protecting(struct vcore_space *space, const struct vcore_fault *fault,
			      void *argument)
{
	(void)space;
	(void)fault;
	protect(argument, VCORE_PROTECT_READ_WRITE);
	return 1;
}

void run_fault_protect(struct bench *bench)
{
	struct mended mended;

	open_mended(&mended, mend_by_protecting);
	map(&mended, VCORE_PROTECT_READ);
	bench_start(bench);
	for (long i = 0; i < bench->n; i++) {
		bench_write_word(mended.at);
		protect(&mended, VCORE_PROTECT_READ);
	}
	bench_stop(bench, bench->n);
	close_mended(&mended);
}

static int mend_by_mapping(struct vcore_space *space, const struct vcore_fault *fault,
			   void *argument)
{
	(void)space;
	(void)fault;
	map(argument, VCORE_PROTECT_READ_WRITE);
	return 1;
}

void run_fault_map(struct bench *bench)
{
	struct mended mended;

	open_mended(&mended, mend_by_mapping);
	mended.at = vcore_space_base(mended.space);
	bench_start(bench);
	for (long i = 0; i < bench->n; i++) {
		bench_write_word(mended.at);
		unmap(&mended);
	}
	bench_stop(bench, bench->n);
	close_mended(&mended);
}
