/* SPDX-License-Identifier: ISC */
/* Files of a store that were taken away, shortened or zeroed in part: it is not served as if they
 * were whole. */
#include <check.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/store_rig.h"

enum { ROWS = 200, PART = 202611, PAGE = 4096, SMALL = 100, LARGE = 9000, PATIENCE_S = 10 };
/* What became of it; what comes behind ENDED must not be. BEYOND = what was read is behind the page
 * (a sanitizer says so, by status 1). */
enum outcome { WHOLE, REFUSED = 11, ENDED, WRONG, SERVED_ERRORS, HUNG, BEYOND };
/* Of a file: gone, its second half, its last page, or its pages of a type of Berkeley DB zeroed. */
enum damage { GONE, HALF, LAST_PAGE, ZERO_ROOT = 3, ZERO_LEAF = 5, ZERO_OVERFLOW = 7 };

static struct store_rig rig;

/* Everything in every table and in a partition, and closed as by a stop. */
static void
fill(void)
{
	static char big[LARGE];
	char key[16];
	struct err e = {0};

	memset(big, 'x', sizeof(big));
	for (int i = 0; i < ROWS; i++) {
		struct store_txn *t = rig_begin(rig.s, STORE_WRITE);
		struct str val = {big, i % 10 == 0 ? LARGE : SMALL};

		snprintf(key, sizeof(key), "row%06d", i);
		for (int table = 0; table < STORE_TABLES; table++)
			ck_assert_int_eq(store_put(t, (enum store_table)table, str_c(key), val, &e), 0);
		ck_assert_int_eq(store_part_put(t, PART, str_c(key), val, &e), 0);
		rig_commit(t);
	}
	store_close(rig.s);
	rig.s = NULL;
}

/* How many are missing or wrong; counts errors. */
static int
count_wrong(struct store *s, int *errors)
{
	struct err e = {0};
	struct store_txn *t = rig_begin(s, STORE_READ);
	char key[16];
	int wrong = 0;

	for (int i = 0; i < ROWS; i++) {
		struct arena a;
		struct str val;

		arena_init(&a, 1 << 20);
		snprintf(key, sizeof(key), "row%06d", i);
		for (int table = 0; table <= STORE_TABLES; table++) {
			int got = table < STORE_TABLES
			    ? store_get(t, (enum store_table)table, str_c(key), &a, &val, &e)
			    : store_part_get(t, PART, str_c(key), &a, &val, &e);
			bool good = got == 1 && val.n == (i % 10 == 0 ? LARGE : SMALL);

			for (size_t k = 0; good && k < val.n; k++)
				good = val.p[k] == 'x';
			*errors += got < 0;
			wrong += got >= 0 && !good;
		}
		arena_free(&a);
	}
	store_abort(t);
	return wrong;
}

/* Acknowledges some writes, if asked to, and reads all. */
static int
serve(bool write)
{
	static char more[LARGE];
	struct err e = {0};
	struct store *s;
	struct store_txn *t;
	int errors = 0, wrong;

	if (store_open(&s, &rig.conf, &e) != 0)
		return REFUSED;
	for (int i = 0; i < 4 && write; i++) {
		char key[16];

		snprintf(key, sizeof(key), "more%d", i);
		t = rig_begin(s, STORE_WRITE);
		if (store_put(t, STORE_DATA, str_c(key), (struct str){more, LARGE}, &e) != 0 ||
		    store_commit(t, &e) != 0)
			return SERVED_ERRORS;
	}
	wrong = count_wrong(s, &errors);
	store_close(s);
	return wrong > 0 ? WRONG : errors > 0 ? SERVED_ERRORS : WHOLE;
}

static void
panic(void *arg, const char *why)
{
	(void)arg, (void)why;
	_exit(ENDED);
}

static enum outcome
outcome(bool write)
{
	int status;
	pid_t pid;

	rig.conf.panic = panic;
	rig.conf.log = NULL;
	if ((pid = fork()) == 0) {
		/* Check has a handler of its own. */
		signal(SIGALRM, SIG_DFL);
		signal(SIGBUS, SIG_DFL);
		alarm(PATIENCE_S);
		_exit(serve(write));
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	if (WIFEXITED(status))
		return WEXITSTATUS(status) == 1 ? BEYOND : (enum outcome)WEXITSTATUS(status);
	return WTERMSIG(status) == SIGALRM ? HUNG : ENDED;
}

/* The first page of that type, as a block reads that was never written. */
static void
zero_page(const char *path, unsigned char type)
{
	unsigned char page[PAGE];
	int fd = open(path, O_RDWR | O_CLOEXEC);
	off_t at = 0;

	ck_assert_int_ge(fd, 0);
	while (pread(fd, page, PAGE, at) == PAGE && page[25] != type)
		at += PAGE;
	memset(page, 0, PAGE);
	ck_assert_int_eq(pwrite(fd, page, PAGE, at), PAGE);
	close(fd);
}

static void
do_damage(const char *name, enum damage damage)
{
	char path[200];
	struct stat st;

	snprintf(path, sizeof(path), "%s/%s", rig.home, name);
	ck_assert_int_eq(stat(path, &st), 0);
	if (damage == GONE)
		ck_assert_int_eq(unlink(path), 0);
	else if (damage == HALF || damage == LAST_PAGE)
		ck_assert_int_eq(
		    truncate(path, damage == HALF ? st.st_size / 2 / PAGE * PAGE : st.st_size - PAGE), 0);
	else
		zero_page(path, (unsigned char)damage);
}

static const struct {
	const char *engine, *name;
	enum damage damage;
	bool write;
} cases[] = {
    {"bdb", "data.db", GONE, false},
    {"bdb", "index.db", GONE, false},
    {"bdb", "meta.db", GONE, false},
    {"bdb", "data.db", HALF, false},
    {"bdb", "data.db", ZERO_ROOT, false},
    {"bdb", "data.db", ZERO_LEAF, false},
    {"bdb", "data.db", ZERO_OVERFLOW, false},
    {"bdb", "log.0000000001", GONE, false},
    {"lmdb", "data.mdb", GONE, false},
    {"lmdb", "data.mdb", HALF, false},
    {"lmdb", "data.mdb", LAST_PAGE, true},
};

START_TEST(damaged)
{
	enum outcome got;

	store_rig_open(&rig, cases[_i].engine);
	fill();
	do_damage(cases[_i].name, cases[_i].damage);
	got = outcome(cases[_i].write);
	store_rig_close(&rig);
	ck_assert_msg(
	    got <= ENDED, "%s %s, %d: %d", cases[_i].engine, cases[_i].name, cases[_i].damage, got);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("store_damage");
	TCase *t = tcase_create("damage");
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 120);
	tcase_add_loop_test(t, damaged, 0, sizeof(cases) / sizeof(cases[0]));
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
