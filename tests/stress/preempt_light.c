/*
 * LIGHT threads are switched where they compute, on the kernel thread that they
 * are on, with their registers and errno; one that keeps the address of a
 * thread-local variable is put off like others.  They mix with those.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "rounds_libc.h"

/* Sums that take long; nothing but registers and the stack. */
static void round_sum(struct worker *self)
{
	uint64_t start = stress_random(&self->random), steps = 1 + start % 100000;
	uint64_t table[64], sum = 0, expected = 0, x = start;

	for (int i = 0; i < 64; i++) {
		table[i] = x = compute(x, steps / 64 + 1);
		expected += x;
	}
	for (int i = 0; i < 64; i++) {
		sum += table[i];
	}
	CHECK(sum == expected);
	CHECK(x == compute(start, 64 * (steps / 64 + 1)));
}

/* errno travels; its address is taken anew each time. */
__attribute__((noinline)) static int read_errno(void)
{
	return errno;
}

__attribute__((noinline)) static void write_errno(int value)
{
	errno = value;
}

static void round_errno_anew(struct worker *self)
{
	unsigned wrong = 0;

	for (int i = 0; i < 100; i++) {
		int mine = (int)self->number * 1000 + i;

		write_errno(mine);
		compute(1, 2000);
		wrong += read_errno() != mine;
	}
	CHECK_IS(wrong, 0);
}

static const struct labour light_labours[] = {
	{.name = "light: sums", .round = round_sum},
	{.name = "light: vector registers", .round = round_registers},
	{.name = "light: malloc, realloc and free", .round = round_allocate},
	{.name = "light: errno", .round = round_errno_anew},
};

/* What they keep is found in a register or on the stack. */
static const struct labour falling_labours[] = {
	{.name = "light: errno cached across a loop", .round = round_errno},
	{.name = "light: an address passed down", .round = round_local},
};

static uint64_t light_preemptions(const struct ticks *ticks)
{
	return ticks_statistics(ticks).preemptions_light;
}

static uint64_t fallen_preemptions(const struct ticks *ticks)
{
	return ticks_statistics(ticks).preemptions_fallen;
}

/* Goes on until ticks have done what is to be seen. */
static void labour_until(const struct ticks *ticks, const struct labour *labour,
			 uint64_t (*count)(const struct ticks *ticks))
{
	uint64_t enough = count(ticks) + 3;
	struct shift shift;

	if (ticks->off != NULL) {
		tap_skip(labour->name, ticks->off);
		return;
	}
	shift_start(&shift, ticks, labour);
	ticks_until(count(ticks) >= enough);
	shift_end(&shift);
	ticks_case(ticks, labour->name);
}

/* Sanitizers leave addresses of their own, and some of errno, on the stack. */
static void be_light(const struct ticks *ticks)
{
	for (size_t i = 0; i < sizeof(light_labours) / sizeof(light_labours[0]); i++) {
		labour_until(ticks, &light_labours[i],
			     STRESS_DIVISOR > 1 ? ticks_switches : light_preemptions);
	}
	for (size_t i = 0; i < sizeof(falling_labours) / sizeof(falling_labours[0]); i++) {
		labour_until(ticks, &falling_labours[i], fallen_preemptions);
	}
}

/* Those that are not, between those that are. */
static void mix(const struct ticks *ticks)
{
	static const struct labour light_labour = {.name = "light", .round = round_sum};
	static const struct labour other_labour = {.name = "other", .round = round_errno};
	struct ticks light = *ticks;
	struct shift shifts[2];
	uint64_t enough = ticks_switches(ticks) + 20;

	light.flags = VCORE_THREAD_LIGHT;
	shift_start(&shifts[0], &light, &light_labour);
	shift_start(&shifts[1], ticks, &other_labour);
	ticks_until(ticks_switches(ticks) > enough);
	shift_end(&shifts[0]);
	shift_end(&shifts[1]);
}

static void serve(const struct ticks *ticks)
{
	CHECK_IS(vcore_runtime_serve(ticks->runtime, vcore_after(MILLISECOND)), 0);
}

/* Two on the host's own kernel thread, which is never put off. */
static void play_on_a_server(const struct ticks *ticks)
{
	struct vcore_thread_options options = {.flags = VCORE_THREAD_LIGHT | VCORE_THREAD_PINNED,
					       .processor = ticks->processors};
	struct vcore_thread *players[2];
	struct game game;

	game_prepare(&game);
	players[0] = ticks_spawn(ticks, options, game_play, &game.players[0]);
	players[1] = ticks_spawn(ticks, options, game_play, &game.players[1]);
	for (int i = 0; i < 2; i++) {
		while (vcore_thread_join(players[i], NULL, 0) != 0) {
			serve(ticks);
		}
	}
	CHECK_IS(game.ball, GAME_PASSES);
}

static void try_all(int setting)
{
	struct vcore_runtime_options options = ticks_setting(setting);
	struct ticks ticks = ticks_open(options);

	ticks_try(&ticks, "light and others", mix);
	ticks_try(&ticks, "light on a server", play_on_a_server);
	ticks_close(&ticks);
	options.flags = VCORE_RUNTIME_LIGHT;
	ticks = ticks_open(options);
	be_light(&ticks);
	ticks_close(&ticks);
}

int main(int argc, char **argv)
{
	const char *obstacle = vcore_preempt_obstacle();

	if (obstacle != NULL) {
		return tap_skip_all(obstacle);
	}
	stress_begin(argc, argv);
	for (int i = ticks_first_setting(); i < TICKS_SETTINGS; i++) {
		try_all(i);
	}
	return tap_done();
}
