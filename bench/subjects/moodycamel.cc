/*
 * The subject moodycamel: its concurrent queue, with a token for each thread.
 * The one that waits has no bound: here a semaphore of the same library counts the
 * places that are left.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "cxx-queues.h"

#include <concurrentqueue/blockingconcurrentqueue.h>
#include <concurrentqueue/concurrentqueue.h>

namespace
{

using moodycamel::ConsumerToken;
using moodycamel::LightweightSemaphore;
using moodycamel::ProducerToken;

/* Those of the calling thread, which uses one queue in its life. */
template <typename Queue> ProducerToken &producer(Queue &queue)
{
	thread_local ProducerToken token(queue);

	return token;
}

template <typename Queue> ConsumerToken &consumer(Queue &queue)
{
	thread_local ConsumerToken token(queue);

	return token;
}

template <typename Message> class blocking_queue
{
	moodycamel::BlockingConcurrentQueue<Message> queue;
	LightweightSemaphore places;

	void wait_for_places(std::size_t n)
	{
		while (n > 0) {
			n -= static_cast<std::size_t>(
				places.waitMany(static_cast<LightweightSemaphore::ssize_t>(n)));
		}
	}

      public:
	explicit blocking_queue(std::size_t capacity)
	    : queue(capacity), places(static_cast<LightweightSemaphore::ssize_t>(capacity))
	{
	}

	void send(const Message &message)
	{
		places.wait();
		queue.enqueue(producer(queue), message);
	}

	void receive(Message &message)
	{
		queue.wait_dequeue(consumer(queue), message);
		places.signal();
	}

	void send_many(const Message *messages, std::size_t n)
	{
		wait_for_places(n);
		queue.enqueue_bulk(producer(queue), messages, n);
	}

	std::size_t receive_many(Message *messages, std::size_t n)
	{
		std::size_t count = queue.wait_dequeue_bulk(consumer(queue), messages, n);

		places.signal(static_cast<LightweightSemaphore::ssize_t>(count));
		return count;
	}
};

template <typename Message> class queue
{
	moodycamel::ConcurrentQueue<Message> inner;

      public:
	explicit queue(std::size_t capacity) : inner(capacity)
	{
	}

	bool try_send(const Message &message)
	{
		return inner.enqueue(producer(inner), message);
	}

	bool try_receive(Message &message)
	{
		return inner.try_dequeue(consumer(inner), message);
	}
};

void run_ring(struct bench *bench)
{
	traffic::run_exchange<queue>(bench);
	bench_note(bench, "no bound");
}

const struct bench_workload workloads[] = {
	{"one-to-one", traffic::run_waiting<blocking_queue>},
	{"many-to-many", traffic::run_waiting<blocking_queue>},
	{"one-to-one-batches", traffic::run_batches<blocking_queue>},
	{"many-to-many-batches", traffic::run_batches<blocking_queue>},
	{"round-trip", traffic::run_round_trip<blocking_queue>},
	{"ring", run_ring},
	{"ring-crowded", run_ring},
	{nullptr, nullptr},
};

} // namespace

int main(int argc, char **argv)
{
	return bench_main(workloads, argc, argv);
}
