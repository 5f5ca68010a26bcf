/* SPDX-License-Identifier: ISC */
/* Copies of a store that is one file (LMDB): what is in them, and when they end. */
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "tests/rig.h"
#include "tests/store_rig.h"

enum { ROWS = 2000 };

static struct store_rig rig;
static struct store_file file;
static char bytes[STORE_READ_MAX];

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

/* So long that a copy has several pieces. */
static const char *
padded(const char *val)
{
	static char text[512];

	snprintf(text, sizeof(text), "%-500s", val);
	return text;
}

/* Every row gets the same value, all in one transaction. */
static void
write_all(const char *val)
{
	struct store_txn *t = rig_begin(rig.s, STORE_WRITE);

	for (int i = 0; i < ROWS; i++) {
		char key[16];

		snprintf(key, sizeof(key), "row-%05d", i);
		store_rig_put(t, key, padded(val));
	}
	rig_commit(t);
}

static int
list(unsigned hold_s, struct err *e)
{
	size_t n;

	return store_copy_list(rig.s, STORE_COPY_DATA, "", hold_s, &file, 1, &n, e);
}

static int64_t
piece(uint64_t at, unsigned hold_s, struct err *e)
{
	return store_copy_read(rig.s, file.name, at, bytes, sizeof(bytes), hold_s, e);
}

static void
pause_ms(long ms)
{
	nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000}, NULL);
}

/* A copy in a directory of its own, named in conf->dir, with `rounds` changes of all rows behind
 * each piece. */
static void
copy(struct store_conf *conf, int rounds)
{
	static char home[96];
	char path[128];
	struct err e = {0};
	uint64_t at = 0;
	int64_t n;
	int fd, round = 0;

	ck_assert_int_eq(list(60, &e), 0);
	snprintf(home, sizeof(home), "%s/copy", rig.dir);
	ck_assert_int_eq(mkdir(home, 0700), 0);
	snprintf(path, sizeof(path), "%s/%s", home, file.name);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	ck_assert_int_ge(fd, 0);
	do {
		for (int i = 0; i < rounds; i++) {
			char val[16];

			snprintf(val, sizeof(val), "later%d", round++);
			write_all(val);
		}
		n = piece(at, 60, &e);
		ck_assert_msg(n >= 0, "%s", err_text(&e));
		ck_assert_int_eq(pwrite(fd, bytes, (size_t)n, (off_t)at), n);
		at += (uint64_t)n;
	} while (n == (int64_t)sizeof(bytes));
	close(fd);
	ck_assert_uint_gt(at, 3 * sizeof(bytes));
	ck_assert_uint_eq(at, file.size);
	*conf = rig.conf;
	conf->dir = home;
}

/* Before each piece all rows change, again and again: the copy has none of it. */
START_TEST(as_it_was_at_the_listing)
{
	struct store_conf conf;
	struct err e = {0};
	struct store *s;
	struct store_txn *t;
	uint64_t commit, last;
	char id[STORE_ID_MAX + 1], own[STORE_ID_MAX + 1];

	write_all("one");
	write_all("two");
	store_identity(rig.s, id, &last);
	copy(&conf, 4);
	ck_assert_int_eq(store_recover(&conf, 1, &commit, &e), -1);
	ck_assert_msg(store_recover(&conf, 0, &commit, &e) == 0, "%s", err_text(&e));
	ck_assert_uint_eq(commit, last);
	ck_assert_msg(store_open(&s, &conf, &e) == 0, "%s", err_text(&e));
	/* A store of its own, which has the commits of the other one. */
	store_identity(s, own, &commit);
	ck_assert_str_ne(own, id);
	ck_assert_uint_eq(commit, last);
	t = rig_begin(s, STORE_READ);
	for (int i = 0; i < ROWS; i++) {
		char key[16];

		snprintf(key, sizeof(key), "row-%05d", i);
		ck_assert_str_eq(store_rig_get(t, key), padded("two"));
	}
	store_abort(t);
	store_close(s);
}
END_TEST

START_TEST(one_at_a_time)
{
	struct err e = {0};

	write_all("one");
	ck_assert_int_eq(list(60, &e), 0);
	ck_assert_int_eq(list(60, &e), -1);
	ck_assert_int_eq(e.code, ERR_UNAVAILABLE);
	/* Read to its end it is over: the next may begin, and nobody goes on with this one. */
	for (uint64_t at = 0; piece(at, 60, &e) == (int64_t)sizeof(bytes); at += sizeof(bytes))
		;
	ck_assert_int_eq(piece(0, 60, &e), -1);
	ck_assert_int_eq(e.code, ERR_UNAVAILABLE);
	ck_assert_int_eq(list(60, &e), 0);
}
END_TEST

/* Nobody asks for more: what was held can be used again, and the file stops growing. */
START_TEST(given_up)
{
	struct err e = {0};
	struct stat before, after;
	char path[128];

	write_all("one");
	ck_assert_int_eq(list(1, &e), 0);
	ck_assert_int_eq(piece(0, 1, &e) > 0, 1);
	pause_ms(1200);
	write_all("two");
	ck_assert_int_eq(piece(0, 1, &e), -1);
	ck_assert_int_eq(e.code, ERR_UNAVAILABLE);
	ck_assert_ptr_nonnull(strstr(rig.lines, "nobody has asked for more"));
	snprintf(path, sizeof(path), "%s/data.mdb", rig.home);
	for (int i = 0; i < 5; i++)
		write_all("three");
	ck_assert_int_eq(stat(path, &before), 0);
	for (int i = 0; i < 50; i++)
		write_all(i % 2 ? "four" : "five");
	ck_assert_int_eq(stat(path, &after), 0);
	ck_assert_int_eq(after.st_size, before.st_size);
}
END_TEST

/* A row that stands in the wrong place, and a file without its head. */
START_TEST(a_damaged_copy)
{
	struct store_conf conf;
	struct err e = {0};
	char command[512];
	uint64_t commit;

	write_all("one");
	copy(&conf, 0);
	snprintf(command, sizeof(command),
	    "cd %s && cp data-* ../good && LC_ALL=C sed -i s/row-01000/row-0100z/g data-*", conf.dir);
	ck_assert_int_eq(system(command), 0);
	ck_assert_int_eq(store_recover(&conf, 0, &commit, &e), -1);
	ck_assert_msg(strstr(err_text(&e), "damaged") != NULL, "%s", err_text(&e));
	snprintf(command, sizeof(command), "cd %s && head -c 4096 ../good >data.mdb", conf.dir);
	ck_assert_int_eq(system(command), 0);
	ck_assert_int_eq(store_recover(&conf, 0, &commit, &e), -1);
	ck_assert_msg(strstr(err_text(&e), "first pages") != NULL, "%s", err_text(&e));
	snprintf(command, sizeof(command), "cd %s && cp ../good data.mdb", conf.dir);
	ck_assert_int_eq(system(command), 0);
	ck_assert_msg(store_recover(&conf, 0, &commit, &e) == 0, "%s", err_text(&e));
	/* Which of the two it is nobody knows. */
	snprintf(command, sizeof(command), "cd %s && cp ../good %s", conf.dir, file.name);
	ck_assert_int_eq(system(command), 0);
	ck_assert_int_eq(store_recover(&conf, 0, &commit, &e), -1);
}
END_TEST

/* Who comes back too late gets nothing of the next one. */
START_TEST(the_next_one_has_another_name)
{
	struct err e = {0};
	char old[STORE_FILE_MAX + 1];

	write_all("one");
	ck_assert_int_eq(list(1, &e), 0);
	memcpy(old, file.name, sizeof(old));
	pause_ms(1100);
	write_all("two");
	ck_assert_int_eq(list(60, &e), 0);
	ck_assert_str_ne(file.name, old);
	ck_assert_int_eq(store_copy_read(rig.s, old, 0, bytes, sizeof(bytes), 60, &e), -1);
	ck_assert_int_eq(e.code, ERR_UNAVAILABLE);
	ck_assert_int_eq(piece(0, 60, &e), sizeof(bytes));
}
END_TEST

/* A copy whose command was killed does not keep the next one off for as long as it is held. */
START_TEST(a_silent_one_gives_way)
{
	struct err e = {0};
	long long asked, took;
	int refused = 0;

	write_all("one");
	asked = ms_now();
	ck_assert_int_eq(list(300, &e), 0);
	for (; list(300, &e) != 0; refused++) {
		ck_assert_int_eq(e.code, ERR_UNAVAILABLE);
		ck_assert_msg(ms_now() < asked + 30000, "it does not give way");
		pause_ms(100);
	}
	took = ms_now() - asked;
	ck_assert_int_gt(refused, 0);
	ck_assert_msg(took >= 10000, "it gave way after %lld ms", took);
}
END_TEST

/* Far more than there are places for readers. */
START_TEST(no_place_of_a_reader_is_lost)
{
	struct err e = {0};

	for (int i = 0; i < 1200; i++) {
		ck_assert_msg(list(60, &e) == 0, "%d: %s", i, err_text(&e));
		ck_assert_int_eq(piece(file.size / 4096 * 4096 + 4096, 60, &e), 0);
	}
}
END_TEST

START_TEST(not_without_bounds)
{
	struct err e = {0};
	char path[128];

	write_all("one");
	ck_assert_int_eq(list(60, &e), 0);
	/* As if so much had been written meanwhile. */
	snprintf(path, sizeof(path), "%s/data.mdb", rig.home);
	ck_assert_int_eq(truncate(path, (off_t)file.size + (300 << 20)), 0);
	ck_assert_int_eq(piece(0, 60, &e), sizeof(bytes));
	write_all("two");
	ck_assert_int_eq(piece(sizeof(bytes), 60, &e), -1);
	ck_assert_int_eq(e.code, ERR_UNAVAILABLE);
	ck_assert_ptr_nonnull(strstr(rig.lines, "has grown too much"));
	/* And with no room beside the reserve there is none. */
	rig.conf.reserve_bytes = UINT64_MAX;
	store_rig_reopen(&rig);
	ck_assert_int_eq(list(60, &e), -1);
	ck_assert_int_eq(e.code, ERR_NO_SPACE);
}
END_TEST

START_TEST(no_such_piece)
{
	struct err e = {0};

	write_all("one");
	ck_assert_int_eq(list(60, &e), 0);
	ck_assert_int_eq(piece(1, 60, &e), -1);
	ck_assert_int_eq(piece(UINT64_MAX - 4095, 60, &e), -1);
	ck_assert_int_eq(store_copy_read(rig.s, "data.mdb", 0, bytes, 4096, 60, &e), -1);
	ck_assert_int_eq(store_copy_read(rig.s, "../data-x", 0, bytes, 4096, 60, &e), -1);
	ck_assert_int_eq(
	    store_copy_read(rig.s, "data-00000000000000ff.mdb", 0, bytes, 4096, 60, &e), -1);
	/* Behind the end there is nothing. */
	ck_assert_int_eq(piece((file.size + 4095) & ~(uint64_t)4095, 60, &e), 0);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("store_pin");
	TCase *t = tcase_create("pin"), *slow = tcase_create("slow");
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 120);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, as_it_was_at_the_listing);
	tcase_add_test(t, one_at_a_time);
	tcase_add_test(t, given_up);
	tcase_add_test(t, a_damaged_copy);
	tcase_add_test(t, the_next_one_has_another_name);
	tcase_add_test(t, no_place_of_a_reader_is_lost);
	tcase_add_test(t, not_without_bounds);
	tcase_add_test(t, no_such_piece);
	suite_add_tcase(s, t);
	tcase_set_tags(slow, "slow");
	tcase_set_timeout(slow, 60);
	tcase_add_checked_fixture(slow, setup, teardown);
	tcase_add_test(slow, a_silent_one_gives_way);
	suite_add_tcase(s, slow);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
