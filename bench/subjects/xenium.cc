/*
 * The subject xenium: its form of Vyukov's bounded queue.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "cxx-queues.h"

#include <xenium/vyukov_bounded_queue.hpp>

namespace
{

template <typename Message> class bounded_queue
{
	xenium::vyukov_bounded_queue<Message> inner;

      public:
	explicit bounded_queue(std::size_t capacity) : inner(capacity)
	{
	}

	bool try_send(const Message &message)
	{
		return inner.try_push_weak(message);
	}

	bool try_receive(Message &message)
	{
		return inner.try_pop_weak(message);
	}
};

const struct bench_workload workloads[] = {
	{"ring", traffic::run_exchange<bounded_queue>},
	{"ring-crowded", traffic::run_exchange<bounded_queue>},
	{nullptr, nullptr},
};

} // namespace

int main(int argc, char **argv)
{
	return bench_main(workloads, argc, argv);
}
