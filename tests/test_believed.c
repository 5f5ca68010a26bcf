/* SPDX-License-Identifier: ISC */
/* When the wall clock is believed: at the exact bounds, over jumps, and over a restart. */
#include <check.h>

#include "backend/believed.h"
#include "backend/job.h"
#include "backend/revoked.h"
#include "tests/store_rig.h"

#define NOW INT64_C(1715856163000) /* 2024-05-16T10:42:43Z */
#define DAY BELIEVED_STEP_MS

enum { NOON = 1000, DAY_S = 24 * 3600 }; /* seconds of the monotonic clock */

static struct store *store;
static struct arena arena;

static void
setup(void)
{
	const struct store_conf conf = {.engine = "mem"};
	struct err e = {0};

	ck_assert_int_eq(store_open(&store, &conf, &e), 0);
	arena_init(&arena, 1 << 20);
}

static void
teardown(void)
{
	arena_free(&arena);
	store_close(store);
}

static int
look(struct believed *b, int64_t wall_ms, int64_t monotonic_s)
{
	struct err e = {0};
	struct store_txn *t = rig_begin(store, STORE_WRITE);
	struct model m = {.t = t, .a = &arena, .e = &e, .tenant = TENANT_DEFAULT};
	int rc = believed_look(b, &m, wall_ms, monotonic_s);

	rig_commit(t);
	return rc;
}

static int64_t
latest(void)
{
	struct err e = {0};
	struct store_txn *t = rig_begin(store, STORE_READ);
	struct model m = {.t = t, .a = &arena, .e = &e, .tenant = TENANT_DEFAULT};
	int64_t ret = -1;

	ck_assert_int_eq(believed_latest(&m, &ret), 0);
	store_abort(t);
	return ret;
}

START_TEST(time_goes_on)
{
	struct believed b = {0};

	ck_assert_int_eq(latest(), 0);
	ck_assert_int_eq(look(&b, NOW, NOON), 1);
	ck_assert_int_eq(latest(), NOW);
	ck_assert_int_eq(look(&b, NOW + DAY, NOON + DAY_S), 1);
	ck_assert_int_eq(latest(), NOW + DAY);
	/* What has been believed is not forgotten. */
	ck_assert_int_eq(look(&b, NOW - 1000 * DAY, NOON + DAY_S), 1);
	ck_assert_int_eq(latest(), NOW + DAY);
}
END_TEST

START_TEST(doubt_lasts_a_day)
{
	struct believed b = {0};
	int64_t wrong = NOW + DAY + 1;

	ck_assert_int_eq(look(&b, NOW, NOON), 1);
	ck_assert_int_eq(look(&b, wrong, NOON), 0);
	ck_assert_int_eq(look(&b, wrong + DAY - 1000, NOON + DAY_S - 1), 0);
	ck_assert_int_eq(latest(), NOW);
	ck_assert_int_eq(look(&b, wrong + DAY, NOON + DAY_S), 1);
	ck_assert_int_eq(latest(), wrong + DAY);
}
END_TEST

START_TEST(another_jump_is_another_doubt)
{
	struct believed b = {0};

	ck_assert_int_eq(look(&b, NOW, NOON), 1);
	ck_assert_int_eq(look(&b, NOW + 10 * DAY, NOON), 0);
	ck_assert_int_eq(look(&b, NOW + 20 * DAY, NOON + DAY_S), 0);
	ck_assert_int_eq(look(&b, NOW + 21 * DAY - 1000, NOON + 2 * DAY_S - 1), 0);
	/* Right in between: the doubt is over. */
	ck_assert_int_eq(look(&b, NOW + DAY, NOON + 2 * DAY_S - 1), 1);
	ck_assert_int_eq(look(&b, NOW + 21 * DAY, NOON + 2 * DAY_S), 0);
}
END_TEST

START_TEST(a_restart_is_no_proof)
{
	struct believed b = {0}, after = {0};

	ck_assert_int_eq(look(&b, NOW, NOON), 1);
	ck_assert_int_eq(look(&b, NOW + 10 * DAY, NOON), 0);
	ck_assert_int_eq(look(&after, NOW + 11 * DAY, NOON + DAY_S), 0);
	ck_assert_int_eq(look(&after, NOW + 12 * DAY, NOON + 2 * DAY_S), 1);
}
END_TEST

/* A machine that is off over a weekend and each night: a day of running is enough. */
START_TEST(office_hours)
{
	struct believed first = {0};
	int believed = 0;

	ck_assert_int_eq(look(&first, NOW, NOON), 1);
	for (int day = 3; day < 7; day++) {
		struct believed b = {0};

		for (int hour = 0; hour < 12; hour++)
			believed += look(&b, NOW + day * DAY + hour * DAY / 24, NOON + hour * 3600);
		/* 11 hours of each day count. */
		ck_assert_int_eq(believed > 0, day >= 5);
	}
	ck_assert_int_eq(latest(), NOW + 6 * DAY + 11 * DAY / 24);
}
END_TEST

/* A doubt that has begun is forgotten by a restart at the right time. */
START_TEST(a_right_clock_ends_the_doubt)
{
	struct believed b = {0}, after = {0}, later = {0};

	ck_assert_int_eq(look(&b, NOW, NOON), 1);
	ck_assert_int_eq(look(&b, NOW + 10 * DAY, NOON), 0);
	ck_assert_int_eq(look(&b, NOW + 11 * DAY - 1000, NOON + DAY_S - 1), 0);
	ck_assert_int_eq(look(&after, NOW, NOON + DAY_S), 1);
	ck_assert_int_eq(latest(), NOW);
	ck_assert_int_eq(look(&later, NOW + 11 * DAY, NOON + DAY_S), 0);
	ck_assert_int_eq(look(&later, NOW + 11 * DAY + 2000, NOON + DAY_S + 2), 0);
}
END_TEST

/* Ends a session; whether the one of that token is over. */
static int
revoke(int64_t token, int64_t now_ms, int64_t asked)
{
	struct err e = {0};
	struct store_txn *t = rig_begin(store, STORE_WRITE);
	struct model m = {.t = t, .a = &arena, .e = &e, .tenant = TENANT_DEFAULT};
	int ret;

	ck_assert_msg(revoked_add(&m, 7, token, now_ms) == 0, "%s", err_text(&e));
	ret = revoked_is(&m, 7, asked);
	rig_commit(t);
	return ret;
}

/* Ended sessions stay ended though somebody logs out while the clock is wrong. */
START_TEST(ended_sessions_stay_ended)
{
	struct believed b = {0};

	ck_assert_int_eq(revoke(1, NOW, 1), 1);
	ck_assert_int_eq(revoke(2, NOW + 3650 * DAY, 1), 1);
	ck_assert_int_eq(look(&b, NOW, NOON), 1);
	ck_assert_int_eq(revoke(3, NOW + 3650 * DAY, 1), 1);
	for (int day = 1; day <= 31; day++)
		ck_assert_int_eq(look(&b, NOW + day * DAY, NOON + day * DAY_S), 1);
	/* By now no token of then is good for anything. */
	ck_assert_int_eq(revoke(4, NOW + 31 * DAY, 1), 0);
	ck_assert_int_eq(revoke(5, NOW + 31 * DAY, 2), 1);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("believed");
	TCase *t = tcase_create("believed");
	SRunner *r;
	int failed;

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, time_goes_on);
	tcase_add_test(t, doubt_lasts_a_day);
	tcase_add_test(t, another_jump_is_another_doubt);
	tcase_add_test(t, a_restart_is_no_proof);
	tcase_add_test(t, office_hours);
	tcase_add_test(t, a_right_clock_ends_the_doubt);
	tcase_add_test(t, ended_sessions_stay_ended);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
