/* SPDX-License-Identifier: ISC */
/* The spool of feeds: what is in it after a kill, with a torn end, with bytes that have changed. */
#include <check.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/log.h"
#include "common/sink.h"
#include "feeds/spool.h"

enum { LIMIT = 1024 * 1024 };

static char dir[64], file[96];
static struct err e;

static void
setup(void)
{
	snprintf(dir, sizeof(dir), "/tmp/tandem-spool-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(file, sizeof(file), "%s/kam-1.spool", dir);
}

static void
teardown(void)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	ck_assert_int_eq(system(command), 0);
}

static struct spool *
opened(bool expect_fresh)
{
	struct spool *s = NULL;
	bool fresh;

	err_clear(&e);
	ck_assert_msg(spool_open(&s, dir, "kam-1", LIMIT, &fresh, &e) == 0, "%s", err_text(&e));
	ck_assert_int_eq(fresh, expect_fresh);
	return s;
}

static enum spool_result
add(struct spool *s, enum feed_kind kind, const char *key, const char *cursor)
{
	struct feed_message m = {0};

	REC_SET(&m, feed_message, kind, kind);
	REC_SET(&m, feed_message, key, str_c(key));
	return spool_add(s, &m, cursor, &e);
}

static void
fill(struct spool *s, int from, int to)
{
	char key[32];

	for (int i = from; i <= to; i++) {
		snprintf(key, sizeof(key), "k%d", i);
		ck_assert_int_eq(add(s, feed_kind_CALL_END, key, NULL), SPOOL_OK);
	}
}

/* Reads the next message: its key, which is valid until the next call. */
static const char *
next_key(struct spool *s, int64_t want)
{
	static char key[64];
	struct feed_message m;
	struct arena a;
	struct str frame;
	int64_t seq;

	ck_assert_int_eq(spool_next(s, &frame, &seq, &e), 1);
	ck_assert_int_eq(seq, want);
	arena_init(&a, 65536);
	ck_assert_int_eq(env_read(frame, ENV_FEED_MESSAGE, &m, &a, &e), 0);
	ck_assert_int_eq(m.seq, want);
	ck_assert(str_eqc(m.source, "kam-1"));
	ck_assert(str_eqc(m.epoch, spool_epoch(s)));
	snprintf(key, sizeof(key), "%.*s", (int)m.key.n, m.key.p);
	arena_free(&a);
	return key;
}

START_TEST(numbers_and_epoch_go_on)
{
	struct spool *s = opened(true);
	char epoch[80], want[32];

	snprintf(epoch, sizeof(epoch), "%s", spool_epoch(s));
	fill(s, 1, 10);
	spool_close(s);
	s = opened(false);
	ck_assert_str_eq(spool_epoch(s), epoch);
	ck_assert_int_eq(spool_last(s), 10);
	fill(s, 11, 20);
	ck_assert_int_eq(spool_ack(s, 7, &e), 0);
	ck_assert(!spool_seek(s, 22));
	ck_assert(spool_seek(s, 21));
	ck_assert(spool_seek(s, 3));
	for (int i = 3; i <= 20; i++) {
		snprintf(want, sizeof(want), "k%d", i);
		ck_assert_str_eq(next_key(s, i), want);
	}
	ck_assert(spool_reset(s, 4, &e));
	ck_assert_int_eq(spool_acked(s), 4);
	ck_assert(!spool_reset(s, 21, &e));
	spool_close(s);
}
END_TEST

START_TEST(one_feed_alone_has_it)
{
	struct spool *s = opened(true), *other = NULL;
	bool fresh;

	ck_assert_int_eq(spool_open(&other, dir, "kam-1", LIMIT, &fresh, &e), -1);
	ck_assert_ptr_null(other);
	spool_close(s);
}
END_TEST

/* Cut at every byte of the last record, and with every byte of it changed. */
START_TEST(a_torn_end_is_cut_off)
{
	struct spool *s = opened(true);
	struct stat before, after;

	fill(s, 1, 4);
	ck_assert_int_eq(stat(file, &before), 0);
	fill(s, 5, 5);
	ck_assert_int_eq(stat(file, &after), 0);
	spool_close(s);
	for (off_t at = before.st_size; at < after.st_size; at++) {
		unsigned char c;
		int fd;

		for (int cut = 0; cut < 2; cut++) {
			if (cut == 1) {
				ck_assert_int_eq(truncate(file, at), 0);
			} else {
				fd = open(file, O_RDWR);
				ck_assert_int_eq(pread(fd, &c, 1, at), 1);
				c ^= 0x10;
				ck_assert_int_eq(pwrite(fd, &c, 1, at), 1);
				close(fd);
			}
			s = opened(false);
			ck_assert_int_eq(spool_last(s), 4);
			fill(s, 5, 5);
			ck_assert(spool_seek(s, 5));
			ck_assert_str_eq(next_key(s, 5), "k5");
			spool_close(s);
		}
	}
}
END_TEST

START_TEST(a_head_that_is_none_begins_anew)
{
	struct spool *s = opened(true);
	int fd;

	fill(s, 1, 3);
	spool_close(s);
	fd = open(file, O_RDWR);
	ck_assert_int_eq(pwrite(fd, "x", 1, 30), 1);
	close(fd);
	s = opened(true);
	ck_assert_int_eq(spool_last(s), 0);
	spool_close(s);
	ck_assert_int_eq(truncate(file, 100), 0);
	s = opened(true);
	fill(s, 1, 1);
	spool_close(s);
}
END_TEST

START_TEST(another_epoch_keeps_call_records)
{
	struct spool *s = opened(true);
	char epoch[80];

	snprintf(epoch, sizeof(epoch), "%s", spool_epoch(s));
	ck_assert_int_eq(add(s, feed_kind_CDR, "a", "c1"), SPOOL_OK);
	fill(s, 1, 10);
	ck_assert_int_eq(add(s, feed_kind_CDR, "b", "c2"), SPOOL_OK);
	fill(s, 1, 10);
	ck_assert_int_eq(add(s, feed_kind_CDR, "c", "c3"), SPOOL_OK);
	ck_assert_str_eq(spool_cursor_acked(s), "");
	ck_assert_int_eq(spool_ack(s, 5, &e), 0);
	ck_assert_str_eq(spool_cursor_acked(s), "c1");
	ck_assert_int_eq(spool_renew(s, &e), 0);
	ck_assert_str_ne(spool_epoch(s), epoch);
	ck_assert_int_eq(spool_last(s), 2);
	ck_assert_str_eq(next_key(s, 1), "b");
	ck_assert_str_eq(next_key(s, 2), "c");
	ck_assert_str_eq(spool_cursor(s), "c3");
	ck_assert_str_eq(spool_cursor_acked(s), "c1");
	spool_close(s);
	s = opened(false);
	ck_assert_int_eq(spool_last(s), 2);
	ck_assert_str_eq(spool_cursor(s), "c3");
	spool_close(s);
}
END_TEST

static off_t
size_of_file(void)
{
	struct stat st;

	ck_assert_int_eq(stat(file, &st), 0);
	return st.st_size;
}

START_TEST(it_never_gets_longer_than_its_limit)
{
	struct spool *s = opened(true);
	enum spool_result rc = SPOOL_OK;
	int n = 0, cdrs = 0;
	char cursor[32];

	while (rc == SPOOL_OK) {
		snprintf(cursor, sizeof(cursor), "c%d", cdrs + 1);
		if ((rc = add(s, feed_kind_CDR, "cdr", cursor)) == SPOOL_OK)
			cdrs++;
	}
	ck_assert_int_eq(rc, SPOOL_FULL);
	ck_assert_int_gt(size_of_file(), LIMIT / 2);
	/* Half of it is for the others. */
	while ((rc = add(s, feed_kind_CALL_END, "k", NULL)) == SPOOL_OK)
		n++;
	ck_assert_int_eq(rc, SPOOL_FULL);
	ck_assert_int_gt(n, 1000);
	ck_assert_int_le(size_of_file(), LIMIT);
	ck_assert_int_eq(spool_renew(s, &e), 0);
	ck_assert_int_eq(spool_last(s), cdrs);
	/* What is acknowledged makes room, with messages coming all the time. */
	for (int i = 0; i < 20000; i++) {
		ck_assert_int_eq(add(s, feed_kind_CALL_END, "k", NULL), SPOOL_OK);
		if (i % 100 == 0)
			ck_assert_int_eq(spool_ack(s, spool_last(s) - 50, &e), 0);
	}
	ck_assert_int_le(size_of_file(), LIMIT);
	snprintf(cursor, sizeof(cursor), "c%d", cdrs);
	ck_assert_str_eq(spool_cursor_acked(s), cursor);
	ck_assert_str_eq(spool_cursor(s), cursor);
	spool_close(s);
	s = opened(false);
	ck_assert_str_eq(spool_cursor(s), cursor);
	ck_assert_int_eq(spool_last(s), cdrs + 20000);
	spool_close(s);
}
END_TEST

/* A message that the backend could not read never gets a number. */
START_TEST(what_nobody_could_read_is_refused)
{
	struct spool *s = opened(true);
	char key[600];

	memset(key, 'k', sizeof(key) - 1);
	key[sizeof(key) - 1] = '\0';
	ck_assert_int_eq(add(s, feed_kind_CALL_END, key, NULL), SPOOL_FAILED);
	ck_assert(!err_is_fault(e.code));
	ck_assert_int_eq(add(s, feed_kind_CALL_END, "\xff", NULL), SPOOL_FAILED);
	ck_assert_int_eq(spool_last(s), 0);
	spool_close(s);
}
END_TEST

/* Killed while it writes and shortens; what it said it had is there. */
START_TEST(a_kill_at_any_point)
{
	for (int round = 0; round < 12; round++) {
		int line[2], said = 0, got;
		struct spool *s;
		pid_t pid;
		char c;

		ck_assert_int_eq(pipe(line), 0);
		s = opened(round == 0);
		said = (int)spool_last(s);
		spool_close(s);
		if ((pid = fork()) == 0) {
			s = opened(false);
			/* As the backend's welcome says it. What was killed while it made room is full. */
			spool_ack(s, spool_last(s), &e);
			for (int i = 0;; i++) {
				fill(s, i, i);
				if (write(line[1], "", 1) != 1)
					_exit(1);
				if (i % 7 == 0)
					spool_ack(s, spool_last(s) - (i % 3 == 0), &e);
			}
		}
		close(line[1]);
		for (int i = 0; i < 100 + round * 250; i++, said++)
			ck_assert_int_eq(read(line[0], &c, 1), 1);
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		while (read(line[0], &c, 1) == 1)
			said++;
		close(line[0]);
		s = opened(false);
		got = (int)spool_last(s);
		ck_assert_int_ge(got, said);
		ck_assert_int_le(got, said + 1);
		spool_close(s);
	}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("feed_spool");
	TCase *t = tcase_create("feed_spool");
	SRunner *r;
	int failed;

	log_init("test_feed_spool", LOG_ERROR_);
	tcase_set_timeout(t, 120);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, numbers_and_epoch_go_on);
	tcase_add_test(t, one_feed_alone_has_it);
	tcase_add_test(t, a_torn_end_is_cut_off);
	tcase_add_test(t, a_head_that_is_none_begins_anew);
	tcase_add_test(t, another_epoch_keeps_call_records);
	tcase_add_test(t, it_never_gets_longer_than_its_limit);
	tcase_add_test(t, what_nobody_could_read_is_refused);
	tcase_add_test(t, a_kill_at_any_point);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
