/*
 * Clients: from files to pieces that hold whole words.
 *
 * Their readers read with read(2), like any pthread, straight into the window.
 * Where that blocks, a tick lets the reader go, and its processor runs other threads.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "tour.h"
#include "trouble.h"

/*
 * The two functions that look at errno.  A thread that waited may go on upon
 * another kernel thread, whose errno is elsewhere; a compiler that inlined
 * these into a function that waits might use the old address.  See thread.h.
 */
__attribute__((noinline)) static int open_input(const char *name)
{
	int fd = open(name, O_RDONLY | O_CLOEXEC);

	return fd >= 0 ? fd : -errno;
}

__attribute__((noinline)) static ssize_t read_input(int fd, char *text, size_t room)
{
	ssize_t n = read(fd, text, room);

	return n >= 0 ? n : -errno;
}

/* The length of what is up to the last byte that is no letter. */
static size_t whole_words(const char *text, size_t length)
{
	while (length > 0 && is_letter(text[length - 1])) {
		length--;
	}
	return length;
}

/* An empty piece.  The stream does not end: no counter does before its readers. */
static struct piece receive_empty(struct client *client)
{
	struct piece piece = {0};

	(void)stream_receive(client->empty, &piece);
	piece.length = 0;
	return piece;
}

/* Of a word that fills the piece: all pieces get more room, once they are all back. */
static void widen(struct client *client, struct piece *piece)
{
	struct window *window = &client->window;

	for (size_t i = 1; i < window->pieces; i++) {
		(void)receive_empty(client);
	}
	window_widen(window, piece->number, piece->length);
	piece->number = 0;
	for (size_t i = 1; i < window->pieces; i++) {
		stream_send(client->empty, &(struct piece){.client = client, .number = i});
	}
}

/*
 * Sends the whole words of a full piece, and returns the next one, which
 * begins with the rest.
 *
 * We keep one piece while we wait for another.  That is no deadlock because
 * there are two at least: the others are on their way round.
 */
static struct piece next_piece(struct client *client, struct piece piece)
{
	const char *text = window_here(&client->window, piece.number);
	size_t whole = whole_words(text, piece.length);
	struct piece next;

	if (whole == 0) {
		widen(client, &piece);
		return piece;
	}
	next = receive_empty(client);
	next.length = piece.length - whole;
	memcpy(window_here(&client->window, next.number), text + whole, next.length);
	piece.length = whole;
	stream_send(client->tour->full, &piece);
	return next;
}

/* Returns: 0 at the end of the file, or -E... */
static int cut_into_pieces(struct client *client, struct file *file, int fd)
{
	const struct window *window = &client->window;
	struct piece piece = receive_empty(client);
	ssize_t n;

	while ((n = read_input(fd, window_here(window, piece.number) + piece.length,
			       window->room - piece.length)) > 0) {
		file->bytes += n;
		piece.length += (size_t)n;
		if (piece.length == window->room) {
			piece = next_piece(client, piece);
		}
	}
	stream_send(client->tour->full, &piece);
	return (int)n;
}

static void read_file(struct client *client, struct file *file)
{
	struct tour *tour = client->tour;
	int fd = file->fd >= 0 ? file->fd : open_input(file->name);

	if (fd >= 0) {
		file->error = -cut_into_pieces(client, file, fd);
		file->counted = vcore_eventcount_read(&tour->bytes_counted);
	} else {
		file->error = -fd;
	}
	if (fd > STDIN_FILENO) {
		close(fd);
	}
	vcore_eventcount_advance(&tour->files_read);
}

void *client_read(void *argument)
{
	struct client *client = argument;
	struct tour *tour = client->tour;
	int64_t i;

	if (client->slow != NULL) {
		read_file(client, client->slow);
		return NULL;
	}
	while ((i = vcore_sequencer_ticket(&tour->next_file)) < tour->n_files) {
		if (!tour->files[i].slow) {
			read_file(client, &tour->files[i]);
		}
	}
	return NULL;
}
