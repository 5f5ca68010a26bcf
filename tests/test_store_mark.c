/* SPDX-License-Identifier: ISC */
/*
 * What a log that has lost its end looks like to Berkeley DB: nothing. The high-water mark sees it,
 * and never sees what is not there.
 */
#include <check.h>
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "backend/store_mark.h"
#include "tests/store_rig.h"

enum { COMMITS = 300, ROW = 1000, PATIENCE_MS = 20000 };

static struct store_rig rig;
static struct store *store;
static struct err err;

static void
setup(void)
{
	store_rig_open(&rig, "bdb");
	store_close(rig.s);
	rig.s = NULL;
}

static void
teardown(void)
{
	store_rig_close(&rig);
}

static bool
opens(void)
{
	err_clear(&err);
	return store_open(&store, &rig.conf, &err) == 0;
}

/* Commits that many rows of a size. */
static void
commit(int from, int n, size_t size)
{
	char key[16], *val = calloc(1, size);
	struct store_txn *t;

	for (int i = from; i < from + n; i++) {
		struct err e;

		snprintf(key, sizeof(key), "row%06d", i);
		if (store_begin(store, STORE_WRITE, &t, &e) != 0 ||
		    store_put(t, STORE_DATA, str_c(key), (struct str){val, size}, &e) != 0 ||
		    store_commit(t, &e) != 0)
			_exit(9);
	}
	free(val);
}

static void
wait_ms(long ms)
{
	nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000}, NULL);
}

/* Until the mark of the last commit is there; a thread of the store writes it in its own time. */
static void
await_mark(void)
{
	char id[STORE_ID_MAX + 1], path[160];
	uint64_t last;
	int fd;

	snprintf(path, sizeof(path), "%s/" STORE_MARK_FILE, rig.home);
	store_identity(store, id, &last);
	if ((fd = open(path, O_RDONLY | O_CLOEXEC)) < 0)
		_exit(7);
	for (int ms = 0; ms < PATIENCE_MS; ms += 5) {
		/* Two slots, each with the number behind a word of 8 bytes and the store's of 16. */
		for (off_t at = 0; at <= 4096; at += 4096) {
			unsigned char bytes[8];
			uint64_t n = 0;

			if (pread(fd, bytes, 8, at + 24) != 8)
				continue;
			for (int i = 0; i < 8; i++)
				n = n << 8 | bytes[i];
			if (n == last)
				return;
		}
		wait_ms(5);
	}
	_exit(6);
}

/* A process that commits and then is gone, with the mark on disk or killed somewhere. */
static void
crash_after(int from, int n, size_t size, int kill_ms)
{
	int status;
	pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		if (!opens())
			_exit(8);
		commit(from, n, size);
		await_mark();
		_exit(0);
	}
	if (kill_ms >= 0) {
		wait_ms(kill_ms);
		kill(pid, SIGKILL);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_msg(kill_ms >= 0 || (WIFEXITED(status) && WEXITSTATUS(status) == 0), "%d", status);
}

/* The newest file of the log; how many there are. */
static int
newest_log(char path[160])
{
	DIR *d = opendir(rig.home);
	struct dirent *entry;
	char best[64] = "";
	int n = 0;

	while ((entry = readdir(d)) != NULL)
		if (strncmp(entry->d_name, "log.", 4) == 0) {
			n++;
			if (strcmp(entry->d_name, best) > 0)
				snprintf(best, sizeof(best), "%.60s", entry->d_name);
		}
	closedir(d);
	snprintf(path, 160, "%s/%s", rig.home, best);
	return n;
}

static void
overwrite(const char *path, off_t at, size_t n)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	char *junk = malloc(n);

	memset(junk, 0x5a, n);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(pwrite(fd, junk, n, at), (ssize_t)n);
	free(junk);
	close(fd);
}

static void
is_refused(const char *why)
{
	char path[160];

	ck_assert(!opens());
	ck_assert_msg(strstr(err_text(&err), why) != NULL, "%s", err_text(&err));
	/* Each time, until somebody decides. */
	ck_assert(!opens());
	snprintf(path, sizeof(path), "%s/" STORE_MARK_FILE, rig.home);
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_msg(opens(), "%s", err_text(&err));
	commit(900000, 1, 10);
	store_close(store);
	ck_assert(opens());
	store_close(store);
}

START_TEST(the_newest_log_is_gone)
{
	char path[160];

	crash_after(0, 90, 500000, -1);
	ck_assert_int_gt(newest_log(path), 1);
	ck_assert_int_eq(unlink(path), 0);
	is_refused("is missing");
}
END_TEST

/* As when a file system was not there, or a copy not complete. */
static void
comes_back(const char *path)
{
	char aside[200];

	snprintf(aside, sizeof(aside), "%s/aside", rig.dir);
	ck_assert_int_eq(rename(path, aside), 0);
	for (int i = 0; i < 2; i++)
		ck_assert(!opens());
	ck_assert_int_eq(rename(aside, path), 0);
	ck_assert_msg(opens(), "%s", err_text(&err));
	store_close(store);
}

START_TEST(the_newest_log_comes_back)
{
	char path[160];

	crash_after(0, 90, 500000, -1);
	newest_log(path);
	comes_back(path);
}
END_TEST

/* One that recovery needs, of several. */
START_TEST(a_log_between_comes_back)
{
	char path[160];

	crash_after(0, 90, 500000, -1);
	ck_assert_int_gt(newest_log(path), 2);
	snprintf(path, sizeof(path), "%s/log.0000000002", rig.home);
	comes_back(path);
}
END_TEST

/* A mark is written a moment after its commit, and the log goes on in the next file without one,
 * too. The file that the mark names may have been removed by then, as nobody needs it any more. */
START_TEST(a_newer_log_is_there)
{
	char command[600], path[160];

	crash_after(0, 3, ROW, -1);
	snprintf(command, sizeof(command), "cp %s/" STORE_MARK_FILE " %s/older", rig.home, rig.dir);
	ck_assert_int_eq(system(command), 0);
	ck_assert_msg(opens(), "%s", err_text(&err));
	commit(3, 90, 500000);
	ck_assert_int_eq(store_checkpoint(store, 0, &err), 0);
	store_close(store);
	snprintf(path, sizeof(path), "%s/log.0000000001", rig.home);
	ck_assert_int_ne(access(path, F_OK), 0);
	snprintf(command, sizeof(command), "cp %s/older %s/" STORE_MARK_FILE, rig.dir, rig.home);
	ck_assert_int_eq(system(command), 0);
	ck_assert_msg(opens(), "%s", err_text(&err));
	store_close(store);
}
END_TEST

START_TEST(the_last_log_is_damaged_in_its_middle)
{
	char path[160];
	struct stat st;

	crash_after(0, COMMITS, ROW, -1);
	newest_log(path);
	ck_assert_int_eq(stat(path, &st), 0);
	/* Some half of what was written; the file may be longer. */
	overwrite(path, COMMITS * ROW / 2, 4096);
	is_refused("has lost commits");
}
END_TEST

START_TEST(an_older_copy)
{
	char command[600];

	crash_after(0, 10, ROW, -1);
	snprintf(command, sizeof(command), "cp -a %s %s.old", rig.home, rig.home);
	ck_assert_int_eq(system(command), 0);
	crash_after(10, 10, ROW, -1);
	snprintf(command, sizeof(command), "rm %s/log.* %s/*.db && cp -a %s.old/log.* %s.old/*.db %s/",
	    rig.home, rig.home, rig.home, rig.home, rig.home);
	ck_assert_int_eq(system(command), 0);
	is_refused("has lost commits");
}
END_TEST

/* Nothing is lost by that, and nothing is said to be. */
START_TEST(kills_are_no_damage)
{
	srandom(7);
	for (int i = 0; i < 20; i++) {
		crash_after(i * 100000, 100000, 100, (int)(random() % 150));
		ck_assert_msg(opens(), "round %d: %s", i, err_text(&err));
		commit(i * 1000, 3, 10);
		store_close(store);
	}
}
END_TEST

START_TEST(marks_that_are_damaged)
{
	char path[160];

	crash_after(0, 10, ROW, -1);
	snprintf(path, sizeof(path), "%s/" STORE_MARK_FILE, rig.home);
	/* The other slot is a mark as well. */
	overwrite(path, 0, 20);
	ck_assert_msg(opens(), "%s", err_text(&err));
	store_close(store);
	overwrite(path, 0, 20);
	overwrite(path, 4096, 20);
	ck_assert(!opens());
	ck_assert_msg(strstr(err_text(&err), "cannot be read") != NULL, "%s", err_text(&err));
	ck_assert_int_eq(truncate(path, 0), 0);
	ck_assert(!opens());
	ck_assert_int_eq(unlink(path), 0);
	ck_assert(opens());
	store_close(store);
}
END_TEST

/* Files that were taken away, or are another store's. */
START_TEST(another_store)
{
	char command[600], path[160], aside[200], fresh[200];

	snprintf(fresh, sizeof(fresh), "%s/fresh", rig.dir);
	ck_assert(opens());
	commit(0, 3, 10);
	store_close(store);
	snprintf(command, sizeof(command), "rm %s/log.* %s/*.db", rig.home, rig.home);
	ck_assert_int_eq(system(command), 0);
	ck_assert(!opens());
	ck_assert_msg(strstr(err_text(&err), "is missing") != NULL, "%s", err_text(&err));
	snprintf(path, sizeof(path), "%s/" STORE_MARK_FILE, rig.home);
	snprintf(aside, sizeof(aside), "%s/aside", rig.dir);
	ck_assert_int_eq(rename(path, aside), 0);
	ck_assert(opens());
	store_close(store);
	ck_assert_int_eq(rename(path, fresh), 0);
	ck_assert_int_eq(rename(aside, path), 0);
	ck_assert(!opens());
	ck_assert_msg(strstr(err_text(&err), "is not the one") != NULL, "%s", err_text(&err));
	ck_assert_int_eq(rename(fresh, path), 0);
	ck_assert(opens());
	store_close(store);
	/* Nothing was ever stored: it may begin again. */
	snprintf(command, sizeof(command), "rm %s/log.* %s/*.db", rig.home, rig.home);
	ck_assert_int_eq(system(command), 0);
	ck_assert_msg(opens(), "%s", err_text(&err));
	store_close(store);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("store_mark");
	TCase *t = tcase_create("mark");
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 120);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, the_newest_log_is_gone);
	tcase_add_test(t, the_newest_log_comes_back);
	tcase_add_test(t, a_log_between_comes_back);
	tcase_add_test(t, a_newer_log_is_there);
	tcase_add_test(t, the_last_log_is_damaged_in_its_middle);
	tcase_add_test(t, an_older_copy);
	tcase_add_test(t, kills_are_no_damage);
	tcase_add_test(t, marks_that_are_damaged);
	tcase_add_test(t, another_store);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
