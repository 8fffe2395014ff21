/*
 * Whose code lies where: modules, and functions that must not be switched in.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <link.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "platform/annotate.h"
#include "platform/linux/linux.h"

/* --- modules ------------------------------------------------------------------- */

struct search {
	uintptr_t address; /* 0: the program, which comes first */
	struct vci_range *segments;
	int n;
};

static bool holds(const struct dl_phdr_info *module, uintptr_t address)
{
	for (int i = 0; i < module->dlpi_phnum; i++) {
		const ElfW(Phdr) *segment = &module->dlpi_phdr[i];

		if (segment->p_type == PT_LOAD &&
		    address - (module->dlpi_addr + segment->p_vaddr) < segment->p_memsz) {
			return true;
		}
	}
	return false;
}

static int visit_module(struct dl_phdr_info *module, size_t size, void *argument)
{
	struct search *search = argument;

	(void)size;
	if (search->address != 0 && !holds(module, search->address)) {
		return 0;
	}
	for (int i = 0; i < module->dlpi_phnum && search->n < VCI_TEXT_SEGMENTS; i++) {
		const ElfW(Phdr) *segment = &module->dlpi_phdr[i];

		if (segment->p_type == PT_LOAD && (segment->p_flags & PF_X)) {
			struct vci_range *text = &search->segments[search->n++];

			text->from = module->dlpi_addr + segment->p_vaddr;
			text->to = text->from + segment->p_memsz;
		}
	}
	return 1;
}

int vci_text_of_module(const void *address, struct vci_range segments[VCI_TEXT_SEGMENTS])
{
	struct search search = {(uintptr_t)address, segments, 0};

	(void)VCI_AWAY(dl_iterate_phdr(visit_module, &search));
	return search.n;
}

/* --- functions -------------------------------------------------------------------- */

void __asan_init(void) __attribute__((weak));
void __tsan_init(void) __attribute__((weak));
void __cxa_throw(void *object, void *type, void (*destructor)(void *)) __attribute__((weak));
void _Unwind_RaiseException(void *exception) __attribute__((weak));

#define FUNCTION(name, locks)                                                                      \
	{                                                                                          \
		#name, (uintptr_t)(name), (locks)                                                  \
	}

/*
 * Who is in one of these holds a lock, or is half way through something, of
 * its kernel thread.  Taken from the loader: what the program really calls.
 */
static const struct function {
	const char *name;
	uintptr_t address;
	bool locks;
} functions[] = {
	FUNCTION(malloc, true),
	FUNCTION(free, true),
	FUNCTION(fwrite, true),
	FUNCTION(pthread_mutex_lock, true),
	FUNCTION(dl_iterate_phdr, true),
	FUNCTION(__asan_init, true),
	FUNCTION(__tsan_init, true),
	FUNCTION(__cxa_throw, false),
	FUNCTION(_Unwind_RaiseException, false),
};

/*
 * In a program that is not position-independent the address of a function of a
 * library may be that of the stub in the program that jumps there.
 */
#if defined __x86_64__
static bool is_stub(uintptr_t address)
{
	const unsigned char *code = (const unsigned char *)address; /* NOLINT(performance-*) */

	if (code[0] == 0xf3 && code[1] == 0x0f && code[2] == 0x1e && code[3] == 0xfa) {
		code += 4; /* endbr64 */
	}
	if (code[0] == 0xf2) {
		code++; /* bnd */
	}
	return code[0] == 0xff && code[1] == 0x25;
}
#elif defined __aarch64__
static bool is_stub(uintptr_t address)
{
	const uint32_t *code = (const uint32_t *)address; /* NOLINT(performance-*) */

	return (code[0] & 0x9f00001f) == 0x90000010; /* adrp x16, … */
}
#else
static bool is_stub(uintptr_t address)
{
	(void)address;
	return false;
}
#endif

const char *vci_text_holds(const struct vci_range *segments, int n)
{
	for (size_t f = 0; f < sizeof functions / sizeof functions[0]; f++) {
		for (int i = 0; i < n; i++) {
			if (functions[f].address >= segments[i].from &&
			    functions[f].address < segments[i].to &&
			    !is_stub(functions[f].address)) {
				return functions[f].name;
			}
		}
	}
	return NULL;
}

bool vci_text_is_holder(const char *name)
{
	for (size_t f = 0; f < sizeof functions / sizeof functions[0]; f++) {
		if (functions[f].name == name) {
			return functions[f].locks;
		}
	}
	return false;
}

/* --- the sanitizer's runtime --------------------------------------------------------- */

#if defined VCI_TSAN || defined VCI_ASAN
#ifdef VCI_TSAN
#define SANITIZER __tsan_init
#else
#define SANITIZER __asan_init
#endif

static struct vci_range sanitizer[VCI_TEXT_SEGMENTS];
static int n_sanitizer;

/*
 * Its runtime calls itself wherever instrumented code runs, our handler among
 * it: it must not be interrupted.  Where it is linked into the program it
 * cannot be told from it.
 */
static __attribute__((constructor)) void find_sanitizer(void)
{
	struct vci_range program[VCI_TEXT_SEGMENTS];
	int n = vci_text_of_module(NULL, program);

	n_sanitizer = vci_text_of_module((const void *)SANITIZER, sanitizer);
	if (n > 0 && n_sanitizer > 0 && program[0].from == sanitizer[0].from) {
		n_sanitizer = -1;
	}
}

VCI_READS_RACILY bool vci_text_is_sanitizer(const void *pc)
{
	if (pc == NULL) {
		return n_sanitizer < 0;
	}
	for (int i = 0; i < n_sanitizer; i++) {
		if ((uintptr_t)pc >= sanitizer[i].from && (uintptr_t)pc < sanitizer[i].to) {
			return true;
		}
	}
	return false;
}
#else
bool vci_text_is_sanitizer(const void *pc)
{
	(void)pc;
	return false;
}
#endif

const char *vci_sanitizer_obstacle(void)
{
#ifdef VCI_TSAN
	return "__tsan_init"; /* what it knows of a thread is the kernel thread's */
#else
	return NULL;
#endif
}

/* --- thread-local variables ------------------------------------------------------------ */

/*
 * Beside the blocks lie what libc keeps of the thread, at the thread pointer,
 * and room for the blocks of modules that are loaded later.
 */
#define TLS_THREAD ((uintptr_t)2304)
#define TLS_LATER  ((uintptr_t)1792)

/* Blocks farther away were allocated when they were first used, like any memory. */
#define TLS_NEAR ((uintptr_t)1 << 20)

static size_t tls_bytes(const struct dl_phdr_info *module)
{
	size_t bytes = 0;

	for (int i = 0; i < module->dlpi_phnum; i++) {
		if (module->dlpi_phdr[i].p_type == PT_TLS) {
			bytes += module->dlpi_phdr[i].p_memsz;
		}
	}
	return bytes;
}

static int visit_tls(struct dl_phdr_info *module, size_t size, void *argument)
{
	struct vci_range *bounds = argument;
	uintptr_t block = (uintptr_t)module->dlpi_tls_data;
	uintptr_t end = block + tls_bytes(module);

	(void)size;
	if (end != block && end > bounds->from - TLS_NEAR && block < bounds->to + TLS_NEAR) {
		bounds->from = block < bounds->from ? block : bounds->from;
		bounds->to = end > bounds->to ? end : bounds->to;
	}
	return 0;
}

static int find_tls(struct vci_range *bounds)
{
	bounds->from = (uintptr_t)__builtin_thread_pointer();
	bounds->to = bounds->from;
	dl_iterate_phdr(visit_tls, bounds);
#if defined __aarch64__ /* the blocks are above the thread pointer */
	bounds->from -= TLS_THREAD;
	bounds->to += TLS_LATER;
#else
	bounds->from -= TLS_LATER;
	bounds->to += TLS_THREAD;
#endif
	return 0;
}

void vci_tls_bounds(struct vci_range *bounds)
{
	(void)VCI_OUTSIDE(find_tls(bounds));
}
