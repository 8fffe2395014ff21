/*
 * The subject Boost.Fiber: its default scheduler, stacks from its pool,
 * unbuffered channels.
 *
 * Fork-join and a million waiting fibers are left out: first in, first out,
 * it would have all threads of the tree at once, with 8 KiB or more each.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "bench.h"

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

const struct bench_workload workloads[] = {
	{"switch", run_switch},       {"spawn", run_spawn}, {"spawn-many", run_spawn_many},
	{"ping-pong", run_ping_pong}, {nullptr, nullptr},
};

} // namespace

int main(int argc, char **argv)
{
	static struct bench bench;

	bench_prepare(&bench, workloads, argc, argv);
	bench_measure(&bench);
	return bench_report(&bench);
}
