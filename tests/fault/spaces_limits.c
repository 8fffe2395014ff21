/*
 * Blocks and spaces where the process may have no more: mappings, addresses, file
 * descriptors, larger files.  Each is said by an error of its own, all that is
 * there stays as it is, and when there is room again all works.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "../stress/process.h"
#include "../stress/stress.h"
#include "child.h"
#include <fcntl.h>
#include <sys/resource.h>
#include <vcore/space.h>

/* More mappings than that take too long to make. */
#define MAPPINGS_MOST 70000

static size_t page;

static struct vcore_space *make_space(void)
{
	struct vcore_space *space;

	CHECK_IS(vcore_space_create(&space, NULL), 0);
	return space;
}

static struct vcore_block *make_block(void)
{
	struct vcore_block *block;

	CHECK_IS(vcore_block_allocate(&block, page), 0);
	return block;
}

/* --- mappings ------------------------------------------------------------------------------ */

static long most_mappings(void)
{
	FILE *file = fopen("/proc/sys/vm/max_map_count", "re");
	long n = -1;

	if (file != NULL) {
		if (fscanf(file, "%ld", &n) != 1) {
			n = -1;
		}
		fclose(file);
	}
	return n;
}

/* Until there are no more; the last that there was. */
static char *fill(struct vcore_space *space, struct vcore_block *block)
{
	void *at = NULL;
	int result;

	do {
		result = vcore_space_map(space, block, VCORE_ANYWHERE, VCORE_PROTECT_READ_WRITE,
					 &at);
	} while (result == 0);
	CHECK_IS(result, -EAGAIN);
	return at;
}

/* At the limit what needs no more mappings works. */
static void work_at_the_limit(struct vcore_space *space, char *at)
{
	struct vcore_block *block = make_block();
	struct vcore_space *other;
	void *address;
	int result;

	strcpy(at, "still there");
	CHECK_IS(vcore_space_map(space, block, VCORE_ANYWHERE, VCORE_PROTECT_READ, &address),
		 -EAGAIN);
	CHECK_IS(vcore_space_find(space, at + 2 * page, NULL, NULL, NULL), -ENOENT);
	result = vcore_space_create(&other, NULL); /* its range may join another's */
	CHECK(result == 0 || result == -EAGAIN);
	if (result == 0) {
		CHECK_IS(
			vcore_space_map(other, block, VCORE_ANYWHERE, VCORE_PROTECT_READ, &address),
			-EAGAIN);
		CHECK_IS(vcore_space_delete(other), 0);
	}
	CHECK_IS(vcore_space_protect(space, at, VCORE_PROTECT_READ), 0);
	CHECK(strcmp(at, "still there") == 0);
	CHECK_IS(vcore_space_unmap(space, at), 0);
	CHECK_IS(vcore_space_map(space, block, VCORE_ANYWHERE, VCORE_PROTECT_READ_WRITE, &address),
		 0);
	CHECK(address == at && at[0] == 0);
	CHECK_IS(vcore_space_unmap(space, at), 0);
	CHECK_IS(vcore_block_free(block), 0);
}

static void run_out_of_mappings(void)
{
	struct vcore_space *space;
	struct vcore_block *block;
	long before = 0;

	if (STRESS_DIVISOR > 1) {
		tap_skip("no more mappings", "a sanitizer makes some itself meanwhile");
		return;
	}
	if (most_mappings() < 0 || most_mappings() > MAPPINGS_MOST) {
		tap_skip("no more mappings", "there may be very many");
		return;
	}
	for (int i = 0; i < 2; i++) {
		space = make_space();
		block = make_block();
		work_at_the_limit(space, fill(space, block));
		CHECK_IS(vcore_space_delete(space), 0);
		CHECK_IS(vcore_block_free(block), 0);
		if (i == 0) { /* the library's records are kept */
			before = process_mappings();
		}
	}
	CHECK_IS(process_mappings(), before);
	tap_case("no more mappings");
}

/* --- limits of the process, each in a child that sets it ------------------------------ */

static int finish_child(void)
{
	return atomic_load(&tap_failures) != 0;
}

static void limit(int what, rlim_t n)
{
	struct rlimit limits;

	CHECK_IS(getrlimit(what, &limits), 0);
	limits.rlim_cur = n < limits.rlim_max ? n : limits.rlim_max;
	CHECK_IS(setrlimit(what, &limits), 0);
}

static int run_out_of_addresses(const void *unused)
{
	const struct vcore_space_options small = {.bytes = page};
	struct vcore_space *space;

	(void)unused;
	limit(RLIMIT_AS, (rlim_t)process_kib("/proc/self/status", "VmSize:") * 1024 + (64 << 20));
	CHECK_IS(vcore_space_create(&space, NULL), -ENOMEM);
	CHECK_IS(vcore_space_create(&space, &small), 0);
	CHECK_IS(vcore_space_delete(space), 0);
	return finish_child();
}

static int run_out_of_descriptors(const void *unused)
{
	struct vcore_block *block;
	int fd;

	(void)unused;
	limit(RLIMIT_NOFILE, 20);
	do {
		fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	} while (fd >= 0);
	CHECK_IS(vcore_block_allocate(&block, page), -EAGAIN);
	close(10);
	CHECK_IS(vcore_block_allocate(&block, page), 0);
	CHECK_IS(vcore_block_free(block), 0);
	return finish_child();
}

/* No signal comes of it. */
static int run_out_of_file(const void *unused)
{
	struct vcore_block *block;

	(void)unused;
	limit(RLIMIT_FSIZE, 1 << 20);
	CHECK_IS(vcore_block_allocate(&block, page), -ENOMEM);
	limit(RLIMIT_FSIZE, RLIM_INFINITY);
	CHECK_IS(vcore_block_allocate(&block, page), 0);
	CHECK_IS(vcore_block_free(block), 0);
	return finish_child();
}

static void in_a_child(const char *what, int (*f)(const void *unused))
{
	struct child child;

	child_run(&child, f, NULL);
	CHECK(child_exited(&child, 0));
	tap_case("%s", what);
}

int main(int argc, char **argv)
{
	page = (size_t)sysconf(_SC_PAGESIZE);
	stress_begin(argc, argv);
	if (STRESS_DIVISOR > 1) {
		tap_skip("no more addresses", "a sanitizer needs too many itself");
	} else {
		in_a_child("no more addresses", run_out_of_addresses);
	}
	in_a_child("no more descriptors", run_out_of_descriptors);
	in_a_child("no larger file", run_out_of_file);
	run_out_of_mappings();
	return tap_done();
}
