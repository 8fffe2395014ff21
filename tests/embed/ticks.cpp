/*
 * A C++17 program whose threads are preempted every millisecond, wherever they
 * are: they compute, allocate memory, throw, catch and rethrow, and find what
 * is theirs as they left it.  Linked in every way there is.
 *
 *	ticks light|keep
 *
 * light: threads may be LIGHT here, and some are.  keep: something is in the
 * way, which is named, and those threads are refused.
 * Prints: what the obstacle is, and in the end "preempted and unharmed".
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <vcore/vcore.h>

namespace
{

constexpr int threads_of_a_kind = 3;
constexpr int64_t millisecond = 1000000;

/* A thread is preempted so often before it may end. */
constexpr uint64_t enough = 20;

/* A program that is not preempted at all shall fail, not hang. */
constexpr int64_t patience = 30000 * millisecond;

bool over;
bool harmed;

void harm(const char *what)
{
	std::fprintf(stderr, "ticks: %s\n", what);
	__atomic_store_n(&harmed, true, __ATOMIC_RELAXED);
}

/*
 * The same for all, in a loop that calls nothing.  No compiler leaves it out, or
 * knows of memory after it what it knew before.
 */
uint64_t compute()
{
	uint64_t x = 1;

	for (int i = 0; i < 20000; i++) {
		x = x * 6364136223846793005u + 1442695040888963407u;
		__asm__ volatile("" : "+r"(x) : : "memory");
	}
	return x;
}

void allocate(unsigned char mark)
{
	size_t size = 1 + mark * 997;
	std::unique_ptr<unsigned char[]> memory(new unsigned char[size]);

	std::memset(memory.get(), mark, size);
	compute();
	if (memory[0] != mark || memory[size - 1] != mark) {
		harm("memory of another thread");
	}
}

thread_local int visits;

/* Between two calls into the library a thread is a pthread. */
void visit()
{
	int *mine = &visits;
	int before = ++*mine;

	errno = before;
	compute();
	if (*mine != before || &visits != mine) {
		harm("a thread-local variable has changed");
	}
	if (errno != before) {
		harm("errno has changed");
	}
}

void throw_and_catch(const std::string &name)
{
	try {
		try {
			compute();
			throw std::runtime_error(name);
		} catch (const std::exception &) {
			compute();
			throw;
		}
	} catch (const std::runtime_error &caught) {
		compute();
		if (caught.what() != name) {
			harm("an exception of another thread");
		}
	}
	if (std::uncaught_exceptions() != 0) {
		harm("an exception is still in flight");
	}
}

void *work(void *number)
{
	int mine = *static_cast<int *>(number);
	std::string name = "thread " + std::to_string(mine);

	while (!__atomic_load_n(&over, __ATOMIC_RELAXED)) {
		allocate(static_cast<unsigned char>(mine + 1));
		visit();
		throw_and_catch(name);
	}
	return nullptr;
}

/* What a LIGHT thread may do: no locks, no catch blocks, no thread-locals. */
void *work_lightly(void *number)
{
	uint64_t expected = compute();

	while (!__atomic_load_n(&over, __ATOMIC_RELAXED)) {
		if (compute() != expected) {
			harm("a wrong result");
		}
		allocate(static_cast<unsigned char>(*static_cast<int *>(number)));
	}
	return nullptr;
}

int count_preempted(const vcore_thread_info *info, void *preempted)
{
	*static_cast<int *>(preempted) += info->preemptions >= enough ? 1 : 0;
	return 0;
}

/* Until `threads` threads have been preempted often enough. */
void wait_for_ticks(vcore_runtime *runtime, int threads)
{
	vcore_instant deadline = vcore_after(patience);

	for (int preempted = 0; preempted < threads; vcore_sleep(vcore_after(millisecond))) {
		if (vcore_now() > deadline) {
			harm("not preempted");
			return;
		}
		preempted = 0;
		vcore_inspect_threads(runtime, count_preempted, &preempted);
	}
}

void run(bool light)
{
	vcore_runtime_options options = {};
	vcore_thread_options thread = {};
	vcore_thread *handles[2 * threads_of_a_kind];
	int numbers[2 * threads_of_a_kind];
	int n = 0;

	options.processors = 1;
	options.quantum = millisecond;
	if (vcore_runtime_open(&thread.runtime, &options) != 0) {
		harm("vcore_runtime_open");
		return;
	}
	for (int i = 0; i < 2 * threads_of_a_kind; i++) {
		bool lightly = light && i % 2 == 1;

		numbers[n] = i;
		thread.flags = lightly ? VCORE_THREAD_LIGHT : 0;
		if (vcore_thread_allocate(&handles[n], &thread, lightly ? work_lightly : work,
					  &numbers[n]) == 0) {
			n++;
		}
	}
	wait_for_ticks(thread.runtime, 2 * threads_of_a_kind);
	__atomic_store_n(&over, true, __ATOMIC_RELAXED);
	for (int i = 0; i < n; i++) {
		vcore_thread_join(handles[i], nullptr, VCORE_NEVER);
	}
	vcore_runtime_close(thread.runtime, VCORE_NEVER);
}

void *nothing(void *argument)
{
	return argument;
}

/* Neither a thread nor a runtime may be LIGHT. */
bool is_refused()
{
	vcore_runtime_options options = {};
	vcore_thread_options thread = {};
	vcore_runtime *lightly;
	int refused;

	options.flags = VCORE_RUNTIME_LIGHT;
	if (vcore_runtime_open(&lightly, &options) != -ENOTSUP ||
	    vcore_runtime_open(&thread.runtime, nullptr) != 0) {
		return false;
	}
	thread.flags = VCORE_THREAD_LIGHT;
	refused = vcore_thread_allocate(nullptr, &thread, nothing, nullptr);
	return vcore_runtime_close(thread.runtime, VCORE_NEVER) == 0 && refused == -ENOTSUP;
}

} // namespace

int main(int argc, char **argv)
{
	bool light = argc == 2 && std::strcmp(argv[1], "light") == 0;
	const char *obstacle = vcore_preempt_obstacle();

	std::printf("obstacle: %s\n", obstacle != nullptr ? obstacle : "none");
	if ((obstacle == nullptr) != light) {
		harm("it should be otherwise");
	}
	if (!light && !is_refused()) {
		harm("LIGHT is not refused");
	}
	run(light);
	if (harmed) {
		return 1;
	}
	std::puts("preempted and unharmed");
	return 0;
}
