/*
 * How a thread ends of a fault: what runs, what is left out, who is told, and
 * what makes no difference.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "../stress/stress.h"
#include <poll.h>
#include <vcore/rcu.h>

static struct vcore_runtime *runtime;
static struct vcore_fault told; /* by the hook, the last */
static _Atomic unsigned n_told;
static char text[64]; /* what has happened, a letter each */
static struct vcore_slot slot, other_slot;

static void hook(const struct vcore_fault *fault)
{
	told = *fault;
	atomic_fetch_add(&n_told, 1);
}

static void happen(char letter)
{
	size_t length = strlen(text);

	text[length] = letter;
	text[length + 1] = '\0';
}

/* Of which the compiler knows nothing. */
static char *bad_address(uintptr_t address)
{
	__asm__ volatile("" : "+r"(address));
	return (char *)address; /* NOLINT(performance-no-int-to-ptr) */
}

static void fail(uintptr_t address)
{
	*(volatile char *)bad_address(address) = 1;
}

/* Runs f in a thread with these flags. */
static struct vcore_exit run_with(unsigned flags, void *(*f)(void *), void *argument)
{
	struct vcore_thread_options options = {
		.runtime = runtime, .name = "subject", .flags = flags};
	struct vcore_thread *thread;
	struct vcore_exit end = {.how = VCORE_RETURNED};

	text[0] = '\0';
	CHECK_IS(vcore_thread_allocate(&thread, &options, f, argument), 0);
	CHECK_IS(vcore_thread_join(thread, &end, VCORE_NEVER), 0);
	return end;
}

/* The same, and it ends of a write to that address. */
static void run(void *(*f)(void *), uintptr_t address)
{
	unsigned before = atomic_load(&n_told);
	struct vcore_exit end = run_with(0, f, NULL);

	CHECK_IS(end.how, VCORE_FAULTED);
	CHECK_IS((uintptr_t)end.fault.address, address);
	CHECK_IS(atomic_load(&n_told), before + 1);
	CHECK(memcmp(&told, &end.fault, sizeof(told)) == 0);
}

/* --- cleanups and destructors --------------------------------------------------------------- */

static void note_cleanup(void *letter)
{
	CHECK_IS(vcore_sleep(vcore_after(MICROSECOND)), 0);
	happen(*(char *)letter);
}

static void fail_in_cleanup(void *letter)
{
	happen(*(char *)letter);
	fail(0x20);
}

static void *fail_with_cleanups(void *unused)
{
	struct vcore_cleanup first, second;

	vcore_cleanup_push(&first, note_cleanup, (void *)"1");
	vcore_cleanup_push(&second, note_cleanup, (void *)"2");
	CHECK_IS(vcore_slot_set(slot, (void *)"3"), 0);
	fail(0x10);
	return unused;
}

static void *fail_twice(void *unused)
{
	struct vcore_cleanup first, second;

	vcore_cleanup_push(&first, note_cleanup, (void *)"1");
	vcore_cleanup_push(&second, fail_in_cleanup, (void *)"2");
	CHECK_IS(vcore_slot_set(slot, (void *)"3"), 0);
	fail(0x10);
	return unused;
}

static void *exit_and_fail(void *unused)
{
	struct vcore_cleanup first, second;

	vcore_cleanup_push(&first, note_cleanup, (void *)"1");
	vcore_cleanup_push(&second, fail_in_cleanup, (void *)"2");
	CHECK_IS(vcore_slot_set(slot, (void *)"3"), 0);
	vcore_thread_exit(unused);
}

static void *fail_in_destructor(void *unused)
{
	CHECK_IS(vcore_slot_set(slot, (void *)"3"), 0);
	CHECK_IS(vcore_slot_set(other_slot, (void *)"4"), 0);
	return unused;
}

static void cleanups(void)
{
	run(fail_with_cleanups, 0x10);
	CHECK(strcmp(text, "213") == 0);
	tap_case("cleanups run, which may wait, then destructors");

	run(fail_twice, 0x10);
	CHECK(strcmp(text, "2") == 0);
	tap_case("when a cleanup faults in turn the rest is left out, and the first report counts");

	run(exit_and_fail, 0x20);
	CHECK(strcmp(text, "213") == 0);
	tap_case("a cleanup that is the first to fault does not stop the others");

	run(fail_in_destructor, 0x20);
	CHECK(strstr(text, "4") != NULL && strstr(text, "3") != NULL);
	tap_case("nor does a destructor");
}

/* --- what makes no difference --------------------------------------------------------- */

static void *fail_disabled(void *unused)
{
	vcore_destroy_disable();
	vcore_preempt_disable();
	fail(0x10);
	return unused;
}

#ifdef HAS_READ_SECTIONS
static void *fail_reading(void *unused)
{
	vcore_rcu_read_lock();
	vcore_rcu_read_lock();
	fail(0x10);
	return unused;
}

static void in_read_section(void)
{
	run(fail_reading, 0x10);
	CHECK_IS(vcore_rcu_register(), 0);
	CHECK_IS(vcore_rcu_synchronize(VCORE_NEVER), 0);
	vcore_rcu_unregister();
	tap_case("in a read section, which does not hold up a grace period");
}
#else
static void in_read_section(void)
{
	tap_skip("in a read section", "built without liburcu");
}
#endif

static struct vcore_once once;

static void fail_once(void *unused)
{
	(void)unused;
	fail(0x10);
}

static void *call_once(void *unused)
{
	vcore_once_call(&once, fail_once, NULL);
	return unused;
}

static void happen_once(void *unused)
{
	(void)unused;
	happen('o');
}

static int compare(const void *a, const void *b)
{
	(void)a;
	(void)b;
	poll(NULL, 0, 20); /* it is let go meanwhile */
	fail(0x10);
	return 0;
}

static void *fail_let_go(void *unused)
{
	int numbers[2] = {2, 1};

	qsort(numbers, 2, sizeof(numbers[0]), compare);
	return unused;
}

static atomic_bool is_over;

static void *compute(void *unused)
{
	while (!atomic_load(&is_over)) {
	}
	return unused;
}

static void *fail_simply(void *unused)
{
	fail(0x10);
	return unused;
}

static void circumstances(void)
{
	static const unsigned flags[] = {VCORE_THREAD_LIGHT, VCORE_THREAD_FPENV,
					 VCORE_THREAD_DESTROY_ANYWHERE, VCORE_THREAD_PINNED};
	struct vcore_thread *others[2];

	run(fail_disabled, 0x10);
	tap_case("with destruction and preemption disabled");
	in_read_section();
	run(call_once, 0x10);
	text[0] = '\0';
	vcore_once_call(&once, happen_once, NULL);
	CHECK(strcmp(text, "o") == 0);
	tap_case("in the function of once, which another call makes good");

	atomic_store(&is_over, false);
	for (int i = 0; i < 2; i++) {
		others[i] = stress_spawn(runtime, compute, NULL);
	}
	run(fail_let_go, 0x10);
	atomic_store(&is_over, true);
	for (int i = 0; i < 2; i++) {
		stress_join(others[i]);
	}
	tap_case("in a callback from foreign code, without a processor");
	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		CHECK_IS(run_with(flags[i], fail_simply, NULL).how, VCORE_FAULTED);
	}
	tap_case("threads with flags");
}

/* A thread that nobody joins, on a server. */
static void served(void)
{
	struct vcore_thread_options options = {
		.runtime = runtime,
		.flags = VCORE_THREAD_PINNED,
		.processor = 1,
	};
	unsigned before = atomic_load(&n_told);

	CHECK_IS(vcore_thread_allocate(NULL, &options, fail_simply, NULL), 0);
	while (atomic_load(&n_told) == before) {
		CHECK_IS(vcore_runtime_serve(runtime, vcore_after(MILLISECOND)), 0);
	}
	tap_case("a detached thread, on a server");
}

/* --- the kernel's accesses ------------------------------------------------------------ */

static void *pass_bad_addresses(void *unused)
{
	int ends[2];

	CHECK_IS(pipe(ends), 0);
	CHECK(write(ends[1], bad_address(0x10), 1) == -1 && errno == EFAULT);
	CHECK_IS(write(ends[1], "x", 1), 1);
	CHECK(read(ends[0], bad_address(0x10), 1) == -1 && errno == EFAULT);
	close(ends[0]);
	close(ends[1]);
	return unused;
}

static void system_calls(void)
{
	CHECK_IS(run_with(0, pass_bad_addresses, NULL).how, VCORE_RETURNED);
	tap_case("what the kernel is given a bad address for gives EFAULT");
}

int main(int argc, char **argv)
{
	stress_begin(argc, argv);
	CHECK_IS(vcore_slot_create(&slot, note_cleanup), 0);
	CHECK_IS(vcore_slot_create(&other_slot, fail_in_cleanup), 0);
	for (int i = 0; i < 2; i++) {
		runtime = stress_open_with((struct vcore_runtime_options){
			.processors = 1,
			.quantum = i == 0 ? 100 * MICROSECOND : VCORE_QUANTUM_OFF,
			.fault = hook,
		});
		cleanups();
		if (i == 0) {
			circumstances();
			served();
		}
		system_calls();
		stress_close(runtime);
	}
	return tap_done();
}
