/*
 * Readers: from files to pieces that hold whole words.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "memory.h"
#include "tour.h"

/*
 * The two functions that look at errno.  A thread that waited may go on upon
 * another kernel thread, whose errno is elsewhere; a compiler that inlined
 * these into a function that waits might use the old address.  See thread.h.
 */
__attribute__((noinline)) static int open_input(const char *name)
{
	int fd = strcmp(name, "-") == 0 ? STDIN_FILENO : open(name, O_RDONLY | O_CLOEXEC);

	return fd >= 0 ? fd : -errno;
}

__attribute__((noinline)) static ssize_t read_input(int fd, char *text, size_t room)
{
	ssize_t n = read(fd, text, room);

	return n >= 0 ? n : -errno;
}

static void set_room(struct piece *piece, size_t room)
{
	if (piece->room != room) {
		piece->text = reallocate(piece->text, room);
		piece->room = room;
	}
}

/* The length of what is up to the last byte that is no letter. */
static size_t whole_words(const struct piece *piece)
{
	size_t length = piece->length;

	while (length > 0 && is_letter(piece->text[length - 1])) {
		length--;
	}
	return length;
}

/* An empty piece that begins with `length` bytes of text, and has room for more. */
static struct piece *begin_piece(struct tour *tour, const char *text, size_t length)
{
	struct piece *piece = buffer_receive(&tour->empty);

	set_room(piece, (length / PIECE_BYTES + 1) * PIECE_BYTES);
	memcpy(piece->text, text, length);
	piece->length = length;
	return piece;
}

/*
 * Sends the whole words of a full piece, and returns the next one, which
 * begins with the rest.  A single word that fills the piece makes it grow.
 *
 * We keep one piece while we wait for another.  That is no deadlock because
 * there are more pieces than readers: one at least is on its way round.
 */
static struct piece *next_piece(struct tour *tour, struct piece *piece)
{
	size_t whole = whole_words(piece);
	struct piece *next;

	if (whole == 0) {
		set_room(piece, 2 * piece->room);
		return piece;
	}
	next = begin_piece(tour, piece->text + whole, piece->length - whole);
	piece->length = whole;
	buffer_send(&tour->full, piece);
	return next;
}

/* Returns: 0 at the end of the file, or -E... */
static int cut_into_pieces(struct tour *tour, struct file *file, int fd)
{
	struct piece *piece = begin_piece(tour, "", 0);
	ssize_t n;

	while ((n = read_input(fd, piece->text + piece->length, piece->room - piece->length)) > 0) {
		file->bytes += n;
		piece->length += (size_t)n;
		if (piece->length == piece->room) {
			piece = next_piece(tour, piece);
		}
	}
	buffer_send(&tour->full, piece);
	return (int)n;
}

static void read_file(struct tour *tour, struct file *file)
{
	int fd = open_input(file->name);

	if (fd < 0) {
		file->error = -fd;
		return;
	}
	file->error = -cut_into_pieces(tour, file, fd);
	if (fd != STDIN_FILENO) {
		close(fd);
	}
}

void *tour_read(void *argument)
{
	struct tour *tour = argument;
	int64_t i;

	while ((i = vcore_sequencer_ticket(&tour->next_file)) < tour->n_files) {
		read_file(tour, &tour->files[i]);
	}
	return NULL;
}
