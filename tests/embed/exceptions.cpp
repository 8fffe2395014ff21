/*
 * C++ exceptions belong to the thread: they are thrown, caught, rethrown and
 * nested while other threads of the same kernel thread do the same, with
 * yields and sleeps in the catch blocks and during unwinding.  A host that
 * serves, in a catch block or not, keeps its own as well.
 * Prints: "8 threads kept their exceptions".
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <cstdio>
#include <exception>
#include <stdexcept>
#include <string>
#include <vcore/vcore.h>

namespace
{

constexpr int threads = 8;
constexpr int rounds = 200;

struct failure : std::runtime_error {
	using std::runtime_error::runtime_error;
};

/* Lets others run while an exception unwinds the stack. */
struct yields_when_destroyed {
	bool *unwinding_seen;

	~yields_when_destroyed()
	{
		bool before = std::uncaught_exceptions() == 1;

		vcore_yield();
		*unwinding_seen = before && std::uncaught_exceptions() == 1;
	}
};

void throw_through_a_yield(const std::string &mine, bool *unwinding_seen)
{
	yields_when_destroyed guard = {unwinding_seen};

	vcore_yield();
	throw failure(mine);
}

bool rethrow_after_a_yield(const std::string &mine)
{
	bool unwinding_seen = false;

	try {
		try {
			throw_through_a_yield(mine, &unwinding_seen);
		} catch (const failure &) {
			vcore_yield();
			vcore_sleep(vcore_after(1000));
			throw; /* must be this thread's own */
		}
	} catch (const failure &caught) {
		std::exception_ptr current;

		vcore_yield();
		current = std::current_exception();
		return caught.what() == mine && current != nullptr && unwinding_seen;
	}
	return false;
}

void *keep_exceptions(void *number)
{
	std::string mine = "thread " + std::to_string(*static_cast<int *>(number));

	for (int i = 0; i < rounds; i++) {
		if (!rethrow_after_a_yield(mine) || std::uncaught_exceptions() != 0) {
			return nullptr;
		}
	}
	return number;
}

void *run_all(void *kept)
{
	vcore_thread *handles[threads];
	int numbers[threads];

	for (int i = 0; i < threads; i++) {
		numbers[i] = i;
		vcore_thread_allocate(&handles[i], nullptr, keep_exceptions, &numbers[i]);
	}
	for (auto *handle : handles) {
		vcore_exit exit;

		vcore_thread_join(handle, &exit, VCORE_NEVER);
		*static_cast<int *>(kept) += exit.result != nullptr;
	}
	return nullptr;
}

bool kept_on(unsigned processors)
{
	vcore_runtime_options options = {};
	int kept = 0;

	options.processors = processors;
	return vcore_run(&options, run_all, &kept, nullptr) == 0 && kept == threads;
}

vcore_eventcount released;

void *wait_in_a_catch_block(void *)
{
	try {
		throw failure("thread");
	} catch (const failure &) {
		vcore_eventcount_await(&released, 0, VCORE_NEVER);
	}
	return nullptr;
}

/* A thread waits in a catch block of its own before the host enters one. */
bool kept_by_a_host()
{
	vcore_runtime_options options = {};
	vcore_thread_options pinned = {};
	bool kept;

	options.processors = 1;
	vcore_runtime_open(&pinned.runtime, &options);
	pinned.flags = VCORE_THREAD_PINNED;
	pinned.processor = 1;
	vcore_thread_allocate(nullptr, &pinned, wait_in_a_catch_block, nullptr);
	vcore_runtime_serve(pinned.runtime, 0);
	kept = std::current_exception() == nullptr;
	try {
		throw failure("host");
	} catch (const failure &caught) {
		auto mine = std::current_exception();

		vcore_eventcount_advance(&released);
		vcore_runtime_serve(pinned.runtime, 0);
		kept = kept && std::current_exception() == mine;
	}
	return kept && vcore_runtime_close(pinned.runtime, VCORE_NEVER) == 0;
}

} // namespace

int main()
{
	if (!kept_on(1) || !kept_on(2) || !kept_on(5) || !kept_by_a_host()) {
		std::puts("an exception was lost or mixed up");
		return 1;
	}
	std::printf("%d threads kept their exceptions\n", threads);
	return 0;
}
