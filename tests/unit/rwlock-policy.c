/*
 * The policies of reader-writer locks.  What one promises, and the other two do
 * not, is a question that is put to a lock of each: the answer must be true for
 * the one and false for the others.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "visitor.h"

static void check_only(enum policy policy, bool (*question)(struct vcore_rwlock *lock))
{
	for (int i = 0; i < POLICIES; i++) {
		struct vcore_rwlock lock = policies[i];

		check(question(&lock) == (i == (int)policy));
	}
}

/* --- readers first ---------------------------------------------------------------------- */

/* A reader is inside, and a writer waits. */
static bool readers_enter_past_waiting_writers(struct vcore_rwlock *lock)
{
	struct visitor visitors[3];
	bool answer;

	line_start(visitors, lock, "rwr", true);
	check(!atomic_load(&visitors[1].inside));
	answer = atomic_load(&visitors[2].inside);
	line_finish(visitors, "rwr");
	return answer;
}

TestEverywhere(rwlock, with_readers_first_readers_enter_past_waiting_writers)
{
	check_only(READERS_FIRST, readers_enter_past_waiting_writers);
}

static bool try_read_succeeds_past_waiting_writers(struct vcore_rwlock *lock)
{
	struct visitor visitors[2];
	bool answer;

	line_start(visitors, lock, "rw", true);
	answer = vcore_rwlock_try_acquire_read(lock);
	if (answer) {
		vcore_rwlock_release_read(lock);
	}
	line_finish(visitors, "rw");
	return answer;
}

TestEverywhere(rwlock, with_readers_first_try_read_succeeds_past_waiting_writers)
{
	check_only(READERS_FIRST, try_read_succeeds_past_waiting_writers);
}

/* All readers, those behind a writer too. */
static bool a_release_lets_in_all_readers(struct vcore_rwlock *lock)
{
	struct visitor visitors[4];
	bool answer;

	vcore_rwlock_acquire_write(lock);
	line_start(visitors, lock, "wrwr", true);
	vcore_rwlock_release_write(lock);
	until(atomic_load(&visitors[0].inside) || atomic_load(&visitors[1].inside));
	answer = !atomic_load(&visitors[0].inside);
	if (answer) {
		until(atomic_load(&visitors[3].inside));
		check(!atomic_load(&visitors[2].inside));
	}
	line_finish(visitors, "wrwr");
	return answer;
}

TestEverywhere(rwlock, with_readers_first_a_release_lets_in_all_readers)
{
	check_only(READERS_FIRST, a_release_lets_in_all_readers);
}

/* --- writers first ---------------------------------------------------------------------- */

/* The reader came before. */
static bool a_release_lets_a_writer_in_before_readers(struct vcore_rwlock *lock)
{
	struct visitor visitors[2];
	bool answer;

	vcore_rwlock_acquire_write(lock);
	line_start(visitors, lock, "rw", true);
	vcore_rwlock_release_write(lock);
	until(atomic_load(&visitors[0].inside) || atomic_load(&visitors[1].inside));
	answer = atomic_load(&visitors[1].inside);
	line_finish(visitors, "rw");
	return answer;
}

TestEverywhere(rwlock, with_writers_first_a_release_lets_a_writer_in_before_readers)
{
	check_only(WRITERS_FIRST, a_release_lets_a_writer_in_before_readers);
}

/* First the writers, in the order in which they came, then the readers. */
static bool writers_overtake_all_readers(struct vcore_rwlock *lock)
{
	const char *line = "rwrww";
	struct journal journal = {0};
	struct visitor visitors[5];

	vcore_rwlock_acquire_write(lock);
	for (int i = 0; i < 5; i++) {
		visitors[i] = (struct visitor){.lock = lock,
					       .write = line[i] == 'w',
					       .journal = &journal,
					       .letter = line[i] == 'w' ? (char)('0' + i) : 'r'};
		visitor_start(&visitors[i]);
	}
	vcore_rwlock_release_write(lock);
	line_finish(visitors, line);
	return strcmp(journal.text, "134rr") == 0;
}

TestEverywhere(rwlock, with_writers_first_writers_overtake_all_readers_but_no_writers)
{
	check_only(WRITERS_FIRST, writers_overtake_all_readers);
}

TestEverywhere(rwlock, with_writers_first_no_reader_enters_while_a_writer_waits)
{
	struct vcore_rwlock lock = VCORE_RWLOCK_WRITERS_FIRST;
	struct visitor visitors[2];

	line_start(visitors, &lock, "rw", true);
	check(!vcore_rwlock_try_acquire_read(&lock));
	check(vcore_rwlock_acquire_read_until(&lock, PAST) == -ETIMEDOUT);
	check(vcore_rwlock_acquire_read_until(&lock, vcore_after(MILLISECOND)) == -ETIMEDOUT);
	line_finish(visitors, "rw");
}

/* --- fair ------------------------------------------------------------------------------- */

/*
 * Each notes the holding that it is part of, readers side by side the same: a
 * line of n holdings.
 */
static bool holdings_come_in_the_order_of_the_line(struct vcore_rwlock *lock)
{
	const char *line = "rrwrwwrrrw", *holdings = "aabcdefffg";
	struct journal journal = {0};
	struct visitor visitors[10];

	vcore_rwlock_acquire_write(lock);
	for (int i = 0; i < 10; i++) {
		visitors[i] = (struct visitor){.lock = lock,
					       .write = line[i] == 'w',
					       .journal = &journal,
					       .letter = holdings[i]};
		visitor_start(&visitors[i]);
	}
	vcore_rwlock_release_write(lock);
	line_finish(visitors, line);
	return strcmp(journal.text, holdings) == 0;
}

TestEverywhere(rwlock, with_fair_the_n_th_in_the_line_waits_for_at_most_n_holdings)
{
	check_only(FAIR, holdings_come_in_the_order_of_the_line);
}

static bool a_release_lets_in_the_readers_up_to_the_next_writer(struct vcore_rwlock *lock)
{
	struct visitor visitors[4];
	bool answer;

	vcore_rwlock_acquire_write(lock);
	line_start(visitors, lock, "rrwr", true);
	vcore_rwlock_release_write(lock);
	until(atomic_load(&visitors[0].inside) || atomic_load(&visitors[2].inside));
	answer = visitor_waits(&visitors[2]) && visitor_waits(&visitors[3]);
	if (answer) {
		until(atomic_load(&visitors[1].inside));
	}
	line_finish(visitors, "rrwr");
	return answer;
}

TestAround(rwlock, with_fair_a_release_lets_in_the_readers_up_to_the_next_writer)
{
	check_only(FAIR, a_release_lets_in_the_readers_up_to_the_next_writer);
}

enum { COMERS = 10 };

/* Of one that waits, while others of the other kind come: there is always one. */
static bool is_let_in(struct vcore_rwlock *lock, bool write)
{
	struct visitor one = {.lock = lock, .write = write};
	struct visitor comers[COMERS] = {{.lock = lock, .write = !write, .stays = true}};
	bool answer = false;
	int n;

	visitor_start(&comers[0]);
	visitor_start(&one);
	for (n = 1; n < COMERS && !answer; n++) {
		comers[n] = (struct visitor){.lock = lock, .write = !write, .stays = true};
		visitor_start(&comers[n]);
		check(visitor_finish(&comers[n - 1]) == 0);
		until(atomic_load(&one.inside) || atomic_load(&comers[n].inside));
		answer = atomic_load(&one.inside);
	}
	check(visitor_finish(&comers[n - 1]) == 0);
	check(visitor_finish(&one) == 0);
	return answer;
}

static bool nobody_starves(struct vcore_rwlock *lock)
{
	bool writer = is_let_in(lock, true);
	bool reader = is_let_in(lock, false);

	return writer && reader;
}

TestEverywhere(rwlock, with_fair_nobody_starves)
{
	check_only(FAIR, nobody_starves);
}

/* --- downgrade -------------------------------------------------------------------------- */

/*
 * Whom of a line it lets in, as a bit each: decided when it returns.  Nobody
 * runs meanwhile who could leave.
 */
static unsigned let_in_by_downgrade(struct vcore_rwlock *lock, const char *line)
{
	struct visitor visitors[4];
	unsigned entered = 0;

	vcore_rwlock_acquire_write(lock);
	line_start(visitors, lock, line, true);
	vcore_rwlock_downgrade(lock);
	for (unsigned i = 0; line[i] != '\0'; i++) {
		entered |= !visitor_waits(&visitors[i]) ? 1u << i : 0;
	}
	vcore_rwlock_release_read(lock);
	line_finish(visitors, line);
	return entered;
}

static bool downgrade_lets_readers_past_writers(struct vcore_rwlock *lock)
{
	return let_in_by_downgrade(lock, "wrr") == 6;
}

static bool downgrade_lets_nobody_past_a_writer(struct vcore_rwlock *lock)
{
	return let_in_by_downgrade(lock, "rrw") == 0;
}

static bool downgrade_lets_in_who_came_before_the_first_writer(struct vcore_rwlock *lock)
{
	return let_in_by_downgrade(lock, "rrwr") == 3;
}

TestInTurns(rwlock, with_readers_first_downgrade_lets_readers_in_past_writers)
{
	check_only(READERS_FIRST, downgrade_lets_readers_past_writers);
}

TestInTurns(rwlock, with_writers_first_downgrade_lets_no_reader_in_if_a_writer_waits)
{
	check_only(WRITERS_FIRST, downgrade_lets_nobody_past_a_writer);
}

TestInTurns(rwlock, with_fair_downgrade_lets_in_the_readers_up_to_the_next_writer)
{
	check_only(FAIR, downgrade_lets_in_who_came_before_the_first_writer);
}
