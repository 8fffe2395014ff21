/*
 * Inspection while threads storm: every thread that lives throughout is seen,
 * once; what is said of threads makes sense; dumps name them.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "stress.h"
#include <sys/mman.h>

#define RESIDENTS  6
#define INSPECTORS 3

static struct vcore_runtime *runtime;
static struct vcore_eventcount home; /* where residents wait */
static uint64_t resident_ids[RESIDENTS];
static unsigned processors_now;
static size_t rounds;

static void *reside(void *unused)
{
	CHECK_IS(vcore_eventcount_await(&home, 41, VCORE_NEVER), 0);
	return unused;
}

static void *pass_by(void *random)
{
	uint64_t state = (uintptr_t)random;

	for (uint64_t n = stress_below(&state, 4); n > 0; n--) {
		vcore_yield();
	}
	vcore_sleep(vcore_after((int64_t)stress_below(&state, 50) * MICROSECOND));
	return NULL;
}

static struct vcore_thread *allocate_named(const char *name, void *(*entry)(void *), void *argument)
{
	struct vcore_thread_options options = {.runtime = runtime, .name = name, .priority = 1};
	struct vcore_thread *thread = NULL;

	CHECK_IS(vcore_thread_allocate(&thread, &options, entry, argument), 0);
	return thread;
}

/* Allocates, joins, detaches and destroys until it is told to stop. */
static void *storm(void *argument)
{
	const _Atomic bool *stop = *(_Atomic bool **)argument;
	uint64_t random = stress_seed;

	while (!atomic_load(stop)) {
		void *seed = (void *)(uintptr_t)stress_random(&random);
		struct vcore_thread *thread = allocate_named("passer-by", pass_by, seed);

		switch (stress_below(&random, 3)) {
		case 0:
			vcore_thread_destroy(thread); /* fall through */
		case 1:
			vcore_thread_join(thread, NULL, VCORE_NEVER);
			break;
		default:
			vcore_thread_detach(thread);
		}
	}
	return NULL;
}

struct census {
	unsigned seen[RESIDENTS];
	unsigned calls, most; /* calls that end the inspection */
	bool yields;
};

static bool is_name(const char *name)
{
	return strcmp(name, "") == 0 || strcmp(name, "passer-by") == 0 ||
	       strcmp(name, "resident") == 0;
}

static void check_resident(const struct vcore_thread_info *info)
{
	CHECK(strcmp(info->name, "resident") == 0);
	CHECK_IS(info->priority, 1);
	CHECK_IS(info->state, VCORE_THREAD_WAITING);
	CHECK_IS(info->wait, VCORE_WAIT_EVENTCOUNT);
	CHECK(info->object == &home);
	CHECK_IS(info->value, 41);
	CHECK(info->deadline == VCORE_NEVER);
	CHECK(info->since > 0 && info->since <= vcore_now());
	CHECK(info->switches >= 1);
}

static int take_census(const struct vcore_thread_info *info, void *argument)
{
	struct census *census = argument;

	CHECK(info->id != 0);
	CHECK(is_name(info->name));
	CHECK(info->state >= VCORE_THREAD_RUNNABLE && info->state <= VCORE_THREAD_ENDED);
	CHECK(info->priority == 0 || info->priority == 1);
	CHECK(info->processor < processors_now);
	CHECK(info->stack_size >= 4096 && info->stack_used <= info->stack_size + 65536);
	for (int i = 0; i < RESIDENTS; i++) {
		if (info->id == resident_ids[i]) {
			census->seen[i]++;
			check_resident(info);
		}
	}
	if (census->yields) {
		vcore_yield();
	}
	return ++census->calls == census->most ? 7 : 0;
}

static void inspect_threads(uint64_t *random)
{
	struct census all = {.yields = stress_below(random, 2) == 0}, some = {.most = 3};

	CHECK_IS(vcore_inspect_threads(runtime, take_census, &all), 0);
	for (int i = 0; i < RESIDENTS; i++) {
		CHECK_IS(all.seen[i], 1);
	}
	CHECK_IS(vcore_inspect_threads(runtime, take_census, &some), 7);
	CHECK_IS(some.calls, 3);
}

static void inspect_runtime(struct vcore_statistics *before)
{
	struct vcore_statistics now;

	CHECK_IS(vcore_inspect_runtime(runtime, &now), 0);
	CHECK_IS(now.processors, processors_now);
	CHECK_IS(now.servers, 0);
	CHECK(now.idle <= now.processors);
	CHECK(now.threads >= RESIDENTS && now.threads <= now.allocated);
	CHECK(now.allocated >= before->allocated && now.switches >= before->switches);
	CHECK(now.stack_bytes > 0);
	CHECK(now.limit == NULL);
	*before = now;
}

static unsigned occurrences(const char *text, const char *word)
{
	unsigned n = 0;

	while ((text = strstr(text, word)) != NULL) {
		text += strlen(word);
		n++;
	}
	return n;
}

static void dump(void)
{
	static const size_t most = 1 << 20;
	int fd = memfd_create("dump", MFD_CLOEXEC);
	char *text = calloc(1, most + 1);

	CHECK_IS(vcore_dump(runtime, fd), 0);
	CHECK(pread(fd, text, most, 0) > 0);
	CHECK_IS(occurrences(text, "resident"), RESIDENTS);
	free(text);
	close(fd);
	CHECK_IS(vcore_dump(runtime, -1), -EBADF);
}

static void *inspect_often(void *argument)
{
	struct vcore_statistics statistics = {0};
	uint64_t random = *(uint64_t *)argument;

	for (size_t i = 0; i < rounds; i++) {
		inspect_threads(&random);
		inspect_runtime(&statistics);
		if (i % 8 == 0) {
			dump();
		}
		vcore_yield();
	}
	return NULL;
}

static int count_waiting(const struct vcore_thread_info *info, void *waiting)
{
	*(int *)waiting += info->state == VCORE_THREAD_WAITING;
	return 0;
}

static void settle_residents(struct vcore_thread **residents)
{
	int waiting;

	home = (struct vcore_eventcount)VCORE_EVENTCOUNT_INITIALIZER;
	for (int i = 0; i < RESIDENTS; i++) {
		residents[i] = allocate_named("resident", reside, NULL);
		resident_ids[i] = vcore_thread_id(residents[i]);
	}
	do {
		waiting = 0;
		CHECK_IS(vcore_inspect_threads(runtime, count_waiting, &waiting), 0);
		vcore_yield();
	} while (waiting < RESIDENTS);
}

static void inspect(unsigned processors)
{
	struct stress_crew inspectors = {.vcore = INSPECTORS - 1, .plain = 1};
	struct stress_crew storms = {.vcore = 2, .plain = 1};
	struct vcore_thread *residents[RESIDENTS];
	uint64_t seeds[INSPECTORS] = {stress_seed, stress_seed + 1, stress_seed + 2};
	_Atomic bool stop = false, *stops[] = {&stop, &stop, &stop};

	processors_now = processors;
	rounds = stress_size(150, 10);
	runtime = stress_open(processors);
	settle_residents(residents);
	stress_crew_start(&storms, runtime, storm, stops, sizeof(stops[0]));
	stress_crew_start(&inspectors, runtime, inspect_often, seeds, sizeof(seeds[0]));
	stress_crew_join(&inspectors);
	atomic_store(&stop, true);
	stress_crew_join(&storms);
	vcore_eventcount_advance_by(&home, 42);
	for (int i = 0; i < RESIDENTS; i++) {
		stress_join(residents[i]);
	}
	stress_close(runtime);
}

int main(int argc, char **argv)
{
	return stress_main(argc, argv, "inspection", inspect);
}
