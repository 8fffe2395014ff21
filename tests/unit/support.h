/*
 * What the unit tests share: bodies that run as vcore threads, checks that
 * may fail on any stack, waiting for a condition, and children whose end and
 * standard error are looked at.
 *
 * cr_assert is for the test's own kernel thread only; on a vcore thread, and
 * in a child, use check.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef TESTS_UNIT_SUPPORT_H
#define TESTS_UNIT_SUPPORT_H

#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <vcore/vcore.h>

#ifndef __has_feature
#define __has_feature(feature) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
#define UNDER_ASAN 1
#else
#define UNDER_ASAN 0
#endif

#define MILLISECOND ((int64_t)1000000)
#define SECOND      (1000 * MILLISECOND)

/* A deadline that has passed: makes a wait a question. */
#define PAST ((vcore_instant)0)

/*
 * Ends the process with a status that no test expects, so that a check which
 * fails is not taken for the abort of a panic.
 */
#define check(condition) ((condition) ? (void)0 : check_failed(__FILE__, __LINE__, #condition))
void check_failed(const char *file, int line, const char *condition) __attribute__((__noreturn__));

/* Lets others run until the condition holds, for half a minute at most. */
#define until(condition)                                                                           \
	do {                                                                                       \
		vcore_instant limit_ = vcore_after(30 * SECOND);                                   \
		while (!(condition)) {                                                             \
			check(vcore_now() < limit_);                                               \
			vcore_yield();                                                             \
		}                                                                                  \
	} while (0)

/*
 * Tests whose bodies are the first threads of a runtime, the global one
 * below: on one processor; on 1, 2 and 5; on these and as a plain pthread.
 */
#define TestInside(suite, name, ...)                                                               \
	static void suite##_##name##_body(void);                                                   \
	Test(suite, name, ##__VA_ARGS__)                                                           \
	{                                                                                          \
		run_inside(1, suite##_##name##_body);                                              \
	}                                                                                          \
	static void suite##_##name##_body(void)

#define TestAround(suite, name, ...)                                                               \
	static void suite##_##name##_body(void);                                                   \
	Test(suite, name, ##__VA_ARGS__)                                                           \
	{                                                                                          \
		run_inside(1, suite##_##name##_body);                                              \
		run_inside(2, suite##_##name##_body);                                              \
		run_inside(5, suite##_##name##_body);                                              \
	}                                                                                          \
	static void suite##_##name##_body(void)

#define TestEverywhere(suite, name, ...)                                                           \
	static void suite##_##name##_body(void);                                                   \
	Test(suite, name, ##__VA_ARGS__)                                                           \
	{                                                                                          \
		run_inside(1, suite##_##name##_body);                                              \
		run_inside(2, suite##_##name##_body);                                              \
		run_inside(5, suite##_##name##_body);                                              \
		suite##_##name##_body();                                                           \
	}                                                                                          \
	static void suite##_##name##_body(void)

/*
 * The same on one processor without ticks: nobody else runs before the body
 * waits or yields.
 */
#define TestInTurns(suite, name, ...)                                                              \
	static void suite##_##name##_body(void);                                                   \
	Test(suite, name, ##__VA_ARGS__)                                                           \
	{                                                                                          \
		run_inside_with(&without_ticks, suite##_##name##_body);                            \
	}                                                                                          \
	static void suite##_##name##_body(void)

extern const struct vcore_runtime_options without_ticks;

/*
 * The same as everywhere, for tests in which memory runs out.  A kernel thread that
 * begins meanwhile takes more than ours under AddressSanitizer, which ends the
 * process: there, as a plain pthread only.
 */
#if UNDER_ASAN
#define TestInShortage(suite, name, ...)                                                           \
	static void suite##_##name##_body(void);                                                   \
	Test(suite, name, ##__VA_ARGS__)                                                           \
	{                                                                                          \
		suite##_##name##_body();                                                           \
	}                                                                                          \
	static void suite##_##name##_body(void)
#else
#define TestInShortage TestEverywhere
#endif

/* From the first on there is no more address space, until the second. */
void begin_shortage(void);
void end_shortage(void);

/*
 * Order.  Every 64th choice of a processor is another than the order of the
 * queues says, lest a thread starve: so an order that takes a few choices is
 * found in most of many tries, not in all.
 */
void mostly(bool (*in_order)(void));

/* The runtime that the helpers use; NULL in a body run as a plain pthread. */
extern struct vcore_runtime *runtime;

/* Set before: VCORE_RUNTIME_… for each that they start. */
extern unsigned runtime_flags;

void runtime_start(const struct vcore_runtime_options *options);
void runtime_finish(void);
void run_inside(unsigned processors, void (*body)(void));
void run_inside_with(const struct vcore_runtime_options *options, void (*body)(void));

/* Threads of the global runtime. */
struct vcore_thread *spawn(void *(*entry)(void *), void *argument);
struct vcore_thread *spawn_with(struct vcore_thread_options options, void *(*entry)(void *),
				void *argument);
void *finish(struct vcore_thread *thread);        /* joins; it must have returned */
enum vcore_how fate(struct vcore_thread *thread); /* joins */
void destroy(struct vcore_thread *thread);        /* and joins; it must end so */

/*
 * Has a thread that was asked to end while it computed make that call, its
 * first since: whether the call returns.  In a runtime of its own.
 */
bool survives(void (*call)(void *), void *argument);

/* A thread of the caller's kind: a vcore thread, or a plain pthread. */
struct peer {
	struct vcore_thread *thread;
	pthread_t pthread;
};
struct peer peer_start(void *(*entry)(void *), void *argument);
void *peer_finish(struct peer peer);

pthread_t start_pthread(void *(*entry)(void *), void *argument);
void *finish_pthread(pthread_t pthread);

/* What inspection says of a thread; false if it is not there. */
bool look_at(uint64_t id, struct vcore_thread_info *info);
bool is_waiting(struct vcore_thread *thread);
bool is_waiting_for(struct vcore_thread *thread, enum vcore_wait_kind kind);
/* The line of the thread with that name in a dump; until the next call. */
const char *dumped_line(const char *name);
/* Whether the kernel thread sleeps in the kernel. */
bool is_asleep(pid_t tid);
pid_t thread_id_of_kernel(void);

/* Who came when, a letter each. */
struct journal {
	atomic_uint length;
	char text[256];
};
void note(struct journal *journal, char letter);

/* How a child ended, and what it wrote to standard error. */
struct outcome {
	int status;
	char text[1 << 16];
};
void run_child(struct outcome *outcome, void (*body)(void));
bool exited_with(const struct outcome *outcome, int code);
bool killed_by(const struct outcome *outcome, int number);

/* Whether the body, in a child, panics with that in the message. */
bool panics_with(void (*body)(void), const char *text);

/* A panic hook: ends the thread in its panic. */
void exit_from_the_hook(const struct vcore_report *report);

/* How many entries a directory has, "." and ".." not counted. */
unsigned entries_of(const char *directory);

void *do_nothing(void *argument);    /* returns its argument */
void *sleep_forever(void *argument); /* until it is destroyed */
void *await_forever(void *event);    /* awaits its count to exceed it by far */
void *yield_until(void *flag);       /* an atomic_bool */
void *occupy(void *flag);            /* the same, without letting others run */
void set_flag(void *flag);           /* an atomic_bool; a cleanup */
int read_errno(void);                /* no cached address */
void write_errno(int value);

#endif /* TESTS_UNIT_SUPPORT_H */
