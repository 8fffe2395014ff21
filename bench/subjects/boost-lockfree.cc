/*
 * The subject Boost.Lockfree: its queue, of a fixed size, its stack, and its ring for one
 * sender and one receiver.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "cxx-queues.h"
#include "lifo.h"

#include <boost/lockfree/queue.hpp>
#include <boost/lockfree/spsc_queue.hpp>
#include <boost/lockfree/stack.hpp>

namespace
{

template <typename Message> class queue
{
	boost::lockfree::queue<Message, boost::lockfree::fixed_sized<true>> inner;

      public:
	explicit queue(std::size_t capacity) : inner(capacity)
	{
	}

	bool try_send(const Message &message)
	{
		return inner.bounded_push(message);
	}

	bool try_receive(Message &message)
	{
		return inner.pop(message);
	}
};

constexpr std::size_t ring_capacity = 1024;

template <typename Message> class ring
{
	boost::lockfree::spsc_queue<Message, boost::lockfree::capacity<ring_capacity>> inner;

      public:
	explicit ring(std::size_t capacity)
	{
		bench_check(capacity == ring_capacity, "capacity");
	}

	bool try_send(const Message &message)
	{
		return inner.push(message);
	}

	bool try_receive(Message &message)
	{
		return inner.pop(message);
	}

	void send_many(const Message *messages, std::size_t n)
	{
		for (std::size_t sent = 0; sent < n; bench_pause()) {
			sent += inner.push(messages + sent, n - sent);
		}
	}

	std::size_t receive_many(Message *messages, std::size_t n)
	{
		std::size_t count;

		while ((count = inner.pop(messages, n)) == 0) {
			bench_pause();
		}
		return count;
	}
};

/* Of pointers, in nodes of its own: as many as there are threads, and a few more. */
using stack = boost::lockfree::stack<struct bench_element *>;

void push(void *elements, struct bench_element *element)
{
	static_cast<stack *>(elements)->bounded_push(element);
}

struct bench_element *pop(void *elements)
{
	struct bench_element *element = nullptr;

	static_cast<stack *>(elements)->pop(element);
	return element;
}

constexpr bench_lifo lifo = {push, pop};

void *push_and_pop(void *party)
{
	return bench_push_and_pop(party, &lifo);
}

void run_stack(struct bench *bench)
{
	stack elements(64);

	bench_exchange(bench, &bench_pinned_threads, &elements, push_and_pop);
}

const struct bench_workload workloads[] = {
	{"ring", traffic::run_exchange<queue>},
	{"ring-crowded", traffic::run_exchange<queue>},
	{"stack", run_stack},
	{"spsc", traffic::run_trying<ring>},
	{"spsc-batches", traffic::run_batches<ring, bench_pinned_threads>},
	{nullptr, nullptr},
};

} // namespace

int main(int argc, char **argv)
{
	return bench_main(workloads, argc, argv);
}
