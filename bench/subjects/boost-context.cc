/*
 * The subject Boost.Context: bare switches between stacks, no scheduler.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "bench.h"

#include <boost/context/fiber.hpp>

#include <vector>

namespace
{

using boost::context::fiber;

/* The caller and threads - 1 others: it resumes each, each resumes it. */
void run_switch(struct bench *bench)
{
	std::vector<fiber> others;

	for (long i = 1; i < bench->threads; i++) {
		others.emplace_back([](fiber &&caller) {
			for (;;) {
				caller = std::move(caller).resume();
			}
			return std::move(caller);
		});
	}
	long rounds = bench->n / 2 / (bench->threads - 1) + 1;

	bench_start(bench);
	for (long i = 0; i < rounds; i++) {
		for (fiber &other : others) {
			other = std::move(other).resume();
		}
	}
	bench_stop(bench, 2 * rounds * (bench->threads - 1));
	bench_note(bench, "no scheduler: the program says who is next");
}

const struct bench_workload workloads[] = {
	{"switch", run_switch},
	{nullptr, nullptr},
};

} // namespace

int main(int argc, char **argv)
{
	return bench_main(workloads, argc, argv);
}
