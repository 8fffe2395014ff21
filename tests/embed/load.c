/*
 * A program that loads the library when it already runs, as plugins and
 * language bindings do, and unloads it again.
 *
 *	load LIBRARY
 *
 * Prints: the version, then "ran 3 times".
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <dlfcn.h>
#include <stdio.h>
#include <vcore/vcore.h>

static void *count(void *n)
{
	++*(int *)n;
	return n;
}

static int load_and_run(const char *path, int *n)
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
	return run(NULL, count, n, NULL) != 0 || dlclose(library) != 0;
}

int main(int argc, char **argv)
{
	int n = 0;

	for (int i = 0; i < 3; i++) {
		if (argc != 2 || load_and_run(argv[1], &n) != 0) {
			return 1;
		}
	}
	printf("ran %d times\n", n);
	return n == 3 ? 0 : 1;
}
