/*
 * What the unit tests share; see support.h.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "support.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CHECK_FAILED = 99 };

struct vcore_runtime *runtime;
unsigned runtime_flags;

const struct vcore_runtime_options without_ticks = {.processors = 1, .quantum = VCORE_QUANTUM_OFF};

void check_failed(const char *file, int line, const char *condition)
{
	char text[512];
	int length = snprintf(text, sizeof(text), "%s:%d: not true: %s\n", file, line, condition);

	if (length > 0 && write(STDERR_FILENO, text, (size_t)length) < 0) {
		abort();
	}
	_exit(CHECK_FAILED);
}

void runtime_start(const struct vcore_runtime_options *options)
{
	struct vcore_runtime_options with_flags = {0};

	if (runtime_flags != 0) {
		if (options != NULL) {
			with_flags = *options;
		}
		with_flags.flags |= runtime_flags;
		options = &with_flags;
	}
	check(vcore_runtime_open(&runtime, options) == 0);
}

void runtime_finish(void)
{
	check(vcore_runtime_close(runtime, vcore_after(30 * SECOND)) == 0);
	runtime = NULL;
}

struct body {
	void (*run)(void);
};

static void *run_body(void *argument)
{
	const struct body *body = argument;

	body->run();
	return NULL;
}

/* The record with which this pthread waits: a body may leave no memory for it. */
static void be_able_to_wait(void)
{
	struct vcore_lock lock = {0};

	vcore_lock_acquire(&lock);
	vcore_lock_release(&lock);
}

void run_inside_with(const struct vcore_runtime_options *options, void (*body)(void))
{
	struct body first = {body};

	be_able_to_wait();
	runtime_start(options);
	finish(spawn_with((struct vcore_thread_options){.name = "body"}, run_body, &first));
	runtime_finish();
}

void run_inside(unsigned processors, void (*body)(void))
{
	run_inside_with(&(struct vcore_runtime_options){.processors = processors}, body);
}

void mostly(bool (*in_order)(void))
{
	enum { TRIES = 20 };
	int kept = 0;

	for (int i = 0; i < TRIES; i++) {
		kept += in_order();
	}
	check(kept > TRIES / 2);
}

struct vcore_thread *spawn_with(struct vcore_thread_options options, void *(*entry)(void *),
				void *argument)
{
	struct vcore_thread *thread = NULL;

	options.runtime = runtime;
	check(vcore_thread_allocate(&thread, &options, entry, argument) == 0);
	return thread;
}

struct vcore_thread *spawn(void *(*entry)(void *), void *argument)
{
	return spawn_with((struct vcore_thread_options){0}, entry, argument);
}

void *finish(struct vcore_thread *thread)
{
	struct vcore_exit exit;

	check(vcore_thread_join(thread, &exit, VCORE_NEVER) == 0);
	check(exit.how == VCORE_RETURNED);
	return exit.result;
}

enum vcore_how fate(struct vcore_thread *thread)
{
	struct vcore_exit exit;

	check(vcore_thread_join(thread, &exit, VCORE_NEVER) == 0);
	return exit.how;
}

void destroy(struct vcore_thread *thread)
{
	vcore_thread_destroy(thread);
	check(fate(thread) == VCORE_DESTROYED);
}

struct victim {
	void (*call)(void *);
	void *argument;
	atomic_bool computes, asked, survived;
};

static void *compute_and_call(void *argument)
{
	struct victim *victim = argument;

	set_flag(&victim->computes);
	occupy(&victim->asked);
	victim->call(victim->argument);
	set_flag(&victim->survived);
	vcore_sleep(VCORE_NEVER);
	return NULL;
}

bool survives(void (*call)(void *), void *argument)
{
	struct victim victim = {.call = call, .argument = argument};
	struct vcore_thread *thread;

	runtime_start(&(struct vcore_runtime_options){.processors = 1});
	thread = spawn(compute_and_call, &victim);
	until(atomic_load(&victim.computes));
	check(vcore_thread_destroy(thread) == 0);
	set_flag(&victim.asked);
	check(fate(thread) == VCORE_DESTROYED);
	runtime_finish();
	return victim.survived;
}

pthread_t start_pthread(void *(*entry)(void *), void *argument)
{
	pthread_t pthread;

	check(pthread_create(&pthread, NULL, entry, argument) == 0);
	return pthread;
}

void *finish_pthread(pthread_t pthread)
{
	void *result;

	check(pthread_join(pthread, &result) == 0);
	return result;
}

struct peer peer_start(void *(*entry)(void *), void *argument)
{
	struct peer peer = {0};

	if (vcore_thread_self() != NULL) {
		peer.thread = spawn(entry, argument);
	} else {
		peer.pthread = start_pthread(entry, argument);
	}
	return peer;
}

void *peer_finish(struct peer peer)
{
	return peer.thread != NULL ? finish(peer.thread) : finish_pthread(peer.pthread);
}

struct look {
	uint64_t id;
	struct vcore_thread_info *info;
};

static int look_callback(const struct vcore_thread_info *info, void *argument)
{
	struct look *look = argument;

	if (info->id != look->id) {
		return 0;
	}
	*look->info = *info;
	return 1;
}

bool look_at(uint64_t id, struct vcore_thread_info *info)
{
	struct look look = {id, info};

	return vcore_inspect_threads(runtime, look_callback, &look) == 1;
}

bool is_waiting(struct vcore_thread *thread)
{
	struct vcore_thread_info info;

	return look_at(vcore_thread_id(thread), &info) && info.state == VCORE_THREAD_WAITING;
}

bool is_waiting_for(struct vcore_thread *thread, enum vcore_wait_kind kind)
{
	struct vcore_thread_info info;

	return look_at(vcore_thread_id(thread), &info) && info.state == VCORE_THREAD_WAITING &&
	       info.wait == kind;
}

const char *dumped_line(const char *name)
{
	static char text[1 << 14];
	int fd = memfd_create("dump", MFD_CLOEXEC);
	ssize_t n;
	char *line;

	check(vcore_dump(runtime, fd) == 0);
	n = pread(fd, text, sizeof(text) - 1, 0);
	check(n > 0);
	text[n] = '\0';
	close(fd);
	line = strstr(text, name);
	check(line != NULL);
	line[strcspn(line, "\n")] = '\0';
	return line;
}

bool is_asleep(pid_t tid)
{
	char path[64], text[256] = "";
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", (int)tid);
	file = fopen(path, "r");
	if (file == NULL) {
		return false;
	}
	if (fgets(text, sizeof(text), file) == NULL) {
		text[0] = '\0'; /* it has ended meanwhile */
	}
	fclose(file);
	return strstr(text, ") S ") != NULL;
}

pid_t thread_id_of_kernel(void)
{
	return (pid_t)syscall(SYS_gettid);
}

void note(struct journal *journal, char letter)
{
	unsigned at = atomic_fetch_add(&journal->length, 1);

	check(at < sizeof(journal->text) - 1);
	__atomic_store_n(&journal->text[at], letter, __ATOMIC_RELAXED);
}

static void be_the_child(int output, void (*body)(void))
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	dup2(output, STDERR_FILENO);
	body();
	_exit(0);
}

void run_child(struct outcome *outcome, void (*body)(void))
{
	size_t length = 0;
	ssize_t n;
	int ends[2];
	pid_t child;

	check(pipe2(ends, O_CLOEXEC) == 0);
	child = fork();
	check(child >= 0);
	if (child == 0) {
		be_the_child(ends[1], body);
	}
	close(ends[1]);
	while ((n = read(ends[0], outcome->text + length, sizeof(outcome->text) - 1 - length)) >
	       0) {
		length += (size_t)n;
	}
	outcome->text[length] = '\0';
	close(ends[0]);
	check(waitpid(child, &outcome->status, 0) == child);
	if (WIFEXITED(outcome->status) && WEXITSTATUS(outcome->status) == CHECK_FAILED) {
		fputs(outcome->text, stderr);
	}
}

bool exited_with(const struct outcome *outcome, int code)
{
	return WIFEXITED(outcome->status) && WEXITSTATUS(outcome->status) == code;
}

bool killed_by(const struct outcome *outcome, int number)
{
	return WIFSIGNALED(outcome->status) && WTERMSIG(outcome->status) == number;
}

bool panics_with(void (*body)(void), const char *text)
{
	static struct outcome outcome;
	const char *panic;

	run_child(&outcome, body);
	panic = strstr(outcome.text, "vcore: panic: ");
	if (killed_by(&outcome, SIGABRT) && panic != NULL && strstr(panic, text) != NULL) {
		return true;
	}
	fprintf(stderr, "not a panic with \"%s\", but %d: %s\n", text, outcome.status,
		outcome.text);
	return false;
}

void exit_from_the_hook(const struct vcore_report *report)
{
	check(report->recoverable);
	vcore_thread_exit(NULL);
}

unsigned entries_of(const char *directory)
{
	unsigned n = 0;
	DIR *stream = opendir(directory);

	check(stream != NULL);
	for (struct dirent *entry; (entry = readdir(stream)) != NULL;) {
		n += entry->d_name[0] != '.';
	}
	closedir(stream);
	return n;
}

void *do_nothing(void *argument)
{
	return argument;
}

static struct rlimit without_limit;

void begin_shortage(void)
{
	struct rlimit none;

	check(getrlimit(RLIMIT_AS, &without_limit) == 0);
	none = without_limit;
	none.rlim_cur = 0;
	check(setrlimit(RLIMIT_AS, &none) == 0);
}

void end_shortage(void)
{
	check(setrlimit(RLIMIT_AS, &without_limit) == 0);
}

void *sleep_forever(void *argument)
{
	vcore_sleep(VCORE_NEVER);
	return argument;
}

void *await_forever(void *event)
{
	vcore_eventcount_await(event, INT64_C(1) << 40, VCORE_NEVER);
	return event;
}

void *yield_until(void *flag)
{
	until(atomic_load((atomic_bool *)flag));
	return NULL;
}

void *occupy(void *flag)
{
	while (!atomic_load((atomic_bool *)flag)) {
	}
	return NULL;
}

void set_flag(void *flag)
{
	atomic_store((atomic_bool *)flag, true);
}

__attribute__((__noinline__)) int read_errno(void)
{
	return errno;
}

__attribute__((__noinline__)) void write_errno(int value)
{
	errno = value;
}
