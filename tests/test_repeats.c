/* SPDX-License-Identifier: ISC */
/* What is kept of writes with an Idempotency-Key: for how long, how many, and what remains of it.
 */
#include <check.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "backend/key.h"
#include "backend/repeat.h"
#include "tests/store_rig.h"

enum { ME = 7, OTHER = 8 };

static const int64_t start = 1700000000000;
static struct digest_keys keys;

struct desk {
	struct call c;
	struct arena a;
	struct err e;
	struct request q;
	struct who who;
	struct buf body;
};

static void
open_desk(struct desk *d, struct store *s, uint32_t user, int64_t now)
{
	memset(d, 0, sizeof(*d));
	arena_init(&d->a, 8 << 20);
	buf_init(&d->body, 1 << 20);
	d->who.id = user;
	REC_SET(&d->q, request, res, RES_CALLFWDSCHED);
	REC_SET(&d->q, request, method, M_POST);
	d->c = (struct call){.m = {.t = rig_begin(s, STORE_WRITE), .a = &d->a, .e = &d->e, .tenant = 1},
	    .res = res_by_number(RES_CALLFWDSCHED),
	    .req = &d->q,
	    .who = &d->who,
	    .now_ms = now,
	    .body = &d->body};
}

static void
close_desk(struct desk *d)
{
	rig_commit(d->c.m.t);
	arena_free(&d->a);
	buf_free(&d->body);
}

static int
find(struct desk *d, const char *name)
{
	REC_SET(&d->q, request, idempotency_key, str_c(name));
	err_clear(&d->e);
	return repeat_find(&d->c, &keys);
}

static void
keep(struct desk *d, const char *name, const char *answer)
{
	REC_SET(&d->q, request, idempotency_key, str_c(name));
	buf_reset(&d->body);
	buf_adds(&d->body, answer);
	ck_assert_int_eq(repeat_keep(&d->c, &keys), 0);
}

static int
count(void *arg, struct str key, struct str val)
{
	(void)key;
	(void)val;
	++*(size_t *)arg;
	return 0;
}

/* Rows of any kind that a user has, in all tables. */
static size_t
rows(struct desk *d, uint32_t user)
{
	struct key k;
	size_t n = 0;

	key_kind(&k, 1, user, 0);
	k.n -= 2;
	for (int t = 0; t < STORE_TABLES; t++)
		ck_assert_int_eq(store_scan(d->c.m.t, (enum store_table)t, key_str(&k), (struct str){"", 0},
		                     count, &n, &d->e),
		    0);
	return n;
}

static void
answers(struct store *s)
{
	struct desk d;

	open_desk(&d, s, ME, start);
	ck_assert_int_eq(find(&d, "a"), 0);
	keep(&d, "a", "the answer");
	buf_reset(&d.body);
	ck_assert_int_eq(find(&d, "a"), 1);
	ck_assert(str_eqc(buf_str(&d.body), "the answer"));
	keep(&d, "b", "");
	ck_assert_int_eq(find(&d, "b"), 1);
	ck_assert_uint_eq(d.body.n, 0);
	REC_SET(&d.q, request, body, STR_LIT("x"));
	ck_assert_int_eq(find(&d, "a"), -1);
	ck_assert_int_eq(d.e.code, ERR_UNPROCESSABLE);
	ck_assert_int_eq(find(&d, ""), -1);
	ck_assert_int_eq(d.e.code, ERR_BAD_REQUEST);
	ck_assert_int_eq(find(&d, "\x01"), -1);
	close_desk(&d);
	open_desk(&d, s, OTHER, start);
	ck_assert_int_eq(find(&d, "a"), 0);
	close_desk(&d);
}

/* Neither secrets nor what would fill the store; the request is then simply done again. */
static void
not_kept(struct store *s)
{
	static char large[REPEAT_BODY_MAX + 2];
	struct res secret = *res_by_number(RES_CALLFWDSCHED);
	struct desk d;

	memset(large, 'x', REPEAT_BODY_MAX + 1);
	open_desk(&d, s, ME, start);
	keep(&d, "large", large);
	ck_assert_int_eq(find(&d, "large"), 0);
	large[REPEAT_BODY_MAX] = '\0';
	keep(&d, "largest", large);
	ck_assert_int_eq(find(&d, "largest"), 1);
	secret.secret = true;
	d.c.res = &secret;
	keep(&d, "secret", "token");
	ck_assert_int_eq(find(&d, "secret"), 0);
	keep(&d, "nothing", "");
	ck_assert_int_eq(find(&d, "nothing"), 1);
	close_desk(&d);
}

static void
at_most(struct store *s)
{
	char name[32];
	struct desk d;

	for (int i = 0; i < REPEAT_KEYS_MAX + 5; i++) {
		open_desk(&d, s, ME, start + i);
		snprintf(name, sizeof(name), "key %d", i);
		keep(&d, name, "");
		close_desk(&d);
	}
	open_desk(&d, s, ME, start + REPEAT_KEYS_MAX + 5);
	for (int i = 0; i < REPEAT_KEYS_MAX + 5; i++) {
		snprintf(name, sizeof(name), "key %d", i);
		ck_assert_msg(find(&d, name) == (i >= 5), "%s", name);
	}
	/* A record and a place each, and the queue itself. */
	ck_assert_uint_eq(rows(&d, ME), 2 * REPEAT_KEYS_MAX + 1);
	ck_assert_int_eq(repeat_forget(&d.c.m, ME), 0);
	/* The records go with the user's others. */
	ck_assert_uint_eq(rows(&d, ME), REPEAT_KEYS_MAX);
	close_desk(&d);
}

static void
one_day(struct store *s)
{
	struct desk d;

	open_desk(&d, s, ME, start);
	keep(&d, "a", "first");
	keep(&d, "b", "");
	close_desk(&d);
	open_desk(&d, s, ME, start + REPEAT_MS - 1);
	ck_assert_int_eq(find(&d, "a"), 1);
	close_desk(&d);
	/* From then on it may be used for something else; the old ones go with the next new one. */
	open_desk(&d, s, ME, start + REPEAT_MS);
	REC_SET(&d.q, request, body, STR_LIT("x"));
	ck_assert_int_eq(find(&d, "a"), 0);
	keep(&d, "a", "second");
	ck_assert_uint_eq(rows(&d, ME), 3);
	ck_assert_int_eq(find(&d, "a"), 1);
	ck_assert(str_eqc(buf_str(&d.body), "second"));
	close_desk(&d);
}

/* Users who never come back: what was theirs goes all the same. */
static void
sweep(struct store *s)
{
	enum { USERS = 40, EACH = 3 };
	uint32_t after = 0;
	struct desk d;
	int rounds = 0;
	char name[32];

	for (uint32_t u = 1; u <= USERS; u++) {
		open_desk(&d, s, u, start);
		for (int i = 0; i < EACH; i++) {
			snprintf(name, sizeof(name), "key %d", i);
			keep(&d, name, "");
		}
		close_desk(&d);
	}
	open_desk(&d, s, ME, start);
	ck_assert_int_eq(repeat_sweep(&d.c.m, start + REPEAT_MS - 1, &after), 0);
	ck_assert_uint_ne(after, 0);
	ck_assert_int_eq(repeat_sweep(&d.c.m, start + REPEAT_MS - 1, &after), 0);
	ck_assert_uint_eq(after, 0);
	ck_assert_uint_eq(rows(&d, USERS), 2 * EACH + 1);
	do {
		ck_assert_int_eq(repeat_sweep(&d.c.m, start + REPEAT_MS, &after), 0);
	} while (after != 0 && ++rounds < 10);
	ck_assert_int_eq(rounds, 1);
	for (uint32_t u = 1; u <= USERS; u++)
		ck_assert_uint_eq(rows(&d, u), 0);
	close_desk(&d);
}

/* The key is made once. */
static void
keys_last(struct store *s)
{
	struct digest_keys a, b;
	struct err e = {0};

	ck_assert_int_eq(digest_open(&a, s, 1, &e), 0);
	ck_assert_int_eq(digest_open(&b, s, 1, &e), 0);
	ck_assert_int_eq(memcmp(&a, &b, sizeof(a)), 0);
	ck_assert_int_ne(memcmp(a.answers, a.writes, sizeof(a.writes)), 0);
	ck_assert_int_eq(digest_open(&b, s, 2, &e), 0);
	ck_assert_int_ne(memcmp(&a, &b, sizeof(a)), 0);
}

int
main(void)
{
	static const struct store_case cases[] = {
	    {"answers", answers},
	    {"not kept", not_kept},
	    {"at most", at_most},
	    {"one day", one_day},
	    {"sweep", sweep},
	    {"keys last", keys_last},
	};

	if (sodium_init() < 0)
		return 1;
	randombytes_buf(&keys, sizeof(keys));
	return rig_run("repeats", cases, sizeof(cases) / sizeof(cases[0]));
}
