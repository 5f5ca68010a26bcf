/* SPDX-License-Identifier: ISC */
#include "tests/store_rig.h"

#include <check.h>
#include <ftw.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct arena rig_arena;
static pthread_mutex_t lines_lock = PTHREAD_MUTEX_INITIALIZER;

static void
keep_line(void *arg, const char *line)
{
	struct store_rig *rig = arg;
	size_t n;

	pthread_mutex_lock(&lines_lock);
	n = strlen(rig->lines);
	snprintf(rig->lines + n, sizeof(rig->lines) - n, "%s\n", line);
	pthread_mutex_unlock(&lines_lock);
}

void
store_rig_open(struct store_rig *rig, const char *engine)
{
	memset(rig, 0, sizeof(*rig));
	arena_init(&rig_arena, 8 << 20);
	snprintf(rig->dir, sizeof(rig->dir), "/tmp/tandem-store.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(rig->dir));
	snprintf(rig->home, sizeof(rig->home), "%s/db", rig->dir);
	rig->conf =
	    (struct store_conf){.engine = engine, .dir = rig->home, .log = keep_line, .arg = rig};
	store_rig_reopen(rig);
}

void
store_rig_reopen(struct store_rig *rig)
{
	struct err e;

	store_close(rig->s);
	rig->s = NULL;
	ck_assert_msg(store_open(&rig->s, &rig->conf, &e) == 0, "open: %s", err_text(&e));
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *where)
{
	(void)st;
	(void)type;
	(void)where;
	return remove(path);
}

void
store_rig_close(struct store_rig *rig)
{
	store_close(rig->s);
	arena_free(&rig_arena);
	nftw(rig->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void
leave(void *arg, const char *why)
{
	(void)arg;
	_exit(why != NULL ? RIG_PANICKED : 1);
}

int
store_rig_in_child(struct store_rig *rig, int (*run)(struct store_rig *rig))
{
	int status = 0;
	pid_t pid;

	store_close(rig->s);
	rig->s = NULL;
	rig->conf.panic = leave;
	if ((pid = fork()) == 0) {
		store_rig_reopen(rig);
		_exit(run(rig));
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

struct store_txn *
rig_begin(struct store *s, enum store_mode mode)
{
	struct store_txn *t;
	struct err e;

	ck_assert_msg(store_begin(s, mode, &t, &e) == 0, "begin: %s", err_text(&e));
	return t;
}

struct store_txn *
rig_nest(struct store_txn *parent)
{
	struct store_txn *t;
	struct err e;

	ck_assert_msg(store_nest(parent, &t, &e) == 0, "nest: %s", err_text(&e));
	return t;
}

void
rig_commit(struct store_txn *t)
{
	struct err e;

	ck_assert_msg(store_commit(t, &e) == 0, "commit: %s", err_text(&e));
}

void
store_rig_put(struct store_txn *t, const char *key, const char *val)
{
	struct err e;

	ck_assert_msg(
	    store_put(t, STORE_DATA, str_c(key), str_c(val), &e) == 0, "put: %s", err_text(&e));
}

int
rig_del(struct store_txn *t, const char *key)
{
	struct err e;

	return store_del(t, STORE_DATA, str_c(key), &e);
}

const char *
store_rig_get(struct store_txn *t, const char *key)
{
	struct str val;
	struct err e;
	int r = store_get(t, STORE_DATA, str_c(key), &rig_arena, &val, &e);

	ck_assert_msg(r >= 0, "get: %s", err_text(&e));
	return r == 0 ? "(none)" : arena_cstr(&rig_arena, val);
}

const char *
rig_get_now(struct store *s, const char *key)
{
	struct store_txn *t = rig_begin(s, STORE_READ);
	const char *v = store_rig_get(t, key);

	rig_commit(t);
	return v;
}

void
rig_put_now(struct store *s, const char *key, const char *val)
{
	struct store_txn *t = rig_begin(s, STORE_WRITE);

	store_rig_put(t, key, val);
	rig_commit(t);
}

const char *const rig_engines[RIG_ENGINES] = {"mem", "bdb", "lmdb"};
static const struct store_case *all;
static int n_all;

START_TEST(run_case)
{
	const struct store_case *c = &all[_i % n_all];
	struct store_rig rig;

	store_rig_open(&rig, rig_engines[_i / n_all]);
	printf("%s: %s\n", rig_engines[_i / n_all], c->name);
	fflush(stdout);
	c->run(rig.s);
	store_rig_close(&rig);
}
END_TEST

int
rig_run(const char *name, const struct store_case *cases, int n)
{
	Suite *suite = suite_create(name);
	TCase *tc = tcase_create("engines");
	SRunner *runner;
	int failed;

	all = cases;
	n_all = n;
	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, run_case, 0, RIG_ENGINES * n);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}

int
store_rig_put_row(struct store_rig *rig, const char *key, struct str val)
{
	struct store_txn *t;
	struct err e;

	ck_assert_int_eq(store_begin(rig->s, STORE_WRITE, &t, &e), 0);
	if (store_put(t, STORE_DATA, str_c(key), val, &e) != 0) {
		store_abort(t);
		return (int)e.code;
	}
	return store_commit(t, &e) == 0 ? 0 : (int)e.code;
}

unsigned
store_rig_number(struct store_rig *rig, const char *key)
{
	struct arena a;
	struct store_txn *t;
	struct str val;
	struct err e;
	unsigned n = 0;

	arena_init(&a, 1 << 20);
	ck_assert_int_eq(store_begin(rig->s, STORE_READ, &t, &e), 0);
	if (store_get(t, STORE_DATA, str_c(key), &a, &val, &e) == 1)
		n = (unsigned)strtoul(val.p, NULL, 10);
	ck_assert_int_eq(store_commit(t, &e), 0);
	arena_free(&a);
	return n;
}
