/*
 * What a thread of spaces.c knows of a block: what it must hold, where it is
 * mapped, with whom it shares its pages, and so what calls must return.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef TESTS_STRESS_SPACES_MODEL_H
#define TESTS_STRESS_SPACES_MODEL_H

#include "stress.h"

#define PAGES 5 /* of a block, at most */
#define VIEWS 3 /* of a block, at most */

/* The pages that a block refers to, perhaps with others. */
struct run {
	unsigned blocks;
};

struct view {
	struct vcore_space *space;
	char *at;
	int protection;
};

struct model {
	struct vcore_block *block; /* NULL: there is none */
	struct run *run;
	size_t pages;
	unsigned char holds[PAGES]; /* what each page is filled with, at its ends */
	struct view views[VIEWS];
	unsigned n_views;
	bool is_private; /* its one view is */
	bool written;    /* that view */
};

static inline size_t model_page(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

/* --- what is expected -------------------------------------------------------------------- */

static inline bool is_side(const struct model *model)
{
	return model->run->blocks > 1 || model->is_private;
}

static inline bool enforces(const struct view *view)
{
	return vcore_space_level(view->space) != VCORE_SPACE_NAMED;
}

static inline bool may_write(const struct view *view)
{
	return !enforces(view) || (view->protection & VCORE_PROTECT_WRITE) != 0;
}

static inline bool may_read(const struct view *view)
{
	return !enforces(view) || view->protection != VCORE_PROTECT_NONE;
}

static inline void leave_run(struct model *model)
{
	if (--model->run->blocks == 0) {
		free(model->run);
	}
}

static inline struct run *new_run(void)
{
	struct run *run = calloc(1, sizeof(*run));

	if (run == NULL) {
		abort();
	}
	run->blocks = 1;
	return run;
}

/* It was unmapped: what was written to a private view is in pages of the block's own. */
static inline void settle(struct model *model)
{
	if (model->is_private && model->written && model->run->blocks > 1) {
		leave_run(model);
		model->run = new_run();
	}
	model->is_private = false;
	model->written = false;
}

/* --- what is there ------------------------------------------------------------------------- */

static inline void check_holds(const struct model *model, const char *at)
{
	size_t page = model_page();

	for (size_t i = 0; i < model->pages; i++) {
		CHECK_IS((unsigned char)at[i * page], model->holds[i]);
		CHECK_IS((unsigned char)at[(i + 1) * page - 1], model->holds[i]);
	}
}

static inline void check_views(const struct model *model)
{
	for (unsigned i = 0; i < model->n_views; i++) {
		if (may_read(&model->views[i])) {
			check_holds(model, model->views[i].at);
		}
	}
}

#endif /* TESTS_STRESS_SPACES_MODEL_H */
