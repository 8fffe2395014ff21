/*
 * The main program's part of the tour: it opens the spaces and a runtime, starts
 * the threads, ends their streams, and shows the progress meanwhile.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <stdlib.h>
#include <string.h>

#include "memory.h"
#include "progress.h"
#include "tour.h"
#include "trouble.h"

enum {
	CLIENTS = 4,              /* at most, beside those of slow files */
	COUNTERS_A_PROCESSOR = 2, /* one works while one waits */
	TABLES = 4,               /* in the buffer before the merger */
};

static const int64_t progress_interval = 250000000; /* nanoseconds */

/* --- the service and its clients ------------------------------------------------- */

/*
 * While a thread is in the kernel its space stays open.  So who may stay there for
 * long lives in a space that is always open: it keeps nobody else's closed.
 */
static void open_client(struct client *client, struct tour *tour, struct file *slow)
{
	client->tour = tour;
	client->slow = slow;
	client->space = slow != NULL ? memory_open_space("slow client", VCORE_SPACE_GUARDED)
				     : memory_open_space("client", VCORE_SPACE_EXCLUSIVE);
	window_open(&client->window, client->space, tour->service);
	client->empty = stream_open(WINDOW_PIECES, sizeof(struct piece), 1);
	for (size_t i = 0; i < client->window.pieces; i++) {
		stream_send(client->empty, &(struct piece){.client = client, .number = i});
	}
}

static void open_clients(struct tour *tour)
{
	int64_t quick = 0;

	tour->clients = allocate(((size_t)tour->n_files + CLIENTS) * sizeof(struct client));
	for (int64_t i = 0; i < tour->n_files; i++) {
		if (tour->files[i].slow) {
			open_client(&tour->clients[tour->n_clients++], tour, &tour->files[i]);
		} else if (quick++ < CLIENTS) {
			open_client(&tour->clients[tour->n_clients++], tour, NULL);
		}
	}
}

static void open_service(struct tour *tour, unsigned processors)
{
	tour->service = memory_open_space("service", VCORE_SPACE_EXCLUSIVE);
	tour->words = memory_map(tour->service, sizeof(struct words));
	*tour->words = words_in(tour->service);
	tour->counters = (int64_t)processors * COUNTERS_A_PROCESSOR;
	open_clients(tour);
	/* With a cell for each piece, nobody waits to send one. */
	tour->full = stream_open((size_t)tour->n_clients * WINDOW_PIECES, sizeof(struct piece),
				 tour->counters);
	tour->tables = stream_open(TABLES, sizeof(struct words), 1);
}

static int64_t close_streams(struct tour *tour)
{
	int64_t sent = stream_sent(tour->full) + stream_sent(tour->tables);

	stream_close(tour->full);
	stream_close(tour->tables);
	for (int64_t i = 0; i < tour->n_clients; i++) {
		sent += stream_sent(tour->clients[i].empty);
		stream_close(tour->clients[i].empty);
	}
	return sent;
}

void run_close(struct tour *tour)
{
	for (int64_t i = 0; i < tour->n_clients; i++) {
		window_close(&tour->clients[i].window);
		memory_close_space(tour->clients[i].space);
	}
	words_free(tour->words);
	memory_unmap(tour->service, tour->words);
	memory_close_space(tour->service);
	free(tour->clients);
}

/* --- the threads --------------------------------------------------------------------- */

static const char reader_name[] = "reader";

static void start_readers(struct tour *tour, struct vcore_runtime *runtime)
{
	struct vcore_thread_options options = {
		.size = sizeof(options), .name = reader_name, .runtime = runtime};

	for (int64_t i = 0; i < tour->n_clients; i++) {
		struct client *client = &tour->clients[i];

		options.space = client->space;
		check(vcore_thread_allocate(&client->reader, &options, client_read, client),
		      "vcore_thread_allocate");
	}
}

/* Of the service; the caller frees the array. */
static struct vcore_thread **start(struct tour *tour, struct vcore_runtime *runtime,
				   const char *name, unsigned flags, int64_t n,
				   void *(*entry)(void *))
{
	struct vcore_thread_options options = {.size = sizeof(options),
					       .name = name,
					       .runtime = runtime,
					       .space = tour->service,
					       .flags = flags};
	struct vcore_thread **threads = allocate((size_t)n * sizeof(struct vcore_thread *));

	for (int64_t i = 0; i < n; i++) {
		check(vcore_thread_allocate(&threads[i], &options, entry, tour),
		      "vcore_thread_allocate");
	}
	return threads;
}

/* Waits for the thread; whenever that takes long, shows the progress. */
static void join(struct vcore_thread *thread, struct progress *progress, const struct tour *tour)
{
	int result;

	while ((result = vcore_thread_join(thread, NULL, vcore_after(progress_interval))) ==
	       -ETIMEDOUT) {
		progress_show(progress, tour);
	}
	check(result, "vcore_thread_join");
}

static void join_all(struct vcore_thread **threads, int64_t n, struct progress *progress,
		     const struct tour *tour)
{
	for (int64_t i = 0; i < n; i++) {
		join(threads[i], progress, tour);
	}
	free(threads);
}

static void join_readers(struct tour *tour, struct progress *progress)
{
	for (int64_t i = 0; i < tour->n_clients; i++) {
		join(tour->clients[i].reader, progress, tour);
	}
}

/* Until all files are read; the readers may still be about to end. */
static void await_readers(struct progress *progress, struct tour *tour)
{
	while (vcore_eventcount_await(&tour->files_read, tour->n_files - 1,
				      vcore_after(progress_interval)) == -ETIMEDOUT) {
		progress_show(progress, tour);
	}
}

static int look(const struct vcore_thread_info *info, void *argument)
{
	struct summary *summary = argument;

	if (strcmp(info->name, reader_name) == 0) {
		summary->readers_let_go += info->hand_overs;
	} else if (strcmp(info->name, "runaway") == 0) {
		summary->runaway_preemptions = info->preemptions;
	}
	return 0;
}

/* --- the tour ---------------------------------------------------------------------------- */

/*
 * The merger is pinned to the processor of the runaway: no other can help it.  What the
 * rogues' reports say comes before the progress, lest they mix.
 */
static void run_threads(struct tour *tour, struct vcore_runtime *runtime, struct progress *progress,
			struct summary *summary)
{
	bool preemptive = summary->runtime.unpreemptive == NULL;
	struct vcore_thread **mergers, **counters;

	rogues_start(tour, runtime, preemptive);
	mergers = start(tour, runtime, "merger", VCORE_THREAD_PINNED, 1, service_merge);
	counters = start(tour, runtime, "counter", 0, tour->counters, service_count);
	start_readers(tour, runtime);

	rogues_await_faults(tour);
	await_readers(progress, tour);
	stream_end(tour->full);
	join_all(counters, tour->counters, progress, tour);
	stream_end(tour->tables);
	join_all(mergers, 1, progress, tour);
	/* Threads can be looked at until they are joined. */
	check(vcore_inspect_threads(runtime, look, summary), "vcore_inspect_threads");
	join_readers(tour, progress);
	progress_clear(progress);
	if (preemptive) {
		rogues_end(tour);
	}
}

void run(struct tour *tour, struct summary *summary)
{
	struct vcore_runtime *runtime;
	struct progress progress = {0};
	vcore_instant begin = vcore_now();

	check(vcore_runtime_open(&runtime, NULL), "vcore_runtime_open");
	check(vcore_inspect_runtime(runtime, &summary->runtime), "vcore_inspect_runtime");
	progress_expect(&progress, tour);

	open_service(tour, summary->runtime.processors);
	input_open_line(tour);
	run_threads(tour, runtime, &progress, summary);
	input_close_line(tour);

	summary->nanoseconds = vcore_now() - begin;
	check(vcore_inspect_runtime(runtime, &summary->runtime), "vcore_inspect_runtime");
	vcore_space_statistics(tour->service, &summary->service);
	check(vcore_runtime_close(runtime, VCORE_NEVER), "vcore_runtime_close");
	summary->messages = close_streams(tour);
}
