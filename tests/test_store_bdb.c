/* SPDX-License-Identifier: ISC */
/* The Berkeley DB engine where it meets the disk: its cache, its log, its files. */
#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backend/store.h"
#include "tests/store_faults.h"
#include "tests/store_rig.h"

enum { ACKNOWLEDGED = 43 };

static struct store_rig rig;

static void
setup(void)
{
	store_rig_open(&rig, "bdb");
}

static void
teardown(void)
{
	store_rig_close(&rig);
}

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

/* A transaction larger than the cache cannot evict its pages: the library calls that EIO. */
START_TEST(full_disk_with_a_full_cache)
{
	static char val[900];
	char key[16];
	struct store_txn *t;
	struct err e;
	int ret = 0;

	rig.conf.cache_bytes = 512 << 10;
	store_rig_reopen(&rig);
	ck_assert_int_eq(put("v", STR_LIT("1")), 0);
	atomic_store(&fault_full, ".db");
	ck_assert_int_eq(store_begin(rig.s, STORE_WRITE, &t, &e), 0);
	for (int i = 0; i < 5000 && ret == 0; i++) {
		snprintf(key, sizeof(key), "k%d", i);
		ret = store_put(t, STORE_DATA, str_c(key), (struct str){val, sizeof(val)}, &e);
	}
	ck_assert_int_eq(ret, -1);
	ck_assert_msg(e.code == ERR_NO_SPACE, "%s: %s", err_name(e.code), err_text(&e));
	atomic_store(&fault_full, NULL);
	store_abort(t);
	ck_assert_int_eq(put("v", STR_LIT("2")), 0);
	ck_assert_uint_eq(get("v"), 2);
}
END_TEST

static int
fill_first_log(struct store_rig *r)
{
	static char val[20000];

	memset(val, ' ', sizeof(val));
	atomic_store(&fault_full, "/log.0000000002");
	for (unsigned i = 1; i < 3000; i++) {
		char key[16];

		snprintf(key, sizeof(key), "%u", i);
		if (store_rig_put_row(r, key, (struct str){val, sizeof(val)}) != 0)
			return 3;
	}
	return ACKNOWLEDGED;
}

/* The disk is full just when the log goes to its second file: the library says the commit
 * succeeded although nothing was written. */
START_TEST(full_disk_at_a_new_log_file)
{
	ck_assert_int_eq(store_rig_in_child(&rig, fill_first_log), RIG_PANICKED);
	store_rig_reopen(&rig);
}
END_TEST

static unsigned
log_files(void)
{
	DIR *d = opendir(rig.home);
	struct dirent *f;
	unsigned n = 0;

	ck_assert_ptr_nonnull(d);
	while ((f = readdir(d)) != NULL)
		n += strncmp(f->d_name, "log.", 4) == 0;
	closedir(d);
	return n;
}

START_TEST(logs_and_counters)
{
	static char val[100000];
	struct store_stats before, after;
	struct err e;

	for (int i = 0; i < 600; i++)
		ck_assert_int_eq(put("big", (struct str){val, sizeof(val)}), 0);
	store_stats(rig.s, &before);
	ck_assert_uint_gt(before.log_bytes, 40 << 20);
	ck_assert_uint_gt(log_files(), 2);
	ck_assert_int_eq(store_checkpoint(rig.s, before.log_bytes + (8 << 20), &e), 0);
	store_stats(rig.s, &after);
	ck_assert_uint_ge(after.log_bytes, before.log_bytes);
	ck_assert_int_eq(store_checkpoint(rig.s, before.log_bytes / 2, &e), 0);
	store_stats(rig.s, &after);
	ck_assert_uint_lt(after.log_bytes, 1 << 20);
	ck_assert_uint_le(log_files(), 2);

	store_stats(rig.s, &before);
	atomic_store(&fault_log_flushes, 0);
	for (int i = 0; i < 25; i++)
		ck_assert_int_eq(put("v", STR_LIT("1")), 0);
	store_stats(rig.s, &after);
	ck_assert_uint_eq(after.commits - before.commits, 25);
	ck_assert_uint_eq(after.flushes - before.flushes, 25);
	ck_assert_uint_eq(atomic_load(&fault_log_flushes), 25);
	ck_assert_uint_gt(after.cache_hits, 0);
}
END_TEST

START_TEST(directory)
{
	struct store *other;
	struct stat st;
	struct err e;
	char path[128];
	FILE *f;

	ck_assert_int_eq(stat(rig.home, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777U, 0700);
	snprintf(path, sizeof(path), "%s/data.db", rig.home);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777U, 0600);
	ck_assert_ptr_nonnull(strstr(rig.lines, "opened and recovered in "));
	ck_assert_ptr_nonnull(strstr(rig.lines, "tables opened in "));
	ck_assert_int_eq(store_open(&other, &rig.conf, &e), -1);
	ck_assert_int_eq(e.code, ERR_UNAVAILABLE);

	store_close(rig.s);
	rig.s = NULL;
	ck_assert_int_eq(chmod(rig.home, 0750), 0);
	ck_assert_int_eq(store_open(&other, &rig.conf, &e), -1);
	ck_assert_int_eq(chmod(rig.home, 0700), 0);
	snprintf(path, sizeof(path), "%s/DB_CONFIG", rig.home);
	ck_assert_ptr_nonnull(f = fopen(path, "w"));
	fclose(f);
	ck_assert_int_eq(store_open(&other, &rig.conf, &e), -1);
	ck_assert_int_eq(unlink(path), 0);
	snprintf(path, sizeof(path), "%s/link", rig.dir);
	ck_assert_int_eq(symlink(rig.home, path), 0);
	rig.conf.dir = path;
	ck_assert_int_eq(store_open(&other, &rig.conf, &e), -1);
	rig.conf.dir = "/nonexistent/db";
	ck_assert_int_eq(store_open(&other, &rig.conf, &e), -1);
	rig.conf.dir = rig.home;
	store_rig_reopen(&rig);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("store_bdb");
	TCase *tc = tcase_create("disk");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 30);
	tcase_add_test(tc, full_disk_with_a_full_cache);
	tcase_add_test(tc, full_disk_at_a_new_log_file);
	tcase_add_test(tc, logs_and_counters);
	tcase_add_test(tc, directory);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
