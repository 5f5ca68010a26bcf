/* SPDX-License-Identifier: ISC */
/* The loop of a feed: in which order descriptors and timers have their turn. */
#include <check.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "feeds/loop.h"

static struct loop loop;
static int pipes[2][2];
static char turns[64]; /* a letter for each */

static void
setup(void)
{
	loop_init(&loop);
	turns[0] = '\0';
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(pipe(pipes[i]), 0);
		ck_assert_int_eq(write(pipes[i][1], "x", 1), 1);
	}
}

static void
teardown(void)
{
	for (int i = 0; i < 4; i++)
		close(pipes[i / 2][i % 2]);
}

static void
turn(char letter)
{
	size_t n = strlen(turns);

	ck_assert_uint_lt(n + 1, sizeof(turns));
	turns[n] = letter;
	turns[n + 1] = '\0';
}

static void
timer(void *arg)
{
	turn(*(char *)arg);
}

static void
stop(void *arg)
{
	((struct loop *)arg)->stop = true;
}

static void
ready(void *arg, short revents)
{
	char c;
	const int *p = arg;

	ck_assert_int_eq(revents, POLLIN);
	ck_assert_int_eq(read(p[0], &c, 1), 1);
	turn(p == pipes[0] ? 'a' : 'b');
	/* Behind all that is ready. */
	ck_assert_int_eq(loop_timer(&loop, 0, stop, &loop), 0);
}

/* Takes the other one's place: that is not called for what was ready before. */
static void
ready_and_other(void *arg, short revents)
{
	ready(arg, revents);
	loop_unwatch(&loop, pipes[1][0]);
	ck_assert_int_eq(loop_watch(&loop, pipes[1][0], 0, ready, pipes[1]), 0);
}

/* What was wanted before the loop began comes before whatever is ready then: a feed that has all of
 * its switch's answers at once would say its first snapshot twice otherwise. */
START_TEST(what_is_due_at_first)
{
	static char t = 't';

	ck_assert_int_eq(loop_watch(&loop, pipes[0][0], POLLIN, ready, pipes[0]), 0);
	ck_assert_int_eq(loop_timer(&loop, 0, timer, &t), 0);
	ck_assert_int_eq(loop_until_stopped(&loop), 0);
	ck_assert_str_eq(turns, "ta");
}
END_TEST

START_TEST(timers)
{
	static char letters[] = "123";

	ck_assert_int_eq(loop_timer(&loop, 30, timer, &letters[0]), 0);
	ck_assert_int_eq(loop_timer(&loop, 10, timer, &letters[1]), 0);
	ck_assert_int_eq(loop_timer(&loop, 10, timer, &letters[2]), 0);
	/* Another time for the same, and none. */
	ck_assert_int_eq(loop_timer(&loop, 40, timer, &letters[1]), 0);
	ck_assert_int_eq(loop_timer(&loop, -1, timer, &letters[2]), 0);
	ck_assert_int_eq(loop_timer(&loop, 80, stop, &loop), 0);
	ck_assert_int_eq(loop_until_stopped(&loop), 0);
	ck_assert_str_eq(turns, "12");
}
END_TEST

START_TEST(stopped_by_what_is_due_at_first)
{
	ck_assert_int_eq(loop_watch(&loop, pipes[0][0], POLLIN, ready, pipes[0]), 0);
	ck_assert_int_eq(loop_timer(&loop, 0, stop, &loop), 0);
	ck_assert_int_eq(loop_until_stopped(&loop), 0);
	ck_assert_str_eq(turns, "");
}
END_TEST

START_TEST(a_slot_with_another_life)
{
	ck_assert_int_eq(loop_watch(&loop, pipes[0][0], POLLIN, ready_and_other, pipes[0]), 0);
	ck_assert_int_eq(loop_watch(&loop, pipes[1][0], POLLIN, ready, pipes[1]), 0);
	ck_assert_int_eq(loop_until_stopped(&loop), 0);
	ck_assert_str_eq(turns, "a");
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("loop");
	TCase *t = tcase_create("loop");
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, what_is_due_at_first);
	tcase_add_test(t, timers);
	tcase_add_test(t, stopped_by_what_is_due_at_first);
	tcase_add_test(t, a_slot_with_another_life);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
