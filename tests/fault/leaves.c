/*
 * Leaf functions of libc: a bad pointer that the program's own text has given them is
 * a fault of the thread's own.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "../stress/stress.h"
#include "child.h"
#include <dlfcn.h>

/* Those of doc/isolation.md: of some it depends on libc, and the processor. */
static const struct leaf {
	const char *name;
	bool surely;
} leaves[] = {
	{"memcpy", true},    {"memmove", true},  {"memset", true},   {"memcmp", true},
	{"bcmp", true},      {"memchr", true},   {"memrchr", true},  {"strlen", true},
	{"strnlen", true},   {"strcpy", true},   {"stpcpy", true},   {"strcmp", true},
	{"strncmp", true},   {"strchr", true},   {"strrchr", true},  {"strchrnul", true},
	{"rawmemchr", true}, {"mempcpy", false}, {"strncpy", false}, {"stpncpy", false},
	{"strcat", false},   {"strncat", false}, {"wcslen", false},
};

#define N_LEAVES (sizeof(leaves) / sizeof(leaves[0]))

struct call {
	void *(*f)(void *, const void *, size_t);
	char *address;
	const void *second; /* a character, a size, or another address */
};

static void *make_call(void *argument)
{
	const struct call *call = argument;

	(void)call->f(call->address, call->second, 16);
	return NULL;
}

/* Each reads, or writes, at its first argument. */
static struct call call_of(const struct leaf *leaf)
{
	static const char text[64] = "another";
	bool has_number = strcmp(leaf->name, "memset") == 0 || strstr(leaf->name, "chr") != NULL ||
			  strcmp(leaf->name, "strnlen") == 0;
	struct call call = {.address = (char *)0x1230}; /* where nothing is ever mapped */

	*(void **)&call.f = dlsym(RTLD_DEFAULT, leaf->name);
	/* NOLINTNEXTLINE(performance-no-int-to-ptr) */
	call.second = has_number ? (const void *)(uintptr_t)'z' : text;
	return call;
}

static int in_leaf(const void *leaf)
{
	struct call call = call_of(leaf);
	struct vcore_exit end = {.how = VCORE_RETURNED};

	if (CHECK(call.f != NULL)) {
		CHECK_IS(vcore_run(NULL, make_call, &call, &end), 0);
		CHECK_IS(end.how, VCORE_FAULTED);
		CHECK_IS(end.fault.kind, VCORE_FAULT_UNMAPPED);
	}
	return atomic_load(&tap_failures) == 0 ? 7 : 1;
}

int main(int argc, char **argv)
{
	stress_begin(argc, argv);
	for (size_t i = 0; i < N_LEAVES; i++) {
		struct child child;

		child_run(&child, in_leaf, &leaves[i]);
		if (!CHECK(child_exited(&child, 7) ||
			   (!leaves[i].surely && child_died(&child, SIGSEGV)))) {
			tap_say("in %s: status %x", leaves[i].name, (unsigned)child.status);
		} else if (!child_exited(&child, 7)) {
			tap_say("it ends the process here");
		}
		tap_case("in %s a thread ends, alone", leaves[i].name);
	}
	return tap_done();
}
