/*
 * Tables of words: see words.h.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "words.h"

#include <stdlib.h>
#include <string.h>

#include "trouble.h"

#define SLOTS_MIN 1024

/* FNV-1a: simple, and good in its low bits, which choose the slot. */
#define HASH_START 0xcbf29ce484222325u
#define HASH_PRIME 0x100000001b3u

/* The slot where a word is, or the free one where it belongs. */
static struct word *find(const struct words *words, const char *text, size_t length, uint64_t hash)
{
	size_t mask = words->slots - 1;

	for (size_t i = hash & mask;; i = (i + 1) & mask) {
		struct word *word = &words->slot[i];

		if (word->text == NULL) {
			return word;
		}
		if (word->hash == hash && word->length == length &&
		    memcmp(word->text, text, length) == 0) {
			return word;
		}
	}
}

/*
 * Makes sure that one more word leaves the table at most half full.  The slots that
 * it had stay in the arena: all of them together are no more than the new ones.
 */
static void reserve(struct words *words)
{
	struct words old = *words;

	if (2 * (old.distinct + 1) <= old.slots) {
		return;
	}
	words->slots = old.slots > 0 ? 2 * old.slots : SLOTS_MIN;
	words->slot = arena_allocate(&words->arena, words->slots * sizeof(struct word));
	for (size_t i = 0; i < old.slots; i++) {
		struct word *word = &old.slot[i];

		if (word->text != NULL) {
			*find(words, word->text, word->length, word->hash) = *word;
		}
	}
}

static void add(struct words *words, const char *text, size_t length, uint64_t hash, uint64_t count)
{
	struct word *word;

	reserve(words);
	word = find(words, text, length, hash);
	if (word->text == NULL) {
		word->text = arena_allocate(&words->arena, length + 1);
		memcpy(word->text, text, length);
		word->text[length] = '\0';
		word->length = length;
		word->hash = hash;
		words->distinct++;
	}
	word->count += count;
}

void words_count(struct words *words, char *text, size_t length)
{
	size_t i = 0;

	while (i < length) {
		size_t start = i;
		uint64_t hash = HASH_START;

		for (; i < length && is_letter(text[i]); i++) {
			text[i] |= 0x20;
			hash = (hash ^ (unsigned char)text[i]) * HASH_PRIME;
		}
		if (i > start) {
			add(words, text + start, i - start, hash, 1);
		}
		i++;
	}
}

void words_merge(struct words *words, const struct words *from)
{
	for (size_t i = 0; i < from->slots; i++) {
		const struct word *word = &from->slot[i];

		if (word->text != NULL) {
			add(words, word->text, word->length, word->hash, word->count);
		}
	}
}

static int by_count_then_text(const void *left, const void *right)
{
	const struct word *a = left;
	const struct word *b = right;

	if (a->count != b->count) {
		return a->count > b->count ? -1 : 1;
	}
	return strcmp(a->text, b->text);
}

struct word *words_sort(const struct words *words)
{
	struct word *sorted = allocate(words->distinct * sizeof(struct word));
	size_t n = 0;

	for (size_t i = 0; i < words->slots; i++) {
		if (words->slot[i].text != NULL) {
			sorted[n++] = words->slot[i];
		}
	}
	qsort(sorted, n, sizeof(struct word), by_count_then_text);
	return sorted;
}

void words_free(struct words *words)
{
	arena_free(&words->arena);
	*words = words_in(words->arena.space);
}
