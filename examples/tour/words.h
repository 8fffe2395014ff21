/*
 * A table of words and how often each occurs.
 *
 * A word is a longest run of the letters A-Z and a-z, in lower case; all
 * other bytes, those of other alphabets included, lie between words.  That is
 * what
 *
 *	tr -cs A-Za-z '\n' | tr A-Z a-z | sort | uniq -c
 *
 * counts, apart from the empty word it finds before a text that does not
 * begin with a letter.
 *
 * A table belongs to one thread at a time.  It is a hash table with open
 * addressing, never more than half full.  Its memory lies in a space.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef TOUR_WORDS_H
#define TOUR_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "memory.h"

struct word {
	char *text; /* ends in a zero byte; NULL: a free slot */
	size_t length;
	uint64_t hash;
	uint64_t count;
};

struct words {
	struct word *slot;
	size_t slots; /* 0 or a power of two */
	size_t distinct;
	struct arena arena; /* with all its memory */
};

/* An empty table, with memory in the space once it has words. */
static inline struct words words_in(struct vcore_space *space)
{
	return (struct words){.arena = {.space = space}};
}

static inline bool is_letter(char c)
{
	return (unsigned char)((c | 0x20) - 'a') < 26;
}

/* Counts the words of a text, which it turns to lower case. */
void words_count(struct words *words, char *text, size_t length);

/* Adds all counts of `from`. */
void words_merge(struct words *words, const struct words *from);

/*
 * Returns an array of all words, the most frequent first, those of the same
 * count in alphabetical order; the texts are the table's, the array is for
 * the caller to free.
 */
struct word *words_sort(const struct words *words);

/* Gives its memory back: it is empty. */
void words_free(struct words *words);

#endif /* TOUR_WORDS_H */
