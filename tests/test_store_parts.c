/* SPDX-License-Identifier: ISC */
/* Partitions, as store.h promises them, by all engines; and what only files can show. */
#include <check.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "backend/store_parts.h"
#include "tests/store_rig.h"

static void
put(struct store_txn *t, uint32_t part, const char *key, const char *val)
{
	struct err e;

	ck_assert_msg(
	    store_part_put(t, part, str_c(key), str_c(val), &e) == 0, "put: %s", err_text(&e));
}

static void
put_now(struct store *s, uint32_t part, const char *key, const char *val)
{
	struct store_txn *t = rig_begin(s, STORE_WRITE);

	put(t, part, key, val);
	rig_commit(t);
}

static const char *
get(struct store_txn *t, uint32_t part, const char *key)
{
	struct str val;
	struct err e;
	int r = store_part_get(t, part, str_c(key), &rig_arena, &val, &e);

	ck_assert_msg(r >= 0, "get: %s", err_text(&e));
	return r == 0 ? "(none)" : arena_cstr(&rig_arena, val);
}

static const char *
get_now(struct store *s, uint32_t part, const char *key)
{
	struct store_txn *t = rig_begin(s, STORE_READ);
	const char *v = get(t, part, key);

	rig_commit(t);
	return v;
}

static void
drop(struct store *s, uint32_t part, int want)
{
	struct err e;

	ck_assert_int_eq(store_part_drop(s, part, &e), want);
}

/* The numbers, joined by commas. */
static const char *
list(struct store *s, uint32_t from, size_t max)
{
	static char text[256];
	struct store_txn *t = rig_begin(s, STORE_READ);
	uint32_t v[16];
	size_t n = store_part_list(t, from, v, max);

	rig_commit(t);
	text[0] = '\0';
	for (size_t i = 0; i < n; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%u", i > 0 ? "," : "", v[i]);
	return text;
}

static void
rows(struct store *s)
{
	struct store_txn *t;

	ck_assert_str_eq(list(s, 0, 16), "");
	ck_assert_str_eq(get_now(s, 7, "a"), "(none)");
	put_now(s, 7, "a", "7");
	put_now(s, 5, "a", "5");
	put_now(s, 9, "b", "9");
	ck_assert_str_eq(list(s, 0, 16), "5,7,9");
	ck_assert_str_eq(list(s, 6, 1), "7");
	ck_assert_str_eq(list(s, 10, 16), "");
	ck_assert_str_eq(get_now(s, 7, "a"), "7");
	ck_assert_str_eq(get_now(s, 5, "a"), "5");
	ck_assert_str_eq(get_now(s, 9, "a"), "(none)");
	/* Tables and partitions are not the same place. */
	ck_assert_str_eq(rig_get_now(s, "a"), "(none)");
	t = rig_begin(s, STORE_WRITE);
	ck_assert_str_eq(get(t, 5, "a"), "5");
	put(t, 5, "a", "new");
	ck_assert_str_eq(get(t, 5, "a"), "new");
	ck_assert_str_eq(get_now(s, 5, "a"), "5");
	rig_commit(t);
	ck_assert_str_eq(get_now(s, 5, "a"), "new");
}

static int
del(struct store_txn *t, uint32_t part, const char *key)
{
	struct err e;

	return store_part_del(t, part, str_c(key), &e);
}

static void
deleting(struct store *s)
{
	struct store_txn *t = rig_begin(s, STORE_WRITE), *child, *before;

	/* A partition is not made by that. */
	ck_assert_int_eq(del(t, 3, "a"), 0);
	rig_commit(t);
	ck_assert_str_eq(list(s, 0, 16), "");
	put_now(s, 3, "a", "1");
	put_now(s, 3, "b", "2");
	t = rig_begin(s, STORE_WRITE);
	child = rig_nest(t);
	ck_assert_int_eq(del(child, 3, "a"), 1);
	ck_assert_str_eq(get(child, 3, "a"), "(none)");
	store_abort(child);
	ck_assert_int_eq(del(t, 3, "b"), 1);
	ck_assert_int_eq(del(t, 3, "b"), 0);
	ck_assert_int_eq(del(t, 4, "a"), 0);
	before = rig_begin(s, STORE_READ);
	rig_commit(t);
	ck_assert_str_eq(get(before, 3, "b"), "2");
	rig_commit(before);
	ck_assert_str_eq(get_now(s, 3, "a"), "1");
	ck_assert_str_eq(get_now(s, 3, "b"), "(none)");
	ck_assert_str_eq(list(s, 0, 16), "3");
}

/* They are in the transaction with everything else. */
static void
transactions(struct store *s)
{
	struct store_txn *t = rig_begin(s, STORE_WRITE), *child;

	put(t, 1, "kept", "1");
	child = rig_nest(t);
	put(child, 1, "kept", "2");
	put(child, 2, "gone", "2");
	store_rig_put(child, "gone", "2");
	store_abort(child);
	child = rig_nest(t);
	put(child, 3, "child", "3");
	store_rig_put(child, "child", "3");
	rig_commit(child);
	rig_commit(t);
	ck_assert_str_eq(get_now(s, 1, "kept"), "1");
	ck_assert_str_eq(get_now(s, 2, "gone"), "(none)");
	ck_assert_str_eq(get_now(s, 3, "child"), "3");
	ck_assert_str_eq(rig_get_now(s, "child"), "3");
	ck_assert_str_eq(rig_get_now(s, "gone"), "(none)");
	t = rig_begin(s, STORE_WRITE);
	put(t, 3, "child", "4");
	put(t, 4, "never", "4");
	store_abort(t);
	ck_assert_str_eq(get_now(s, 3, "child"), "3");
	ck_assert_str_eq(get_now(s, 4, "never"), "(none)");
	put_now(s, 4, "never", "now");
	ck_assert_str_eq(get_now(s, 4, "never"), "now");
}

static void
snapshots(struct store *s)
{
	struct store_txn *before, *after;

	put_now(s, 1, "a", "old");
	before = rig_begin(s, STORE_READ);
	put_now(s, 1, "a", "new");
	put_now(s, 2, "b", "new");
	after = rig_begin(s, STORE_READ);
	ck_assert_str_eq(get(before, 1, "a"), "old");
	/* Of a partition that came later there is nothing to be seen. */
	ck_assert_str_eq(get(before, 2, "b"), "(none)");
	ck_assert_str_eq(get(after, 1, "a"), "new");
	ck_assert_str_eq(get(after, 2, "b"), "new");
	rig_commit(before);
	rig_commit(after);
}

struct seen {
	char text[8192];
	int stop;
};

static int
see(void *arg, struct str key, struct str val)
{
	struct seen *seen = arg;
	size_t n = strlen(seen->text);

	(void)val;
	snprintf(seen->text + n, sizeof(seen->text) - n, "%.*s ", (int)key.n, key.p);
	return seen->stop > 0 && --seen->stop == 0;
}

static void
scan(struct store *s, enum store_order order, const char *prefix, const char *after, int stop,
    const char *want)
{
	struct store_txn *t = rig_begin(s, STORE_READ);
	struct seen seen = {.stop = stop};
	struct err e;

	ck_assert_int_eq(store_part_scan(t, 3, order, str_c(prefix), str_c(after), see, &seen, &e), 0);
	ck_assert_str_eq(seen.text, want);
	rig_commit(t);
}

static void
both_ways(struct store *s)
{
	static const char *const keys[] = {"a1", "a2", "a3", "b1", "b2", "c"};
	struct store_txn *t = rig_begin(s, STORE_WRITE);

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		put(t, 3, keys[i], "v");
	rig_commit(t);
	scan(s, STORE_UP, "a", "", 0, "a1 a2 a3 ");
	scan(s, STORE_UP, "a", "a1", 0, "a2 a3 ");
	scan(s, STORE_UP, "", "", 0, "a1 a2 a3 b1 b2 c ");
	scan(s, STORE_UP, "a", "a1", 1, "a2 ");
	scan(s, STORE_DOWN, "a", "", 0, "a3 a2 a1 ");
	scan(s, STORE_DOWN, "a", "a3", 0, "a2 a1 ");
	scan(s, STORE_DOWN, "a", "a1", 0, "");
	scan(s, STORE_DOWN, "a", "", 2, "a3 a2 ");
	scan(s, STORE_DOWN, "b", "", 0, "b2 b1 ");
	scan(s, STORE_DOWN, "b", "b15", 0, "b1 ");
	scan(s, STORE_DOWN, "c", "", 0, "c ");
	scan(s, STORE_DOWN, "d", "", 0, "");
	scan(s, STORE_DOWN, "", "", 0, "c b2 b1 a3 a2 a1 ");
	scan(s, STORE_DOWN, "\xff", "", 0, "");
	put_now(s, 3, "\xff\xff", "v");
	scan(s, STORE_DOWN, "\xff", "", 0, "\xff\xff ");
	scan(s, STORE_UP, "x", "", 0, "");
}

/* More rows than a part of a long scan has. */
static void
long_scans(struct store *s)
{
	struct store_txn *t = rig_begin(s, STORE_WRITE);
	struct seen up = {.stop = 0}, down = {.stop = 0};
	char want_up[8192] = "", want_down[8192] = "", key[16], filling[101];
	struct err e;

	memset(filling, 'x', 100);
	filling[100] = '\0';
	for (int i = 0; i < 900; i++) {
		snprintf(key, sizeof(key), "k%04d", i);
		put(t, 3, key, filling);
		snprintf(want_up + strlen(want_up), 32, "%s ", key);
		snprintf(key, sizeof(key), "k%04d", 899 - i);
		snprintf(want_down + strlen(want_down), 32, "%s ", key);
	}
	rig_commit(t);
	t = rig_begin(s, STORE_READ);
	ck_assert_int_eq(store_part_scan(t, 3, STORE_UP, STR_LIT("k"), STR_LIT(""), see, &up, &e), 0);
	ck_assert_int_eq(
	    store_part_scan(t, 3, STORE_DOWN, STR_LIT("k"), STR_LIT(""), see, &down, &e), 0);
	ck_assert_str_eq(up.text, want_up);
	ck_assert_str_eq(down.text, want_down);
	rig_commit(t);
}

static void
dropping(struct store *s)
{
	struct store_txn *reader;

	put_now(s, 1, "a", "1");
	put_now(s, 2, "a", "2");
	drop(s, 3, 0);
	reader = rig_begin(s, STORE_READ);
	ck_assert_str_eq(get(reader, 1, "a"), "1");
	/* A transaction that has read there is no hindrance. */
	drop(s, 1, 1);
	drop(s, 1, 0);
	ck_assert_str_eq(list(s, 0, 16), "2");
	ck_assert_str_eq(get_now(s, 1, "a"), "(none)");
	ck_assert_str_eq(get(reader, 2, "a"), "2");
	put_now(s, 1, "b", "again");
	ck_assert_str_eq(get_now(s, 1, "a"), "(none)");
	ck_assert_str_eq(get_now(s, 1, "b"), "again");
	ck_assert_str_eq(list(s, 0, 16), "1,2");
	rig_commit(reader);
	drop(s, 1, 1);
	drop(s, 2, 1);
	ck_assert_str_eq(list(s, 0, 16), "");
}

static void *
write_five(void *arg)
{
	struct store *s = arg;

	put_now(s, 1, "from", "thread");
	return NULL;
}

/* Whoever writes meanwhile has the whole partition or none of it. */
static void
dropping_beside_others(struct store *s)
{
	for (int i = 0; i < 50; i++) {
		pthread_t thread;
		const char *v;

		put_now(s, 1, "old", "1");
		ck_assert_int_eq(pthread_create(&thread, NULL, write_five, s), 0);
		drop(s, 1, 1);
		ck_assert_int_eq(pthread_join(thread, NULL), 0);
		ck_assert_str_eq(get_now(s, 1, "old"), "(none)");
		v = get_now(s, 1, "from");
		ck_assert(strcmp(v, "(none)") == 0 || strcmp(v, "thread") == 0);
	}
}

/* Far more of them than are kept open, all in one transaction, and read in another order. */
static void
many(struct store *s)
{
	struct store_txn *t = rig_begin(s, STORE_WRITE);
	uint32_t v[300];

	for (unsigned i = 0; i < 200; i++)
		put(t, 1000 + i * 7, "k", i % 2 ? "odd" : "even");
	ck_assert_uint_eq(store_part_list(t, 0, v, 300), 200);
	rig_commit(t);
	for (unsigned i = 0; i < 200; i++) {
		unsigned k = i * 77 % 200;

		ck_assert_uint_eq(v[i], 1000 + i * 7);
		ck_assert_str_eq(get_now(s, 1000 + k * 7, "k"), k % 2 ? "odd" : "even");
	}
	for (unsigned i = 0; i < 200; i++)
		drop(s, v[i], 1);
	ck_assert_str_eq(list(s, 0, 16), "");
}

static const struct store_case cases[] = {
    {"rows", rows},
    {"deleting", deleting},
    {"transactions", transactions},
    {"snapshots", snapshots},
    {"both_ways", both_ways},
    {"long_scans", long_scans},
    {"dropping", dropping},
    {"dropping_beside_others", dropping_beside_others},
    {"many", many},
};

/* --- files ----------------------------------------------------------------------- */

static bool
is_file(const struct store_rig *rig, uint32_t part)
{
	char path[160];
	struct stat st;

	snprintf(path, sizeof(path), "%s/part-%06u.db", rig->home, part);
	return stat(path, &st) == 0;
}

static int
descriptors(void)
{
	char path[64];
	int n = 0;

	for (int fd = 0; fd < 1024; fd++) {
		struct stat st;

		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		n += lstat(path, &st) == 0;
	}
	return n;
}

START_TEST(files_come_and_go)
{
	struct store_rig rig;
	int before;

	store_rig_open(&rig, "bdb");
	put_now(rig.s, 24291, "a", "1");
	put_now(rig.s, 24292, "a", "2");
	ck_assert(is_file(&rig, 24291) && is_file(&rig, 24292));
	store_rig_reopen(&rig);
	ck_assert_str_eq(list(rig.s, 0, 16), "24291,24292");
	/* Nothing is open before somebody asks, but the log for whoever writes. */
	rig_put_now(rig.s, "a", "1");
	before = descriptors();
	ck_assert_str_eq(get_now(rig.s, 24291, "a"), "1");
	ck_assert_int_eq(descriptors(), before + 1);
	drop(rig.s, 24291, 1);
	ck_assert(!is_file(&rig, 24291));
	ck_assert_int_eq(descriptors(), before);
	store_rig_reopen(&rig);
	ck_assert_str_eq(list(rig.s, 0, 16), "24292");
	ck_assert_str_eq(get_now(rig.s, 24292, "a"), "2");
	store_rig_close(&rig);
}
END_TEST

START_TEST(open_files_are_bounded)
{
	struct store_rig rig;
	int before;

	store_rig_open(&rig, "bdb");
	for (unsigned i = 0; i < 150; i++)
		put_now(rig.s, i, "a", "1");
	store_rig_reopen(&rig);
	before = descriptors();
	for (unsigned i = 0; i < 150; i++)
		ck_assert_str_eq(get_now(rig.s, i, "a"), "1");
	ck_assert_int_le(descriptors(), before + PARTS_OPEN);
	ck_assert_int_ge(descriptors(), before + PARTS_OPEN / 2);
	store_rig_close(&rig);
}
END_TEST

/* Other files in the directory are not partitions. */
START_TEST(only_its_own_files)
{
	static const char *const names[] = {
	    "part-7.db", "part-000007.db.bak", "part-+00007.db", "part--00007.db", "xpart-000007.db"};
	struct store_rig rig;
	char path[160];

	store_rig_open(&rig, "bdb");
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		FILE *f;

		snprintf(path, sizeof(path), "%s/%s", rig.home, names[i]);
		ck_assert_ptr_nonnull(f = fopen(path, "w"));
		fclose(f);
	}
	store_rig_reopen(&rig);
	ck_assert_str_eq(list(rig.s, 0, 16), "");
	store_rig_close(&rig);
}
END_TEST

/* What a killed removal leaves: no table, and no hindrance to a new one. */
START_TEST(what_is_left_behind_is_no_partition)
{
	struct store_rig rig;
	struct store_txn *t;
	struct err e;
	/* The magic number of a file that is going (DB_RENAMEMAGIC), and a page's rest. */
	unsigned char page[4096] = {[13] = 0x08, [14] = 0x03};
	char path[160];
	FILE *f;

	store_rig_open(&rig, "bdb");
	snprintf(path, sizeof(path), "%s/part-000007.db", rig.home);
	ck_assert_ptr_nonnull(f = fopen(path, "w"));
	fclose(f);
	snprintf(path, sizeof(path), "%s/part-000008.db", rig.home);
	ck_assert_ptr_nonnull(f = fopen(path, "w"));
	ck_assert_uint_eq(fwrite(page, sizeof(page), 1, f), 1);
	fclose(f);
	store_rig_reopen(&rig);
	ck_assert_str_eq(list(rig.s, 0, 16), "");
	t = rig_begin(rig.s, STORE_WRITE);
	ck_assert_msg(store_part_put(t, 7, STR_LIT("a"), STR_LIT("b"), &e) == 0, "%s", err_text(&e));
	rig_commit(t);
	ck_assert_str_eq(list(rig.s, 0, 16), "7");
	store_rig_close(&rig);
}
END_TEST

/* --- kills ------------------------------------------------------------------------- */

/* Puts row n into partitions n % 5 and says so, and drops partition (n + 2) % 5 now and then and
 * says that. */
static _Noreturn void
work_until_killed(struct store_rig *rig, int fd, int from)
{
	struct err e;

	if (store_open(&rig->s, &rig->conf, &e) != 0)
		_exit(3);
	for (int n = from;; n++) {
		struct store_txn *t;
		char key[16];
		int done = n;

		snprintf(key, sizeof(key), "%08d", n);
		if (store_begin(rig->s, STORE_WRITE, &t, &e) != 0 ||
		    store_part_put(t, (uint32_t)n % 5, str_c(key), str_c(key), &e) != 0 ||
		    store_commit(t, &e) != 0 || write(fd, &done, sizeof(done)) != sizeof(done))
			_exit(4);
		if (n % 3 == 0) {
			done = -1 - (n + 2) % 5;
			if (store_part_drop(rig->s, (uint32_t)(n + 2) % 5, &e) < 0 ||
			    write(fd, &done, sizeof(done)) != sizeof(done))
				_exit(5);
		}
	}
}

struct expected {
	int last;       /* row that was acknowledged last */
	int dropped[5]; /* rows up to that one are gone from the partition */
};

static int
count_row(void *arg, struct str key, struct str val)
{
	int64_t n = -1;

	ck_assert(str_eq(key, val) && str_to_i64(key, &n));
	((int *)arg)[n] = 1;
	return 0;
}

enum { ROWS_MAX = 200000 };

static void
check_rows(struct store_rig *rig, struct expected *x)
{
	static int there[ROWS_MAX];
	struct store_txn *t = rig_begin(rig->s, STORE_READ);
	struct err e;

	memset(there, 0, sizeof(there));
	for (uint32_t p = 0; p < 5; p++)
		ck_assert_msg(
		    store_part_scan(t, p, STORE_UP, STR_LIT(""), STR_LIT(""), count_row, there, &e) == 0,
		    "partition %u: %s", p, err_text(&e));
	rig_commit(t);
	/* The drop behind the last row may have happened without having been said: all or nothing. */
	if (x->last % 3 == 0) {
		int part = (x->last + 2) % 5, left = 0;

		for (int n = x->dropped[part] + 1; n <= x->last; n++)
			left += n % 5 == part && there[n];
		if (left == 0)
			x->dropped[part] = x->last;
	}
	for (int n = 0; n <= x->last; n++)
		ck_assert_msg(there[n] == (n > x->dropped[n % 5]), "row %d of partition %d", n, n % 5);
}

static void
understand(struct expected *x, int said)
{
	if (said >= 0)
		x->last = said;
	else
		x->dropped[-1 - said] = x->last;
}

/* The names outlast the process, as what is in them. */
START_TEST(known_after_a_start)
{
	struct store_rig rig;

	store_rig_open(&rig, rig_engines[_i]);
	put_now(rig.s, 24292, "a", "2");
	put_now(rig.s, 24291, "a", "1");
	put_now(rig.s, 5, "a", "0");
	drop(rig.s, 5, 1);
	store_rig_reopen(&rig);
	ck_assert_str_eq(list(rig.s, 0, 16), "24291,24292");
	ck_assert_str_eq(get_now(rig.s, 24291, "a"), "1");
	put_now(rig.s, 24291, "b", "more");
	drop(rig.s, 24292, 1);
	store_rig_reopen(&rig);
	ck_assert_str_eq(list(rig.s, 0, 16), "24291");
	ck_assert_str_eq(get_now(rig.s, 24291, "b"), "more");
	store_rig_close(&rig);
}
END_TEST

START_TEST(kills)
{
	struct store_rig rig;
	struct expected x = {-1, {-1, -1, -1, -1, -1}};
	unsigned seed = 7;

	store_rig_open(&rig, rig_engines[_i]);
	for (int round = 0; round < 12; round++) {
		int fds[2], status, said, acks = 0;
		int until = 5 + rand_r(&seed) % 60;
		pid_t pid;

		store_close(rig.s);
		rig.s = NULL;
		ck_assert_int_eq(pipe(fds), 0);
		if ((pid = fork()) == 0) {
			close(fds[0]);
			work_until_killed(&rig, fds[1], x.last + 1);
		}
		close(fds[1]);
		while (acks++ < until && read(fds[0], &said, sizeof(said)) == sizeof(said))
			understand(&x, said);
		usleep((useconds_t)(rand_r(&seed) % 3000));
		kill(pid, SIGKILL);
		while (read(fds[0], &said, sizeof(said)) == sizeof(said))
			understand(&x, said);
		close(fds[0]);
		ck_assert_int_eq(waitpid(pid, &status, 0), pid);
		ck_assert_msg(WIFSIGNALED(status), "the child ended by itself: %d", WEXITSTATUS(status));
		store_rig_reopen(&rig);
		check_rows(&rig, &x);
		/* A row that was not acknowledged may be there: it is put again. */
	}
	ck_assert_int_gt(x.last, 50);
	store_rig_close(&rig);
}
END_TEST

static int
run_files(void)
{
	Suite *s = suite_create("store_parts");
	TCase *t = tcase_create("files");
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 60);
	tcase_add_test(t, files_come_and_go);
	tcase_add_test(t, open_files_are_bounded);
	tcase_add_test(t, only_its_own_files);
	tcase_add_test(t, what_is_left_behind_is_no_partition);
	tcase_add_loop_test(t, known_after_a_start, 1, RIG_ENGINES);
	tcase_add_loop_test(t, kills, 1, RIG_ENGINES);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}

int
main(void)
{
	int files = run_files();

	return rig_run("store_parts, all engines", cases, sizeof(cases) / sizeof(cases[0])) != 0 ||
	    files != 0;
}
