/*
 * The subject libvcore, its buffers that are declared to have one sender and one
 * receiver.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "vcore-buffers.h"
#include "vcore-locks.h"

#include <vcore/buffer.h>

static const struct bench_workload workloads[] = {
	{"one-to-one", run_traffic},          {"one-to-one-batches", run_batches},
	{"round-trip", run_round_trip},       {"spsc", run_trying},
	{"spsc-batches", run_trying_batches}, {NULL, NULL},
};

int main(int argc, char **argv)
{
	buffer_flags = VCORE_BUFFER_SPSC;
	return vcore_main(workloads, argc, argv);
}
