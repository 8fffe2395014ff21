/*
 * The tour: a word-frequency service.  What its threads share.
 *
 *	                full                 tables
 *	readers  ──────────────▶  counters  ────────▶  merger
 *	   ▲                         │
 *	   └─────────────────────────┘
 *	                empty
 *
 * Readers cut the files into pieces, never within a word; counters count the
 * words of a piece, each in a table of its own; the merger adds the tables up.
 * Pieces and tables travel through bounded buffers (buffer.h), and whoever
 * receives one owns it, so that nothing else needs protection.
 *
 * There is a fixed number of pieces, which go round: counters send them back
 * empty.  That bounds the memory, whatever the size of the files.
 *
 * The streams end with one NULL for each receiver.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef TOUR_TOUR_H
#define TOUR_TOUR_H

#include <stddef.h>
#include <stdint.h>
#include <vcore/vcore.h>

#include "buffer.h"
#include "words.h"

/* A piece has room for so many bytes, or a multiple while it holds a longer word. */
#define PIECE_BYTES 65536

/* A table with more words than this goes to the merger before the end. */
#define TABLE_WORDS 100000

/* One input; it belongs to the reader that drew its number. */
struct file {
	const char *name; /* "-": the standard input */
	int64_t bytes;    /* read */
	int error;        /* errno value: why the rest was not read, or 0 */
};

struct piece {
	char *text;
	size_t length;
	size_t room;
};

struct tour {
	struct file *files;
	int64_t n_files;
	struct vcore_sequencer next_file; /* readers draw files from it */

	int64_t readers, counters;
	int64_t pieces;
	struct buffer empty, full; /* of struct piece */
	struct buffer tables;      /* of struct words */

	struct vcore_eventcount bytes_counted;
	struct words words; /* the merger's until it has ended: the result */
};

/* What the threads run; the argument is the tour. */
void *tour_read(void *tour);
void *tour_count(void *tour);
void *tour_merge(void *tour);

/* report.c: what a person sees */
struct summary {
	struct vcore_statistics runtime;
	int64_t nanoseconds;
};

void report_all(const struct tour *tour);
void report_top(const struct tour *tour);
void report_summary(const struct tour *tour, const struct summary *summary);

#endif /* TOUR_TOUR_H */
