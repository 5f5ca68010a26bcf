/* SPDX-License-Identifier: ISC */
#include "tests/fault/scenario.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Row r belongs to transactions r, r + ROWS, r + 2 ROWS, …: the last one of them decides. */
enum {
	ROWS = 97,
	PARTS = 3,
	PART_FIRST = 100,
	CHECKPOINT_EVERY = 150,
	TRICKLE_EVERY = 40,
	VALUE = 6000
};

static const struct str count_key = {"count", 5};

static void
panic(void *arg, const char *why)
{
	(void)arg;
	fprintf(stderr, "scenario: %s\n", why);
	_exit(70);
}

static struct store *
open_store(const char *engine, const char *dir, struct err *e)
{
	/* A cache so small that pages are written before their time. */
	struct store_conf conf = {
	    .engine = engine, .dir = dir, .cache_bytes = 512 << 10, .panic = panic};
	struct store *s;

	return store_open(&s, &conf, e) == 0 ? s : NULL;
}

static struct str
row_key(char buf[32], unsigned row)
{
	snprintf(buf, 32, "%08x.%u", row * 2654435761U, row);
	return str_c(buf);
}

/* Every seventh transaction removes its row. */
static bool
removes(unsigned i)
{
	return i % 7 == 0;
}

static struct str
value(char buf[VALUE], unsigned i)
{
	size_t n = i % 31 == 0 ? VALUE - 1 : 30 + i * 37 % 900;

	memset(buf, 'a' + (int)(i % 26), n);
	snprintf(buf, 16, "%u", i);
	buf[strlen(buf)] = '.';
	return (struct str){buf, n};
}

static int
apply(struct store_txn *t, unsigned i, struct err *e)
{
	static char buf[VALUE];
	char key[32], number[16];
	unsigned row = i % ROWS;
	struct str k = row_key(key, row);

	if (removes(i) ? store_del(t, STORE_DATA, k, e) < 0 || store_del(t, STORE_INDEX, k, e) < 0 ||
	            store_part_del(t, PART_FIRST + row % PARTS, k, e) < 0
	               : store_put(t, STORE_DATA, k, value(buf, i), e) != 0 ||
	            store_put(t, STORE_INDEX, k, str_c("."), e) != 0 ||
	            store_part_put(t, PART_FIRST + row % PARTS, k, value(buf, i), e) != 0)
		return -1;
	snprintf(number, sizeof(number), "%u", i);
	return store_put(t, STORE_META, count_key, str_c(number), e);
}

static _Noreturn void
fail(const char *what, const struct err *e)
{
	fprintf(stderr, "scenario: %s: %s\n", what, err_text(e));
	exit(2);
}

/* How many transactions the store has: 0, or -1. */
static int
read_count(struct store_txn *t, unsigned *count, struct err *e)
{
	struct arena a;
	struct str val;
	int got;

	arena_init(&a, 4096);
	got = store_get(t, STORE_META, count_key, &a, &val, e);
	*count =
	    got == 1 ? (unsigned)strtoul(arena_printf(&a, "%.*s", (int)val.n, val.p).p, NULL, 10) : 0;
	arena_free(&a);
	return got < 0 ? -1 : 0;
}

static unsigned
count_before(struct store *s)
{
	struct store_txn *t;
	struct err e = {0};
	unsigned count;

	if (store_begin(s, STORE_READ, &t, &e) != 0 || read_count(t, &count, &e) != 0)
		fail("read", &e);
	store_abort(t);
	return count;
}

void
scenario_run(const char *engine, const char *dir, unsigned n, void (*acked)(uint64_t))
{
	struct err e = {0};
	struct store *s = open_store(engine, dir, &e);

	unsigned from;

	if (s == NULL)
		fail("open", &e);
	from = count_before(s);
	for (unsigned i = from + 1; i <= from + n; i++) {
		struct store_txn *t, *child;

		if (store_begin(s, STORE_WRITE, &t, &e) != 0 || store_nest(t, &child, &e) != 0 ||
		    apply(child, i, &e) != 0 || store_commit(child, &e) != 0)
			fail("write", &e);
		/* What is undone leaves nothing behind. */
		if (i % 5 == 0) {
			if (store_nest(t, &child, &e) != 0 || apply(child, i + 1, &e) != 0)
				fail("write", &e);
			store_abort(child);
		}
		if (store_commit(t, &e) != 0)
			fail("commit", &e);
		acked(i);
		if (i % CHECKPOINT_EVERY == 0 && store_checkpoint(s, 0, &e) != 0)
			fail("checkpoint", &e);
		if (i % TRICKLE_EVERY == 0 && store_trickle(s, 70, &e) != 0)
			fail("trickle", &e);
	}
	store_close(s);
}

/* The transaction that a row is the work of when `count` have been: 0 = there is none. */
static unsigned
maker(unsigned row, unsigned count)
{
	unsigned last = count >= row ? count - (count - row) % ROWS : 0;

	return last == 0 || removes(last) ? 0 : last;
}

static bool
check_row(struct store_txn *t, unsigned row, unsigned count, char why[256])
{
	static char buf[VALUE];
	char key[32];
	unsigned by = maker(row, count);
	struct arena a;
	struct err e = {0};
	struct str val[3];
	int got[3];
	bool good;

	arena_init(&a, 1 << 20);
	got[0] = store_get(t, STORE_DATA, row_key(key, row), &a, &val[0], &e);
	got[1] = store_get(t, STORE_INDEX, row_key(key, row), &a, &val[1], &e);
	got[2] = store_part_get(t, PART_FIRST + row % PARTS, row_key(key, row), &a, &val[2], &e);
	good = got[0] == (by > 0) && got[1] == (by > 0) && got[2] == (by > 0) &&
	    (by == 0 || (str_eq(val[0], value(buf, by)) && str_eq(val[2], value(buf, by))));
	if (!good)
		snprintf(why, 256, "row %u of transaction %u at %u: %d %d %d %s", row, by, count, got[0],
		    got[1], got[2], err_text(&e));
	arena_free(&a);
	return good;
}

static int
count_row(void *arg, struct str key, struct str val)
{
	(void)key;
	(void)val;
	++*(unsigned *)arg;
	return 0;
}

static bool
check_all(struct store_txn *t, unsigned count, char why[256])
{
	struct str all = {"", 0};
	unsigned want = 0, have = 0;
	struct err e = {0};

	for (unsigned row = 0; row < ROWS; row++) {
		if (!check_row(t, row, count, why))
			return false;
		want += maker(row, count) > 0;
	}
	if (store_scan(t, STORE_INDEX, all, all, count_row, &have, &e) == 0 && have == want)
		return true;
	snprintf(why, 256, "%u rows for %u: %s", have, want, err_text(&e));
	return false;
}

static enum scenario_verdict
check(struct store *s, unsigned least, unsigned most, char why[256])
{
	enum scenario_verdict verdict = SCENARIO_GOOD;
	struct store_txn *t;
	struct err e = {0};
	unsigned count;
	int rc;

	if (store_begin(s, STORE_READ, &t, &e) != 0)
		return SCENARIO_CLOSED;
	rc = read_count(t, &count, &e);
	if (rc != 0 || count < least || count > most) {
		snprintf(why, 256, "transaction %u is the last, %u were acknowledged, %u begun: %s", count,
		    least, most, err_text(&e));
		verdict = SCENARIO_LOST;
	} else if (!check_all(t, count, why)) {
		verdict = SCENARIO_TORN;
	}
	store_abort(t);
	return verdict;
}

enum scenario_verdict
scenario_check(const char *engine, const char *dir, unsigned least, unsigned most, char why[256])
{
	enum scenario_verdict verdict;
	struct err e = {0};
	struct store *s = open_store(engine, dir, &e);

	if (s == NULL) {
		snprintf(why, 256, "%s", err_text(&e));
		return SCENARIO_CLOSED;
	}
	verdict = check(s, least, most, why);
	store_close(s);
	return verdict;
}
