/*
 * Locks in C++: as members with initialisers, used through the standard
 * library's guards, by green threads and by a std::thread.
 * Prints: "6000 times each".
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <shared_mutex>
#include <thread>
#include <vcore/vcore.h>

namespace
{

constexpr int green_threads = 2;
constexpr int contestants = green_threads + 1;
constexpr int rounds = 2000;

/* What std::lock_guard asks for. */
struct mutex {
	vcore_lock inner = VCORE_LOCK_INITIALIZER;

	void lock()
	{
		vcore_lock_acquire(&inner);
	}
	void unlock()
	{
		vcore_lock_release(&inner);
	}
};

struct ticket_mutex {
	vcore_ticketlock inner = VCORE_TICKETLOCK_INITIALIZER;

	void lock()
	{
		vcore_ticketlock_acquire(&inner);
	}
	void unlock()
	{
		vcore_ticketlock_release(&inner);
	}
};

/* What std::shared_lock asks for. */
struct shared_mutex {
	vcore_rwlock inner{}; /* all-zero */

	void lock()
	{
		vcore_rwlock_acquire_write(&inner);
	}
	void unlock()
	{
		vcore_rwlock_release_write(&inner);
	}
	void lock_shared()
	{
		vcore_rwlock_acquire_read(&inner);
	}
	void unlock_shared()
	{
		vcore_rwlock_release_read(&inner);
	}
};

/* Each count is guarded by what stands before it. */
struct {
	mutex lock;
	int locked = 0;
	vcore_condition changed = VCORE_CONDITION_INITIALIZER;
	ticket_mutex ticketlock;
	int ticketed = 0;
	shared_mutex readers_first;
	shared_mutex writers_first = {VCORE_RWLOCK_WRITERS_FIRST};
	shared_mutex fair = {VCORE_RWLOCK_FAIR};
	int written[3] = {};
	vcore_semaphore semaphore = VCORE_SEMAPHORE_INITIALIZER(1);
	int permitted = 0;
	vcore_once once = VCORE_ONCE_INITIALIZER;
	int begun = 0;
	vcore_barrier barrier = VCORE_BARRIER_INITIALIZER(contestants);
} shared;

/* They take turns, by the condition. */
void count_locked(int round, int me)
{
	std::lock_guard<mutex> guard(shared.lock);

	while (shared.locked != round * contestants + me) {
		vcore_condition_wait(&shared.changed, &shared.lock.inner, VCORE_NEVER);
	}
	shared.locked++;
	vcore_condition_broadcast(&shared.changed);
}

void count_ticketed()
{
	std::lock_guard<ticket_mutex> guard(shared.ticketlock);

	shared.ticketed++;
}

void count_written(shared_mutex &lock, int &counter)
{
	std::unique_lock<shared_mutex> writing(lock);
	int written = ++counter;

	writing.unlock();
	std::shared_lock<shared_mutex> reading(lock);
	if (counter < written) {
		std::abort();
	}
}

void count_permitted()
{
	vcore_semaphore_acquire(&shared.semaphore);
	shared.permitted++;
	vcore_semaphore_release(&shared.semaphore, 1);
}

void *count_all(void *me)
{
	vcore_once_call(
		&shared.once, [](void *n) { ++*static_cast<int *>(n); }, &shared.begun);
	vcore_barrier_wait(&shared.barrier, VCORE_NEVER);
	for (int round = 0; round < rounds; round++) {
		count_locked(round, *static_cast<int *>(me));
		count_ticketed();
		count_written(shared.readers_first, shared.written[0]);
		count_written(shared.writers_first, shared.written[1]);
		count_written(shared.fair, shared.written[2]);
		count_permitted();
	}
	return me;
}

void *start(void *numbers)
{
	for (int i = 0; i < green_threads; i++) {
		if (vcore_thread_allocate(nullptr, nullptr, count_all,
					  static_cast<int *>(numbers) + i) != 0) {
			return nullptr;
		}
	}
	return nullptr;
}

} // namespace

int main()
{
	int numbers[contestants] = {0, 1, 2};
	std::thread plain(count_all, &numbers[green_threads]);
	int all = contestants * rounds;

	if (vcore_run(nullptr, start, numbers, nullptr) != 0) {
		return 1;
	}
	plain.join();
	for (int count : {shared.locked, shared.ticketed, shared.written[0], shared.written[1],
			  shared.written[2], shared.permitted}) {
		if (count != all) {
			return 1;
		}
	}
	std::printf("%d times each\n", shared.begun * all);
	return 0;
}
