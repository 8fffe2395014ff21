/*
 * The subject Boost.Fiber: its default scheduler, stacks from its pool,
 * unbuffered channels for ping-pong, buffered ones for buffers.
 *
 * Fork-join and a million waiting fibers are left out: first in, first out,
 * it would have all threads of the tree at once, with 8 KiB or more each.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "cxx-queues.h"

#include <boost/fiber/all.hpp>

#include <thread>
#include <vector>

namespace
{

using boost::fibers::fiber;
using boost::fibers::launch;
using channel = boost::fibers::unbuffered_channel<long>;

constexpr std::size_t stack_size = 64 * 1024;

boost::fibers::pooled_fixedsize_stack &stacks()
{
	static boost::fibers::pooled_fixedsize_stack pool(stack_size);

	return pool;
}

template <typename Entry> fiber spawn(Entry &&entry)
{
	return fiber(launch::post, std::allocator_arg, stacks(), std::forward<Entry>(entry));
}

void run_switch(struct bench *bench)
{
	std::vector<fiber> fibers;
	long each = bench->n / bench->threads + 1;

	for (long i = 0; i < bench->threads; i++) {
		fibers.push_back(spawn([each] {
			for (long j = 0; j < each; j++) {
				boost::this_fiber::yield();
			}
		}));
	}
	bench_start(bench);
	for (fiber &one : fibers) {
		one.join();
	}
	bench_stop(bench, each * bench->threads);
}

void run_spawn(struct bench *bench)
{
	bench_start(bench);
	for (long i = 0; i < bench->n; i++) {
		spawn([] {}).join();
	}
	bench_stop(bench, bench->n);
}

void run_spawn_many(struct bench *bench)
{
	std::vector<fiber> fibers;

	fibers.reserve(static_cast<std::size_t>(bench->n));
	bench_start(bench);
	for (long i = 0; i < bench->n; i++) {
		fibers.push_back(spawn([] {}));
	}
	for (fiber &one : fibers) {
		one.join();
	}
	bench_stop(bench, bench->n);
}

void play_ping(struct bench *bench, channel &ping, channel &pong)
{
	bench_start(bench);
	for (long i = 0; i < bench->n; i++) {
		ping.push(i);
		bench_check(pong.value_pop() == i, "ping-pong");
		bench_lap(bench);
	}
	bench_stop(bench, bench->n);
	ping.close();
}

void play_pong(channel &ping, channel &pong)
{
	long i;

	while (ping.pop(i) == boost::fibers::channel_op_status::success) {
		pong.push(i);
	}
}

/* On two processors each player is the main fiber of a kernel thread. */
void run_ping_pong(struct bench *bench)
{
	channel ping;
	channel pong;

	if (bench->processors == 1) {
		fiber other = spawn([&] { play_pong(ping, pong); });

		play_ping(bench, ping, pong);
		other.join();
	} else {
		std::thread other([&] {
			bench_pin(1);
			play_pong(ping, pong);
		});

		bench_pin(0);
		play_ping(bench, ping, pong);
		other.join();
	}
}

/* --- buffers --- */

/* It has a power of two cells, of which one stays free, and at least two. */
template <typename Message> class buffered_channel
{
	boost::fibers::buffered_channel<Message> inner;

      public:
	explicit buffered_channel(std::size_t capacity) : inner(capacity < 2 ? 2 : capacity)
	{
	}

	void send(const Message &message)
	{
		inner.push(message);
	}

	void receive(Message &message)
	{
		inner.pop(message);
	}
};

/* A party of the traffic, which is a fiber. */
struct part {
	void *(*entry)(void *);
	void *argument;
	boost::fibers::promise<void> ended;

	void play()
	{
		entry(argument);
		ended.set_value();
	}
};

void start(part *one)
{
	spawn([one] {
		one->play();
		delete one;
	}).detach();
}

/* The other processor: a kernel thread with a scheduler of its own, until the process ends. */
class colleague
{
	boost::fibers::buffered_channel<part *> parts{64};
	std::thread thread{[this] {
		part *one;

		bench_pin(1);
		while (parts.pop(one) == boost::fibers::channel_op_status::success) {
			start(one);
		}
	}};

      public:
	void take(part *one)
	{
		parts.push(one);
	}
};

unsigned processors = 1;

/* Every second one on the other processor, if there are two. */
void *spawn_party(void *(*entry)(void *), void *argument)
{
	static unsigned next;
	auto *one = new part{entry, argument, {}};
	auto *ended = new boost::fibers::future<void>(one->ended.get_future());

	if (next++ % processors == 0) {
		start(one);
	} else {
		static auto *other = new colleague;

		other->take(one);
	}
	return ended;
}

void join_party(void *thread)
{
	auto *ended = static_cast<boost::fibers::future<void> *>(thread);

	ended->wait();
	delete ended;
}

void yield()
{
	boost::this_fiber::yield();
}

constexpr struct bench_crew crew = {spawn_party, join_party, nullptr, yield};

void run_traffic(struct bench *bench)
{
	processors = bench->processors;
	bench_pin(0);
	traffic::run_waiting<buffered_channel, crew>(bench);
}

void run_round_trip(struct bench *bench)
{
	processors = bench->processors;
	bench_pin(0);
	traffic::run_round_trip<buffered_channel, crew>(bench);
	bench_note(bench, "capacity 2, of which one stays free");
}

const struct bench_workload workloads[] = {
	{"switch", run_switch},         {"spawn", run_spawn},        {"spawn-many", run_spawn_many},
	{"ping-pong", run_ping_pong},   {"one-to-one", run_traffic}, {"many-to-many", run_traffic},
	{"round-trip", run_round_trip}, {nullptr, nullptr},
};

} // namespace

int main(int argc, char **argv)
{
	return bench_main(workloads, argc, argv);
}
