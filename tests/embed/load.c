/*
 * A program that loads the library when it already runs, as plugins and
 * language bindings do, and unloads it again, in a pthread that ends after.
 *
 *	load LIBRARY
 *
 * Prints: the version, then "ran 3 times".
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <vcore/vcore.h>

static int n;

static void *count(void *number)
{
	++*(int *)number;
	return number;
}

static int load_and_run(const char *path)
{
	int (*run)(const struct vcore_runtime_options *, void *(*)(void *), void *,
		   struct vcore_exit *);
	const char *(*version)(void);
	void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);

	if (library == NULL) {
		fprintf(stderr, "%s\n", dlerror());
		return 1;
	}
	*(void **)&run = dlsym(library, "vcore_run");
	*(void **)&version = dlsym(library, "vcore_version");
	if (run == NULL || version == NULL) {
		fprintf(stderr, "%s\n", dlerror());
		return 1;
	}
	printf("%s\n", version());
	return run(NULL, count, &n, NULL) != 0 || dlclose(library) != 0;
}

/* NULL, if it went well. */
static void *load_three_times(void *path)
{
	for (int i = 0; i < 3; i++) {
		if (load_and_run(path) != 0) {
			return path;
		}
	}
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t thread;
	void *failed;

	if (argc != 2 || pthread_create(&thread, NULL, load_three_times, argv[1]) != 0 ||
	    pthread_join(thread, &failed) != 0 || failed != NULL) {
		return 1;
	}
	printf("ran %d times\n", n);
	return n == 3 ? 0 : 1;
}
