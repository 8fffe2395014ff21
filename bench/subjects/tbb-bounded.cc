/*
 * The subject TBB, its bounded queue.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "cxx-queues.h"

#include <tbb/concurrent_queue.h>

namespace
{

template <typename Message> class bounded_queue
{
	tbb::concurrent_bounded_queue<Message> inner;

      public:
	explicit bounded_queue(std::size_t capacity)
	{
		inner.set_capacity(static_cast<std::ptrdiff_t>(capacity));
	}

	void send(const Message &message)
	{
		inner.push(message);
	}

	void receive(Message &message)
	{
		inner.pop(message);
	}

	bool try_send(const Message &message)
	{
		return inner.try_push(message);
	}

	bool try_receive(Message &message)
	{
		return inner.try_pop(message);
	}
};

const struct bench_workload workloads[] = {
	{"one-to-one", traffic::run_waiting<bounded_queue>},
	{"many-to-many", traffic::run_waiting<bounded_queue>},
	{"round-trip", traffic::run_round_trip<bounded_queue>},
	{"ring", traffic::run_exchange<bounded_queue>},
	{"ring-crowded", traffic::run_exchange<bounded_queue>},
	{nullptr, nullptr},
};

} // namespace

int main(int argc, char **argv)
{
	return bench_main(workloads, argc, argv);
}
