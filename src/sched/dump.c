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

/* --- circles of joins ------------------------------------------------------------------ */

/*
 * The thread that one waits to join, NULL if it does not, or if that belongs to
 * another runtime.  It is found by its id: the thread that waited may be gone.
 */
VCI_READS_RACILY static const struct vcore_thread *joined_by(struct vcore_runtime *runtime,
							     const struct vcore_thread *thread)
{
	struct vcore_thread_info info;
	const struct vcore_thread *joined;
	uint32_t index;
	uint64_t life = __atomic_load_n(&thread->life, __ATOMIC_ACQUIRE);

	if (!vci_inspect_thread(thread, life, &info) || info.wait != VCORE_WAIT_JOIN) {
		return NULL;
	}
	index = vci_id_index(info.joins);
	joined = (const struct vcore_thread *)vci_stacks_at(&runtime->stacks, index);
	if (joined == NULL) {
		return NULL;
	}
	life = __atomic_load_n(&joined->life, __ATOMIC_ACQUIRE);
	if (vci_id(life / VCI_LIFE_GENERATION, index) != info.joins ||
	    *(void *volatile const *)&thread->waiter.object != (const void *)joined) {
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
		slow = joined_by(runtime, slow);
		fast = joined_by(runtime, fast);
		fast = fast != NULL ? joined_by(runtime, fast) : NULL;
		if (slow == thread) {
			return true;
		}
	} while (fast != NULL && slow != NULL && slow != fast);
	return false;
}

/* --- lines --------------------------------------------------------------------------------- */

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
	vci_line_text(&line, info.destroyed ? ", asked to end" : "");
	vci_line_text(&line, "; ");
	vci_line_number(&line, (int64_t)info.switches);
	vci_line_text(&line, " switches, stack ");
	vci_line_number(&line, (int64_t)info.stack_used);
	vci_line_text(&line, "/");
	vci_line_number(&line, (int64_t)info.stack_size);
	vci_line_text(&line, "\n");
	dump->error = vci_line_write(&line, dump->fd);
	return dump->error;
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
	vci_line_text(&line, " steals\n");
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
