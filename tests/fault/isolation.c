/*
 * Isolation, where it ends a thread or the process: what doc/isolation.md says of
 * faults in spaces, one statement to a case.  What goes on is in
 * tests/unit/isolation.c.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "../stress/stress.h"
#include "child.h"
#include <dlfcn.h>
#include <sys/mman.h>
#include <vcore/space.h>

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#endif

/* As before Linux 6.13. */
static bool no_guard_pages;

int madvise(void *address, size_t bytes, int advice)
{
	int (*forward)(void *, size_t, int);

	if (advice == MADV_GUARD_INSTALL && no_guard_pages) {
		errno = EINVAL;
		return -1;
	}
	*(void **)&forward = dlsym(RTLD_NEXT, "madvise");
	return forward(address, bytes, advice);
}

struct house {
	struct vcore_space *space;
	struct vcore_block *block;
	char *page;
};

static size_t page_size;
static struct vcore_runtime *runtime;
static struct house one, other;

static void ignore(const struct vcore_fault *fault)
{
	(void)fault;
}

static void open_all(unsigned processors)
{
	runtime = stress_open_with((struct vcore_runtime_options){
		.processors = processors, .quantum = MILLISECOND, .fault = ignore});
}

static struct house build(enum vcore_space_level level)
{
	struct vcore_space_options options = {.least = level, .most = level};
	struct house house;
	void *at = NULL;

	CHECK_IS(vcore_space_create(&house.space, &options), 0);
	CHECK_IS(vcore_block_allocate(&house.block, page_size), 0);
	CHECK_IS(vcore_space_map(house.space, house.block, VCORE_ANYWHERE, VCORE_PROTECT_READ_WRITE,
				 &at),
		 0);
	house.page = at;
	return house;
}

/* NULL: of no space. */
static struct vcore_thread *spawn_in(struct vcore_space *space, void *(*f)(void *), void *argument)
{
	struct vcore_thread_options options = {.runtime = runtime, .space = space};
	struct vcore_thread *thread = NULL;

	CHECK_IS(vcore_thread_allocate(&thread, &options, f, argument), 0);
	return thread;
}

static struct vcore_fault end_of(struct vcore_thread *thread, enum vcore_how how)
{
	struct vcore_exit end = {.how = VCORE_RETURNED};

	CHECK_IS(vcore_thread_join(thread, &end, VCORE_NEVER), 0);
	CHECK_IS(end.how, how);
	return end.fault;
}

static void *write_to(void *address)
{
	*(volatile char *)address = 1;
	return NULL;
}

/* A thread that waits in its space, which stays open, and the others closed. */
struct keeper {
	struct vcore_thread *thread;
	struct vcore_eventcount here, done;
};

static void *wait_there(void *argument)
{
	struct keeper *keeper = argument;

	(void)vcore_eventcount_advance(&keeper->here);
	CHECK_IS(vcore_eventcount_await(&keeper->done, 0, VCORE_NEVER), 0);
	return NULL;
}

static void keep_open(struct keeper *keeper, const struct house *house)
{
	memset(keeper, 0, sizeof(*keeper));
	keeper->thread = spawn_in(house->space, wait_there, keeper);
	CHECK_IS(vcore_eventcount_await(&keeper->here, 0, VCORE_NEVER), 0);
}

/* --- what ends the process ---------------------------------------------------------------- */

struct death {
	const char *name;
	int (*f)(const void *unused);
	bool everywhere; /* where faults of threads are caught, too */
};

/* In a child: of a pthread, a space that is closed to all. */
static int touch_as_pthread(const void *unused)
{
	struct keeper keeper;

	(void)unused;
	open_all(2);
	one = build(VCORE_SPACE_EXCLUSIVE);
	other = build(VCORE_SPACE_EXCLUSIVE);
	keep_open(&keeper, &one);
	write_to(one.page); /* which is open */
	write_to(other.page);
	return 0;
}

static int touch_guard_as_pthread(const void *unused)
{
	(void)unused;
	one = build(VCORE_SPACE_GUARDED);
	write_to(one.page + page_size);
	return 0;
}

/* In a child: of a thread, in code that is not the program's. */
static void *have_it_written(void *address)
{
	long double (*volatile parse)(const char *, char **) = strtold;

	(void)parse("1x", address);
	return NULL;
}

static int touch_in_foreign_code(const void *unused)
{
	struct keeper keeper;

	(void)unused;
	open_all(2);
	one = build(VCORE_SPACE_EXCLUSIVE);
	other = build(VCORE_SPACE_EXCLUSIVE);
	keep_open(&keeper, &other);
	(void)end_of(spawn_in(NULL, have_it_written, one.page), VCORE_FAULTED);
	return 0;
}

static int touch_as_thread(const void *unused)
{
	(void)unused;
	open_all(2);
	one = build(VCORE_SPACE_EXCLUSIVE);
	other = build(VCORE_SPACE_EXCLUSIVE);
	(void)end_of(spawn_in(one.space, write_to, other.page), VCORE_FAULTED);
	return 0;
}

static int mend(struct vcore_space *space, const struct vcore_fault *fault, void *argument)
{
	(void)argument;
	return vcore_space_protect(space, fault->address, VCORE_PROTECT_READ_WRITE) == 0;
}

static int have_nothing_mended(const void *unused)
{
	struct vcore_space_options options = {.on_fault = mend};
	struct vcore_space *space;
	int ends[2];
	void *at;

	(void)unused;
	open_all(1);
	one = build(VCORE_SPACE_GUARDED);
	if (vcore_space_create(&space, &options) != 0 ||
	    vcore_space_map(space, one.block, 0, VCORE_PROTECT_NONE, &at) != 0 ||
	    vcore_space_unmap(one.space, one.page) != 0 || pipe(ends) != 0 ||
	    write(ends[1], at, 1) != -1 || errno != EFAULT) {
		return 1;
	}
#ifdef FAULTS_ARE_CAUGHT
	(void)end_of(spawn_in(NULL, write_to, at), VCORE_RETURNED);
	if (vcore_space_protect(space, at, VCORE_PROTECT_NONE) != 0 ||
	    atomic_load(&tap_failures) != 0) {
		return 1;
	}
#endif
	write_to(at);
	return 1;
}

static void deaths(void)
{
	static const struct death all[] = {
		{"a pthread that touches a closed space ends the process", touch_as_pthread, true},
		{"a pthread that touches a guard ends the process", touch_guard_as_pthread, true},
		{"what a space would mend it does not for the kernel and pthreads",
		 have_nothing_mended, true},
		{"foreign code that touches a closed space ends the process", touch_in_foreign_code,
		 true},
		{"where faults are not caught a thread ends the process", touch_as_thread, false},
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		struct child child;

#ifdef FAULTS_ARE_CAUGHT
		if (!all[i].everywhere) {
			continue;
		}
#endif
		child_run(&child, all[i].f, NULL);
		if (!CHECK(child_died(&child, SIGSEGV))) {
			tap_say("status %x: %.200s", (unsigned)child.status, child.output);
		}
		tap_case("%s", all[i].name);
	}
}

/* --- what ends a thread ------------------------------------------------------------------ */

#ifdef FAULTS_ARE_CAUGHT

static void demolish(const struct house *house)
{
	CHECK_IS(vcore_space_delete(house->space), 0);
	CHECK_IS(vcore_block_free(house->block), 0);
}

static volatile size_t deepest = SIZE_MAX;

__attribute__((noinline)) static size_t descend(size_t n)
{
	volatile char frame[1024];

	frame[n % 1024] = 1;
	return n == deepest ? 0 : descend(n + 1) + (size_t)frame[n % 8];
}

static void *overflow(void *unused)
{
	(void)descend(0);
	return unused;
}

static void keep_no_more(struct keeper *keeper)
{
	(void)vcore_eventcount_advance(&keeper->done);
	(void)end_of(keeper->thread, VCORE_RETURNED);
}

static void of_another_space(void)
{
	struct vcore_fault fault =
		end_of(spawn_in(one.space, write_to, other.page + 5), VCORE_FAULTED);

	CHECK_IS(fault.kind, VCORE_FAULT_OTHER_SPACE);
	CHECK_IS(fault.space, vcore_space_id(other.space));
	CHECK_IS(fault.block, vcore_block_id(other.block));
	CHECK_IS(fault.offset, 5);
	tap_case("a thread that touches a closed space ends, alone");
}

static void of_none(void)
{
	struct keeper keeper;
	struct vcore_fault fault;

	keep_open(&keeper, &one);
	fault = end_of(spawn_in(NULL, write_to, other.page), VCORE_FAULTED);
	CHECK_IS(fault.kind, VCORE_FAULT_OTHER_SPACE);
	(void)end_of(spawn_in(NULL, write_to, one.page), VCORE_RETURNED);
	keep_no_more(&keeper);
	tap_case("a thread of no space that touches a closed space ends, alone");
}

struct lodger {
	struct keeper keeper;
	char *_Atomic local;
};

static void *wait_with_address(void *argument)
{
	struct lodger *lodger = argument;
	char local;

	atomic_store(&lodger->local, &local);
	return wait_there(&lodger->keeper);
}

static void of_stacks(void)
{
	struct lodger lodger = {.local = NULL};
	struct vcore_fault fault;

	lodger.keeper.thread = spawn_in(other.space, wait_with_address, &lodger);
	CHECK_IS(vcore_eventcount_await(&lodger.keeper.here, 0, VCORE_NEVER), 0);
	fault = end_of(spawn_in(one.space, write_to, lodger.local), VCORE_FAULTED);
	CHECK_IS(fault.kind, VCORE_FAULT_OTHER_SPACE);
	CHECK(fault.space == vcore_space_id(other.space) && fault.block == 0);
	keep_no_more(&lodger.keeper);
	tap_case("a thread that touches a stack in a closed space ends, alone");
}

static void of_guards(void)
{
	struct house guarded = build(VCORE_SPACE_GUARDED), named = build(VCORE_SPACE_NAMED);
	struct vcore_fault fault;

	fault = end_of(spawn_in(NULL, write_to, guarded.page + page_size), VCORE_FAULTED);
	CHECK(fault.space == vcore_space_id(guarded.space) && fault.block == 0);
	CHECK_IS(fault.offset, 2 * page_size); /* behind a guard and the block */
	CHECK_IS(vcore_space_protect(named.space, named.page, VCORE_PROTECT_READ), 0);
	(void)end_of(spawn_in(NULL, write_to, named.page), VCORE_RETURNED);
	demolish(&guarded);
	demolish(&named);
	tap_case("a thread that touches a guard ends, alone; what is named is not guarded");
}

static bool kernel_has_guards(void)
{
	char *page =
		mmap(NULL, page_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	bool has = madvise(page, page_size, MADV_GUARD_INSTALL) == 0;

	munmap(page, page_size);
	return has;
}

static int overflow_in_space(const void *without_guards)
{
	no_guard_pages = without_guards != NULL;
	open_all(1);
	one = build(VCORE_SPACE_EXCLUSIVE);
	(void)end_of(spawn_in(one.space, overflow, NULL), VCORE_FAULTED);
	demolish(&one);
	stress_close(runtime);
	return atomic_load(&tap_failures) == 0 ? 7 : 1;
}

static void of_overflows(void)
{
	struct child child;

	if (kernel_has_guards()) {
		child_run(&child, overflow_in_space, NULL);
		CHECK(child_exited(&child, 7));
		tap_case("an overflow in an exclusive space ends the thread");
	} else {
		tap_skip("an overflow in an exclusive space ends the thread", "an older kernel");
	}
	child_run(&child, overflow_in_space, &no_guard_pages);
	CHECK(child_died(&child, SIGSEGV) && strstr(child.output, "stack overflow") != NULL);
	tap_case("without guard pages of the kernel it ends the process");
}

static void threads(void)
{
	for (unsigned processors = 1; processors <= 3; processors++) {
		open_all(processors);
		one = build(VCORE_SPACE_EXCLUSIVE);
		other = build(VCORE_SPACE_EXCLUSIVE);
		of_another_space();
		of_none();
		of_stacks();
		of_guards();
		CHECK(*one.page == 1);
		demolish(&one);
		demolish(&other);
		stress_close(runtime);
	}
}

#endif

int main(int argc, char **argv)
{
	stress_begin(argc, argv);
	page_size = (size_t)sysconf(_SC_PAGESIZE);
	deaths();
#ifdef FAULTS_ARE_CAUGHT
	of_overflows();
	threads();
#endif
	return tap_done();
}
