/*
 * Blocks and spaces against a model: threads allocate, map, write, protect,
 * snapshot, unmap and free at random, each blocks of its own, in a space of its
 * own and in one that all share.  Each knows what its blocks must hold and what
 * each call must return; now and then all stop, and /proc/self/maps is compared
 * with what all of them think is mapped.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "maps.h"
#include "spaces_model.h"

#define WORKERS 6
#define PLAIN   2 /* of these, pthreads */
#define BLOCKS  12
#define ROUNDS  6

struct worker {
	uint64_t random;
	struct vcore_space *own, *common;
	struct model models[BLOCKS];
	size_t steps;
};

static size_t page;
static struct worker workers[WORKERS];
static struct vcore_space *common;
static struct maps maps;

static uint64_t below(struct worker *self, uint64_t n)
{
	return stress_below(&self->random, n);
}

/* --- what is done ---------------------------------------------------------------------------- */

static int random_protection(struct worker *self)
{
	static const int protections[] = {VCORE_PROTECT_READ_WRITE, VCORE_PROTECT_READ_WRITE,
					  VCORE_PROTECT_WRITE, VCORE_PROTECT_READ,
					  VCORE_PROTECT_NONE};

	return protections[below(self, 5)];
}

static void allocate(struct worker *self, struct model *model)
{
	memset(model, 0, sizeof(*model));
	model->pages = 1 + below(self, PAGES);
	CHECK_IS(vcore_block_allocate(&model->block, model->pages * page), 0);
	model->run = new_run();
}

static void give_up(struct model *model)
{
	int expected = model->n_views > 0 ? -EBUSY : 0;

	CHECK_IS(vcore_block_free(model->block), expected);
	if (expected == 0) {
		leave_run(model);
		model->block = NULL;
	}
}

static void map(struct worker *self, struct model *model)
{
	struct view *view = &model->views[model->n_views];
	size_t offset = VCORE_ANYWHERE;
	void *at;
	int result;

	if (model->n_views == VIEWS) {
		return;
	}
	view->space = below(self, 2) == 0 ? self->own : self->common;
	view->protection = random_protection(self);
	if (below(self, 3) == 0) {
		offset = below(self, 200) * page;
	}
	result = vcore_space_map(view->space, model->block, offset, view->protection, &at);
	if (model->n_views > 0 && is_side(model)) {
		CHECK(result == -EBUSY || (offset != VCORE_ANYWHERE && result == -EEXIST));
		return;
	}
	if (offset != VCORE_ANYWHERE && result == -EEXIST) {
		return;
	}
	if (CHECK_IS(result, 0)) {
		view->at = at;
		model->n_views++;
		model->is_private = model->run->blocks > 1;
		model->written = false;
	}
}

static void unmap(struct worker *self, struct model *model)
{
	struct view *view;

	if (model->n_views > 0) {
		view = &model->views[below(self, model->n_views)];
		CHECK_IS(
			vcore_space_unmap(view->space, view->at + below(self, model->pages * page)),
			0);
		*view = model->views[--model->n_views];
		settle(model);
	}
}

static void protect(struct worker *self, struct model *model)
{
	if (model->n_views > 0) {
		struct view *view = &model->views[below(self, model->n_views)];

		view->protection = random_protection(self);
		CHECK_IS(vcore_space_protect(view->space, view->at, view->protection), 0);
	}
}

/* By a store, or by copying in, where the protection counts in any space. */
static void write_to(struct worker *self, struct model *model)
{
	const struct view *view = &model->views[below(self, VIEWS)];
	unsigned char byte = (unsigned char)below(self, 256);
	size_t i = below(self, model->pages);
	int expected = 0;

	if (view >= &model->views[model->n_views]) {
		return;
	}
	if (below(self, 3) == 0) {
		expected = view->protection & VCORE_PROTECT_WRITE ? 0 : -EFAULT;
		CHECK_IS(vcore_space_copy_in(view->space, view->at + i * page, &byte, 1), expected);
		CHECK_IS(vcore_space_copy_in(view->space, view->at + (i + 1) * page - 1, &byte, 1),
			 expected);
	} else if (may_write(view)) {
		view->at[i * page] = (char)byte;
		view->at[(i + 1) * page - 1] = (char)byte;
	} else {
		return;
	}
	if (expected == 0) {
		model->holds[i] = byte;
		model->written = true;
	}
}

static void snapshot(struct model *model, struct model *copy)
{
	bool at_once = model->n_views > 1 || (model->is_private && model->written);

	memset(copy, 0, sizeof(*copy));
	if (CHECK_IS(vcore_block_snapshot(model->block, &copy->block), 0)) {
		copy->pages = model->pages;
		memcpy(copy->holds, model->holds, sizeof(copy->holds));
		copy->run = at_once ? new_run() : model->run;
		if (!at_once) {
			model->run->blocks++;
			model->written = model->written && model->is_private;
			model->is_private = model->n_views == 1;
		}
	}
}

/* --- snapshots of the worker's space --------------------------------------------------------- */

static void check_in_copy(const struct worker *self, const struct model *model,
			  struct vcore_space *copy)
{
	for (unsigned i = 0; i < model->n_views; i++) {
		const struct view *view = &model->views[i];

		if (view->space == self->own && may_read(view)) {
			check_holds(model,
				    (char *)vcore_space_base(copy) +
					    (view->at - (char *)vcore_space_base(self->own)));
		}
	}
}

/* Made and gone again, it leaves those that it froze as private views. */
static void snapshot_space(struct worker *self)
{
	struct vcore_space *copy;

	if (!CHECK_IS(vcore_space_snapshot(self->own, &copy), 0)) {
		return;
	}
	for (size_t i = 0; i < BLOCKS; i++) {
		struct model *model = &self->models[i];

		if (model->block == NULL) {
			continue;
		}
		check_in_copy(self, model, copy);
		if (model->n_views == 1 && model->views[0].space == self->own &&
		    !model->is_private) {
			model->is_private = true;
			model->written = false;
		}
	}
	CHECK_IS(vcore_space_delete(copy), 0);
}

static void step(struct worker *self)
{
	struct model *model = &self->models[below(self, BLOCKS)];
	struct model *other = &self->models[below(self, BLOCKS)];

	if (model->block == NULL) {
		allocate(self, model);
		return;
	}
	switch (below(self, 16)) {
	case 0:
		give_up(model);
		break;
	case 1:
	case 2:
	case 3:
		map(self, model);
		break;
	case 4:
	case 5:
		unmap(self, model);
		break;
	case 6:
		protect(self, model);
		break;
	case 7:
	case 8:
		if (other->block == NULL) {
			snapshot(model, other);
		}
		break;
	case 9:
		if (below(self, 8) == 0) {
			snapshot_space(self);
		}
		break;
	default:
		write_to(self, model);
	}
	check_views(model);
	if (below(self, 50) == 0) {
		vcore_yield();
	}
}

static void *work(void *argument)
{
	struct worker *self = argument;

	for (size_t i = 0; i < self->steps; i++) {
		step(self);
	}
	return NULL;
}

/* --- what the kernel says ------------------------------------------------------------- */

/* The view is a mapping of its own, of that access; where in the file it begins. */
static uintmax_t check_view(const struct model *model, const struct view *view)
{
	const struct maps_line *line = maps_line(&maps, view->at);

	if (!CHECK(line != NULL && line->is_block)) {
		return 0;
	}
	CHECK_IS(line->from, (uintptr_t)view->at);
	CHECK_IS(line->to - line->from, model->pages * page);
	CHECK_IS(line->access[0], may_read(view) ? 'r' : '-');
	CHECK_IS(line->access[1], may_write(view) ? 'w' : '-');
	CHECK_IS(line->access[3], model->is_private ? 'p' : 's');
	return line->offset;
}

/* All of a block's views begin there, and none of another's but what has its run. */
static size_t check_all_views(void)
{
	size_t n = 0;

	for (struct worker *worker = workers; worker < workers + WORKERS; worker++) {
		for (struct model *model = worker->models; model < worker->models + BLOCKS;
		     model++) {
			for (unsigned i = 0; model->block != NULL && i < model->n_views; i++) {
				uintmax_t offset = check_view(model, &model->views[i]);

				CHECK_IS(offset, check_view(model, &model->views[0]));
				n++;
			}
		}
	}
	return n;
}

static void check_maps(void)
{
	size_t n_blocks = 0;

	maps_read(&maps);
	for (size_t i = 0; i < maps.n; i++) {
		n_blocks += maps.lines[i].is_block;
	}
	CHECK_IS(n_blocks, check_all_views()); /* no stray one */
}

/* --- all ------------------------------------------------------------------------------ */

static struct vcore_space *make_space(uint64_t level)
{
	const struct vcore_space_options options = {
		.bytes = 4096 * page,
		.least = (enum vcore_space_level)level,
		.most = (enum vcore_space_level)level,
	};
	struct vcore_space *space;

	if (!CHECK_IS(vcore_space_create(&space, &options), 0)) {
		exit(tap_done());
	}
	return space;
}

static void set_up(struct worker *self, uint64_t seed)
{
	memset(self, 0, sizeof(*self));
	self->random = seed;
	self->own = make_space(1 + below(self, 2));
	self->common = common;
	self->steps = stress_size(1000, 100);
}

static void tear_down(struct worker *self)
{
	CHECK_IS(vcore_space_delete(self->own), 0);
	for (struct model *model = self->models; model < self->models + BLOCKS; model++) {
		if (model->block != NULL) {
			CHECK_IS(vcore_block_free(model->block), 0);
			leave_run(model);
		}
	}
}

static void run(unsigned processors)
{
	struct vcore_runtime *runtime = stress_open(processors);
	struct stress_crew crew = {.vcore = WORKERS - PLAIN, .plain = PLAIN};

	common = make_space(VCORE_SPACE_GUARDED);
	for (size_t i = 0; i < WORKERS; i++) {
		set_up(&workers[i], stress_seed * WORKERS + i);
	}
	for (int round = 0; round < ROUNDS; round++) {
		stress_crew_start(&crew, runtime, work, workers, sizeof(workers[0]));
		stress_crew_join(&crew);
		check_maps();
	}
	CHECK_IS(vcore_space_delete(common), 0);
	for (size_t i = 0; i < WORKERS; i++) {
		tear_down(&workers[i]);
	}
	stress_close(runtime);
	maps_read(&maps);
	for (size_t i = 0; i < maps.n; i++) {
		CHECK(!maps.lines[i].is_block);
	}
}

int main(int argc, char **argv)
{
	page = model_page();
	return stress_main(argc, argv, "what is mapped is what the model says", run);
}
