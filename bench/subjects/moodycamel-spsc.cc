/*
 * The subject moodycamel, its queues for one sender and one receiver: the circular
 * buffer, which waits, and the queue that never does.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "cxx-queues.h"

#include <readerwriterqueue/readerwritercircularbuffer.h>
#include <readerwriterqueue/readerwriterqueue.h>

namespace
{

template <typename Message> class circular_buffer
{
	moodycamel::BlockingReaderWriterCircularBuffer<Message> inner;

      public:
	explicit circular_buffer(std::size_t capacity) : inner(capacity)
	{
	}

	void send(const Message &message)
	{
		inner.wait_enqueue(message);
	}

	void receive(Message &message)
	{
		inner.wait_dequeue(message);
	}
};

template <typename Message> class queue
{
	moodycamel::ReaderWriterQueue<Message> inner;

      public:
	explicit queue(std::size_t capacity) : inner(capacity)
	{
	}

	bool try_send(const Message &message)
	{
		return inner.try_enqueue(message);
	}

	bool try_receive(Message &message)
	{
		return inner.try_dequeue(message);
	}
};

const struct bench_workload workloads[] = {
	{"one-to-one", traffic::run_waiting<circular_buffer>},
	{"round-trip", traffic::run_round_trip<circular_buffer>},
	{"spsc", traffic::run_trying<queue>},
	{nullptr, nullptr},
};

} // namespace

int main(int argc, char **argv)
{
	return bench_main(workloads, argc, argv);
}
