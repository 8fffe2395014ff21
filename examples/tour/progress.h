/*
 * The progress of the tour, shown to a person at a terminal.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef TOUR_PROGRESS_H
#define TOUR_PROGRESS_H

#include "tour.h"

struct progress {
	bool wanted; /* there is a person at a terminal */
	bool shown;
	int64_t bytes_expected; /* 0: cannot be told */
};

void progress_expect(struct progress *progress, const struct tour *tour);
void progress_show(struct progress *progress, const struct tour *tour);
void progress_clear(const struct progress *progress);

#endif /* TOUR_PROGRESS_H */
