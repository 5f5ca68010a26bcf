/* SPDX-License-Identifier: ISC */
/* Ranges, lists in pages, and values of every size, asked of all engines. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/store.h"
#include "tests/store_rig.h"

enum { BIG = 100 * 1024 };

struct seen {
	char last[64];
	unsigned n, stop_at;
	bool ordered;
	size_t bytes;
};

static int
row(void *arg, struct str key, struct str val)
{
	struct seen *seen = arg;

	ck_assert_uint_lt(key.n, sizeof(seen->last));
	if (seen->n > 0 && str_cmp(str_c(seen->last), key) >= 0)
		seen->ordered = false;
	memcpy(seen->last, key.p, key.n);
	seen->last[key.n] = '\0';
	seen->bytes += val.n;
	return ++seen->n == seen->stop_at;
}

static struct seen
scan(struct store_txn *t, const char *prefix, const char *after, unsigned stop_at)
{
	struct seen seen = {.stop_at = stop_at, .ordered = true};
	struct err e;

	ck_assert_msg(store_scan(t, STORE_DATA, str_c(prefix), str_c(after), row, &seen, &e) == 0,
	    "scan: %s", err_text(&e));
	ck_assert(seen.ordered);
	return seen;
}

static void
ranges(struct store *s)
{
	struct store_txn *t = rig_begin(s, STORE_WRITE);
	struct seen seen;

	store_rig_put(t, "a", "1");
	store_rig_put(t, "b", "1");
	store_rig_put(t, "b\x01", "1");
	store_rig_put(t, "b\x7f", "1");
	store_rig_put(t, "b\xff", "1");
	store_rig_put(t, "b\xff\xff", "1");
	store_rig_put(t, "c", "1");
	ck_assert_uint_eq(scan(t, "b", "", 0).n, 5);
	ck_assert_uint_eq(scan(t, "", "", 0).n, 7);
	ck_assert_uint_eq(scan(t, "bb", "", 0).n, 0);
	ck_assert_uint_eq(scan(t, "d", "", 0).n, 0);
	ck_assert_uint_eq(scan(t, "b", "", 2).n, 2);
	ck_assert_uint_eq(scan(t, "b", "b", 0).n, 4);
	ck_assert_uint_eq(scan(t, "b", "b\x7f", 0).n, 2);
	ck_assert_uint_eq(scan(t, "b", "b\x02", 0).n, 3);
	ck_assert_uint_eq(scan(t, "b", "b\xff\xff", 0).n, 0);
	ck_assert_uint_eq(scan(t, "b", "a", 0).n, 5);
	ck_assert_uint_eq(scan(t, "b", "c", 0).n, 0);
	seen = scan(t, "b", "b\x7f", 1);
	ck_assert_str_eq(seen.last, "b\xff");
	rig_commit(t);
}

/* Pages of a list, each in a transaction of its own, while the row at each page's end is
 * removed before the next. */
static void
continuation(struct store *s)
{
	struct store_txn *t = rig_begin(s, STORE_WRITE);
	char key[32], after[64] = "";
	unsigned total = 0;

	for (unsigned i = 0; i < 1000; i++) {
		snprintf(key, sizeof(key), "list.%04u", i * 7919 % 1000);
		store_rig_put(t, key, "row");
	}
	store_rig_put(t, "lisu", "behind");
	rig_commit(t);
	for (;;) {
		struct seen seen;

		t = rig_begin(s, STORE_READ);
		seen = scan(t, "list.", after, 7);
		rig_commit(t);
		if (seen.n == 0)
			break;
		total += seen.n;
		memcpy(after, seen.last, sizeof(after));
		t = rig_begin(s, STORE_WRITE);
		ck_assert_int_eq(rig_del(t, after), 1);
		rig_commit(t);
	}
	ck_assert_uint_eq(total, 1000);
}

static void
sizes(struct store *s)
{
	static const size_t lengths[] = {0, 1, 900, 1023, 1024, 1025, 4096, 65536, BIG};
	struct store_txn *t;
	size_t total = 0;
	char *bytes = malloc(BIG);
	struct str val;
	struct err e;

	ck_assert_ptr_nonnull(bytes);
	for (size_t i = 0; i < BIG; i++)
		bytes[i] = (char)(i * 31 >> 3);
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		char key = (char)('a' + (int)i);

		t = rig_begin(s, STORE_WRITE);
		ck_assert_int_eq(
		    store_put(t, STORE_DATA, (struct str){&key, 1}, (struct str){bytes, lengths[i]}, &e),
		    0);
		rig_commit(t);
		t = rig_begin(s, STORE_READ);
		ck_assert_int_eq(store_get(t, STORE_DATA, (struct str){&key, 1}, &rig_arena, &val, &e), 1);
		ck_assert(str_eq(val, (struct str){bytes, lengths[i]}));
		rig_commit(t);
		total += lengths[i];
	}
	t = rig_begin(s, STORE_READ);
	ck_assert_uint_eq(scan(t, "", "", 0).bytes, total);
	rig_commit(t);
	free(bytes);
}

/* A long scan looks into the cache for each page, not for each row. */
static void
in_parts(struct store *s)
{
	enum { ROWS = 3000 };
	static char large[40 * 1024];
	struct store_txn *t = rig_begin(s, STORE_WRITE);
	struct store_stats before, after;
	struct err e;
	char key[32], val[101];

	memset(val, 'v', 100);
	val[100] = '\0';
	for (int i = 0; i < ROWS; i++) {
		snprintf(key, sizeof(key), "part.%06d", i);
		store_rig_put(t, key, val);
	}
	/* More than a part has room for. */
	ck_assert_int_eq(
	    store_put(t, STORE_DATA, STR_LIT("part.001500+"), (struct str){large, sizeof(large)}, &e),
	    0);
	rig_commit(t);
	t = rig_begin(s, STORE_READ);
	store_stats(s, &before);
	ck_assert_uint_eq(scan(t, "part.", "", 0).bytes, ROWS * 100 + sizeof(large));
	store_stats(s, &after);
	ck_assert_uint_lt(after.cache_hits - before.cache_hits, ROWS / 4);
	rig_commit(t);
}

static void
no_memory(struct store *s)
{
	static const size_t lengths[] = {200, 5000};
	char bytes[5000] = "x";

	for (size_t i = 0; i < 2; i++) {
		struct store_txn *t = rig_begin(s, STORE_WRITE);
		struct arena tight;
		struct str val;
		struct err e;

		arena_init(&tight, lengths[i] - 1);
		ck_assert_int_eq(
		    store_put(t, STORE_DATA, STR_LIT("k"), (struct str){bytes, lengths[i]}, &e), 0);
		ck_assert_int_eq(store_get(t, STORE_DATA, STR_LIT("k"), &tight, &val, &e), -1);
		ck_assert_int_eq(e.code, ERR_UNAVAILABLE);
		rig_commit(t);
		arena_free(&tight);
	}
}

static const struct store_case cases[] = {
    {"ranges", ranges},
    {"continuation", continuation},
    {"sizes", sizes},
    {"in_parts", in_parts},
    {"no_memory", no_memory},
};

int
main(void)
{
	return rig_run("store_scan", cases, sizeof(cases) / sizeof(cases[0]));
}
