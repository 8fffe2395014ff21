/*
 * Eventcounts and sequencers: order without mutual exclusion.
 *
 * An eventcount counts events of one kind.  It only grows: `advance` says
 * that one more has happened, `await` waits until more than a given number
 * have.  A sequencer hands out tickets 0, 1, 2, ... each to one caller only.
 * Together they are enough for any ordering; neither needs a lock.
 *
 * A buffer of N cells, one sender and one receiver, is two eventcounts:
 *
 *	struct vcore_eventcount in, out;	// sent, received
 *
 *	send(m):	await(&out, i - N);	// i: messages sent so far
 *			cell[i % N] = m;
 *			advance(&in);
 *	receive(&m):	await(&in, i);		// i: messages received so far
 *			m = cell[i % N];
 *			advance(&out);
 *
 * With several senders each takes its i from a sequencer, and waits for its
 * turn with await(&in, i - 1) before it fills the cell.
 *
 * All-zero bytes are an eventcount with count 0, and a sequencer whose next
 * ticket is 0.  Neither owns other memory: one that nobody waits on is
 * destroyed by forgetting it.  An eventcount may be freed as soon as every
 * await on it has returned and every advance that these waited for has been
 * seen (read, or await returned 0): advance does not touch it afterwards.
 *
 * Vcore threads of any runtime and plain pthreads may use one object at the
 * same time.
 *
 *				read	advance		await	ticket
 *	from a vcore thread	yes	yes		yes	yes
 *	from a pthread		yes	yes		yes	yes
 *	from a signal handler	yes	no		no	yes
 *	may switch threads	no	no (1)		yes	no
 *	acts on destroy		no	on entry	yes	no
 *	orders memory		acquire	acq+rel		acquire	acq+rel
 *
 *	(1) except between batches when it wakes more than 64.
 *	advance_by is as advance, and sequencer_read as read.
 *	What happened before an advance is seen after the read or await that
 *	saw its count.
 *
 * Source: D. P. Reed and R. K. Kanodia, Synchronization with eventcounts and
 * sequencers, CACM 22, 2 (1979); Saltzer & Kaashoek, 5.6.  Await here follows
 * the latter: it waits until the count *exceeds* the value; the former's
 * await(E, v) is await(E, v - 1).
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef VCORE_EVENTCOUNT_H
#define VCORE_EVENTCOUNT_H

#include <vcore/base.h>

#ifdef __cplusplus
extern "C" {
#endif

struct vcore_eventcount {
	uint64_t word_; /* private: see src/sync/eventcount.c */
	void *waiters_; /* private: guarded by the LIST bit of word_ */
};

struct vcore_sequencer {
	int64_t next_; /* private */
};

#define VCORE_EVENTCOUNT_INITIALIZER                                                               \
	{                                                                                          \
		0, 0                                                                               \
	}
#define VCORE_SEQUENCER_INITIALIZER                                                                \
	{                                                                                          \
		0                                                                                  \
	}

/* The count: events so far.  It is at least what it was when called. */
VCORE_API int64_t vcore_eventcount_read(const struct vcore_eventcount *event);

/*
 * Counts one event and makes runnable exactly those threads whose awaited
 * value the count now exceeds, the lowest value first, of one value who came
 * first.
 *
 * Requires: the count is below 2^62 - 1.
 * Returns: the new count.
 */
VCORE_API int64_t vcore_eventcount_advance(struct vcore_eventcount *event);

/*
 * Counts n events in one step.
 *
 * Requires: n ≥ 0, and the new count is at most 2^62 - 1 (checked: panics).
 * Returns: the new count.
 */
VCORE_API int64_t vcore_eventcount_advance_by(struct vcore_eventcount *event, int64_t n);

/*
 * Waits until the count exceeds `value`, which may be negative.
 *
 * Returns: 0.
 * Errors: -ETIMEDOUT: the deadline came first.  -ENOMEM: it is a pthread's
 *	first wait, and there is no memory for what it waits with.
 */
VCORE_API int vcore_eventcount_await(struct vcore_eventcount *event, int64_t value,
				     vcore_instant deadline);

/* The next ticket: 0, 1, 2, ..., each returned once. */
VCORE_API int64_t vcore_sequencer_ticket(struct vcore_sequencer *sequencer);

/* How many tickets have been taken. */
VCORE_API int64_t vcore_sequencer_read(const struct vcore_sequencer *sequencer);

#ifdef __cplusplus
}
#endif
#endif /* VCORE_EVENTCOUNT_H */
