/*
 * The tour: a word-frequency service and its clients.  What its threads share.
 *
 *	  space of a client             space of the service
 *	┌────────────────────┐     ┌──────────────────────────────────┐
 *	│                    │full │              tables              │
 *	│  reader ───────────┼─────┼──▶ counters ────────▶ merger     │
 *	│    ▲               │     │       │                          │
 *	│    └───────────────┼─────┼───────┘                          │
 *	│                    │empty│                                  │
 *	│  ┌─────────────────┼─────┼────────────────┐                 │
 *	│  │   window: the texts of the pieces      │  words          │
 *	│  └─────────────────┼─────┼────────────────┘                 │
 *	└────────────────────┘     └──────────────────────────────────┘
 *
 * Each client has a reader, which cuts files into pieces, never within a word;
 * counters count the words of a piece, each in a table of its own; the merger adds
 * the tables up.  What is sent, and copied, through bounded buffers (stream.h) says
 * only where a text, or a table, is.  Whoever receives it owns that, so that nothing
 * else needs protection.
 *
 * The texts lie in windows (window.h): a client's is one block of memory that is
 * mapped into two spaces, its own and the service's.  It holds a fixed number of
 * pieces, which go round: counters send them back empty.  That bounds the memory,
 * whatever the size of the files.
 *
 * All else that a thread works on, its stack included, lies in its own space.  Spaces
 * are exclusive: the threads of one at a time run, on all processors, and the others
 * are closed.  So a gang works for as long as it can: a client fills its window, the
 * counters count all that is there.  Windows and tables are in huge pages, so that to
 * open and close them costs next to nothing (memory.h).
 *
 * Four would spoil it all.  A client that runs away in an endless loop, and one
 * whose reader blocks in the kernel, on a slow line (slow.h): because of preemption
 * neither keeps a processor from the others for long, and the slow one's space is not
 * exclusive (run.c).  A client that writes to the service's memory, and one that
 * overflows its stack: each ends of that, alone (rogues.c).
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef TOUR_TOUR_H
#define TOUR_TOUR_H

#include <stddef.h>
#include <stdint.h>
#include <vcore/vcore.h>

#include "slow.h"
#include "stream.h"
#include "window.h"
#include "words.h"

/* A table with more words than this goes to the merger before the end. */
#define TABLE_WORDS 100000

/* One input; it belongs to the reader that has it, or drew its number. */
struct file {
	const char *name; /* "-": the standard input */
	bool slow;        /* to read it may take long: it has a client of its own */
	int fd;           /* from which it comes, or -1: it is to be opened */
	int64_t bytes;    /* read */
	int64_t counted;  /* bytes of all files, when its end came */
	int error;        /* errno value: why the rest was not read, or 0 */
};

struct client {
	struct tour *tour;
	struct file *slow; /* the only one that it reads; NULL: it draws others */
	struct vcore_space *space;
	struct window window;
	struct stream *empty; /* of struct piece, its own */
	struct vcore_thread *reader;
};

/* What is sent: a text in the window of a client. */
struct piece {
	struct client *client;
	size_t number;
	size_t length;
};

/* Threads with defects: see rogues.c. */
enum { SPOILER, OVERFLOWER, RUNAWAY, ROGUES };

struct rogue {
	bool started;
	struct vcore_space *space;
	struct vcore_thread *thread;
	struct vcore_exit exit;
	bool has_cleaned_up;
};

struct tour {
	struct file *files;
	int64_t n_files;
	struct vcore_sequencer next_file; /* readers draw files from it */

	struct client *clients;
	int64_t n_clients;
	struct rogue rogues[ROGUES];

	struct vcore_space *service;
	int64_t counters;
	struct stream *full;   /* of struct piece */
	struct stream *tables; /* of struct words */

	struct vcore_eventcount files_read, bytes_counted;
	struct words *words; /* in the service's space; the merger's until it has ended */

	struct slow_line line;
	bool has_line; /* the first file comes by it */
};

/* input.c: what is read.  May end the program. */
void input_name(struct tour *tour, char *const *names, size_t n);
void input_open_line(struct tour *tour);
void input_close_line(struct tour *tour);

/* client.c, service.c: what the threads run; the argument is the client, or the tour. */
void *client_read(void *client);
void *service_count(void *tour);
void *service_merge(void *tour);

/*
 * rogues.c: threads with defects, and what starts and ends them.  The program exports
 * its functions, so that the report of a fault names the one that it happened in.
 */
void *rogue_spoil(void *tour);
void *rogue_overflow(void *tour);
int rogue_descend(int depth);
void *rogue_run_away(void *tour);

void rogues_start(struct tour *tour, struct vcore_runtime *runtime, bool preemptive);
void rogues_await_faults(struct tour *tour);
void rogues_end(struct tour *tour);

/* What happened, for a person to see. */
struct summary {
	struct vcore_statistics runtime;
	struct vcore_space_statistics service;
	int64_t nanoseconds;
	int64_t messages;        /* through all streams */
	uint64_t readers_let_go; /* how often, all of them */
	uint64_t runaway_preemptions;
};

/* run.c: opens the spaces and a runtime, makes the tour, closes what is not looked at. */
void run(struct tour *tour, struct summary *summary);
void run_close(struct tour *tour);

/* report.c */
void report_all(const struct tour *tour);
void report_top(const struct tour *tour);
void report_summary(const struct tour *tour, const struct summary *summary);

#endif /* TOUR_TOUR_H */
