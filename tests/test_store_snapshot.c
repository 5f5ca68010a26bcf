/* SPDX-License-Identifier: ISC */
/* Readers beside the writer, of the engines that flush: what they see, and when. */
#include <check.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/store.h"
#include "tests/store_faults.h"
#include "tests/store_rig.h"

static struct store_rig rig;

static int
put(const char *key, struct str val)
{
	return store_rig_put_row(&rig, key, val);
}

static unsigned
get(const char *key)
{
	return store_rig_number(&rig, key);
}

static atomic_bool finished;
static atomic_uint acknowledged, early, stale, during_flush;

static void *
watch(void *arg)
{
	while (!atomic_load(&finished)) {
		unsigned begun = atomic_load(&fault_flushes_begun);
		unsigned acked = atomic_load(&acknowledged);
		bool flushing = begun != atomic_load(&fault_flushes_ended);
		unsigned seen = get("v");

		if (seen > atomic_load(&fault_on_disk))
			atomic_fetch_add(&early, 1);
		if (seen < acked)
			atomic_fetch_add(&stale, 1);
		if (flushing && atomic_load(&fault_flushes_ended) != begun)
			atomic_fetch_add(&during_flush, 1);
	}
	return arg;
}

/* Readers beside a writer whose every flush takes 20 ms: nothing is seen before it is on disk,
 * what was acknowledged is seen, and reads begin and end within a flush. */
START_TEST(nothing_is_seen_before_the_flush)
{
	enum { READERS = 6, COMMITS = 40 };
	pthread_t readers[READERS];
	char text[16];

	store_rig_open(&rig, rig_engines[_i]);
	for (int i = 0; i < READERS; i++)
		ck_assert_int_eq(pthread_create(&readers[i], NULL, watch, NULL), 0);
	atomic_store(&fault_flush_ms, 20);
	for (unsigned v = 1; v <= COMMITS; v++) {
		fault_committing = v;
		snprintf(text, sizeof(text), "%u", v);
		ck_assert_int_eq(put("v", str_c(text)), 0);
		ck_assert_uint_eq(atomic_load(&fault_on_disk), v);
		atomic_store(&acknowledged, v);
	}
	fault_committing = 0;
	atomic_store(&fault_flush_ms, 0);
	atomic_store(&finished, true);
	for (int i = 0; i < READERS; i++)
		pthread_join(readers[i], NULL);
	ck_assert_uint_eq(atomic_load(&early), 0);
	ck_assert_uint_eq(atomic_load(&stale), 0);
	ck_assert_uint_gt(atomic_load(&during_flush), 10 * COMMITS);
	store_rig_close(&rig);
}
END_TEST

static void *
read_during_a_flush(void *arg)
{
	while (atomic_load(&fault_flushes_begun) == 0)
		sched_yield();
	ck_assert_uint_eq(get("v"), 0);
	atomic_store(&during_flush, atomic_load(&fault_flushes_ended) == 0);
	atomic_store(&fault_flush_ms, 0);
	return arg;
}

/* Nobody else's snapshot can be had: the commit has to bring one. */
START_TEST(a_lone_reader_does_not_wait)
{
	pthread_t thread;

	store_rig_open(&rig, rig_engines[_i]);
	ck_assert_int_eq(pthread_create(&thread, NULL, read_during_a_flush, NULL), 0);
	/* Until it has read, however long it has to wait for a processor. */
	atomic_store(&fault_flush_ms, 10000);
	fault_committing = 1;
	ck_assert_int_eq(put("v", STR_LIT("1")), 0);
	pthread_join(thread, NULL);
	ck_assert_uint_eq(atomic_load(&during_flush), 1);
	fault_committing = 0;
	atomic_store(&fault_flush_ms, 0);
	store_rig_close(&rig);
}
END_TEST

static int
add(void *arg, struct str key, struct str val)
{
	unsigned long *sum = arg;

	(void)key;
	*sum += strtoul(val.p, NULL, 10);
	return 0;
}

enum { ACCOUNTS = 400, START = 1000 };
static atomic_uint sums;

static void *
sum_up(void *arg)
{
	while (!atomic_load(&finished)) {
		struct store_txn *t;
		unsigned long sum = 0;
		struct err e;

		ck_assert_int_eq(store_begin(rig.s, STORE_READ, &t, &e), 0);
		ck_assert_msg(store_scan(t, STORE_DATA, STR_LIT("acc."), STR_LIT(""), add, &sum, &e) == 0,
		    "%s", err_text(&e));
		store_abort(t);
		ck_assert_uint_eq(sum, (unsigned long)ACCOUNTS * START);
		atomic_fetch_add(&sums, 1);
	}
	return arg;
}

/* An account is padded to a length that changes, so that pages split all the time. */
static void
set_account(struct store_txn *t, unsigned n, unsigned amount, unsigned pad)
{
	char key[32], val[2048];
	struct err e;

	snprintf(key, sizeof(key), "acc.%04u", n);
	memset(val, ' ', sizeof(val));
	snprintf(val, sizeof(val), "%u", amount);
	val[strlen(val)] = ' ';
	ck_assert_msg(store_put(t, STORE_DATA, str_c(key), (struct str){val, 16 + pad % 2000}, &e) == 0,
	    "%s", err_text(&e));
}

/* Sums over all rows while a writer moves amounts between them, in a cache too small for the
 * versions of the pages. */
START_TEST(lists_are_consistent)
{
	enum { READERS = 2, ROUNDS = 1500 };
	static unsigned amounts[ACCOUNTS];
	pthread_t readers[READERS];
	struct store_txn *t;
	struct err e;

	store_rig_open(&rig, rig_engines[_i]);
	rig.conf.cache_bytes = 512 << 10;
	store_rig_reopen(&rig);
	ck_assert_int_eq(store_begin(rig.s, STORE_WRITE, &t, &e), 0);
	for (unsigned i = 0; i < ACCOUNTS; i++)
		set_account(t, i, amounts[i] = START, 0);
	ck_assert_int_eq(store_commit(t, &e), 0);
	for (int i = 0; i < READERS; i++)
		ck_assert_int_eq(pthread_create(&readers[i], NULL, sum_up, NULL), 0);
	for (unsigned i = 0; i < ROUNDS; i++) {
		unsigned from = i * 37 % ACCOUNTS, to = (i * 101 + 1) % ACCOUNTS;

		if (from == to || amounts[from] == 0)
			continue;
		ck_assert_int_eq(store_begin(rig.s, STORE_WRITE, &t, &e), 0);
		set_account(t, from, --amounts[from], i * 7);
		set_account(t, to, ++amounts[to], i * 13);
		ck_assert_msg(store_commit(t, &e) == 0, "%s", err_text(&e));
	}
	atomic_store(&finished, true);
	for (int i = 0; i < READERS; i++)
		pthread_join(readers[i], NULL);
	ck_assert_uint_gt(atomic_load(&sums), 0);
	store_rig_close(&rig);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("store_snapshot");
	TCase *tc = tcase_create("readers");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tc, 30);
	tcase_add_loop_test(tc, nothing_is_seen_before_the_flush, 1, RIG_ENGINES);
	tcase_add_loop_test(tc, a_lone_reader_does_not_wait, 1, RIG_ENGINES);
	tcase_add_loop_test(tc, lists_are_consistent, 1, RIG_ENGINES);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
