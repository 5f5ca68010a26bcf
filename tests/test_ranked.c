/* SPDX-License-Identifier: ISC */
/* The counted list beside a sorted array, with random changes, on all engines. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/key.h"
#include "backend/ranked.h"
#include "tests/store_rig.h"

enum { KEYS = 1500, TENANT = 1, OWNER = 7, KIND = 2001, SCRATCH = 8 << 20 };

/* What should be there: for each key a text, NULL = not there. */
struct model_row {
	char key[600];
	size_t n;
	unsigned version; /* 0 = not there */
};

static struct model_row rows[KEYS];
static unsigned seed;

static unsigned
pick(unsigned n)
{
	return (unsigned)rand_r(&seed) % n;
}

static int
compare(const void *a, const void *b)
{
	const struct model_row *x = a, *y = b;

	return str_cmp((struct str){x->key, x->n}, (struct str){y->key, y->n});
}

/* Numbers, names, keys with the same long beginning, and ones that begin each other. */
static void
make_rows(void)
{
	memset(rows, 0, sizeof(rows));
	for (unsigned i = 0; i < KEYS; i++) {
		struct model_row *r = &rows[i];

		if (i % 5 == 0) {
			memset(r->key, 'x', 450);
			r->n = 450 + (size_t)snprintf(r->key + 450, 100, "%u", i);
		} else if (i % 5 == 1) {
			memset(r->key, 'y', i % 500);
			r->n = i % 500;
			r->n += (size_t)snprintf(r->key + r->n, 90, "%s%c", i < 500 ? "" : "z", i / 500);
		} else {
			r->n = (size_t)snprintf(r->key, 100, "%u_n%u_\xc3\xa9", pick(1000000), i);
		}
	}
	qsort(rows, KEYS, sizeof(rows[0]), compare);
}

static struct str
text_of(char *buf, const struct model_row *r)
{
	size_t n = (size_t)snprintf(buf, 64, "text %u", r->version);

	if (r->version % 97 == 0) {
		memset(buf + n, '!', 3000);
		n += 3000;
	}
	return (struct str){buf, n};
}

static struct ranked
list(struct store_txn *t, struct arena *a, struct err *e)
{
	struct ranked r = {.t = t, .a = a, .e = e, .tenant = TENANT, .owner = OWNER, .kind = KIND};

	arena_init(a, SCRATCH);
	ck_assert_msg(ranked_open(&r) == 0, "open: %s", err_text(e));
	return r;
}

static void
is_row(const struct ranked_item *item, const struct model_row *r)
{
	char buf[4096];

	ck_assert(str_eq(item->key, (struct str){r->key, r->n}));
	ck_assert(str_eq(item->text, text_of(buf, r)));
	ck_assert_uint_eq(item->refs.n, r->version % 4);
}

static void
change(struct store_txn *t, unsigned i, bool put)
{
	struct model_row *r = &rows[i];
	struct ranked_item item = {.key = {r->key, r->n}};
	struct arena a;
	struct err e;
	struct ranked l = list(t, &a, &e);
	char buf[4096];

	if (put) {
		r->version = pick(100000) + 1;
		item.text = text_of(buf, r);
		item.refs = (struct str){"refs", r->version % 4};
		ck_assert_msg(ranked_put(&l, &item) == 0, "put: %s", err_text(&e));
	} else {
		ck_assert_int_eq(ranked_del(&l, item.key), r->version != 0);
		r->version = 0;
	}
	arena_free(&a);
}

static unsigned
there(unsigned *at)
{
	unsigned n = 0;

	for (unsigned i = 0; i < KEYS; i++)
		if (rows[i].version != 0)
			at[n++] = i;
	return n;
}

/* Rows from a place on, at most `most`. */
static void
reads(struct ranked_cursor *c, const unsigned *at, unsigned n, unsigned from, unsigned most)
{
	for (unsigned i = from; i < n && i < from + most; i++, c->at++) {
		if (c->at == c->n)
			ck_assert_int_eq(ranked_next_leaf(c), 1);
		ck_assert_uint_eq(c->before + c->at, i);
		is_row(&c->items[c->at], &rows[at[i]]);
	}
	if (from + most > n) {
		ck_assert_uint_eq(c->at, c->n);
		ck_assert_int_eq(ranked_next_leaf(c), 0);
		ck_assert_uint_eq(c->before, n);
	}
}

static void
same(struct store_txn *t)
{
	static unsigned at[KEYS];
	unsigned n = there(at), rank = 0;
	struct ranked_cursor c;
	struct arena a;
	struct err e;
	struct ranked l = list(t, &a, &e);

	ck_assert_uint_eq(l.count, n);
	ranked_cursor_init(&c, &l, pick(3) * 500);
	ck_assert_int_eq(ranked_seek(&c, 0), n > 0);
	if (n > 0)
		reads(&c, at, n, 0, n + 1);
	for (unsigned i = 0; i < 20 && n > 0; i++) {
		unsigned from = pick(n + 2);

		ck_assert_int_eq(ranked_seek(&c, from), from < n);
		if (from < n)
			reads(&c, at, n, from, pick(100));
	}
	for (unsigned i = 0; i < KEYS; i += 1 + pick(30)) {
		struct str key = {rows[i].key, rows[i].n};
		struct ranked_item item;
		bool behind = pick(2) == 1;
		unsigned want;

		while (rank < n && at[rank] < i)
			rank++;
		ck_assert_int_eq(ranked_get(&l, key, &item), rows[i].version != 0);
		if (rows[i].version != 0)
			is_row(&item, &rows[i]);
		want = rank + (behind && rows[i].version != 0);
		ck_assert_int_eq(ranked_seek_key(&c, key, behind), want < n);
		ck_assert_uint_eq(c.before + c.at, want);
		if (want < n)
			is_row(&c.items[c.at], &rows[at[want]]);
	}
	ranked_cursor_end(&c);
	arena_free(&a);
}

static int
count_row(void *arg, struct str key, struct str val)
{
	(void)key;
	(void)val;
	++*(unsigned *)arg;
	return 0;
}

static unsigned
node_rows(struct store_txn *t)
{
	struct key k;
	unsigned n = 0;

	key_kind(&k, TENANT, OWNER, KIND);
	ck_assert_int_eq(
	    store_scan(t, STORE_DATA, key_str(&k), STR_LIT(""), count_row, &n, &(struct err){0}), 0);
	return n;
}

/* Fills and empties in turns; in the end no row is left. */
static void
random_changes(struct store *s)
{
	for (seed = 1; seed < 3; seed++) {
		unsigned keep = seed;

		make_rows();
		for (unsigned turn = 0; turn < 8; turn++) {
			struct store_txn *t = rig_begin(s, STORE_WRITE);
			unsigned chance = turn % 4 == 3 ? 5 : turn % 2 == 1 ? 35 : 80;

			for (unsigned i = 0; i < 600; i++)
				change(t, pick(KEYS), pick(100) < chance);
			same(t);
			rig_commit(t);
		}
		for (unsigned i = 0; i < KEYS; i++) {
			struct store_txn *t = rig_begin(s, STORE_WRITE);

			for (unsigned k = 0; k < KEYS / 4 && i < KEYS; k++, i++)
				change(t, (i * 7 + 3) % KEYS, false);
			i--;
			same(t);
			rig_commit(t);
		}
		seed = keep;
	}
	struct store_txn *t = rig_begin(s, STORE_READ);
	ck_assert_uint_eq(node_rows(t), 0);
	rig_commit(t);
}

/* Ascending and descending: leaves that were filled in order are full. */
static void
in_order(struct store *s)
{
	struct store_txn *t;
	unsigned up, down;

	for (unsigned i = 0; i < KEYS; i++) {
		memset(&rows[i], 0, sizeof(rows[i]));
		rows[i].n = (size_t)snprintf(rows[i].key, 32, "%08u_First_Last", i);
	}
	t = rig_begin(s, STORE_WRITE);
	for (unsigned i = 0; i < KEYS; i++)
		change(t, i, true);
	same(t);
	up = node_rows(t);
	for (unsigned i = 0; i < KEYS; i++)
		change(t, i, false);
	ck_assert_uint_eq(node_rows(t), 0);
	for (unsigned i = KEYS; i-- > 0;)
		change(t, i, true);
	same(t);
	down = node_rows(t);
	rig_commit(t);
	ck_assert_uint_lt(up * 3, down * 2);
}

struct damage {
	struct str key, val;
	unsigned n, at;
	struct arena *a;
};

static int
nth_row(void *arg, struct str key, struct str val)
{
	struct damage *d = arg;

	if (d->n++ != d->at)
		return 0;
	d->key = arena_copy(d->a, key);
	d->val = arena_copy(d->a, val);
	return 1;
}

/* Any byte of any row wrong, a row cut short, a row gone: an error or an answer, no crash. */
static void
damaged(struct store *s)
{
	struct store_txn *t = rig_begin(s, STORE_WRITE);
	unsigned n, errors = 0;
	struct key prefix;

	seed = 5;
	make_rows();
	for (unsigned i = 0; i < KEYS; i++)
		change(t, i, true);
	n = node_rows(t);
	key_kind(&prefix, TENANT, OWNER, KIND);
	for (unsigned i = 0; i < 400; i++) {
		struct store_txn *child = rig_nest(t);
		struct arena a, mem;
		struct damage d = {.at = i < 100 ? 0 : pick(n), .a = &mem};
		struct ranked l = {.t = child, .a = &a, .tenant = TENANT, .owner = OWNER, .kind = KIND};
		struct ranked_cursor c;
		struct err e = {0};
		int rc;

		arena_init(&mem, 1 << 20);
		arena_init(&a, SCRATCH);
		ck_assert_int_eq(
		    store_scan(child, STORE_DATA, key_str(&prefix), STR_LIT(""), nth_row, &d, &e), 0);
		if (i % 10 == 9)
			ck_assert_int_eq(store_del(child, STORE_DATA, d.key, &e), 1);
		else if (i % 10 == 8)
			d.val.n = pick((unsigned)d.val.n);
		else
			((char *)(uintptr_t)d.val.p)[pick(i % 2 ? 60 : (unsigned)d.val.n) % d.val.n] =
			    (char)pick(256);
		if (i % 10 != 9)
			ck_assert_int_eq(store_put(child, STORE_DATA, d.key, d.val, &e), 0);
		l.e = &e;
		if ((rc = ranked_open(&l)) == 0) {
			ranked_cursor_init(&c, &l, 1000);
			for (rc = ranked_seek(&c, 0); rc == 1; rc = ranked_next_leaf(&c))
				;
			for (unsigned k = 0; k < 20 && rc >= 0; k++)
				rc = ranked_seek_key(&c, (struct str){rows[k * 70].key, rows[k * 70].n}, false);
			for (unsigned k = 0; k < 20 && rc >= 0; k++)
				rc = ranked_del(&l, (struct str){rows[k * 70].key, rows[k * 70].n});
			ranked_cursor_end(&c);
		}
		errors += rc < 0;
		ck_assert(rc >= 0 || e.code == ERR_INTERNAL || e.code == ERR_TOO_LARGE);
		arena_free(&a);
		arena_free(&mem);
		store_abort(child);
	}
	ck_assert_uint_gt(errors, 50);
	store_abort(t);
}

static void
limits(struct store *s)
{
	struct store_txn *t = rig_begin(s, STORE_WRITE);
	static char big[RANKED_PART_MAX + 1];
	struct ranked_item item = {.key = STR_LIT("k"), .refs = STR_LIT("r"), .text = {big, 0}};
	struct ranked_item got;
	struct arena a;
	struct err e;
	struct ranked l = list(t, &a, &e);

	memset(big, 'b', sizeof(big));
	ck_assert_int_eq(ranked_get(&l, item.key, &got), 0);
	ck_assert_int_eq(ranked_del(&l, item.key), 0);
	item.text.n = RANKED_PART_MAX + 1;
	ck_assert_int_eq(ranked_put(&l, &item), -1);
	ck_assert_int_eq(e.code, ERR_TOO_LARGE);
	item.text.n = RANKED_PART_MAX;
	ck_assert_int_eq(ranked_put(&l, &item), 0);
	for (unsigned i = 1; i < 6; i++) {
		item.key = (struct str){big, i};
		ck_assert_int_eq(ranked_put(&l, &item), 0);
	}
	ck_assert_int_eq(ranked_get(&l, STR_LIT("k"), &got), 1);
	ck_assert_uint_eq(got.text.n, RANKED_PART_MAX);
	ck_assert_uint_eq(l.count, 6);
	arena_free(&a);
	rig_commit(t);
}

static const struct store_case cases[] = {
    {"random changes", random_changes},
    {"in order", in_order},
    {"damaged rows", damaged},
    {"limits", limits},
};

int
main(void)
{
	return rig_run("ranked", cases, (int)(sizeof(cases) / sizeof(cases[0])));
}
