/* SPDX-License-Identifier: ISC */
/* What store.h promises, asked of all engines by the same cases. */
#include <check.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/store.h"
#include "tests/store_rig.h"

static void
rows(struct store *s)
{
	struct store_txn *t = rig_begin(s, STORE_WRITE);

	ck_assert_str_eq(store_rig_get(t, "a"), "(none)");
	store_rig_put(t, "a", "1");
	store_rig_put(t, "b", "");
	ck_assert_str_eq(store_rig_get(t, "a"), "1");
	store_rig_put(t, "a", "2");
	rig_commit(t);
	ck_assert_str_eq(rig_get_now(s, "a"), "2");
	ck_assert_str_eq(rig_get_now(s, "b"), "");
	t = rig_begin(s, STORE_WRITE);
	ck_assert_int_eq(rig_del(t, "a"), 1);
	ck_assert_int_eq(rig_del(t, "a"), 0);
	ck_assert_int_eq(rig_del(t, "never"), 0);
	ck_assert_str_eq(store_rig_get(t, "a"), "(none)");
	rig_commit(t);
	ck_assert_str_eq(rig_get_now(s, "a"), "(none)");
}

static void
tables(struct store *s)
{
	static const char *const names[STORE_TABLES] = {"data", "index", "meta"};
	struct store_txn *t = rig_begin(s, STORE_WRITE);
	struct str val;
	struct err e;

	for (int i = 0; i < STORE_TABLES; i++)
		ck_assert_int_eq(store_put(t, (enum store_table)i, STR_LIT("k"), str_c(names[i]), &e), 0);
	rig_commit(t);
	t = rig_begin(s, STORE_READ);
	for (int i = 0; i < STORE_TABLES; i++) {
		ck_assert_int_eq(store_get(t, (enum store_table)i, STR_LIT("k"), &rig_arena, &val, &e), 1);
		ck_assert(str_eqc(val, names[i]));
	}
	store_abort(t);
}

static void
aborted(struct store *s)
{
	struct store_txn *t;

	rig_put_now(s, "kept", "1");
	t = rig_begin(s, STORE_WRITE);
	store_rig_put(t, "gone", "1");
	store_rig_put(t, "kept", "2");
	ck_assert_int_eq(rig_del(t, "kept"), 1);
	store_abort(t);
	ck_assert_str_eq(rig_get_now(s, "gone"), "(none)");
	ck_assert_str_eq(rig_get_now(s, "kept"), "1");
}

static void
nesting(struct store *s)
{
	struct store_txn *t = rig_begin(s, STORE_WRITE), *child, *grandchild;

	store_rig_put(t, "a", "parent");
	child = rig_nest(t);
	ck_assert_str_eq(store_rig_get(child, "a"), "parent");
	store_rig_put(child, "a", "aborted");
	store_rig_put(child, "b", "aborted");
	store_abort(child);
	ck_assert_str_eq(store_rig_get(t, "a"), "parent");
	ck_assert_str_eq(store_rig_get(t, "b"), "(none)");

	child = rig_nest(t);
	store_rig_put(child, "b", "child");
	grandchild = rig_nest(child);
	ck_assert_int_eq(rig_del(grandchild, "a"), 1);
	store_rig_put(grandchild, "c", "grandchild");
	rig_commit(grandchild);
	ck_assert_str_eq(store_rig_get(child, "a"), "(none)");
	rig_commit(child);
	store_rig_put(t, "d", "after");
	ck_assert_str_eq(rig_get_now(s, "c"), "(none)");
	rig_commit(t);
	ck_assert_str_eq(rig_get_now(s, "a"), "(none)");
	ck_assert_str_eq(rig_get_now(s, "b"), "child");
	ck_assert_str_eq(rig_get_now(s, "c"), "grandchild");
	ck_assert_str_eq(rig_get_now(s, "d"), "after");
}

static void
nested_then_aborted(struct store *s)
{
	struct store_txn *t = rig_begin(s, STORE_WRITE), *child = rig_nest(t);

	store_rig_put(child, "a", "1");
	rig_commit(child);
	ck_assert_str_eq(store_rig_get(t, "a"), "1");
	child = rig_nest(t);
	rig_commit(child);
	store_abort(t);
	ck_assert_str_eq(rig_get_now(s, "a"), "(none)");
}

static void
snapshots(struct store *s)
{
	struct store_txn *before, *after;

	rig_put_now(s, "a", "1");
	before = rig_begin(s, STORE_READ);
	rig_put_now(s, "a", "2");
	rig_put_now(s, "b", "2");
	after = rig_begin(s, STORE_READ);
	/* Not read before the change: the state is that of begin all the same. */
	ck_assert_str_eq(store_rig_get(before, "a"), "1");
	ck_assert_str_eq(store_rig_get(before, "b"), "(none)");
	ck_assert_str_eq(store_rig_get(after, "a"), "2");
	rig_commit(before);
	ck_assert_str_eq(store_rig_get(after, "b"), "2");
	store_abort(after);
}

static void *
read_a(void *arg)
{
	struct store *s = arg;
	struct store_txn *t = rig_begin(s, STORE_READ);
	static char v[16];

	snprintf(v, sizeof(v), "%s", store_rig_get(t, "a"));
	rig_commit(t);
	return v;
}

/* The writer waits for the reader here: a reader that waited for the writer would hang. */
static void
reader_beside_writer(struct store *s)
{
	struct store_txn *t;
	pthread_t thread;
	void *v;

	rig_put_now(s, "a", "old");
	t = rig_begin(s, STORE_WRITE);
	store_rig_put(t, "a", "new");
	ck_assert_int_eq(pthread_create(&thread, NULL, read_a, s), 0);
	ck_assert_int_eq(pthread_join(thread, &v), 0);
	ck_assert_str_eq(v, "old");
	rig_commit(t);
	ck_assert_str_eq(rig_get_now(s, "a"), "new");
}

static void
counters(struct store *s)
{
	struct store_stats before, after;
	struct store_txn *t;
	struct err e;

	store_stats(s, &before);
	rig_put_now(s, "a", "1");
	rig_put_now(s, "a", "2");
	(void)rig_get_now(s, "a");
	rig_commit(rig_begin(s, STORE_WRITE));
	t = rig_begin(s, STORE_WRITE);
	store_rig_put(t, "a", "3");
	store_abort(t);
	store_stats(s, &after);
	ck_assert_uint_eq(after.commits - before.commits, 2);
	ck_assert_int_eq(store_checkpoint(s, 1 << 20, &e), 0);
	ck_assert_int_eq(store_checkpoint(s, 0, &e), 0);
	ck_assert_int_eq(store_trickle(s, 100, &e), 0);
}

static void
key_lengths(struct store *s)
{
	static char bytes[STORE_KEY_MAX + 1];
	const struct str longest = {bytes, STORE_KEY_MAX}, longer = {bytes, sizeof(bytes)};
	struct store_txn *t = rig_begin(s, STORE_WRITE);
	struct str val;
	struct err e;

	memset(bytes, 'k', sizeof(bytes));
	ck_assert_int_eq(store_put(t, STORE_DATA, longest, STR_LIT("1"), &e), 0);
	ck_assert_int_eq(store_part_put(t, 7, longest, STR_LIT("1"), &e), 0);
	ck_assert_int_eq(store_put(t, STORE_DATA, longer, STR_LIT("2"), &e), -1);
	ck_assert_int_eq(e.code, ERR_INVALID);
	ck_assert_int_eq(store_part_put(t, 7, longer, STR_LIT("2"), &e), -1);
	ck_assert_int_eq(store_put(t, STORE_DATA, STR_LIT(""), STR_LIT("3"), &e), -1);
	ck_assert_int_eq(e.code, ERR_INVALID);
	ck_assert_int_eq(store_get(t, STORE_DATA, longer, &rig_arena, &val, &e), 0);
	ck_assert_int_eq(store_get(t, STORE_DATA, STR_LIT(""), &rig_arena, &val, &e), 0);
	ck_assert_int_eq(store_part_get(t, 7, longer, &rig_arena, &val, &e), 0);
	ck_assert_int_eq(store_del(t, STORE_DATA, longer, &e), 0);
	ck_assert_int_eq(store_part_del(t, 7, STR_LIT(""), &e), 0);
	/* What was refused has done no harm to the transaction. */
	rig_commit(t);
	t = rig_begin(s, STORE_READ);
	ck_assert_int_eq(store_get(t, STORE_DATA, longest, &rig_arena, &val, &e), 1);
	ck_assert(str_eqc(val, "1"));
	ck_assert_int_eq(store_part_get(t, 7, longest, &rig_arena, &val, &e), 1);
	rig_commit(t);
}

static void
unknown_engine(struct store *s)
{
	struct store_conf conf = {.engine = "paper"};
	struct err e;

	ck_assert_int_eq(store_open(&s, &conf, &e), -1);
	store_close(NULL);
}

static const struct store_case cases[] = {
    {"rows", rows},
    {"tables", tables},
    {"aborted", aborted},
    {"nesting", nesting},
    {"nested_then_aborted", nested_then_aborted},
    {"snapshots", snapshots},
    {"reader_beside_writer", reader_beside_writer},
    {"counters", counters},
    {"key_lengths", key_lengths},
    {"unknown_engine", unknown_engine},
};

int
main(void)
{
	return rig_run("store", cases, sizeof(cases) / sizeof(cases[0]));
}
