/*
 * Faults that a space mends: the thread goes on with the same access, as if nothing
 * had been, wherever it has been in the meantime; what is not mended ends it; and
 * what was met while it was mended, too.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "../stress/stress.h"
#include <vcore/preempt.h>
#include <vcore/space.h>

#define PAGES   ((size_t)512)
#define THREADS 4

static size_t page_size;
static struct vcore_runtime *runtime;
static struct vcore_space *space;
static char *base;
static struct vcore_block *blocks[PAGES];
static _Atomic unsigned asked;

static int map(size_t page)
{
	void *at;

	return vcore_block_allocate(&blocks[page], page_size) == 0 &&
	       vcore_space_map(space, blocks[page], page * page_size, VCORE_PROTECT_READ_WRITE,
			       &at) == 0;
}

static size_t page_of(const struct vcore_fault *fault)
{
	return (size_t)((char *)fault->address - base) / page_size;
}

static void check_report(struct vcore_space *of, const struct vcore_fault *fault, void *argument)
{
	CHECK(of == space && argument == &asked);
	CHECK_IS(fault->space, vcore_space_id(space));
	CHECK_IS(fault->block, 0);
	CHECK_IS(fault->offset, (char *)fault->address - base);
	CHECK_IS(fault->thread, vcore_thread_id(vcore_thread_self()));
	CHECK(fault->signal == SIGSEGV && fault->pc != NULL);
}

__attribute__((noinline)) static void set_errno(int value)
{
	errno = value;
}

__attribute__((noinline)) static int get_errno(void)
{
	return errno;
}

/* --- pagers ------------------------------------------------------------------------------ */

/* Maps the page itself; and does what it can to the registers. */
static int map_here(struct vcore_space *of, const struct vcore_fault *fault, void *argument)
{
	double sum = 0;

	check_report(of, fault, argument);
	for (int i = 1; i < 100; i++) {
		sum += 1.0 / i;
	}
	CHECK(sum > 5);
	set_errno(5);
	atomic_fetch_add(&asked, 1);
	return map(page_of(fault));
}

/* Has it mapped by another thread, and waits for that. */
static struct vcore_buffer *requests;
static struct vcore_eventcount mapped[PAGES];

static int map_elsewhere(struct vcore_space *of, const struct vcore_fault *fault, void *argument)
{
	size_t page = page_of(fault);

	check_report(of, fault, argument);
	set_errno(5);
	atomic_fetch_add(&asked, 1);
	CHECK_IS(vcore_buffer_send(requests, &page, VCORE_NEVER), 0);
	CHECK_IS(vcore_eventcount_await(&mapped[page], 0, VCORE_NEVER), 0);
	return 1;
}

static void *serve(void *unused)
{
	size_t page;

	while (vcore_buffer_receive(requests, &page, VCORE_NEVER) == 0) {
		CHECK(map(page));
		(void)vcore_eventcount_advance(&mapped[page]);
	}
	return unused;
}

/* --- who faults ---------------------------------------------------------------------------- */

#ifdef __x86_64__
#define REGISTERS 15

/*
 * Fills all registers, stores to the address, which faults, and stores again; and
 * adds up what is in the registers then.
 */
__attribute__((noinline)) static uint64_t touch(char *address)
{
	uint64_t sum;

	__asm__ volatile("movq $3, %%rbx\n\tmovq $5, %%rcx\n\tmovq $7, %%rdx\n\t"
			 "movq $11, %%rsi\n\tmovq $13, %%rdi\n\tmovq $17, %%r8\n\t"
			 "movq $19, %%r9\n\tmovq $23, %%r10\n\tmovq $29, %%r11\n\t"
			 "movq $31, %%r12\n\tmovq $37, %%r13\n\tmovq $41, %%r14\n\t"
			 "movq $43, %%r15\n\t"
			 "movq %%r15, %%xmm0\n\tmovq %%r14, %%xmm15\n\t"
			 "fld1\n\tfldpi\n\t"
			 "movq %%r13, -128(%%rsp)\n\t" /* in the red zone */
			 "stc\n\t"
			 "movb $1, (%%rax)\n\t"
			 "adcq $0, %%rbx\n\t"
			 "fstp %%st(0)\n\tfstp %%st(0)\n\t"
			 "addq -128(%%rsp), %%rbx\n\t"
			 "addq %%rcx, %%rbx\n\taddq %%rdx, %%rbx\n\taddq %%rsi, %%rbx\n\t"
			 "addq %%rdi, %%rbx\n\taddq %%r8, %%rbx\n\taddq %%r9, %%rbx\n\t"
			 "addq %%r10, %%rbx\n\taddq %%r11, %%rbx\n\taddq %%r12, %%rbx\n\t"
			 "addq %%r13, %%rbx\n\taddq %%r14, %%rbx\n\taddq %%r15, %%rbx\n\t"
			 "movq %%xmm0, %%rcx\n\taddq %%rcx, %%rbx\n\t"
			 "movq %%xmm15, %%rcx\n\taddq %%rcx, %%rbx"
			 : "=&b"(sum)
			 : "a"(address)
			 : "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13",
			   "r14", "r15", "xmm0", "xmm15", "cc", "memory");
	return sum;
}

#define SUM                                                                                        \
	((uint64_t)(3 + 5 + 7 + 11 + 13 + 17 + 19 + 23 + 29 + 31 + 37 + 41 + 43) + 1 + 37 + 43 + 41)
#else
__attribute__((noinline)) static uint64_t touch(char *address)
{
	uint64_t sum;

	__asm__ volatile("mov x3, #3\n\tmov x9, #9\n\tmov x17, #17\n\tmov x20, #20\n\t"
			 "fmov d0, x9\n\tfmov d31, x17\n\tmov w10, #1\n\t"
			 "cmp x3, x3\n\t"
			 "strb w10, [%1]\n\t"
			 "cset x10, eq\n\t"
			 "add %0, x3, x9\n\tadd %0, %0, x17\n\tadd %0, %0, x20\n\t"
			 "add %0, %0, x10\n\t"
			 "fmov x3, d0\n\tadd %0, %0, x3\n\tfmov x3, d31\n\tadd %0, %0, x3"
			 : "=&r"(sum)
			 : "r"(address)
			 : "x3", "x9", "x10", "x17", "x20", "d0", "d31", "cc", "memory");
	return sum;
}

#define SUM ((uint64_t)(3 + 9 + 17 + 20) + 1 + 9 + 17)
#endif

/* Its share of the pages; with vectors that live across the faults. */
static void *use_pages(void *argument)
{
	double numbers[32], same[32], sum = 0, expected = 0;

	for (int i = 0; i < 32; i++) {
		numbers[i] = same[i] = i;
	}
	set_errno(77);
	for (size_t page = (size_t)argument; page < PAGES; page += THREADS) {
		char *address = base + page * page_size + page % page_size;

		for (int i = 0; i < 32; i++) {
			numbers[i] = numbers[i] * 1.000001 + 1;
		}
		CHECK_IS(touch(address), SUM);
		CHECK_IS(*(volatile char *)address, 1);
		CHECK_IS(get_errno(), 77);
		for (int i = 0; i < 32; i++) {
			sum += numbers[i];
		}
	}
	for (size_t page = (size_t)argument; page < PAGES; page += THREADS) {
		for (int i = 0; i < 32; i++) {
			same[i] = same[i] * 1.000001 + 1;
		}
		for (int i = 0; i < 32; i++) {
			expected += same[i];
		}
	}
	CHECK(sum == expected);
	return argument;
}

/* --- around them ---------------------------------------------------------------------- */

static void open_space(int (*on_fault)(struct vcore_space *, const struct vcore_fault *, void *))
{
	struct vcore_space_options options = {
		.bytes = PAGES * page_size,
		.on_fault = on_fault,
		.argument = &asked,
	};

	CHECK_IS(vcore_space_create(&space, &options), 0);
	base = vcore_space_base(space);
	memset(blocks, 0, sizeof(blocks));
	memset(mapped, 0, sizeof(mapped));
	atomic_store(&asked, 0);
}

static void close_space(void)
{
	CHECK_IS(vcore_space_delete(space), 0);
	for (size_t i = 0; i < PAGES; i++) {
		CHECK_IS(vcore_block_free(blocks[i]), 0);
	}
}

static void use(unsigned flags, size_t stack_size)
{
	struct vcore_thread *threads[THREADS];

	for (size_t i = 0; i < THREADS; i++) {
		struct vcore_thread_options options = {
			.runtime = runtime, .flags = flags, .stack_size = stack_size};

		CHECK_IS(vcore_thread_allocate(&threads[i], &options, use_pages, (void *)i), 0);
	}
	for (size_t i = 0; i < THREADS; i++) {
		struct vcore_exit end;

		CHECK_IS(vcore_thread_join(threads[i], &end, VCORE_NEVER), 0);
		CHECK_IS(end.how, VCORE_RETURNED);
	}
}

static void ignore(const struct vcore_fault *fault)
{
	(void)fault;
}

static void pagers(unsigned processors, int64_t quantum, unsigned flags, size_t stack_size)
{
	struct vcore_space_statistics statistics = {.size = sizeof(statistics)};
	struct vcore_thread *server;

	runtime = stress_open_with((struct vcore_runtime_options){
		.processors = processors,
		.quantum = quantum,
		.fault = ignore,
	});
	open_space(map_here);
	use(flags, stack_size);
	CHECK_IS(asked, PAGES);
	vcore_space_statistics(space, &statistics);
	CHECK_IS(statistics.faults, PAGES);
	close_space();

	open_space(map_elsewhere);
	CHECK_IS(vcore_buffer_allocate(&requests, 2, sizeof(size_t), NULL), 0);
	server = stress_spawn(runtime, serve, NULL);
	use(flags, stack_size);
	CHECK_IS(asked, PAGES);
	vcore_buffer_close(requests);
	stress_join(server);
	vcore_buffer_deallocate(requests);
	close_space();
	stress_close(runtime);
	tap_case("pages on demand, %u processors, %s, flags %u, stacks of %zu", processors,
		 quantum > 0 ? "preempted" : "without ticks", flags, stack_size);
}

/* --- what is not mended --------------------------------------------------------------- */

static int refuse(struct vcore_space *of, const struct vcore_fault *fault, void *argument)
{
	check_report(of, fault, argument);
	atomic_fetch_add(&asked, 1);
	return 0;
}

static int fail(struct vcore_space *of, const struct vcore_fault *fault, void *argument)
{
	atomic_fetch_add(&asked, 1);
	*(volatile char *)(base + page_size) = 1;
	return map_here(of, fault, argument);
}

static int end_instead(struct vcore_space *of, const struct vcore_fault *fault, void *argument)
{
	check_report(of, fault, argument);
	vcore_thread_exit(&asked);
}

static void *write_to(void *address)
{
	*(volatile char *)address = 1;
	return NULL;
}

/* The report of a thread that writes there. */
static struct vcore_fault fault_at(char *address)
{
	struct vcore_exit end = {.how = VCORE_RETURNED};

	CHECK_IS(vcore_thread_join(stress_spawn(runtime, write_to, address), &end, VCORE_NEVER), 0);
	CHECK_IS(end.how, VCORE_FAULTED);
	return end.fault;
}

static void refusals(void)
{
	struct vcore_thread *thread;
	struct vcore_exit end;
	struct vcore_fault fault;

	open_space(refuse);
	fault = fault_at(base + 3);
	CHECK(fault.address == base + 3 && fault.space == vcore_space_id(space));
	CHECK_IS(fault.offset, 3);
	CHECK_IS(asked, 1);
	close_space();
	tap_case("what is not mended ends the thread");

	open_space(fail);
	fault = fault_at(base + 3);
	CHECK(fault.address == base + page_size);
	CHECK_IS(asked, 1);
	close_space();
	tap_case("a fault of on_fault itself is not mended, and holds nothing up");

	open_space(end_instead);
	thread = stress_spawn(runtime, write_to, base + 3);
	CHECK_IS(vcore_thread_join(thread, &end, VCORE_NEVER), 0);
	CHECK(end.how == VCORE_RETURNED && end.result == &asked);
	close_space();
	tap_case("on_fault may end the thread, and holds nothing up");
}

/* --- destroyed meanwhile --------------------------------------------------------------- */

static _Atomic bool destroyed;

static int map_when_destroyed(struct vcore_space *of, const struct vcore_fault *fault,
			      void *argument)
{
	atomic_fetch_add(&asked, 1);
	while (!atomic_load(&destroyed)) {
	}
	return of == space && argument == &asked && map(page_of(fault));
}

static void *write_and_loop(void *address)
{
	*(volatile char *)address = 1;
	while (atomic_load(&asked) != 0) {
	}
	return address;
}

/* It is not ended there; but then within about a quantum, though nothing else is to do. */
static void destroy_who_is_mended(void)
{
	struct vcore_thread_options options = {.flags = VCORE_THREAD_DESTROY_ANYWHERE};
	struct vcore_exit end = {.how = VCORE_RETURNED};
	struct vcore_thread *thread;

	open_space(map_when_destroyed);
	options.runtime = runtime;
	CHECK_IS(vcore_thread_allocate(&thread, &options, write_and_loop, base), 0);
	while (atomic_load(&asked) == 0) {
		vcore_yield();
	}
	CHECK_IS(vcore_thread_destroy(thread), 0);
	vcore_sleep(vcore_after(50000 * MICROSECOND)); /* no tick is left from its beginning */
	atomic_store(&destroyed, true);
	CHECK_IS(vcore_thread_join(thread, &end, vcore_after(20 * SECOND)), 0);
	CHECK_IS(end.how, VCORE_DESTROYED);
	close_space();
	tap_case("who is destroyed while a space mends its fault ends after");
}

static void kinds(void)
{
	struct vcore_block *block;
	struct vcore_fault fault;
	void *at;
	uint64_t id;

	open_space(NULL);
	CHECK_IS(vcore_block_allocate(&block, page_size), 0);
	id = vcore_block_id(block);
	CHECK_IS(vcore_space_map(space, block, 4 * page_size, VCORE_PROTECT_READ, &at), 0);
	fault = fault_at((char *)at + 9);
	CHECK_IS(fault.kind, VCORE_FAULT_PROTECTION);
	CHECK(fault.block == id && fault.offset == 9 && fault.space == vcore_space_id(space));
	CHECK_IS(vcore_space_unmap(space, at), 0);
	CHECK_IS(vcore_block_free(block), 0);
	fault = fault_at((char *)at + 9);
	CHECK_IS(fault.kind, VCORE_FAULT_FREED_BLOCK);
	CHECK(fault.block == id && fault.offset == 9);
	close_space();
	tap_case("protected blocks, and freed ones");
}

int main(int argc, char **argv)
{
	stress_begin(argc, argv);
	page_size = (size_t)sysconf(_SC_PAGESIZE);
	for (unsigned processors = 1; processors <= 4; processors++) {
		pagers(processors, 100 * MICROSECOND, 0, 0);
		pagers(processors, VCORE_QUANTUM_OFF, 0, 0);
	}
	pagers(2, 100 * MICROSECOND, VCORE_THREAD_FPENV, 0);
	pagers(2, 100 * MICROSECOND, 0, 1);
	runtime =
		stress_open_with((struct vcore_runtime_options){.processors = 2, .fault = ignore});
	refusals();
	if (vcore_preempt_obstacle() == NULL) {
		destroy_who_is_mended();
	}
	kinds();
	stress_close(runtime);
	return tap_done();
}
