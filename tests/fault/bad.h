/*
 * What a thread should not do: a list, and what its report says.  Included once,
 * before anything else.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef TESTS_FAULT_BAD_H
#define TESTS_FAULT_BAD_H

#include "../stress/stress.h"
#include <sys/mman.h>
#include <vcore/space.h>

/* Of one thread. */
struct bad_state {
	void *address;         /* that it will touch */
	uint64_t space, block; /* that it lies in, or lay in; 0: none */
	struct vcore_buffer *buffer;
};

struct bad {
	const char *name;
	void (*act)(struct bad_state *state);
	int signal;
	enum vcore_fault_kind kind;
	enum vcore_access access;
	bool is_at_pc; /* nothing is touched */
	bool is_here;  /* in the program's own text */
	/* sent to, or received from, a buffer: */
	size_t message_size;
	unsigned flags;
	bool receives;
};

/* Where the processor, or an emulator, does not tell what an access was. */
#ifdef __x86_64__
static const bool bad_may_be_unknown = false;
#else
static const bool bad_may_be_unknown = true;
#endif

#define BAD_LOW ((char *)0x1230) /* where nothing is ever mapped */

static size_t bad_page_size;
static char *bad_read_only, *bad_closed, *bad_data, *bad_empty; /* a page each */

/*
 * A space with a block that may only be read, and a place where one was; an exclusive
 * one that is closed, for another has a thread, in a runtime of its own.
 */
static struct vcore_space *bad_space, *bad_foreign, *bad_lived_in;
static struct vcore_block *bad_block, *bad_foreign_block;
static uint64_t bad_freed_id;
static char *bad_protected, *bad_freed, *bad_closed_to_all;
static struct vcore_runtime *bad_runtime;
static struct vcore_thread *bad_dweller;

static void *bad_dwell(void *unused)
{
	vcore_sleep(VCORE_NEVER);
	return unused;
}

static char *bad_map(struct vcore_space *space, struct vcore_block **block, unsigned protection)
{
	void *at = NULL;

	CHECK_IS(vcore_block_allocate(block, bad_page_size), 0);
	CHECK_IS(vcore_space_map(space, *block, VCORE_ANYWHERE, protection, &at), 0);
	return at;
}

static void bad_begin_spaces(void)
{
	struct vcore_space_options guarded = {.least = VCORE_SPACE_GUARDED,
					      .most = VCORE_SPACE_GUARDED};
	struct vcore_space_options exclusive = {.least = VCORE_SPACE_EXCLUSIVE,
						.most = VCORE_SPACE_EXCLUSIVE};
	struct vcore_thread_options options = {.flags = VCORE_THREAD_DESTROY_ANYWHERE};
	struct vcore_block *freed;

	CHECK_IS(vcore_space_create(&bad_space, &guarded), 0);
	CHECK_IS(vcore_space_create(&bad_foreign, &exclusive), 0);
	CHECK_IS(vcore_space_create(&bad_lived_in, &exclusive), 0);
	bad_protected = bad_map(bad_space, &bad_block, VCORE_PROTECT_READ);
	bad_freed = bad_map(bad_space, &freed, VCORE_PROTECT_READ_WRITE);
	bad_freed_id = vcore_block_id(freed);
	CHECK_IS(vcore_space_unmap(bad_space, bad_freed), 0);
	CHECK_IS(vcore_block_free(freed), 0);
	bad_closed_to_all = bad_map(bad_foreign, &bad_foreign_block, VCORE_PROTECT_READ_WRITE);
	CHECK_IS(vcore_runtime_open(&bad_runtime, &(struct vcore_runtime_options){.processors = 1}),
		 0);
	options.runtime = bad_runtime;
	options.space = bad_lived_in;
	CHECK_IS(vcore_thread_allocate(&bad_dweller, &options, bad_dwell, NULL), 0);
	for (struct vcore_space_statistics now = {.size = sizeof now}; now.opened == 0;) {
		vcore_sleep(vcore_after(MILLISECOND));
		vcore_space_statistics(bad_lived_in, &now);
	}
}

static void bad_end_spaces(void)
{
	CHECK_IS(vcore_thread_destroy(bad_dweller), 0);
	CHECK_IS(vcore_thread_join(bad_dweller, NULL, VCORE_NEVER), 0);
	CHECK_IS(vcore_runtime_close(bad_runtime, VCORE_NEVER), 0);
	CHECK_IS(vcore_space_delete(bad_space), 0);
	CHECK_IS(vcore_space_delete(bad_foreign), 0);
	CHECK_IS(vcore_space_delete(bad_lived_in), 0);
	CHECK_IS(vcore_block_free(bad_block), 0);
	CHECK_IS(vcore_block_free(bad_foreign_block), 0);
}

static void bad_begin(void)
{
	int fd = memfd_create("empty", 0);

	bad_page_size = (size_t)sysconf(_SC_PAGESIZE);
	bad_read_only = mmap(NULL, bad_page_size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	bad_closed = mmap(NULL, bad_page_size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	bad_data = mmap(NULL, bad_page_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			-1, 0);
	bad_empty = mmap(NULL, bad_page_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK(bad_read_only != MAP_FAILED && bad_closed != MAP_FAILED && bad_data != MAP_FAILED &&
	      bad_empty != MAP_FAILED);
	close(fd);
}

/* --- in the program's own text ------------------------------------------------------------ */

static void bad_read(void *address)
{
	(void)*(volatile char *)address;
}

static void bad_write(void *address)
{
	*(volatile char *)address = 1;
}

static void bad_call(void *address)
{
	void (*volatile f)(void);

	*(void **)&f = address;
	f();
}

#define BAD_ACT(name, how, where)                                                                  \
	static void name(struct bad_state *state)                                                  \
	{                                                                                          \
		state->address = (where);                                                          \
		how(state->address);                                                               \
	}

BAD_ACT(bad_read_null, bad_read, NULL)
BAD_ACT(bad_read_low, bad_read, BAD_LOW)
BAD_ACT(bad_write_null, bad_write, NULL)
BAD_ACT(bad_write_read_only, bad_write, bad_read_only + 5)
BAD_ACT(bad_read_closed, bad_read, bad_closed + 7)
BAD_ACT(bad_read_empty, bad_read, bad_empty + 16)
BAD_ACT(bad_write_empty, bad_write, bad_empty + 24)
BAD_ACT(bad_call_null, bad_call, NULL)
BAD_ACT(bad_call_data, bad_call, bad_data + 64)

/* In a space, at a block that is mapped there, was, or never was. */
#define BAD_ACT_IN(name, how, in, at, where)                                                       \
	static void name(struct bad_state *state)                                                  \
	{                                                                                          \
		state->space = vcore_space_id(in);                                                 \
		state->block = (at);                                                               \
		state->address = (where);                                                          \
		how(state->address);                                                               \
	}

BAD_ACT_IN(bad_write_protected, bad_write, bad_space, vcore_block_id(bad_block), bad_protected + 9)
BAD_ACT_IN(bad_read_freed, bad_read, bad_space, bad_freed_id, bad_freed + 11)
BAD_ACT_IN(bad_write_unmapped, bad_write, bad_space, 0,
	   (char *)vcore_space_base(bad_space) + vcore_space_size(bad_space) - 1)
BAD_ACT_IN(bad_write_foreign, bad_write, bad_foreign, vcore_block_id(bad_foreign_block),
	   bad_closed_to_all + 13)

static void bad_illegal(struct bad_state *state)
{
	(void)state;
#ifdef __x86_64__
	__asm__ volatile("ud2");
#else
	__asm__ volatile(".inst 0");
#endif
}

#ifdef __x86_64__
static void bad_divide(struct bad_state *state)
{
	(void)state;
	__asm__ volatile("xorl %%ecx, %%ecx\n\tmovl $7, %%eax\n\tcltd\n\tidivl %%ecx"
			 :
			 :
			 : "eax", "ecx", "edx", "cc");
}

/* The processor does not tell the address. */
static void bad_read_nowhere(struct bad_state *state)
{
	state->address = NULL;
	bad_read((void *)((uintptr_t)1 << 60));
}

/* With the direction flag set, and in the middle of arithmetic on the old stack. */
static void bad_flags(struct bad_state *state)
{
	state->address = BAD_LOW;
	__asm__ volatile("std\n\tfldpi\n\tfldpi\n\tmovb $1, (%0)" : : "r"(BAD_LOW) : "memory");
}

/* An exception of floating point, unmasked, and pending on arrival. */
static void bad_floating(struct bad_state *state)
{
	static const uint16_t unmasked = 0x340;

	(void)state;
	__asm__ volatile("fldcw %0\n\tfld1\n\tfldz\n\tfdivrp\n\tfwait" : : "m"(unmasked));
}
#endif

/* --- in leaf functions of libc ---------------------------------------------------------------- */

static void *(*volatile bad_memcpy)(void *, const void *, size_t) = memcpy;
static void *(*volatile bad_memset)(void *, int, size_t) = memset;
static size_t (*volatile bad_strlen)(const char *) = strlen;
static char *(*volatile bad_strcpy)(char *, const char *) = strcpy;
static int (*volatile bad_strcmp)(const char *, const char *) = strcmp;

static void bad_copy_from(struct bad_state *state)
{
	char bytes[1];

	state->address = BAD_LOW;
	bad_memcpy(bytes, BAD_LOW, 1);
}

static void bad_copy_many_to(struct bad_state *state)
{
	static const char bytes[100];

	state->address = bad_read_only;
	bad_memcpy(bad_read_only, bytes, sizeof(bytes));
}

static void bad_set(struct bad_state *state)
{
	state->address = BAD_LOW;
	bad_memset(BAD_LOW, 3, 8);
}

static void bad_length(struct bad_state *state)
{
	state->address = BAD_LOW;
	(void)bad_strlen(BAD_LOW);
}

static void bad_copy_string(struct bad_state *state)
{
	state->address = BAD_LOW;
	(void)bad_strcpy(BAD_LOW, "a");
}

static void bad_compare(struct bad_state *state)
{
	state->address = BAD_LOW;
	(void)bad_strcmp(BAD_LOW, "text");
}

/* --- what is handed to the library -------------------------------------------------- */

static void *bad_do_nothing(void *argument)
{
	return argument;
}

/* The other one is joined, though nobody was told how it has ended. */
static void bad_join(struct bad_state *state)
{
	struct vcore_thread *thread;

	CHECK_IS(vcore_thread_allocate(&thread, NULL, bad_do_nothing, NULL), 0);
	state->address = BAD_LOW;
	(void)vcore_thread_join(thread, (struct vcore_exit *)(void *)BAD_LOW, VCORE_NEVER);
}

/* --- messages ------------------------------------------------------------------------- */

static void bad_send(struct bad_state *state)
{
	state->address = BAD_LOW;
	(void)vcore_buffer_send(state->buffer, BAD_LOW, VCORE_NEVER);
}

static void bad_receive(struct bad_state *state)
{
	state->address = bad_read_only;
	(void)vcore_buffer_receive(state->buffer, bad_read_only, VCORE_NEVER);
}

#define BAD_MESSAGE(bytes, kind_of_buffer)                                                         \
	{"a message of " #bytes " bytes",                                                          \
	 bad_send,                                                                                 \
	 SIGSEGV,                                                                                  \
	 VCORE_FAULT_UNMAPPED,                                                                     \
	 VCORE_ACCESS_READ,                                                                        \
	 false,                                                                                    \
	 false,                                                                                    \
	 bytes,                                                                                    \
	 kind_of_buffer,                                                                           \
	 false},                                                                                   \
	{                                                                                          \
		"room for " #bytes " bytes", bad_receive, SIGSEGV, VCORE_FAULT_PROTECTION,         \
			VCORE_ACCESS_WRITE, false, false, bytes, kind_of_buffer, true              \
	}

static const struct bad bad_list[] = {
	{"read at NULL", bad_read_null, SIGSEGV, VCORE_FAULT_UNMAPPED, VCORE_ACCESS_READ,
	 .is_here = true},
	{"read at a low address", bad_read_low, SIGSEGV, VCORE_FAULT_UNMAPPED, VCORE_ACCESS_READ,
	 .is_here = true},
	{"write to NULL", bad_write_null, SIGSEGV, VCORE_FAULT_UNMAPPED, VCORE_ACCESS_WRITE,
	 .is_here = true},
	{"write to what is read-only", bad_write_read_only, SIGSEGV, VCORE_FAULT_PROTECTION,
	 VCORE_ACCESS_WRITE, .is_here = true},
	{"read of a closed page", bad_read_closed, SIGSEGV, VCORE_FAULT_PROTECTION,
	 VCORE_ACCESS_READ, .is_here = true},
	{"read behind a file", bad_read_empty, SIGBUS, VCORE_FAULT_BUS, VCORE_ACCESS_READ,
	 .is_here = true},
	{"write behind a file", bad_write_empty, SIGBUS, VCORE_FAULT_BUS, VCORE_ACCESS_WRITE,
	 .is_here = true},
	{"call of NULL", bad_call_null, SIGSEGV, VCORE_FAULT_UNMAPPED, VCORE_ACCESS_EXECUTE,
	 .is_here = true},
	{"call of data", bad_call_data, SIGSEGV, VCORE_FAULT_PROTECTION, VCORE_ACCESS_EXECUTE,
	 .is_here = true},
	{"write to a block that may be read", bad_write_protected, SIGSEGV, VCORE_FAULT_PROTECTION,
	 VCORE_ACCESS_WRITE, .is_here = true},
	{"read of a freed block", bad_read_freed, SIGSEGV, VCORE_FAULT_FREED_BLOCK,
	 VCORE_ACCESS_READ, .is_here = true},
	{"write where nothing is mapped in a space", bad_write_unmapped, SIGSEGV,
	 VCORE_FAULT_UNMAPPED, VCORE_ACCESS_WRITE, .is_here = true},
	{"write to another space", bad_write_foreign, SIGSEGV, VCORE_FAULT_OTHER_SPACE,
	 VCORE_ACCESS_WRITE, .is_here = true},
	{"illegal instruction", bad_illegal, SIGILL, VCORE_FAULT_INSTRUCTION, .is_at_pc = true,
	 .is_here = true},
#ifdef __x86_64__
	{"division", bad_divide, SIGFPE, VCORE_FAULT_ARITHMETIC, .is_at_pc = true, .is_here = true},
	{"floating point", bad_floating, SIGFPE, VCORE_FAULT_ARITHMETIC, .is_at_pc = true,
	 .is_here = true},
	{"read at no address", bad_read_nowhere, SIGSEGV, VCORE_FAULT_UNMAPPED, .is_here = true},
	{"strange flags", bad_flags, SIGSEGV, VCORE_FAULT_UNMAPPED, VCORE_ACCESS_WRITE,
	 .is_here = true},
#endif
	{"memcpy from", bad_copy_from, SIGSEGV, VCORE_FAULT_UNMAPPED, VCORE_ACCESS_READ,
	 .is_here = false},
	{"memcpy to", bad_copy_many_to, SIGSEGV, VCORE_FAULT_PROTECTION, VCORE_ACCESS_WRITE,
	 .is_here = false},
	{"memset", bad_set, SIGSEGV, VCORE_FAULT_UNMAPPED, VCORE_ACCESS_WRITE, .is_here = false},
	{"strlen", bad_length, SIGSEGV, VCORE_FAULT_UNMAPPED, VCORE_ACCESS_READ, .is_here = false},
	{"strcpy", bad_copy_string, SIGSEGV, VCORE_FAULT_UNMAPPED, VCORE_ACCESS_WRITE,
	 .is_here = false},
	{"strcmp", bad_compare, SIGSEGV, VCORE_FAULT_UNMAPPED, VCORE_ACCESS_READ, .is_here = false},
	{"join into nowhere", bad_join, SIGSEGV, VCORE_FAULT_UNMAPPED, VCORE_ACCESS_WRITE,
	 .is_here = false},
	BAD_MESSAGE(1, 0),
	BAD_MESSAGE(8, 0),
	BAD_MESSAGE(100, 0),
	BAD_MESSAGE(10000, 0),
	BAD_MESSAGE(3, VCORE_BUFFER_SPSC),
	BAD_MESSAGE(8, VCORE_BUFFER_SPSC),
	BAD_MESSAGE(100, VCORE_BUFFER_SPSC),
};

#define BAD_ALL (sizeof(bad_list) / sizeof(bad_list[0]))

static const struct bad *bad_choose(uint64_t *random)
{
	return &bad_list[stress_below(random, BAD_ALL)];
}

/* --- around it ------------------------------------------------------------------------ */

static void bad_prepare(const struct bad *bad, struct bad_state *state)
{
	const struct vcore_buffer_options options = {.flags = bad->flags};
	static const char message[10000];

	if (bad->message_size != 0) {
		CHECK_IS(vcore_buffer_allocate(&state->buffer, 2, bad->message_size, &options), 0);
		if (bad->receives) {
			CHECK_IS(vcore_buffer_send(state->buffer, message, 0), 0);
		}
	}
}

/*
 * The buffer is whole: all of it can be filled, and emptied.  Where both sides
 * are declared, one was the thread's that is no more.
 */
static void bad_check(const struct bad *bad, const struct bad_state *state)
{
	bool spsc = bad->flags == VCORE_BUFFER_SPSC;
	static const char message[10000];
	static char received[10000];
	size_t there;

	if (bad->message_size == 0) {
		return;
	}
	there = vcore_buffer_count(state->buffer);
	CHECK(there == 0 || (bad->receives && spsc && there == 1));
	for (; (!spsc || bad->receives) && there < 2; there++) {
		CHECK_IS(vcore_buffer_send(state->buffer, message, 0), 0);
	}
	CHECK_IS(vcore_buffer_count(state->buffer), there);
	for (; !spsc && there > 0; there--) {
		CHECK_IS(vcore_buffer_receive(state->buffer, received, 0), 0);
	}
	if (!spsc || !bad->receives) {
		CHECK_IS(vcore_buffer_receive(state->buffer, received, 0), -ETIMEDOUT);
	}
}

static void bad_forget(const struct bad *bad, struct bad_state *state)
{
	if (bad->message_size != 0) {
		vcore_buffer_deallocate(state->buffer);
	}
}

#endif /* TESTS_FAULT_BAD_H */
