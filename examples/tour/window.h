/*
 * A window: a block of memory that is mapped into the space of a client and into that of
 * the service.
 *
 * It is divided into pieces, all with the same room for text.  Who has a piece may
 * read and write its text, by its own mapping; the other leaves it alone.  There are as
 * many as fit, and at least two.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef TOUR_WINDOW_H
#define TOUR_WINDOW_H

#include <stddef.h>
#include <vcore/space.h>

/* A piece has room for so many bytes, or a multiple once there was a longer word. */
#define PIECE_BYTES ((size_t)65536)

/* Together they fill a huge page. */
#define WINDOW_PIECES 32

struct window {
	struct vcore_space *client, *service;
	struct vcore_block *block;
	char *here, *there; /* where it is for the client, for the service */
	size_t pieces, room;
};

void window_open(struct window *window, struct vcore_space *client, struct vcore_space *service);
void window_close(struct window *window);

/*
 * Doubles the room.  The text of that piece, of `length` bytes, becomes the text of
 * piece 0; the caller has all others, too, and their texts are lost.
 */
void window_widen(struct window *window, size_t number, size_t length);

/* The text of a piece: for the client, and for the service. */
static inline char *window_here(const struct window *window, size_t number)
{
	return window->here + number * window->room;
}

static inline char *window_there(const struct window *window, size_t number)
{
	return window->there + number * window->room;
}

#endif /* TOUR_WINDOW_H */
