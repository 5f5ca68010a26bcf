/* SPDX-License-Identifier: ISC */
/* The LMDB engine where it meets the disk: full and failing ones, its limits, its files. */
#include <check.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backend/store.h"
#include "common/sandbox.h"
#include "tests/mounts.h"
#include "tests/store_faults.h"
#include "tests/store_rig.h"

enum { ACKNOWLEDGED = 43, MIB = 1 << 20 };

static struct store_rig rig;

static void
setup(void)
{
	store_rig_open(&rig, "lmdb");
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

static long long
file_size(const char *name)
{
	char path[128];
	struct stat st;

	snprintf(path, sizeof(path), "%s/%s", rig.home, name);
	ck_assert_int_eq(stat(path, &st), 0);
	return (long long)st.st_size;
}

/* Rows of a size until there is no room: how many were acknowledged. */
static unsigned
fill(size_t size)
{
	char *val = calloc(1, size), key[16];
	unsigned n = 0;
	int rc;

	do {
		snprintf(key, sizeof(key), "row%u", ++n);
		snprintf(val, size, "%u", n);
		rc = put(key, (struct str){val, size});
	} while (rc == 0 && n < 2000);
	ck_assert_int_eq(rc, ERR_NO_SPACE);
	/* And again, as the next one would be. */
	ck_assert_int_eq(put(key, (struct str){val, size}), ERR_NO_SPACE);
	free(val);
	return n - 1;
}

static void
check_rows(unsigned n)
{
	char key[16];

	for (unsigned i = 1; i <= n; i++) {
		snprintf(key, sizeof(key), "row%u", i);
		ck_assert_uint_eq(get(key), i);
	}
	snprintf(key, sizeof(key), "row%u", n + 1);
	ck_assert_uint_eq(get(key), 0);
}

/* A write ends half way, which the library calls an I/O error. */
START_TEST(a_write_that_ends_half_way)
{
	struct rlimit limit, small;
	unsigned n;

	signal(SIGXFSZ, SIG_IGN);
	ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
	small = limit;
	small.rlim_cur = (rlim_t)file_size("data.mdb") + 5 * MIB + 1234;
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &small), 0);
	n = fill(300000);
	ck_assert_uint_gt(n, 5);
	check_rows(n);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	ck_assert_int_eq(put("v", STR_LIT("1")), 0);
	store_rig_reopen(&rig);
	check_rows(n);
	ck_assert_uint_eq(get("v"), 1);
}
END_TEST

/* A real file system of 6 MiB; for root, who may mount one. */
START_TEST(a_file_system_that_gets_full)
{
	unsigned n;

	if (geteuid() != 0) {
		printf("SKIP: a full file system needs root\n");
		return;
	}
	store_close(rig.s);
	rig.s = NULL;
	mounts_of_my_own();
	ck_assert_int_eq(mount("tmpfs", rig.home, "tmpfs", 0, "size=6m,mode=0700"), 0);
	store_rig_reopen(&rig);
	n = fill(300000);
	ck_assert_uint_gt(n, 5);
	check_rows(n);
	ck_assert_int_eq(mount("tmpfs", rig.home, "tmpfs", MS_REMOUNT, "size=12m,mode=0700"), 0);
	ck_assert_int_eq(put("v", STR_LIT("1")), 0);
	store_rig_reopen(&rig);
	check_rows(n);
	ck_assert_uint_eq(get("v"), 1);
	store_close(rig.s);
	rig.s = NULL;
	ck_assert_int_eq(umount(rig.home), 0);
}
END_TEST

static void
limit_addresses(size_t more)
{
	struct rlimit limit;
	FILE *f = fopen("/proc/self/statm", "r");
	unsigned long pages;

	ck_assert_ptr_nonnull(f);
	ck_assert_int_eq(fscanf(f, "%lu", &pages), 1);
	fclose(f);
	ck_assert_int_eq(getrlimit(RLIMIT_AS, &limit), 0);
	limit.rlim_cur = more > 0 ? pages * (rlim_t)sysconf(_SC_PAGESIZE) + more : limit.rlim_max;
	ck_assert_int_eq(setrlimit(RLIMIT_AS, &limit), 0);
}

/* With few addresses there is room for as much as they cover, and more after a start with more. */
START_TEST(addresses_that_run_out)
{
	unsigned n;

	/* Which takes addresses itself, at any time. */
	if (SANDBOX_SANITIZED)
		return;
	store_close(rig.s);
	rig.s = NULL;
	limit_addresses(120 * (size_t)MIB);
	store_rig_reopen(&rig);
	ck_assert_ptr_nonnull(strstr(rig.lines, "address space leaves 64 MiB"));
	n = fill(900000);
	ck_assert_uint_gt(n, 10);
	limit_addresses(0);
	store_rig_reopen(&rig);
	check_rows(n);
	ck_assert_int_eq(put("v", STR_LIT("1")), 0);
}
END_TEST

static int
put_without_last_page(struct store_rig *r)
{
	if (store_rig_put_row(r, "v", STR_LIT("1")) != 0)
		return 1;
	/* Of what stands for no room elsewhere nobody knows here what has become. */
	atomic_store(&fault_sync_write_errno, ENOSPC);
	return store_rig_put_row(r, "v", STR_LIT("2")) == 0 ? ACKNOWLEDGED : 2;
}

START_TEST(failed_last_page)
{
	ck_assert_int_eq(store_rig_in_child(&rig, put_without_last_page), RIG_PANICKED);
	store_rig_reopen(&rig);
	ck_assert_uint_ge(get("v"), 1);
	ck_assert_int_eq(put("v", STR_LIT("3")), 0);
}
END_TEST

static int
part_rows(uint32_t part)
{
	struct store_txn *t = rig_begin(rig.s, STORE_READ);
	struct str val;
	struct err e;
	int rc = store_part_get(t, part, STR_LIT("k"), &rig_arena, &val, &e);

	rig_commit(t);
	return rc;
}

/* The library has forgotten the partition by the time that its removal fails. */
START_TEST(a_removal_without_room)
{
	struct store_txn *t = rig_begin(rig.s, STORE_WRITE);
	struct err e;

	ck_assert_int_eq(store_part_put(t, 7, STR_LIT("k"), STR_LIT("v"), &e), 0);
	rig_commit(t);
	atomic_store(&fault_full, rig.home);
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(store_part_drop(rig.s, 7, &e), -1);
		ck_assert_int_eq(e.code, ERR_NO_SPACE);
		ck_assert_int_eq(part_rows(7), 1);
	}
	atomic_store(&fault_full, NULL);
	ck_assert_int_eq(store_part_drop(rig.s, 7, &e), 1);
	ck_assert_int_eq(part_rows(7), 0);
	store_rig_reopen(&rig);
	ck_assert_int_eq(part_rows(7), 0);
}
END_TEST

static int
leave_a_reader(struct store_rig *r)
{
	rig_begin(r->s, STORE_READ);
	kill(getpid(), SIGKILL);
	return 0;
}

/* A reader keeps the pages that it can see; one that is dead does not. */
START_TEST(a_killed_reader_keeps_nothing)
{
	static char val[20000];
	long long before;

	ck_assert_int_eq(put("v", (struct str){val, sizeof(val)}), 0);
	ck_assert_int_eq(store_rig_in_child(&rig, leave_a_reader), -1);
	store_rig_reopen(&rig);
	for (int i = 0; i < 10; i++)
		ck_assert_int_eq(put("v", (struct str){val, sizeof(val)}), 0);
	before = file_size("data.mdb");
	for (int i = 0; i < 200; i++)
		ck_assert_int_eq(put("v", (struct str){val, sizeof(val)}), 0);
	ck_assert_int_le(file_size("data.mdb"), before + 20 * (long long)sizeof(val));
}
END_TEST

START_TEST(counters)
{
	struct store_stats before, after;

	store_stats(rig.s, &before);
	atomic_store(&fault_log_flushes, 0);
	for (int i = 0; i < 25; i++)
		ck_assert_int_eq(put("v", STR_LIT("1")), 0);
	store_stats(rig.s, &after);
	ck_assert_uint_eq(after.commits - before.commits, 25);
	ck_assert_uint_eq(after.flushes - before.flushes, 25);
	ck_assert_uint_eq(atomic_load(&fault_log_flushes), 25);
}
END_TEST

static void
refuses(const char *engine, const char *why)
{
	struct store *other;
	struct err e;

	rig.conf.engine = engine;
	ck_assert_int_eq(store_open(&other, &rig.conf, &e), -1);
	ck_assert_msg(strstr(err_text(&e), why) != NULL, "%s", err_text(&e));
	rig.conf.engine = "lmdb";
}

START_TEST(directory)
{
	struct store *other;
	struct stat st;
	struct err e;
	char path[128];

	ck_assert_int_eq(stat(rig.home, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777U, 0700);
	for (int i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "%s/%s", rig.home, i == 0 ? "data.mdb" : "lock.mdb");
		ck_assert_int_eq(stat(path, &st), 0);
		ck_assert_uint_eq(st.st_mode & 07777U, 0600);
	}
	ck_assert_int_eq(store_open(&other, &rig.conf, &e), -1);
	ck_assert_int_eq(e.code, ERR_UNAVAILABLE);
	refuses("bdb", "holds a store of the engine \"lmdb\"");

	store_close(rig.s);
	rig.s = NULL;
	refuses("bdb", "holds a store of the engine \"lmdb\"");
	ck_assert_int_eq(chmod(rig.home, 0750), 0);
	ck_assert_int_eq(store_open(&other, &rig.conf, &e), -1);
	ck_assert_int_eq(chmod(rig.home, 0700), 0);
	store_rig_reopen(&rig);
}
END_TEST

START_TEST(another_engines_directory)
{
	char path[128];

	store_close(rig.s);
	rig.s = NULL;
	rig.conf.dir = path;
	snprintf(path, sizeof(path), "%s/bdb", rig.dir);
	rig.conf.engine = "bdb";
	store_rig_reopen(&rig);
	refuses("lmdb", "holds a store of the engine \"bdb\"");
	rig.conf.engine = "bdb";
	store_rig_reopen(&rig);
	ck_assert_int_eq(put("v", STR_LIT("1")), 0);
	store_close(rig.s);
	rig.s = NULL;
	refuses("lmdb", "holds a store of the engine \"bdb\"");
}
END_TEST

/* The library takes an older file for a good one; the mark does not. */
START_TEST(an_older_file_is_noticed)
{
	char command[512];

	ck_assert_int_eq(put("v", STR_LIT("1")), 0);
	store_close(rig.s);
	rig.s = NULL;
	snprintf(command, sizeof(command), "cp %s/data.mdb %s/older", rig.home, rig.dir);
	ck_assert_int_eq(system(command), 0);
	store_rig_reopen(&rig);
	ck_assert_int_eq(put("v", STR_LIT("2")), 0);
	store_close(rig.s);
	rig.s = NULL;
	snprintf(command, sizeof(command), "cp %s/older %s/data.mdb", rig.dir, rig.home);
	ck_assert_int_eq(system(command), 0);
	refuses("lmdb", "the store has lost commits 2 to 2");
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("store_lmdb");
	TCase *tc = tcase_create("disk");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 30);
	tcase_add_test(tc, a_write_that_ends_half_way);
	tcase_add_test(tc, a_file_system_that_gets_full);
	tcase_add_test(tc, addresses_that_run_out);
	tcase_add_test(tc, failed_last_page);
	tcase_add_test(tc, a_removal_without_room);
	tcase_add_test(tc, a_killed_reader_keeps_nothing);
	tcase_add_test(tc, counters);
	tcase_add_test(tc, directory);
	tcase_add_test(tc, another_engines_directory);
	tcase_add_test(tc, an_older_file_is_noticed);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
