/*
 * The subject atomic_queue, by Maxim Egorushkin.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "cxx-queues.h"

#include <atomic_queue/atomic_queue.h>

namespace
{

constexpr unsigned ring_capacity = 1024;

template <typename Message, bool spsc> class ring
{
	atomic_queue::AtomicQueue2<Message, ring_capacity, true, !spsc, false, spsc> inner;

      public:
	explicit ring(std::size_t capacity)
	{
		bench_check(capacity == ring_capacity, "capacity");
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

template <typename Message> using for_many = ring<Message, false>;
template <typename Message> using for_one = ring<Message, true>;

const struct bench_workload workloads[] = {
	{"ring", traffic::run_exchange<for_many>},
	{"ring-crowded", traffic::run_exchange<for_many>},
	{"spsc", traffic::run_trying<for_one>},
	{nullptr, nullptr},
};

} // namespace

int main(int argc, char **argv)
{
	return bench_main(workloads, argc, argv);
}
