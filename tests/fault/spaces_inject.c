/*
 * Blocks and spaces at the limits: each call that the library makes for them
 * fails in turn; the process may have no more mappings, descriptors, addresses,
 * larger files.  The error is a promised one, all is as before, nothing is left
 * behind, and the next attempt works.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "../stress/process.h"
#include "../stress/stress.h"
#include "child.h"
#include "inject.h"
#include <fcntl.h>
#include <stdarg.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <vcore/space.h>

#define MOST_CALLS 500

/* --- what else is made to fail ------------------------------------------------------------ */

static bool may_fail(long number)
{
	return number == SYS_pwrite64 || number == SYS_fallocate || number == SYS_openat;
}

long syscall(long number, ...)
{
	static long (*next)(long, ...);
	va_list list;
	long a[6];

	if (next == NULL) {
		*(void **)&next = dlsym(RTLD_NEXT, "syscall");
	}
	va_start(list, number);
	for (int i = 0; i < 6; i++) {
		a[i] = va_arg(list, long);
	}
	va_end(list);
	if (may_fail(number) && inject_fails()) {
		errno = ENOSPC;
		return -1;
	}
	return next(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

/* --- attempts ----------------------------------------------------------------------------- */

static size_t page;

/* What an attempt works with, made before anything fails. */
static struct vcore_space *space;
static struct vcore_block *block;
static char *at;

static bool fired; /* what was to fail did */

static void end(void)
{
	fired = inject_disarm();
}

static void start(void)
{
	void *address;

	CHECK_IS(vcore_space_create(&space, NULL), 0);
	CHECK_IS(vcore_block_allocate(&block, 2 * page), 0);
	CHECK_IS(vcore_space_map(space, block, VCORE_ANYWHERE, VCORE_PROTECT_READ_WRITE, &address),
		 0);
	at = address;
	strcpy(at, "one");
	strcpy(at + page, "two");
}

static void finish(void)
{
	CHECK_IS(vcore_space_delete(space), 0);
	CHECK_IS(vcore_block_free(block), 0);
}

static void check_holds(struct vcore_block *held, const char *one, const char *two)
{
	struct vcore_space *other;
	void *there;

	CHECK_IS(vcore_space_create(&other, NULL), 0);
	CHECK_IS(vcore_space_map(other, held, VCORE_ANYWHERE, VCORE_PROTECT_READ, &there), 0);
	CHECK(strcmp(there, one) == 0);
	CHECK(strcmp((char *)there + page, two) == 0);
	CHECK_IS(vcore_space_delete(other), 0);
}

static int try_allocate_huge(void)
{
	struct vcore_block *made;
	int result = vcore_block_allocate_huge(&made, 1);

	end();
	if (result == 0) {
		CHECK_IS(vcore_block_free(made), 0);
	}
	return result;
}

static int try_create(void)
{
	struct vcore_space *made;
	int result = vcore_space_create(&made, NULL);

	end();
	if (result == 0) {
		CHECK_IS(vcore_space_delete(made), 0);
	}
	return result;
}

static int try_map(void)
{
	void *second = NULL;
	int result = vcore_space_map(space, block, VCORE_ANYWHERE, VCORE_PROTECT_READ, &second);

	end();
	if (result == 0) {
		CHECK(strcmp(second, "one") == 0);
		CHECK_IS(vcore_space_unmap(space, second), 0);
	}
	CHECK_IS(vcore_space_find(space, second, NULL, NULL, NULL), -ENOENT);
	CHECK(strcmp(at, "one") == 0);
	return result;
}

static int try_protect(void)
{
	int result = vcore_space_protect(space, at, VCORE_PROTECT_READ);
	int protection;

	end();
	CHECK_IS(vcore_space_find(space, at, NULL, NULL, &protection), 0);
	CHECK_IS(protection, result == 0 ? VCORE_PROTECT_READ : VCORE_PROTECT_READ_WRITE);
	CHECK(strcmp(at, "one") == 0);
	if (result != 0) {
		at[page + 10] = 1; /* it is as it was */
	}
	return result;
}

static int try_unmap(void)
{
	int result = vcore_space_unmap(space, at);

	end();
	CHECK_IS(vcore_space_find(space, at, NULL, NULL, NULL), result == 0 ? -ENOENT : 0);
	if (result != 0) {
		CHECK(strcmp(at, "one") == 0);
		at[page + 10] = 1;
		CHECK_IS(vcore_space_unmap(space, at), 0);
	}
	check_holds(block, "one", "two");
	return result;
}

static int try_snapshot(void)
{
	struct vcore_block *copy;
	int result = vcore_block_snapshot(block, &copy);

	end();
	strcpy(at, "ONE");
	if (result == 0) {
		check_holds(copy, "one", "two");
		CHECK_IS(vcore_block_free(copy), 0);
	}
	CHECK(strcmp(at, "ONE") == 0 && strcmp(at + page, "two") == 0);
	return result;
}

/* What one side has written must come with it, and the rest from what is frozen. */
static int unmap_a_side(bool free_the_other)
{
	long n = atomic_exchange(&inject_at, 0);
	struct vcore_block *copy;
	int result;

	CHECK_IS(vcore_block_snapshot(block, &copy), 0);
	strcpy(at, "ONE");
	if (free_the_other) {
		CHECK_IS(vcore_block_free(copy), 0);
	}
	inject_arm(n);
	result = vcore_space_unmap(space, at);
	end();
	if (result != 0) {
		CHECK(strcmp(at, "ONE") == 0 && strcmp(at + page, "two") == 0);
		at[page + 10] = 1; /* it is as it was */
		CHECK_IS(vcore_space_unmap(space, at), 0);
	}
	check_holds(block, "ONE", "two");
	if (!free_the_other) {
		check_holds(copy, "one", "two");
		CHECK_IS(vcore_block_free(copy), 0);
	}
	return result;
}

static int try_unmap_a_side(void)
{
	return unmap_a_side(false);
}

static int try_unmap_the_last_side(void)
{
	return unmap_a_side(true);
}

/* At once, because it is mapped twice. */
static int try_copy(void)
{
	long n = atomic_exchange(&inject_at, 0);
	struct vcore_block *copy;
	void *again;
	int result;

	CHECK_IS(vcore_space_map(space, block, VCORE_ANYWHERE, VCORE_PROTECT_READ, &again), 0);
	inject_arm(n);
	result = vcore_block_snapshot(block, &copy);
	end();
	strcpy(at, "ONE");
	CHECK(strcmp(again, "ONE") == 0);
	if (result == 0) {
		check_holds(copy, "one", "two");
		CHECK_IS(vcore_block_free(copy), 0);
	}
	return result;
}

static int try_snapshot_of_space(void)
{
	struct vcore_space *copy;
	int result = vcore_space_snapshot(space, &copy);

	end();
	strcpy(at, "ONE");
	if (result == 0) {
		const char *there =
			(char *)vcore_space_base(copy) + (at - (char *)vcore_space_base(space));

		CHECK(strcmp(there, "one") == 0 && strcmp(there + page, "two") == 0);
		CHECK_IS(vcore_space_delete(copy), 0);
	}
	CHECK(strcmp(at, "ONE") == 0 && strcmp(at + page, "two") == 0);
	return result;
}

static struct vcore_runtime *runtime;
static struct vcore_eventcount never;

static void *leave_a_mark(void *mark)
{
	strcpy(mark, "was here");
	return mark;
}

/* Its stack lies in the space, and to run it the space is opened. */
static int try_thread(void)
{
	struct vcore_space_options exclusive = {.least = VCORE_SPACE_EXCLUSIVE};
	struct vcore_space_statistics statistics = {.size = sizeof(statistics)};
	struct vcore_thread_options options = {.runtime = runtime};
	long n = atomic_exchange(&inject_at, 0); /* not of what it needs */
	struct vcore_thread *thread;
	void *mark;
	int result;

	CHECK_IS(vcore_space_create(&options.space, &exclusive), 0);
	CHECK_IS(vcore_space_map(options.space, block, VCORE_ANYWHERE, VCORE_PROTECT_READ_WRITE,
				 &mark),
		 0);
	inject_arm(n);
	result = vcore_thread_allocate(&thread, &options, leave_a_mark, mark);
	if (result == 0) {
		CHECK_IS(vcore_thread_join(thread, NULL, VCORE_NEVER), 0);
		CHECK(strcmp(mark, "was here") == 0);
	}
	end();
	vcore_space_statistics(options.space, &statistics);
	CHECK(statistics.threads == 0);
	/* A stack that could not be unmapped stays in the books. */
	CHECK(statistics.mappings == 1 || (statistics.mappings == 2 && result == 0 && fired));
	CHECK_IS(vcore_space_delete(options.space), 0);
	return result;
}

/* --- sweeps ------------------------------------------------------------------------------- */

static bool is_promised(int result)
{
	return result == 0 || result == -ENOMEM || result == -EAGAIN || result == -ENOTSUP;
}

/* What the blocks of the process have, in bytes: of its one memfd. */
static long held(void)
{
	char path[64], target[64];
	struct stat status;

	for (int fd = 0; fd < 100; fd++) {
		ssize_t n;

		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		n = readlink(path, target, sizeof(target));
		if (n > 12 && memcmp(target, "/memfd:vcore", 12) == 0 && fstat(fd, &status) == 0) {
			return status.st_blocks * 512;
		}
	}
	return 0;
}

struct footprint {
	long descriptors, mapped;
};

static struct footprint take_footprint(void)
{
	return (struct footprint){
		.descriptors = process_descriptors(),
		.mapped = process_kib("/proc/self/status", "VmSize:"),
	};
}

/* Lets the first, second, … call fail, until an attempt makes fewer. */
static void sweep(const char *what, int (*attempt)(void))
{
	struct footprint before = {0};
	struct footprint after;
	long n = -1;

	do {
		start();
		inject_arm(++n);
		CHECK(is_promised(attempt()));
		finish();
		after = take_footprint();
		if (n == 0) { /* nothing failed, and what is done once was done */
			before = after;
		}
		CHECK_IS(after.descriptors, before.descriptors);
		CHECK_IS(after.mapped, before.mapped);
		CHECK_IS(held(), 0);
	} while (fired && CHECK(n < MOST_CALLS));
	CHECK(n > 1);
	tap_case("%s: each of %ld calls fails in turn", what, n - 1);
}

/* The first of all, in a process of its own. */
#define NOT_FIRED 100

static int allocate_first(const void *n)
{
	struct vcore_block *made;
	int result;

	inject_arm(*(const long *)n);
	result = vcore_block_allocate(&made, page);
	end();
	CHECK(is_promised(result));
	start(); /* which works */
	finish();
	return atomic_load(&tap_failures) != 0 ? 1 : fired ? 0 : NOT_FIRED;
}

static void sweep_first(void)
{
	struct child child;
	long n = 0;

	do {
		n++;
		child_run(&child, allocate_first, &n);
		CHECK(child_exited(&child, 0) || child_exited(&child, NOT_FIRED));
	} while (child_exited(&child, 0));
	CHECK(n > 3);
	tap_case("the first block: each of %ld calls fails in turn", n - 1);
}

/* What cannot be given back can be later. */
static void delete_without_munmap(void)
{
	struct footprint before;

	start();
	finish();
	before = take_footprint();
	start();
	atomic_store(&inject_munmap, true);
	inject_arm(1);
	CHECK(is_promised(vcore_space_delete(space)));
	end();
	CHECK(fired);
	atomic_store(&inject_munmap, false);
	finish();
	CHECK_IS(take_footprint().mapped, before.mapped);
	tap_case("delete: munmap fails");
}

int main(int argc, char **argv)
{
	if (STRESS_DIVISOR > 1) {
		return tap_skip_all("a sanitizer has these functions");
	}
	page = (size_t)sysconf(_SC_PAGESIZE);
	stress_begin(argc, argv);
	sweep_first();
	sweep("vcore_block_allocate_huge", try_allocate_huge);
	sweep("vcore_space_create", try_create);
	sweep("vcore_space_map", try_map);
	sweep("vcore_space_protect", try_protect);
	sweep("vcore_space_unmap", try_unmap);
	sweep("vcore_block_snapshot", try_snapshot);
	sweep("vcore_block_snapshot of a block that is mapped twice", try_copy);
	sweep("vcore_space_unmap of a side of a snapshot", try_unmap_a_side);
	sweep("vcore_space_unmap of the last side", try_unmap_the_last_side);
	sweep("vcore_space_snapshot", try_snapshot_of_space);
	runtime = stress_open(1);
	/* Who has waited once keeps what it waits with. */
	CHECK_IS(vcore_eventcount_await(&never, 0, vcore_after(100 * MILLISECOND)), -ETIMEDOUT);
	sweep("a thread in an exclusive space", try_thread);
	stress_close(runtime);
	delete_without_munmap();
	return tap_done();
}
