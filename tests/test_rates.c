/* SPDX-License-Identifier: ISC */
#include <check.h>

#include "backend/rates.h"

enum { SECOND = 1000000 };

START_TEST(twice_the_rate_at_once_then_the_rate)
{
	struct rates *b =
	    rates_new((const int64_t[]){[RATE_READ] = 5, [RATE_WRITE] = 1, [RATE_LOGIN] = 0});
	int64_t now = 1000 * (int64_t)SECOND;

	for (int i = 0; i < 10; i++)
		ck_assert_int_eq(rates_take(b, 1, RATE_READ, now), 0);
	ck_assert_int_eq(rates_take(b, 1, RATE_READ, now), 1);
	/* Neither another user nor another class has less for it, and no limit is none. */
	ck_assert_int_eq(rates_take(b, 2, RATE_READ, now), 0);
	ck_assert_int_eq(rates_take(b, 1, RATE_WRITE, now), 0);
	for (int i = 0; i < 1000; i++)
		ck_assert_int_eq(rates_take(b, 1, RATE_LOGIN, now), 0);
	now += SECOND;
	for (int i = 0; i < 5; i++)
		ck_assert_int_eq(rates_take(b, 1, RATE_READ, now), 0);
	ck_assert_int_gt(rates_take(b, 1, RATE_READ, now), 0);
	now += 3600 * (int64_t)SECOND;
	for (int i = 0; i < 10; i++)
		ck_assert_int_eq(rates_take(b, 1, RATE_READ, now), 0);
	ck_assert_int_gt(rates_take(b, 1, RATE_READ, now), 0);
	rates_free(b);
}
END_TEST

START_TEST(many_users_find_room)
{
	struct rates *b = rates_new((const int64_t[RATE_CLASSES]){[RATE_READ] = 1});

	for (uint32_t u = 1; u <= 100000; u++)
		ck_assert_int_eq(rates_take(b, u, RATE_READ, u), 0);
	rates_free(b);
}
END_TEST

START_TEST(classes_follow_row_and_method)
{
	ck_assert_int_eq(rates_class(res_by_number(RES_CALLFWD), M_GET), RATE_READ);
	ck_assert_int_eq(rates_class(res_by_number(RES_CALLFWD), M_PUT), RATE_WRITE);
	ck_assert_int_eq(rates_class(res_by_number(RES_SESSION), M_POST), RATE_LOGIN);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("rates");
	TCase *tc = tcase_create("rates");
	SRunner *sr;
	int failed;

	tcase_add_test(tc, twice_the_rate_at_once_then_the_rate);
	tcase_add_test(tc, many_users_find_room);
	tcase_add_test(tc, classes_follow_row_and_method);
	suite_add_tcase(s, tc);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? 0 : 1;
}
