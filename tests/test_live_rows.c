/* SPDX-License-Identifier: ISC */
/*
 * The bounds of what a switch can make the backend keep: a hundred thousand rows of one source, in
 * all kinds together, which one message ends.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/live_conference.h"
#include "tests/feeder.h"
#include "tests/store_rig.h"

enum { PART = 5000 };

static struct store_rig rig;
static struct store_txn *t;
static struct arena a;
static struct err e;
static struct model m;
static struct live_source source;

static void
begin(void)
{
	t = rig_begin(rig.s, STORE_WRITE);
	m = (struct model){.t = t, .a = &a, .e = &e, .tenant = TENANT_DEFAULT};
}

static void
commit(void)
{
	rig_commit(t);
	arena_free(&a);
}

static void
setup(void)
{
	store_rig_open(&rig, "bdb");
	arena_init(&a, 64 << 20);
	err_clear(&e);
	source = (struct live_source){.name = STR_LIT("fs-1")};
	begin();
}

static void
teardown(void)
{
	store_abort(t);
	arena_free(&a);
	store_rig_close(&rig);
}

static int
begin_in(const char *key, const char *room)
{
	struct live_conference c = feeder_conference(room);

	return live_conference_set(&m, &source, str_c(key), 1, &c);
}

static int
join_as(const char *key, int64_t id)
{
	struct live_member member = feeder_participant(id, "4410");

	return live_member_set(&m, &source, str_c(key), &member);
}

static int
add_key(void *arg, struct str key, struct str val)
{
	(void)key;
	(void)val;
	++*(int64_t *)arg;
	return 0;
}

/* Rows of the system in the store, the index's included. */
static int64_t
rows(void)
{
	char prefix[8] = {0, 0, 0, TENANT_DEFAULT, 0, 0, 0, 0};
	int64_t n = 0;

	for (enum store_table table = STORE_DATA; table <= STORE_INDEX; table++)
		ck_assert_int_eq(store_scan(t, table, (struct str){prefix, sizeof(prefix)},
		                     (struct str){"", 0}, add_key, &n, &e),
		    0);
	return n;
}

static void
fill(int64_t until)
{
	for (int64_t i = source.rows; i < until; i++) {
		ck_assert_int_eq(join_as("c1", i), 0);
		if (i % PART == 0) {
			commit();
			begin();
		}
	}
}

static void
say(const char *what, long long since)
{
	if (getenv("TANDEM_SHOW_TIMES") != NULL)
		fprintf(stderr, "%s: %lld ms\n", what, ms_now() - since);
}

START_TEST(a_hundred_thousand_rows_and_no_more)
{
	struct live_member member;
	long long since = ms_now();
	struct live_call call = feeder_call("<sip:1@a.example>", "<sip:2@a.example>", 1);

	ck_assert_int_eq(begin_in("c1", "7001"), 0);
	fill(LIVE_ROWS_MAX);
	say("filled", since);
	ck_assert_int_eq(source.rows, LIVE_ROWS_MAX);
	ck_assert_int_eq(rows(), LIVE_ROWS_MAX);
	/* Of no kind is there room for one more; what is there can still change. */
	ck_assert_int_ne(join_as("c1", LIVE_ROWS_MAX), 0);
	ck_assert_int_eq(e.code, ERR_INVALID);
	err_clear(&e);
	ck_assert_int_ne(begin_in("c2", "7001"), 0);
	err_clear(&e);
	ck_assert_int_ne(live_call_set(&m, &source, STR_LIT("x"), &call), 0);
	ck_assert_int_eq(e.code, ERR_INVALID);
	err_clear(&e);
	ck_assert_int_eq(join_as("c1", 5), 0);
	ck_assert_int_eq(live_member_of(&m, STR_LIT("fs-1\0c1"), LIVE_ROWS_MAX - 1, &member), 1);
	ck_assert_int_eq(source.rows, LIVE_ROWS_MAX);
	commit();
	begin();
	/* A transaction takes it all away, or nothing. */
	since = ms_now();
	ck_assert_int_eq(live_conference_end(&m, &source, STR_LIT("c1")), 0);
	say("ended", since);
	ck_assert_int_eq(source.rows, 0);
	ck_assert_int_eq(rows(), 0);
	store_abort(t);
	begin();
	ck_assert_int_eq(rows(), LIVE_ROWS_MAX);
	source.rows = LIVE_ROWS_MAX;
	/* So does a sweep, however many there are. */
	source.generation++;
	ck_assert_int_eq(begin_in("c1", "7001"), 0);
	ck_assert_int_eq(join_as("c1", 77), 0);
	since = ms_now();
	ck_assert_int_eq(live_sweep(&m, &source), 0);
	say("swept", since);
	ck_assert_int_eq(source.rows, 2);
	ck_assert_int_eq(rows(), 2);
}
END_TEST

/* Names that begin alike, and numbers whose bytes are separators. */
START_TEST(neighbours_stay)
{
	struct live_source other = {.name = STR_LIT("fs-10")};
	struct live_conference c = feeder_conference("x");
	struct live_member member = feeder_participant(0, "1");
	bool empty;

	ck_assert_int_eq(begin_in("c", "x"), 0);
	ck_assert_int_eq(begin_in("c1", "x"), 0);
	ck_assert_int_eq(begin_in("c10", "x"), 0);
	ck_assert_int_eq(live_conference_set(&m, &other, STR_LIT("c1"), 1, &c), 0);
	ck_assert_int_eq(live_member_set(&m, &other, STR_LIT("c1"), &member), 0);
	ck_assert_int_eq(join_as("c", 0), 0);
	ck_assert_int_eq(join_as("c10", 0), 0);
	ck_assert_int_eq(join_as("c1", 0), 0);
	ck_assert_int_eq(join_as("c1", INT64_MAX), 0);
	ck_assert_int_eq(rows(), 4 + 5);
	ck_assert_int_eq(live_conference_end(&m, &source, STR_LIT("c1")), 0);
	ck_assert_int_eq(rows(), 3 + 3);
	ck_assert_int_eq(source.rows, 4);
	ck_assert_int_eq(live_conference_is_empty(&m, STR_LIT("fs-1\0c1"), &empty), 0);
	ck_assert(empty);
	source.generation++;
	ck_assert_int_eq(live_sweep(&m, &source), 0);
	ck_assert_int_eq(rows(), 2);
	ck_assert_int_eq(other.rows, 2);
	ck_assert_int_eq(live_conference_is_empty(&m, STR_LIT("fs-10\0c1"), &empty), 0);
	ck_assert(!empty);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("live_rows");
	TCase *tc = tcase_create("live_rows");
	SRunner *r;
	int failed;

	tcase_set_timeout(tc, 240);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, neighbours_stay);
	tcase_add_test(tc, a_hundred_thousand_rows_and_no_more);
	suite_add_tcase(s, tc);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
