/* SPDX-License-Identifier: ISC */
/* Which files of the log are kept for copies: the least that anybody asked for lately decides. */
#include <check.h>
#include <stdlib.h>
#include <time.h>

#include "backend/store_copy.h"

static struct store_hold hold;

static void
setup(void)
{
	hold_init(&hold);
}

static void
teardown(void)
{
	hold_destroy(&hold);
}

static void
sleep_ms(long ms)
{
	nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000}, NULL);
}

START_TEST(without_a_copy_all_may_go)
{
	ck_assert(hold_allows(&hold, "log.0000000001"));
}
END_TEST

START_TEST(what_a_copy_has_may_go)
{
	hold_from(&hold, "log.0000000005", 300);
	ck_assert(hold_allows(&hold, "log.0000000004"));
	ck_assert(!hold_allows(&hold, "log.0000000005"));
	ck_assert(!hold_allows(&hold, "log.0000000006"));
}
END_TEST

START_TEST(of_two_the_one_that_is_behind_decides)
{
	hold_from(&hold, "", 300);
	hold_from(&hold, "log.0000000005", 300);
	ck_assert(!hold_allows(&hold, "log.0000000001"));
}
END_TEST

START_TEST(it_ends)
{
	hold_from(&hold, "", 1);
	hold_from(&hold, "log.0000000005", 1);
	for (int i = 0; i < 50 && !hold_allows(&hold, "log.0000000001"); i++) {
		sleep_ms(100);
		hold_from(&hold, "log.0000000005", 1);
	}
	ck_assert(hold_allows(&hold, "log.0000000001"));
	sleep_ms(3100);
	ck_assert(hold_allows(&hold, "log.0000000005"));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("store_copy");
	TCase *t = tcase_create("hold");
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 30);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, without_a_copy_all_may_go);
	tcase_add_test(t, what_a_copy_has_may_go);
	tcase_add_test(t, of_two_the_one_that_is_behind_decides);
	tcase_add_test(t, it_ends);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
