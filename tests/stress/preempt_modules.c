/*
 * What is the application's own text: a module that was loaded, and code that
 * was made at run time, are let go until they are allowed, preempted then, and
 * let go again when they are forbidden, before they are unmapped.
 *
 *	preempt_modules SEED SCALE MODULE
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "module.h"
#include "ticks.h"
#include <dlfcn.h>
#include <sys/mman.h>

static const char *module_path;

/* Code that spins until what its argument points to is not 0. */
typedef void *(*spin_function)(void *flag);

#if defined(__x86_64__)
/* again: mov (%rdi), %al; test %al, %al; je again; mov %rdi, %rax; ret */
static const unsigned char spin_code[] = {0x8a, 0x07, 0x84, 0xc0, 0x74,
					  0xfa, 0x48, 0x89, 0xf8, 0xc3};
#elif defined(__aarch64__)
/* again: ldrb w1, [x0]; cbz w1, again; ret */
static const unsigned char spin_code[] = {0x01, 0x00, 0x40, 0x39, 0xe1, 0xff,
					  0xff, 0x34, 0xc0, 0x03, 0x5f, 0xd6};
#endif

/* A thread in such a function, beside another on its processor. */
struct visit {
	const struct ticks *ticks;
	spin_function spin;
	_Atomic bool release, done;
	struct vcore_thread *thread, *other;
};

/* An entry of the program's: that of a module would allow it. */
static void *go_there(void *argument)
{
	struct visit *visit = argument;

	CHECK(visit->spin(&visit->release) == &visit->release);
	return NULL;
}

static void visit_begin(struct visit *visit, const struct ticks *ticks, spin_function spin)
{
	*visit = (struct visit){.ticks = ticks, .spin = spin};
	visit->thread = ticks_spawn_pinned(ticks, go_there, visit);
	visit->other = ticks_spawn_pinned(ticks, ticks_spin, &visit->done);
}

static void visit_end(struct visit *visit)
{
	atomic_store(&visit->release, true);
	stress_join(visit->thread);
	atomic_store(&visit->done, true);
	stress_join(visit->other);
}

/* Goes on, without a processor. */
static void expect_let_go(const struct ticks *ticks, spin_function spin)
{
	struct visit visit;
	struct vcore_thread_info info;

	visit_begin(&visit, ticks, spin);
	ticks_until((info = ticks_info(ticks, visit.thread)).let_go);
	CHECK_IS(info.state, VCORE_THREAD_RUNNING);
	CHECK(info.hand_overs > 0);
	/* None, if it was there for long before the other came. */
	CHECK(info.refusals == 0 || info.refusal == VCORE_REFUSAL_FOREIGN);
	CHECK(!info.kept);
	visit_end(&visit);
}

/* Takes turns with the other. */
static void expect_preempted(const struct ticks *ticks, spin_function spin)
{
	struct visit visit;
	struct vcore_thread_info info;
	uint64_t before;

	visit_begin(&visit, ticks, spin);
	before = ticks_info(ticks, visit.thread).preemptions;
	ticks_until((info = ticks_info(ticks, visit.thread)).preemptions >= before + 5);
	visit_end(&visit);
}

/* What was let go is preempted when it is allowed meanwhile: time on a CPU tells. */
static void expect_return(const struct ticks *ticks, spin_function spin)
{
	struct visit visit;

	visit_begin(&visit, ticks, spin);
	ticks_until(ticks_info(ticks, visit.thread).let_go);
	CHECK_IS(vcore_preempt_allow((const void *)spin), 0);
	ticks_until(ticks_info(ticks, visit.thread).preemptions > 2);
	visit_end(&visit);
	CHECK_IS(vcore_preempt_forbid((const void *)spin, NULL), 0);
}

static void *load(spin_function *spin)
{
	void *module = dlopen(module_path, RTLD_NOW | RTLD_LOCAL);

	if (module == NULL) {
		tap_say("%s", dlerror());
		exit(EXIT_FAILURE);
	}
	*(void **)spin = dlsym(module, "module_spin");
	return module;
}

static void allow_module(const struct ticks *ticks)
{
	spin_function spin;
	void *module = load(&spin);

	expect_let_go(ticks, spin);
	CHECK_IS(vcore_preempt_allow((const void *)spin), 0);
	CHECK_IS(vcore_preempt_allow((const void *)spin), 0);
	expect_preempted(ticks, spin);
	CHECK_IS(vcore_preempt_forbid((const void *)spin, NULL), 0);
	expect_let_go(ticks, spin);
	expect_return(ticks, spin);
	expect_let_go(ticks, spin);
	CHECK_IS(dlclose(module), 0);
}

/* Code that was made at run time, forbidden and unmapped, where a module will lie. */
static void *load_where_code_was(spin_function *spin)
{
	const size_t size = 4096;
	void *module = load(spin);
	void *place = (void *)((uintptr_t)*spin & -size);

	CHECK_IS(dlclose(module), 0);
	if (mmap(place, size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1,
		 0) == place) {
		CHECK_IS(vcore_preempt_allow_range(place, (char *)place + size), 0);
		CHECK_IS(vcore_preempt_forbid(place, (char *)place + size), 0);
		CHECK_IS(munmap(place, size), 0);
	}
	return load(spin);
}

/* The module of an entry is the application's from then on. */
static void enter_module(const struct ticks *ticks)
{
	_Atomic bool done = false;
	struct vcore_thread *thread, *other;
	spin_function spin;
	void *module = load_where_code_was(&spin);

	thread = ticks_spawn_pinned(ticks, spin, &done);
	other = ticks_spawn_pinned(ticks, ticks_spin, &done);
	ticks_until(ticks_info(ticks, thread).preemptions > 2);
	atomic_store(&done, true);
	stress_join(thread);
	stress_join(other);
	expect_preempted(ticks, spin);
	CHECK_IS(vcore_preempt_forbid((const void *)spin, NULL), 0);
	expect_let_go(ticks, spin);
	CHECK_IS(dlclose(module), 0);
}

/* A part of it stays forbidden though an entry lies in the rest. */
static void forbid_a_part(const struct ticks *ticks)
{
	spin_function spin, enter;
	void *module = load(&spin);
	const char *from = (const char *)(uintptr_t)spin;
	const char *to;

	*(void **)&enter = dlsym(module, "module_enter");
	to = (const char *)(uintptr_t)enter;
	CHECK_IS(vcore_preempt_forbid(from, from < to ? to : from + 64), 0);
	stress_join(stress_spawn(ticks->runtime, enter, NULL));
	expect_let_go(ticks, spin);
	CHECK_IS(vcore_preempt_allow(from), 0);
	expect_preempted(ticks, spin);
	CHECK_IS(vcore_preempt_forbid(from, NULL), 0);
	CHECK_IS(dlclose(module), 0);
}

#if defined(__x86_64__) || defined(__aarch64__)
static void allow_code(const struct ticks *ticks)
{
	const size_t size = 4096;
	spin_function spin;
	char *code = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	memcpy(code, spin_code, sizeof(spin_code));
	CHECK_IS(mprotect(code, size, PROT_READ | PROT_EXEC), 0);
	__builtin___clear_cache(code, code + size);
	memcpy(&spin, &code, sizeof(spin));

	CHECK_IS(vcore_preempt_allow(code), -EINVAL);
	expect_let_go(ticks, spin);
	CHECK_IS(vcore_preempt_allow_range(code, code + size), 0);
	expect_preempted(ticks, spin);
	CHECK_IS(vcore_preempt_forbid(code, code + sizeof(spin_code)), 0);
	expect_let_go(ticks, spin);
	CHECK_IS(vcore_preempt_allow_range(code, code + sizeof(spin_code)), 0);
	expect_preempted(ticks, spin);
	CHECK_IS(vcore_preempt_forbid(code, code + size), 0);
	munmap(code, size);
}
#endif

static void try_all(const struct ticks *ticks)
{
	ticks_try(ticks, "a module, allowed and forbidden", allow_module);
	ticks_try(ticks, "a module that an entry is in", enter_module);
	ticks_try(ticks, "a module of which a part is forbidden", forbid_a_part);
#if defined(__x86_64__) || defined(__aarch64__)
	ticks_try(ticks, "code made at run time", allow_code);
#else
	tap_skip("code made at run time", "no such code for this processor");
#endif
}

int main(int argc, char **argv)
{
	if (argc < 4) {
		return EXIT_FAILURE;
	}
	module_path = argv[3];
	return ticks_main(argc, argv, try_all);
}
