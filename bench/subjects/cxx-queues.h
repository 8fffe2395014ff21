/*
 * Traffic through the queues of C++ libraries.  An implementation wraps each in a
 * template of the type of messages:
 *
 *	template <typename Message> class blocking_queue
 *	{
 *	      public:
 *		explicit blocking_queue(std::size_t capacity);
 *		void send(const Message &message);
 *		void receive(Message &message);
 *	};
 *
 * and lists run_waiting<blocking_queue> among its workloads.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BENCH_CXX_QUEUES_H
#define BENCH_CXX_QUEUES_H

#include "traffic.h"

#include <cstddef>
#include <memory>

namespace traffic
{

template <std::size_t size_> struct message {
	static constexpr std::size_t size = size_;

	alignas(8) unsigned char bytes[size];
};

/* The functions of struct bench_channel, of one type of queue and of message. */
template <typename Queue, typename Message> struct calls {
	static Queue &queue(void *buffer)
	{
		return *static_cast<Queue *>(buffer);
	}

	static void send(void *buffer, const void *one, std::size_t)
	{
		queue(buffer).send(*static_cast<const Message *>(one));
	}

	static void receive(void *buffer, void *one, std::size_t)
	{
		queue(buffer).receive(*static_cast<Message *>(one));
	}

	static bool try_send(void *buffer, const void *one, std::size_t)
	{
		return queue(buffer).try_send(*static_cast<const Message *>(one));
	}

	static bool try_receive(void *buffer, void *one, std::size_t)
	{
		return queue(buffer).try_receive(*static_cast<Message *>(one));
	}

	static void send_many(void *buffer, const void *many, std::size_t n, std::size_t)
	{
		queue(buffer).send_many(static_cast<const Message *>(many), n);
	}

	static std::size_t receive_many(void *buffer, void *many, std::size_t n, std::size_t)
	{
		return queue(buffer).receive_many(static_cast<Message *>(many), n);
	}
};

template <typename Queue, typename Message> struct waiting {
	using call = calls<Queue, Message>;
	static constexpr std::size_t size = Message::size;
	static constexpr bench_channel channel = {call::send, call::receive, nullptr,
						  nullptr,    nullptr,       nullptr};
};

template <typename Queue, typename Message> struct batching {
	using call = calls<Queue, Message>;
	static constexpr std::size_t size = Message::size;
	static constexpr bench_channel channel = {
		nullptr, nullptr, call::send_many, call::receive_many, nullptr, nullptr};
};

template <typename Queue, typename Message> struct trying {
	using call = calls<Queue, Message>;
	static constexpr std::size_t size = Message::size;
	static constexpr bench_channel channel = {nullptr, nullptr,        nullptr,
						  nullptr, call::try_send, call::try_receive};
};

/* What a party does in a channel, one of those above. */
template <typename Channel,
	  void (*sized)(struct bench_party *, const struct bench_channel *, std::size_t)>
void *act(void *party)
{
	sized(static_cast<struct bench_party *>(party), &Channel::channel, Channel::size);
	return nullptr;
}

/* Calls the function with a message of bench->bytes, whose type is what matters. */
template <typename Function> void for_size(const struct bench *bench, Function function)
{
	switch (bench->bytes) {
	case 8:
		function(message<8>());
		break;
	case 64:
		function(message<64>());
		break;
	case 1024:
		function(message<1024>());
		break;
	default:
		bench_check(false, "messages of that size");
	}
}

template <typename Queue> std::unique_ptr<Queue> allocate(const struct bench *bench)
{
	return std::make_unique<Queue>(static_cast<std::size_t>(bench->capacity));
}

/* --- workloads --- */

template <template <typename> class Queue, const struct bench_crew &crew = bench_joined_threads>
void run_waiting(struct bench *bench)
{
	for_size(bench, [bench](auto one) {
		using message = decltype(one);
		using channel = waiting<Queue<message>, message>;
		auto queue = allocate<Queue<message>>(bench);

		bench_traffic(bench, &crew, queue.get(), act<channel, bench_send_sized>,
			      act<channel, bench_receive_sized>);
	});
}

template <template <typename> class Queue, const struct bench_crew &crew = bench_joined_threads>
void run_batches(struct bench *bench)
{
	for_size(bench, [bench](auto one) {
		using message = decltype(one);
		using channel = batching<Queue<message>, message>;
		auto queue = allocate<Queue<message>>(bench);

		bench_traffic(bench, &crew, queue.get(), act<channel, bench_send_batches>,
			      act<channel, bench_receive_batches>);
	});
}

template <template <typename> class Queue, const struct bench_crew &crew = bench_joined_threads>
void run_round_trip(struct bench *bench)
{
	for_size(bench, [bench](auto one) {
		using message = decltype(one);
		using channel = waiting<Queue<message>, message>;
		auto there = allocate<Queue<message>>(bench);
		auto back = allocate<Queue<message>>(bench);

		bench_round_trip(bench, &crew, there.get(), back.get(),
				 act<channel, bench_go_sized>, act<channel, bench_come_sized>);
	});
}

template <template <typename> class Queue, const struct bench_crew &crew = bench_pinned_threads>
void run_trying(struct bench *bench)
{
	for_size(bench, [bench](auto one) {
		using message = decltype(one);
		using channel = trying<Queue<message>, message>;
		auto queue = allocate<Queue<message>>(bench);

		bench_traffic(bench, &crew, queue.get(), act<channel, bench_send_sized>,
			      act<channel, bench_receive_sized>);
	});
}

template <template <typename> class Queue, const struct bench_crew &crew = bench_pinned_threads>
void run_exchange(struct bench *bench)
{
	for_size(bench, [bench](auto one) {
		using message = decltype(one);
		using channel = trying<Queue<message>, message>;
		auto queue = allocate<Queue<message>>(bench);

		bench_exchange(bench, &crew, queue.get(), act<channel, bench_exchange_sized>);
	});
}

} // namespace traffic

#endif /* BENCH_CXX_QUEUES_H */
