/*
 * The dump: all that inspection knows, as text.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <errno.h>

#include "platform/panic.h"
#include "sched/inspect.h"
#include "sched/thread.h"

static const char *const state_names[] = {
	[VCORE_THREAD_RUNNABLE] = "runnable",
	[VCORE_THREAD_RUNNING] = "running",
	[VCORE_THREAD_WAITING] = "waiting",
	[VCORE_THREAD_ENDED] = "ended, not joined",
};

struct dump {
	struct vcore_runtime *runtime;
	int fd;
	int error;
	vcore_instant now;
};

/* In milliseconds, with three places. */
static void line_time(struct vci_line *line, int64_t nanoseconds)
{
	int64_t microseconds = (nanoseconds < 0 ? 0 : nanoseconds) / 1000;

	vci_line_number(line, microseconds / 1000);
	vci_line_text(line, ".");
	for (int64_t unit = 100; unit > 0; unit /= 10) {
		vci_line_number(line, microseconds / unit % 10);
	}
	vci_line_text(line, " ms");
}

/* --- circles ---------------------------------------------------------------------------- */

static const struct vcore_thread *thread_with_id(struct vcore_runtime *runtime, uint64_t id)
{
	uint32_t index = vci_id_index(id);
	const struct vcore_thread *thread =
		id != 0 ? (const struct vcore_thread *)vci_stacks_at(&runtime->stacks, index)
			: NULL;
	uint64_t life;

	if (thread == NULL) {
		return NULL;
	}
	life = __atomic_load_n(&thread->life, __ATOMIC_ACQUIRE);
	return vci_id(life / VCI_LIFE_GENERATION, index) == id ? thread : NULL;
}

/*
 * The thread that one waits for: to join it, or until it releases a lock; NULL
 * if it waits for nobody of this runtime.  It is found by its id: the thread
 * that waited may be gone.
 */
VCI_READS_RACILY static const struct vcore_thread *awaited_by(struct vcore_runtime *runtime,
							      const struct vcore_thread *thread)
{
	struct vcore_thread_info info;
	const struct vcore_thread *joined;
	uint64_t life = __atomic_load_n(&thread->life, __ATOMIC_ACQUIRE);

	if (!vci_inspect_thread(thread, life, &info)) {
		return NULL;
	}
	if (info.wait != VCORE_WAIT_JOIN) {
		return thread_with_id(runtime, info.owner);
	}
	joined = thread_with_id(runtime, info.joins);
	if (*(void *volatile const *)&thread->waiter.object != (const void *)joined) {
		return NULL; /* not of this runtime, though it has the number */
	}
	return joined;
}

static bool is_in_circle(struct vcore_runtime *runtime, const struct vcore_thread *thread)
{
	const struct vcore_thread *slow = thread;
	const struct vcore_thread *fast = thread;

	/* One by one, and two by two: on the way round they meet, if not before. */
	do {
		slow = awaited_by(runtime, slow);
		fast = awaited_by(runtime, fast);
		fast = fast != NULL ? awaited_by(runtime, fast) : NULL;
		if (slow == thread) {
			return true;
		}
	} while (fast != NULL && slow != NULL && slow != fast);
	return false;
}

/* --- lines --------------------------------------------------------------------------------- */

static const char *const object_names[] = {
	[VCORE_WAIT_LOCK] = " for lock ",
	[VCORE_WAIT_TICKETLOCK] = " for ticketlock ",
	[VCORE_WAIT_READ] = " to read, for rwlock ",
	[VCORE_WAIT_WRITE] = " to write, for rwlock ",
	[VCORE_WAIT_CONDITION] = " for condition ",
	[VCORE_WAIT_SEMAPHORE] = " for semaphore ",
	[VCORE_WAIT_SEND] = " to send, for buffer ",
	[VCORE_WAIT_RECEIVE] = " to receive, for buffer ",
	[VCORE_WAIT_SELECT] = " in select, of cases ",
};

static void line_wait(struct vci_line *line, const struct vcore_thread_info *info)
{
	switch (info->wait) {
	case VCORE_WAIT_NONE:
		break;
	case VCORE_WAIT_SLEEP:
		vci_line_text(line, " in its sleep");
		break;
	case VCORE_WAIT_EVENTCOUNT:
		vci_line_text(line, " for eventcount ");
		vci_line_pointer(line, info->object);
		vci_line_text(line, " to exceed ");
		vci_line_number(line, info->value);
		break;
	case VCORE_WAIT_JOIN:
		vci_line_text(line, " to join thread ");
		vci_line_number(line, (int64_t)info->joins);
		break;
	default:
		vci_line_text(line, object_names[info->wait]);
		vci_line_pointer(line, info->object);
		if (info->owner != 0) {
			vci_line_text(line, " of thread ");
			vci_line_number(line, (int64_t)info->owner);
		}
		break;
	}
}

static void line_thread(struct vci_line *line, const struct vcore_thread_info *info)
{
	vci_line_text(line, "  thread ");
	vci_line_number(line, (int64_t)info->id);
	if (info->name[0] != '\0') {
		vci_line_text(line, " \"");
		vci_line_text(line, info->name);
		vci_line_text(line, "\"");
	}
	vci_line_text(line, ": ");
	vci_line_text(line, state_names[info->state]);
}

static const char *const refusal_names[] = {
	[VCORE_REFUSAL_LIBRARY] = "in the library",
	[VCORE_REFUSAL_DISABLED] = "disabled",
	[VCORE_REFUSAL_MASK] = "another signal mask",
	[VCORE_REFUSAL_HANDLER] = "in a signal handler",
	[VCORE_REFUSAL_STACK] = "on another stack",
	[VCORE_REFUSAL_FOREIGN] = "in foreign code",
	[VCORE_REFUSAL_SPARES] = "no spare",
	[VCORE_REFUSAL_SERVER] = "on a server",
	[VCORE_REFUSAL_RCU] = "in a read section",
};

/* A number of something, if there is any. */
static void line_count(struct vci_line *line, uint64_t n, const char *what)
{
	if (n != 0) {
		vci_line_text(line, ", ");
		vci_line_number(line, (int64_t)n);
		vci_line_text(line, what);
	}
}

static void line_preemption(struct vci_line *line, const struct vcore_thread_info *info)
{
	line_count(line, info->preemptions, " preemptions");
	line_count(line, info->hand_overs, " hand-overs");
	line_count(line, info->refusals, " refusals");
	if (info->refusal != VCORE_REFUSAL_NONE) {
		vci_line_text(line, " (");
		vci_line_text(line, refusal_names[info->refusal]);
		vci_line_text(line, ")");
	}
}

static int dump_thread(struct vcore_thread *thread, uint64_t life, void *argument)
{
	struct dump *dump = argument;
	struct vcore_thread_info info;
	struct vci_line line;

	if (!vci_inspect_thread(thread, life, &info)) {
		return 0;
	}
	vci_line_begin(&line);
	line_thread(&line, &info);
	if (info.state == VCORE_THREAD_WAITING) {
		line_wait(&line, &info);
		vci_line_text(&line, ", ");
		line_time(&line, dump->now - info.since);
		vci_line_text(&line, " so far");
		if (info.deadline != VCORE_NEVER) {
			vci_line_text(&line, ", ");
			line_time(&line, info.deadline - dump->now);
			vci_line_text(&line, " left");
		}
		if (is_in_circle(dump->runtime, thread)) {
			vci_line_text(&line, ", IN A CIRCLE");
		}
	}
	vci_line_text(&line, info.kept ? ", kept" : info.let_go ? ", let go" : "");
	vci_line_text(&line, info.destroyed ? ", asked to end" : "");
	vci_line_text(&line, "; ");
	vci_line_number(&line, (int64_t)info.switches);
	vci_line_text(&line, " switches");
	line_preemption(&line, &info);
	vci_line_text(&line, ", stack ");
	vci_line_number(&line, (int64_t)info.stack_used);
	vci_line_text(&line, "/");
	vci_line_number(&line, (int64_t)info.stack_size);
	vci_line_text(&line, "\n");
	dump->error = vci_line_write(&line, dump->fd);
	return dump->error;
}

static void line_ticks(struct vci_line *line, const struct vcore_statistics *statistics)
{
	if (statistics->unpreemptive != NULL) {
		vci_line_text(line, ", not preemptive (");
		vci_line_text(line, statistics->unpreemptive);
		vci_line_text(line, ")");
		return;
	}
	line_count(line, statistics->ticks, " ticks");
	line_count(line, statistics->preemptions, " preemptions");
	line_count(line, statistics->hand_overs, " hand-overs");
	line_count(line, statistics->refusals, " refusals");
	line_count(line, statistics->spares, " spares");
	if (statistics->spares_short != 0) {
		line_count(line, statistics->spares_short, " times short of them (limit: ");
		vci_line_text(line,
			      statistics->spares_limit != NULL ? statistics->spares_limit : "time");
		vci_line_text(line, ")");
	}
}

static int dump_runtime(const struct dump *dump)
{
	struct vcore_statistics statistics;
	struct vci_line line;

	(void)vcore_inspect_runtime(dump->runtime, &statistics);
	vci_line_begin(&line);
	vci_line_text(&line, dump->runtime->deadlocked ? "vcore: deadlock: " : "vcore: runtime: ");
	vci_line_number(&line, (int64_t)statistics.threads);
	vci_line_text(&line, " threads, ");
	vci_line_number(&line, statistics.processors);
	vci_line_text(&line, " processors, ");
	vci_line_number(&line, statistics.idle);
	vci_line_text(&line, " idle; ");
	vci_line_number(&line, (int64_t)statistics.switches);
	vci_line_text(&line, " switches, ");
	vci_line_number(&line, (int64_t)statistics.steals);
	vci_line_text(&line, " steals");
	line_ticks(&line, &statistics);
	vci_line_text(&line, "\n");
	return vci_line_write(&line, dump->fd);
}

int vcore_dump(struct vcore_runtime *runtime, int fd)
{
	struct dump dump = {.runtime = runtime, .fd = fd};

	VCI_PANIC_IF(runtime == NULL, "runtime is NULL");
	if (vci_runtime_is_lost(runtime)) {
		return -ESHUTDOWN;
	}
	dump.now = vci_clock();
	dump.error = dump_runtime(&dump);
	if (dump.error == 0) {
		(void)vci_thread_walk(runtime, dump_thread, &dump);
	}
	return dump.error;
}
