/*
 * Places in a space (src/memory/places.c): what is found, compared with a map of
 * its pages, and what it costs.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "memory/space.h"

TestSuite(places, .timeout = 100);

/* Of the model: a space of so many pages, of which it knows each. */
enum { PAGES = 120, MAPPINGS = 40, STEPS = 20000 };

enum page { EMPTY, USED, GUARD };

static struct vcore_space space;
static struct vci_mapping mappings[MAPPINGS];
static bool is_mapped[MAPPINGS];

static void start(size_t pages)
{
	cr_assert_eq(vci_platform_open(), 0);
	memset(&space, 0, sizeof(space));
	memset(is_mapped, 0, sizeof(is_mapped));
	space.bytes = pages * vci_page_size;
}

/* What the model says of each page. */
static void draw(enum page *pages)
{
	memset(pages, 0, PAGES * sizeof(*pages));
	for (int i = 0; i < MAPPINGS; i++) {
		size_t from = vci_mapping_offset(&mappings[i]) / vci_page_size;
		size_t n = mappings[i].bytes / vci_page_size;

		for (size_t p = from; is_mapped[i] && p < from + n; p++) {
			pages[p] = USED;
		}
		if (is_mapped[i] && mappings[i].guarded) {
			pages[from - 1] = GUARD;
			pages[from + n] = GUARD;
		}
	}
}

static bool is_free(const enum page *pages, size_t from, size_t n, size_t guard)
{
	for (size_t p = from; p < from + n; p++) {
		if (p >= PAGES || pages[p] != EMPTY) {
			return false;
		}
	}
	for (size_t g = 0; g < guard; g++) { /* which two may share */
		if (from < 1 || from + n >= PAGES || pages[from - 1] == USED ||
		    pages[from + n] == USED) {
			return false;
		}
	}
	return true;
}

/* Where, or PAGES. */
static size_t find_in_model(const enum page *pages, size_t n, size_t unit, size_t guard)
{
	size_t place = 0;

	while (place < PAGES && !(place % unit == 0 && is_free(pages, place, n, guard))) {
		place++;
	}
	return place;
}

static void add(int i, size_t place, size_t n, bool guarded)
{
	mappings[i].node.key = (int64_t)(place * vci_page_size);
	mappings[i].bytes = n * vci_page_size;
	mappings[i].guarded = guarded;
	mappings[i].space = &space;
	vci_places_add(&space, &mappings[i]);
	is_mapped[i] = true;
}

static void map_anywhere(int i, const enum page *pages, size_t n)
{
	size_t unit = rand() % 4 == 0 ? 8 : 1;
	size_t place = find_in_model(pages, n, unit, 1);
	size_t offset = 0;
	int result = vci_places_find(&space, n * vci_page_size, unit * vci_page_size, vci_page_size,
				     &offset);

	cr_assert_eq(result, place == PAGES ? -ENOSPC : 0);
	if (result == 0) {
		cr_assert_eq(offset, place * vci_page_size);
		add(i, place, n, true);
	}
}

static void map_there(int i, const enum page *pages, size_t n)
{
	size_t place = (size_t)rand() % (PAGES - n);
	bool taken = vci_places_taken(&space, place * vci_page_size, n * vci_page_size);

	cr_assert_eq(taken, !is_free(pages, place, n, 0));
	if (!taken) {
		add(i, place, n, false);
	}
}

static void look_at_all(const enum page *pages)
{
	for (size_t p = 0; p < PAGES; p++) {
		const struct vci_mapping *at = vci_places_at(&space, p * vci_page_size + 1);

		cr_assert_eq(at != NULL, pages[p] == USED);
		if (at != NULL) {
			cr_assert_leq(vci_mapping_offset(at), p * vci_page_size);
			cr_assert_gt(vci_mapping_offset(at) + at->bytes, p * vci_page_size);
			cr_assert_eq(vci_places_from(&space, p * vci_page_size), at);
		}
	}
}

Test(places, they_agree_with_a_model)
{
	enum page pages[PAGES];

	srand(1);
	start(PAGES);
	for (int step = 0; step < STEPS; step++) {
		int i = rand() % MAPPINGS;
		size_t n = 1 + (size_t)rand() % 5;

		draw(pages);
		if (is_mapped[i]) {
			vci_places_remove(&space, &mappings[i]);
			is_mapped[i] = false;
		} else if (rand() % 2 == 0) {
			map_anywhere(i, pages, n);
		} else {
			map_there(i, pages, n);
		}
		if (step % 50 == 0) {
			draw(pages);
			look_at_all(pages);
		}
	}
}

/* With a scan from the beginning it would take 5 * 10^9 steps. */
Test(places, among_a_hundred_thousand_room_is_found_quickly)
{
	enum { MANY = 100000 };
	struct vci_mapping *many = calloc(MANY, sizeof(*many));
	size_t offset;

	start(4 * MANY);
	for (int round = 0; round < 2; round++) {
		for (size_t i = 0; i < MANY; i++) {
			cr_assert_eq(vci_places_find(&space, vci_page_size, vci_page_size,
						     vci_page_size, &offset),
				     0);
			cr_assert_eq(offset, (1 + 2 * i) * vci_page_size);
			many[i].node.key = (int64_t)offset;
			many[i].bytes = vci_page_size;
			many[i].guarded = true;
			vci_places_add(&space, &many[i]);
		}
		for (size_t i = MANY; i > 0; i--) {
			vci_places_remove(&space, &many[i - 1]);
		}
		cr_assert_null(space.mappings);
	}
	free(many);
}
