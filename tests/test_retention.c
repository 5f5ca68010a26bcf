/* SPDX-License-Identifier: ISC */
/* Which months of call records go: at the exact bounds, and when the clock cannot be believed. */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "backend/retention.h"
#include "backend/when.h"
#include "tests/store_rig.h"

enum { NOON = 1000 }; /* a second of the monotonic clock */

static uint32_t
month(int year, int m)
{
	return (uint32_t)(year * 12 + m - 1);
}

/* The first millisecond. */
static int64_t
start_of(int year, int m)
{
	return when_month_start(month(year, m));
}

/* --- which month is the first -------------------------------------------------------------------
 */

START_TEST(bounds)
{
	struct retention r = {.months = 1};
	uint32_t newest = month(2024, 2);

	/* The last millisecond of a leap day, and the first behind it. */
	ck_assert_uint_eq(retention_first(&r, newest, start_of(2024, 3) - 1, NOON), month(2024, 1));
	ck_assert_uint_eq(retention_first(&r, newest, start_of(2024, 3), NOON), month(2024, 2));
	/* Over the end of a year. */
	ck_assert_uint_eq(
	    retention_first(&r, month(2023, 12), start_of(2024, 1) - 1, NOON), month(2023, 11));
	ck_assert_uint_eq(
	    retention_first(&r, month(2023, 12), start_of(2024, 1), NOON), month(2023, 12));
	r.months = 13;
	ck_assert_uint_eq(retention_first(&r, newest, start_of(2024, 2), NOON), month(2023, 1));
	/* A call of a switch whose clock is ahead. */
	ck_assert_uint_eq(retention_first(&r, month(2024, 3), start_of(2024, 2), NOON), month(2023, 1));
	ck_assert_int_eq(r.doubt_since_s, 0);
}
END_TEST

START_TEST(all_are_kept)
{
	struct retention r = {.months = 0};
	int64_t now = start_of(2024, 5);

	ck_assert_uint_eq(retention_first(&r, month(2024, 5), now, NOON), 0);
	r.months = -1;
	ck_assert_uint_eq(retention_first(&r, month(2024, 5), now, NOON), 0);
	/* More months than there have been. */
	r.months = month(2024, 5);
	ck_assert_uint_eq(retention_first(&r, month(2024, 5), now, NOON), 0);
	r.months = INT64_MAX;
	ck_assert_uint_eq(retention_first(&r, month(2024, 5), now, NOON), 0);
	r.months = 1;
	ck_assert_uint_eq(retention_first(&r, 0, now, NOON), 0);
	ck_assert_int_eq(r.doubt_since_s, 0);
}
END_TEST

/* Calls of lately: of the month that is two before. */
START_TEST(doubt_lasts_a_day)
{
	struct retention r = {.months = 1};
	int64_t quiet = start_of(2024, 5) - 1, doubtful = start_of(2024, 5);
	uint32_t newest = month(2024, 2);

	ck_assert_uint_eq(retention_first(&r, newest, quiet, NOON), month(2024, 3));
	ck_assert_uint_eq(retention_first(&r, newest, doubtful, NOON), 0);
	ck_assert_uint_eq(retention_first(&r, newest, doubtful, NOON + RETENTION_DOUBT_S - 1), 0);
	ck_assert_uint_eq(
	    retention_first(&r, newest, doubtful, NOON + RETENTION_DOUBT_S), month(2024, 4));
	/* The clock is put right: the next doubt lasts a day as well. */
	ck_assert_uint_eq(
	    retention_first(&r, newest, quiet, NOON + RETENTION_DOUBT_S + 1), month(2024, 3));
	ck_assert_uint_eq(retention_first(&r, newest, doubtful, NOON + RETENTION_DOUBT_S + 2), 0);
}
END_TEST

/* Nothing has changed for a day, and then the clock jumps: that is a doubt of its own. */
START_TEST(another_jump_is_another_doubt)
{
	struct retention r = {.months = 12};
	int64_t at = NOON + RETENTION_DOUBT_S;
	uint32_t newest = month(2024, 2);

	ck_assert_uint_eq(retention_first(&r, newest, start_of(2024, 6), NOON), 0);
	ck_assert_uint_eq(retention_first(&r, newest, start_of(2024, 6), at), month(2023, 6));
	ck_assert_uint_eq(retention_first(&r, newest, start_of(2099, 1), at + 600), 0);
	ck_assert_uint_eq(
	    retention_first(&r, newest, start_of(2099, 1), at + 600 + RETENTION_DOUBT_S - 1), 0);
	ck_assert_uint_eq(retention_first(&r, newest, start_of(2024, 6), at + 1200), 0);
	ck_assert_uint_eq(retention_first(&r, newest, start_of(2024, 6), at + 1200 + RETENTION_DOUBT_S),
	    month(2023, 6));
	/* In an earlier month as in a later one. */
	ck_assert_uint_eq(
	    retention_first(&r, newest, start_of(2024, 7), at + 1300 + RETENTION_DOUBT_S), 0);
}
END_TEST

/* --- in a store ----------------------------------------------------------------------------------
 */

static void
put_months(struct store *s, const uint32_t *months, size_t n)
{
	struct store_txn *t = rig_begin(s, STORE_WRITE);
	struct err e;

	for (size_t i = 0; i < n; i++)
		ck_assert_int_eq(store_part_put(t, months[i], STR_LIT("k"), STR_LIT("v"), &e), 0);
	rig_commit(t);
}

static void
check_months(struct store *s, const uint32_t *want, size_t n)
{
	struct store_txn *t = rig_begin(s, STORE_READ);
	uint32_t have[16];

	ck_assert_uint_eq(store_part_list(t, 0, have, 16), n);
	ck_assert(n == 0 || memcmp(have, want, n * sizeof(*want)) == 0);
	rig_commit(t);
}

static void
run(struct retention *r, struct store *s, int64_t wall_ms, int64_t monotonic_s)
{
	struct err e = {0};

	ck_assert_msg(retention_run(r, s, wall_ms, monotonic_s, &e) == 0, "%s", err_text(&e));
}

static void
months_go(struct store *s)
{
	const uint32_t months[] = {
	    month(2000, 1), month(2023, 12), month(2024, 1), month(2024, 2), month(2024, 3)};
	struct retention r = {.months = 1};

	/* Of nothing. */
	run(&r, s, start_of(2024, 3), NOON);
	put_months(s, months, 5);
	r.months = 0;
	run(&r, s, start_of(2099, 1), NOON);
	check_months(s, months, 5);
	r.months = 2;
	run(&r, s, start_of(2024, 3) - 1, NOON);
	check_months(s, months + 1, 4);
	run(&r, s, start_of(2024, 3), NOON);
	check_months(s, months + 2, 3);
	run(&r, s, start_of(2024, 4) - 1, NOON);
	check_months(s, months + 2, 3);
	run(&r, s, start_of(2024, 4), NOON);
	check_months(s, months + 3, 2);
	/* What comes for a month that has gone goes again. */
	put_months(s, months, 1);
	run(&r, s, start_of(2024, 4), NOON);
	check_months(s, months + 3, 2);
}

/* Calls of a month that take some pages. */
static void
fill_month(struct store *s, uint32_t m)
{
	static char val[3000];
	struct store_txn *t = rig_begin(s, STORE_WRITE);
	struct err e;

	for (int i = 0; i < 100; i++) {
		char key[16];

		snprintf(key, sizeof(key), "%d", i);
		ck_assert_int_eq(store_part_put(t, m, str_c(key), (struct str){val, sizeof(val)}, &e), 0);
	}
	rig_commit(t);
}

static void
the_oldest_go_for_room(struct store *s)
{
	const uint32_t months[] = {
	    month(2023, 11), month(2023, 12), month(2024, 1), month(2024, 2), month(2024, 3)};
	struct retention r = {.bytes = UINT64_MAX};
	struct store_txn *t;
	struct err e = {0};
	uint64_t each, none;

	run(&r, s, start_of(2024, 3), NOON);
	for (size_t i = 0; i < 5; i++)
		fill_month(s, months[i]);
	t = rig_begin(s, STORE_READ);
	ck_assert_int_eq(store_part_size(t, months[4], &each, &e), 1);
	ck_assert_int_eq(store_part_size(t, month(2020, 1), &none, &e), 0);
	rig_commit(t);
	ck_assert_uint_ge(each, 300000);
	ck_assert_uint_lt(each, 3000000);
	run(&r, s, start_of(2024, 3), NOON);
	check_months(s, months, 5);
	/* Room for four and a half; then for none, but the latest stay. */
	r.bytes = each * 9 / 2;
	run(&r, s, start_of(2024, 3), NOON);
	check_months(s, months + 1, 4);
	r.bytes = 1;
	run(&r, s, start_of(2024, 3), NOON);
	check_months(s, months + 3, 2);
}

/* Whatever a month takes, it stays until the clock says that there are two later ones. */
static void
no_room_for_a_wrong_clock(struct store *s)
{
	const uint32_t months[] = {month(2024, 1), month(2024, 2), month(2024, 3), month(2030, 1)};
	struct retention r = {.bytes = 1};
	struct store_txn *t;
	struct err e = {0};
	uint64_t bytes;
	size_t n;

	run(&r, s, start_of(2024, 3), NOON);
	ck_assert(!r.told_over);
	for (size_t i = 0; i < 4; i++)
		fill_month(s, months[i]);
	run(&r, s, 0, NOON);
	run(&r, s, start_of(2024, 3) - 1, NOON);
	check_months(s, months, 4);
	run(&r, s, start_of(2024, 3), NOON);
	check_months(s, months + 1, 3);
	run(&r, s, start_of(2030, 2), NOON);
	check_months(s, months + 2, 2);
	/* They are too many bytes all the same. */
	ck_assert(r.told_over);
	t = rig_begin(s, STORE_READ);
	ck_assert_int_eq(retention_size(t, &n, &bytes, &e), 0);
	rig_commit(t);
	ck_assert_uint_eq(n, 2);
	ck_assert_uint_ge(bytes, 600000);
	r.bytes = bytes;
	run(&r, s, start_of(2030, 2), NOON);
	ck_assert(!r.told_over);
}

static void
a_wrong_clock_takes_nothing(struct store *s)
{
	const uint32_t months[] = {month(2024, 1), month(2024, 2), month(2024, 3)};
	struct retention r = {.months = 1};

	put_months(s, months, 3);
	run(&r, s, start_of(2050, 1), NOON);
	run(&r, s, start_of(2050, 1), NOON + RETENTION_DOUBT_S - 1);
	run(&r, s, 0, NOON + RETENTION_DOUBT_S);
	check_months(s, months, 3);
	run(&r, s, start_of(2024, 3), NOON + RETENTION_DOUBT_S + 1);
	check_months(s, months + 1, 2);
}

/* After a day even the newest calls go. */
static void
nobody_calls_any_more(struct store *s)
{
	const uint32_t months[] = {month(2024, 1), month(2024, 2)};
	struct retention r = {.months = 6};

	put_months(s, months, 2);
	run(&r, s, start_of(2024, 8), NOON);
	check_months(s, months, 2);
	run(&r, s, start_of(2024, 8), NOON + RETENTION_DOUBT_S);
	check_months(s, months + 1, 1);
	run(&r, s, start_of(2024, 9), NOON + 40 * RETENTION_DOUBT_S);
	check_months(s, months + 1, 1);
	run(&r, s, start_of(2024, 9), NOON + 41 * RETENTION_DOUBT_S);
	check_months(s, NULL, 0);
	run(&r, s, start_of(2024, 9), NOON + 42 * RETENTION_DOUBT_S);
}

int
main(void)
{
	static const struct store_case cases[] = {{"months_go", months_go},
	    {"the_oldest_go_for_room", the_oldest_go_for_room},
	    {"no_room_for_a_wrong_clock", no_room_for_a_wrong_clock},
	    {"a_wrong_clock_takes_nothing", a_wrong_clock_takes_nothing},
	    {"nobody_calls_any_more", nobody_calls_any_more}};
	Suite *s = suite_create("retention");
	TCase *t = tcase_create("retention");
	SRunner *r;
	int failed;

	tcase_add_test(t, bounds);
	tcase_add_test(t, all_are_kept);
	tcase_add_test(t, doubt_lasts_a_day);
	tcase_add_test(t, another_jump_is_another_doubt);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	/* Both engines. */
	return rig_run("retention in a store", cases, sizeof(cases) / sizeof(cases[0])) + failed == 0
	    ? 0
	    : 1;
}
