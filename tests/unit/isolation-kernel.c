/*
 * Isolation, where the kernel or a call of the library accesses memory for others:
 * see isolation.c.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "isolation.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

/* --- exclusive: the kernel ------------------------------------------------------------------- */

TestAround(isolation, the_kernel_says_efault_of_what_is_closed)
{
	struct house one = build(VCORE_SPACE_EXCLUSIVE), other = build(VCORE_SPACE_EXCLUSIVE);
	struct keeper keeper;
	int ends[2];

	check(pipe(ends) == 0);
	keep_open(&keeper, &other);
	errno = 0;
	check(write(ends[1], one.page, 1) == -1 && errno == EFAULT);
	check(write(ends[1], "x", 1) == 1);
	errno = 0;
	check(read(ends[0], one.page, 1) == -1 && errno == EFAULT);
	keep_no_more(&keeper);
	close(ends[0]);
	close(ends[1]);
	demolish(&one);
	demolish(&other);
}

TestAround(isolation, the_kernel_writes_for_whoever_passes_what_is_open)
{
	struct house house = build(VCORE_SPACE_EXCLUSIVE);
	struct keeper keeper;
	int ends[2];

	check(pipe(ends) == 0);
	keep_open(&keeper, &house);
	check(write(ends[1], "x", 1) == 1 && read(ends[0], house.page, 1) == 1);
	check(*house.page == 'x');
	keep_no_more(&keeper);
	close(ends[0]);
	close(ends[1]);
	demolish(&house);
}

/* A pipe that holds the page itself, from when it was open. */
TestAround(isolation, pages_that_the_kernel_has_are_reached_when_they_are_closed)
{
	struct house one = build(VCORE_SPACE_EXCLUSIVE), other = build(VCORE_SPACE_EXCLUSIVE);
	struct iovec page = {.iov_base = one.page, .iov_len = 1};
	struct keeper keeper;
	int ends[2];
	char c = 0;

	check(pipe(ends) == 0);
	*one.page = 'b';
	check(vmsplice(ends[1], &page, 1, 0) == 1);
	*one.page = 'a';
	keep_open(&keeper, &other);
	check(!is_readable(one.page));
	check(read(ends[0], &c, 1) == 1 && c == 'a');
	keep_no_more(&keeper);
	close(ends[0]);
	close(ends[1]);
	demolish(&one);
	demolish(&other);
}

static ssize_t by_proc(void *at, char *byte, bool writes)
{
	int memory = open("/proc/self/mem", O_RDWR | O_CLOEXEC);
	off_t place = (off_t)(uintptr_t)at;
	ssize_t n;

	if (memory < 0) {
		return -2;
	}
	n = writes ? pwrite(memory, byte, 1, place) : pread(memory, byte, 1, place);
	close(memory);
	return n;
}

/* Where the system allows it at all: there are settings that do not. */
static bool proc_may_be_forced(void)
{
	char *page = mmap(NULL, page_size(), PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char byte = 'y';
	bool may = by_proc(page, &byte, true) == 1;

	munmap(page, page_size());
	return may;
}

TestAround(isolation, proc_self_mem_reads_what_is_closed)
{
	struct house one = build(VCORE_SPACE_EXCLUSIVE), other = build(VCORE_SPACE_EXCLUSIVE);
	struct keeper keeper;
	char byte = 0;

	*one.page = 'p';
	keep_open(&keeper, &other);
	check(!is_readable(one.page));
	check(!proc_may_be_forced() || (by_proc(one.page, &byte, false) == 1 && byte == 'p'));
	keep_no_more(&keeper);
	demolish(&one);
	demolish(&other);
}

TestAround(isolation, proc_self_mem_writes_to_closed_sides_of_snapshots)
{
	struct house one = build(VCORE_SPACE_EXCLUSIVE), other = build(VCORE_SPACE_EXCLUSIVE);
	struct vcore_block *copy = snapshot_of(one.block);
	struct keeper keeper;
	bool may = proc_may_be_forced();
	char byte = 'p';

	*one.page = 'o';
	keep_open(&keeper, &other);
	check(!is_writable(one.page));
	check(!may || by_proc(one.page, &byte, true) == 1);
	keep_no_more(&keeper);
	check(*one.page == (may ? 'p' : 'o'));
	block_gone(copy);
	demolish(&one);
	demolish(&other);
}

TestAround(isolation, proc_self_mem_writes_to_closed_stacks)
{
	struct house one = build(VCORE_SPACE_EXCLUSIVE), other = build(VCORE_SPACE_EXCLUSIVE);
	struct victim victim = {NULL, VCORE_EVENTCOUNT_INITIALIZER};
	struct vcore_thread *thread = spawn_in(&one, offer_its_stack, &victim);
	struct keeper keeper;
	bool may = proc_may_be_forced();
	char byte = 'w';

	until(atomic_load(&victim.local) != NULL);
	keep_open(&keeper, &other);
	check(!is_readable(atomic_load(&victim.local)));
	check(!may || by_proc(atomic_load(&victim.local), &byte, true) == 1);
	keep_no_more(&keeper);
	vcore_eventcount_advance(&victim.event);
	check(finish(thread) == (may ? &victim : NULL));
	demolish(&one);
	demolish(&other);
}

TestAround(isolation, proc_self_mem_does_not_write_to_other_closed_blocks)
{
	struct house one = build(VCORE_SPACE_EXCLUSIVE), other = build(VCORE_SPACE_EXCLUSIVE);
	struct keeper keeper;
	char byte = 'p';

	*one.page = 'o';
	keep_open(&keeper, &other);
	check(by_proc(one.page, &byte, true) < 0);
	keep_no_more(&keeper);
	check(*one.page == 'o');
	demolish(&one);
	demolish(&other);
}

TestAround(isolation, process_vm_writev_does_not_reach_what_is_closed)
{
	struct house one = build(VCORE_SPACE_EXCLUSIVE), other = build(VCORE_SPACE_EXCLUSIVE);
	struct iovec there = {.iov_base = one.page, .iov_len = 1};
	char byte = 'p';
	struct iovec here = {.iov_base = &byte, .iov_len = 1};
	struct keeper keeper;

	*one.page = 'o';
	keep_open(&keeper, &other);
	check(process_vm_writev(getpid(), &here, 1, &there, 1, 0) < 0);
	check(process_vm_readv(getpid(), &here, 1, &there, 1, 0) < 0);
	keep_no_more(&keeper);
	check(*one.page == 'o' && byte == 'p');
	demolish(&one);
	demolish(&other);
}

/* The descriptor of the library's file, or -1. */
static int find_file(void)
{
	char path[64], link[64];

	for (int fd = 0; fd < 1024; fd++) {
		ssize_t n;

		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		n = readlink(path, link, sizeof(link) - 1);
		link[n > 0 ? n : 0] = '\0';
		if (strncmp(link, "/memfd:vcore", 12) == 0) {
			return fd;
		}
	}
	return -1;
}

TestAround(isolation, who_uses_the_librarys_descriptor_reaches_all_blocks)
{
	struct house one = build(VCORE_SPACE_EXCLUSIVE), other = build(VCORE_SPACE_EXCLUSIVE);
	struct keeper keeper;
	bool found = false;
	char bytes[4096];

	strcpy(one.page, "a needle of block one");
	keep_open(&keeper, &other);
	for (off_t at = 0;
	     !found && pread(find_file(), bytes, sizeof(bytes), at) > 0 && at < 1 << 24;
	     at += (off_t)page_size()) {
		found = strcmp(bytes, "a needle of block one") == 0;
	}
	check(found);
	keep_no_more(&keeper);
	demolish(&one);
	demolish(&other);
}

TestAround(isolation, who_calls_mprotect_opens_what_is_closed)
{
	struct house one = build(VCORE_SPACE_EXCLUSIVE), other = build(VCORE_SPACE_EXCLUSIVE);
	struct keeper keeper;

	keep_open(&keeper, &other);
	check(!is_readable(one.page));
	check(mprotect(one.page, page_size(), PROT_READ | PROT_WRITE) == 0);
	*one.page = 'm';
	keep_no_more(&keeper);
	demolish(&one);
	demolish(&other);
}

TestEverywhere(isolation, who_calls_munmap_takes_away_what_the_books_have)
{
	struct house house = build(VCORE_SPACE_GUARDED);
	size_t offset;

	check(munmap(house.page, page_size()) == 0);
	check(!is_readable(house.page));
	check(vcore_space_find(house.space, house.page, NULL, &offset, NULL) == 0 && offset == 0);
	demolish(&house);
}

/* --- exclusive: the library's calls ---------------------------------------------------------- */

static void *change_the_other(void *argument)
{
	struct house *one = argument;
	char byte = 0;

	check(vcore_space_copy_in(one->space, one->page, "c", 1) == 0);
	check(vcore_space_copy_out(one->space, &byte, one->page, 1) == 0 && byte == 'c');
	check(vcore_space_protect(one->space, one->page, VCORE_PROTECT_READ) == 0);
	check(vcore_space_copy_in(one->space, one->page, "d", 1) == -EFAULT);
	check(vcore_space_unmap(one->space, one->page) == 0);
	return argument;
}

TestAround(isolation, whoever_has_a_pointer_to_a_space_may_change_it)
{
	struct house one = build(VCORE_SPACE_EXCLUSIVE), other = build(VCORE_SPACE_EXCLUSIVE);

	finish(spawn_in(&other, change_the_other, &one));
	demolish(&one);
	demolish(&other);
}

TestAround(isolation, closed_sides_of_snapshots_and_stacks_are_not_copied_to)
{
	struct house one = build(VCORE_SPACE_EXCLUSIVE), other = build(VCORE_SPACE_EXCLUSIVE);
	struct vcore_block *copy = snapshot_of(one.block);
	struct victim victim = {NULL, VCORE_EVENTCOUNT_INITIALIZER};
	struct vcore_thread *thread = spawn_in(&one, offer_its_stack, &victim);
	struct keeper keeper;
	char byte;

	until(atomic_load(&victim.local) != NULL);
	keep_open(&keeper, &other);
	check(vcore_space_copy_out(one.space, &byte, one.page, 1) == -ENOTSUP);
	check(vcore_space_copy_in(one.space, atomic_load(&victim.local), "w", 1) == -ENOTSUP);
	keep_no_more(&keeper);
	vcore_eventcount_advance(&victim.event);
	check(vcore_thread_join(thread, NULL, VCORE_NEVER) == 0);
	block_gone(copy);
	demolish(&one);
	demolish(&other);
}
