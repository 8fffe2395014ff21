/*
 * Contests for the locks of TBB: scoped locks, which lie in the contestant's
 * place.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BENCH_TBB_LOCKS_H
#define BENCH_TBB_LOCKS_H

#include "contest.h"

namespace tbb_locks
{

template <typename Mutex> typename Mutex::scoped_lock &scoped(void *place)
{
	return *static_cast<typename Mutex::scoped_lock *>(place);
}

template <typename Mutex> void enter(void *, void *place)
{
	static_assert(sizeof(typename Mutex::scoped_lock) <= sizeof(bench_contestant::place));
	new (place) typename Mutex::scoped_lock;
}

template <typename Mutex> void leave(void *, void *place)
{
	using scoped_lock = typename Mutex::scoped_lock;

	scoped<Mutex>(place).~scoped_lock();
}

template <typename Mutex> void acquire(void *lock, void *place)
{
	scoped<Mutex>(place).acquire(*static_cast<Mutex *>(lock));
}

template <typename Mutex> void acquire_read(void *lock, void *place)
{
	scoped<Mutex>(place).acquire(*static_cast<Mutex *>(lock), false);
}

template <typename Mutex> void release(void *, void *place)
{
	scoped<Mutex>(place).release();
}

template <typename Mutex> void *compete_for_mutex(void *contestant)
{
	static constexpr bench_lock mutex = {acquire<Mutex>, release<Mutex>, nullptr,
					     nullptr,        enter<Mutex>,   leave<Mutex>};

	return bench_compete(contestant, &mutex);
}

template <typename Mutex> void *compete_for_rwlock(void *contestant)
{
	static constexpr bench_lock rwlock = {acquire<Mutex>, release<Mutex>, acquire_read<Mutex>,
					      release<Mutex>, enter<Mutex>,   leave<Mutex>};

	return bench_compete(contestant, &rwlock);
}

template <typename Mutex> void run_mutex(struct bench *bench)
{
	alignas(128) static Mutex lock;

	bench_contest(bench, &bench_kernel_threads, compete_for_mutex<Mutex>, &lock);
}

template <typename Mutex> void run_rwlock(struct bench *bench)
{
	alignas(128) static Mutex lock;

	bench_contest(bench, &bench_kernel_threads, compete_for_rwlock<Mutex>, &lock);
}

} // namespace tbb_locks

#endif /* BENCH_TBB_LOCKS_H */
