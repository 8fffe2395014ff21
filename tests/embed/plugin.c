/*
 * A plugin that has the library in it, the static one, and the program that
 * loads it: its threads take turns.
 *
 *	plugin MODULE
 *
 * Prints: "took turns".
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifdef PLUGIN
#include <stdatomic.h>
#include <vcore/vcore.h>

#define TURNS 20

/* Each waits for the other without a call. */
static void *play(void *turn)
{
	int mine = atomic_fetch_add((_Atomic int *)turn, 1);

	for (int next = mine; next < 2 * TURNS; next += 2) {
		while (atomic_load((_Atomic int *)turn) != next + 2) {
		}
		atomic_store((_Atomic int *)turn, next + 3);
	}
	return turn;
}

static void *begin(void *turn)
{
	struct vcore_thread *threads[2];
	struct vcore_statistics statistics = {.size = sizeof(statistics)};

	for (int i = 0; i < 2; i++) {
		if (vcore_thread_allocate(&threads[i], NULL, play, turn) != 0) {
			return NULL;
		}
	}
	for (int i = 0; i < 2; i++) {
		vcore_thread_join(threads[i], NULL, VCORE_NEVER);
	}
	return vcore_inspect_runtime(vcore_runtime_self(), &statistics) == 0 &&
			       statistics.preemptions > statistics.hand_overs
		       ? turn
		       : NULL;
}

int run(void)
{
	struct vcore_runtime_options options = {.processors = 1, .quantum = 1000000};
	struct vcore_exit end;
	_Atomic int turn = 0;

	return vcore_run(&options, begin, (void *)&turn, &end) == 0 && end.result != NULL;
}
#else
#include <dlfcn.h>
#include <stdio.h>

int main(int argc, char **argv)
{
	void *module = argc == 2 ? dlopen(argv[1], RTLD_NOW | RTLD_LOCAL) : NULL;
	int (*run)(void);

	if (module == NULL) {
		fprintf(stderr, "%s\n", argc == 2 ? dlerror() : "plugin MODULE");
		return 1;
	}
	*(void **)&run = dlsym(module, "run");
	if (run == NULL || !run()) {
		return 1;
	}
	puts("took turns");
	return 0;
}
#endif
