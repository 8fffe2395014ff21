/*
 * Limits of the system are errors that name the limit, and pass when the need
 * does: mappings where guards are made by mprotect, and address space.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "../stress/process.h"
#include "../stress/stress.h"
#include "child.h"
#include "inject.h"
#include <sys/resource.h>

#define MOST_MAPPINGS 100000 /* a larger vm.max_map_count takes too long to reach */
#define ROOM          ((rlim_t)64 << 20)

static struct vcore_runtime *runtime;
static struct vcore_eventcount gate;

static void *wait_at_gate(void *unused)
{
	vcore_eventcount_await(&gate, 0, VCORE_NEVER);
	return unused;
}

/* Allocates threads until that fails, with what; *n is how many there are. */
static int fill(size_t *n)
{
	const struct vcore_thread_options options = {.runtime = runtime};
	int result;

	*n = 0;
	while ((result = vcore_thread_allocate(NULL, &options, wait_at_gate, NULL)) == 0) {
		++*n;
	}
	return result;
}

static const char *limit(void)
{
	struct vcore_statistics statistics = {0};

	CHECK_IS(vcore_inspect_runtime(runtime, &statistics), 0);
	return statistics.limit != NULL ? statistics.limit : "none";
}

static void check_limit(const char *expected)
{
	if (!CHECK(strcmp(limit(), expected) == 0)) {
		tap_say("the limit is called %s", limit());
	}
}

/* Opens the gate, and waits until all who stood there are gone. */
static void empty(void)
{
	struct vcore_statistics statistics;
	vcore_instant deadline = stress_patience();

	vcore_eventcount_advance(&gate);
	do {
		vcore_sleep(vcore_after(MILLISECOND));
		CHECK_IS(vcore_inspect_runtime(runtime, &statistics), 0);
	} while (statistics.threads > 0 && CHECK(vcore_now() < deadline));
}

static int reach_mappings(const void *unused)
{
	long mappings;
	size_t n;

	(void)unused;
	atomic_store(&inject_no_guard_pages, true);
	runtime = stress_open(1);
	mappings = process_mappings();
	CHECK_IS(fill(&n), -EAGAIN);
	check_limit("vm.max_map_count");
	CHECK(n > 1000);
	empty();
	CHECK_IS(vcore_thread_allocate(NULL, &(struct vcore_thread_options){.runtime = runtime},
				       wait_at_gate, NULL),
		 0);
	stress_close(runtime);
	CHECK(process_mappings() <= mappings);
	return (int)tap_failures;
}

static void set_address_space(rlim_t bytes)
{
	struct rlimit limit = {.rlim_cur = bytes, .rlim_max = RLIM_INFINITY};

	CHECK_IS(setrlimit(RLIMIT_AS, &limit), 0);
}

static int reach_address_space(const void *unused)
{
	rlim_t used;
	size_t n, more;
	int result;

	(void)unused;
	runtime = stress_open(1);
	used = (rlim_t)process_kib("/proc/self/status", "VmSize:") * 1024;
	set_address_space(used + ROOM);
	result = fill(&n);
	CHECK(result == -ENOMEM || result == -EAGAIN);
	check_limit("memory");
	CHECK(n > 100);
	set_address_space(used + 2 * ROOM);
	fill(&more);
	CHECK(more > 100);
	empty();
	set_address_space(RLIM_INFINITY);
	stress_close(runtime);
	return (int)tap_failures;
}

static int open_in_no_space(const void *unused)
{
	struct vcore_runtime *none;
	int result;

	(void)unused;
	set_address_space((rlim_t)process_kib("/proc/self/status", "VmSize:") * 1024);
	result = vcore_runtime_open(&none, NULL);
	CHECK(result == -ENOMEM || result == -EAGAIN);
	set_address_space(RLIM_INFINITY);
	CHECK_IS(vcore_run(NULL, wait_at_gate, NULL, NULL), -EDEADLK);
	return (int)tap_failures;
}

static void in_child(const char *name, int (*f)(const void *))
{
	struct child child;

	child_run(&child, f, NULL);
	CHECK_IS(child.status, 0);
	tap_case("%s", name);
}

int main(int argc, char **argv)
{
	long mappings = process_kib("/proc/sys/vm/max_map_count", "");

	if (STRESS_DIVISOR > 1 || getenv("VCORE_STRESS_SCALE") != NULL) {
		return tap_skip_all("needs the address space to itself");
	}
	stress_begin(argc, argv);
	if (mappings > MOST_MAPPINGS) {
		tap_skip("vm.max_map_count", "it is too high to be reached");
	} else {
		in_child("vm.max_map_count", reach_mappings);
	}
	in_child("RLIMIT_AS while threads are allocated", reach_address_space);
	in_child("RLIMIT_AS while a runtime is opened", open_in_no_space);
	return tap_done();
}
