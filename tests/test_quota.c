/* SPDX-License-Identifier: ISC */
/*
 * The bytes of a user's records beside a scan of them, after random changes of which some are
 * undone, by all engines; and what a write is refused for.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/book.h"
#include "backend/quota.h"
#include "tests/store_rig.h"

enum { ANA = 5, BEN = 6, OWNERS = 2, ITEMS = 40, ROUNDS = 120, EACH = 25 };

static struct arena mem;
static struct err err;
static unsigned seed;
static char letters[3000];

#define OK(call) ck_assert_msg((call) == 0, "%s: %s", #call, err_text(&err))

static struct model
model(struct store_txn *t)
{
	arena_free(&mem);
	arena_init(&mem, 64 << 20);
	err_clear(&err);
	return (struct model){.t = t, .a = &mem, .e = &err, .tenant = TENANT_DEFAULT};
}

static unsigned
pick(unsigned n)
{
	return (unsigned)rand_r(&seed) % n;
}

static struct str
some_text(size_t max)
{
	return (struct str){letters, pick((unsigned)max)};
}

/* --- what the row has to say ------------------------------------------------------------------ */

/* By the kinds that are put here, not by quota.c's own idea of them. */
static int
add_up(void *arg, struct str key, struct str val)
{
	uint32_t tenant, owner;
	uint16_t kind;
	struct str rest;

	ck_assert(key_split(key, &tenant, &owner, &kind, &rest));
	if (kind == rec_entry.store || kind == rec_contact.store || kind == rec_private_book.store ||
	    kind == rec_speeddial.store)
		*(uint64_t *)arg += val.n;
	return 0;
}

static uint64_t
scanned(struct model *m, uint32_t owner)
{
	uint64_t n = 0;
	struct key k;

	key_kind(&k, m->tenant, owner, 0);
	k.n -= 2;
	OK(store_scan(m->t, STORE_DATA, key_str(&k), (struct str){"", 0}, add_up, &n, &err));
	return n;
}

static void
row_of(struct key *k, uint32_t owner)
{
	key_kind(k, TENANT_DEFAULT, owner, META_QUOTA);
}

static bool
has_row(struct model *m, uint32_t owner)
{
	struct key k;
	struct str v;
	int rc;

	row_of(&k, owner);
	rc = store_get(m->t, STORE_META, key_str(&k), m->a, &v, m->e);
	ck_assert_int_ge(rc, 0);
	return rc == 1;
}

static uint64_t
used(struct model *m, uint32_t owner)
{
	uint64_t n;

	OK(quota_used(m, owner, &n));
	return n;
}

/* The row alone: quota_used() would count where there is none. */
static void
check_rows(struct model *m)
{
	for (uint32_t owner = ANA; owner < ANA + OWNERS; owner++) {
		ck_assert_uint_eq(used(m, owner), scanned(m, owner));
		ck_assert_int_eq(has_row(m, owner), scanned(m, owner) > 0);
	}
}

/* --- changes ------------------------------------------------------------------------------------
 */

static void
put_entry(struct model *m, uint32_t owner, uint64_t id)
{
	struct entry e = {0}, old;
	int rc = model_get(m, &rec_entry, owner, id, &old);

	REC_SET(&e, entry, first_name, some_text(60));
	REC_SET(&e, entry, last_name, some_text(60));
	REC_SET(&e, entry, number, some_text(20));
	ck_assert_int_ge(rc, 0);
	if (rc == 1)
		ck_assert_int_eq(entry_replace(m, owner, id, &e), 1);
	else
		OK(entry_add(m, owner, id, &e, NULL));
}

static void
put_event(struct model *m, uint32_t owner, uint64_t id)
{
	struct event ev = {0};

	REC_SET(&ev, event, id, (int64_t)id);
	OK(model_put(m, &rec_event, owner, id, &ev));
}

static void
put_other(struct model *m, uint32_t owner)
{
	struct contact card = {0};
	struct private_book book = {0};

	if (pick(2) == 0) {
		REC_SET(&card, contact, first_name, some_text(250));
		OK(model_put(m, &rec_contact, owner, 0, &card));
	} else {
		REC_SET(&book, private_book, show_on_phone, pick(2) == 0);
		OK(model_put(m, &rec_private_book, owner, 0, &book));
	}
}

static void
change(struct model *m)
{
	uint32_t owner = ANA + pick(OWNERS);
	uint64_t id = 1 + pick(ITEMS);
	size_t n;

	switch (pick(12)) {
	case 0:
		put_other(m, owner);
		break;
	case 1:
		ck_assert_int_ge(model_del(m, &rec_contact, owner, 0), 0);
		break;
	case 2:
		put_event(m, owner, id);
		break;
	case 3:
		ck_assert_int_ge(model_del(m, &rec_event, owner, id), 0);
		break;
	case 4:
		OK(entries_remove(m, owner, pick(4), &n));
		break;
	case 5:
	case 6:
	case 7:
		ck_assert_int_ge(entry_remove(m, owner, id), 0);
		break;
	default:
		put_entry(m, owner, id);
	}
}

static void
random_changes(struct store *s)
{
	struct store_txn *t, *child;
	struct model m;

	seed = 7;
	for (int i = 0; i < ROUNDS; i++) {
		/* As the writer does it: each write in a child, and the batch itself can fail. */
		t = rig_begin(s, STORE_WRITE);
		for (int k = 0; k < 3; k++) {
			child = rig_nest(t);
			m = model(child);
			for (unsigned c = pick(EACH); c > 0; c--)
				change(&m);
			check_rows(&m);
			if (pick(3) == 0)
				store_abort(child);
			else
				rig_commit(child);
		}
		if (pick(4) == 0)
			store_abort(t);
		else
			rig_commit(t);
		t = rig_begin(s, STORE_READ);
		m = model(t);
		check_rows(&m);
		store_abort(t);
	}
	arena_free(&mem);
}

/* Of a store that is older than these rows. */
static void
counted_once(struct store *s)
{
	struct store_txn *t = rig_begin(s, STORE_WRITE);
	struct model m = model(t);
	struct key k;
	uint64_t all;
	size_t n;

	seed = 8;
	for (uint64_t id = 1; id <= ITEMS; id++) {
		put_entry(&m, ANA, id);
		put_event(&m, ANA, id);
	}
	all = used(&m, ANA);
	row_of(&k, ANA);
	ck_assert_int_eq(store_del(m.t, STORE_META, key_str(&k), &err), 1);
	ck_assert_uint_eq(used(&m, ANA), all);
	ck_assert(!has_row(&m, ANA));
	put_entry(&m, ANA, 3);
	ck_assert(has_row(&m, ANA));
	ck_assert_uint_eq(used(&m, ANA), scanned(&m, ANA));
	/* From here on the row is believed: with another number it stays another one. */
	ck_assert_int_eq(store_put(m.t, STORE_META, key_str(&k), STR_LIT("\0\0\0\0\1\0\0\0"), &err), 0);
	put_entry(&m, ANA, 4);
	ck_assert_uint_gt(used(&m, ANA), scanned(&m, ANA));
	ck_assert_int_eq(store_del(m.t, STORE_META, key_str(&k), &err), 1);
	OK(entries_remove(&m, ANA, ITEMS + 1, &n));
	ck_assert_uint_eq(n, ITEMS);
	ck_assert_uint_eq(used(&m, ANA), 0);
	ck_assert(!has_row(&m, ANA));
	store_abort(t);
	arena_free(&mem);
}

/* --- what is refused
 * ------------------------------------------------------------------------------ */

static void
card_of(struct model *m, uint32_t owner, size_t n)
{
	struct contact card = {0};

	REC_SET(&card, contact, first_name, ((struct str){letters, n}));
	OK(model_put(m, &rec_contact, owner, 0, &card));
}

static int
end_of(struct model *m, struct quota *q, int64_t entries, int64_t bytes)
{
	int rc = quota_end(m);

	ck_assert_msg(rc == 0 || err.code == ERR_QUOTA, "%s", err_text(&err));
	err_clear(&err);
	quota_begin(q, m, ANA, entries, bytes);
	return rc;
}

static void
bytes_refused(struct store *s)
{
	struct store_txn *t = rig_begin(s, STORE_WRITE);
	struct model m = model(t);
	struct user u = {0};
	struct quota q;

	quota_begin(&q, &m, ANA, 0, 2048);
	card_of(&m, ANA, 1000);
	ck_assert_int_eq(end_of(&m, &q, 0, 2048), 0);
	card_of(&m, ANA, 2500);
	ck_assert_int_eq(end_of(&m, &q, 0, 2048), -1);
	/* It is there all the same, since nobody has undone it; what shrinks and what stays goes on. */
	card_of(&m, ANA, 2400);
	ck_assert_int_eq(end_of(&m, &q, 0, 2048), 0);
	card_of(&m, ANA, 2400);
	ck_assert_int_eq(end_of(&m, &q, 0, 2048), 0);
	/* Another one's records are no concern of this write, although there is too much already. */
	card_of(&m, BEN, 2500);
	ck_assert_int_eq(end_of(&m, &q, 0, 2048), 0);
	/* More of one and less of another is what it is together. */
	put_entry(&m, ANA, 1);
	card_of(&m, ANA, 1900);
	ck_assert_int_eq(end_of(&m, &q, 0, 2048), 0);
	/* The account does not make up for what else has grown. */
	REC_SET(&u, user, user_name, STR_LIT("ana"));
	OK(model_put(&m, &rec_user, ANA, 0, &u));
	card_of(&m, ANA, 2300);
	ck_assert_int_eq(end_of(&m, &q, 0, 0), -1);
	/* 0 = no limit. */
	card_of(&m, ANA, 2900);
	ck_assert_int_eq(end_of(&m, &q, 0, 2048), 0);
	REC_SET(&u, user, user_name, STR_LIT("ana-maria"));
	OK(model_put(&m, &rec_user, ANA, 0, &u));
	ck_assert_int_eq(end_of(&m, &q, 0, 2048), 0);
	/* Without a limit at all, as operators write. */
	m.quota = NULL;
	card_of(&m, ANA, 2950);
	ck_assert_int_eq(quota_end(&m), 0);
	store_abort(t);
	arena_free(&mem);
}

static void
entries_refused(struct store *s)
{
	struct store_txn *t = rig_begin(s, STORE_WRITE);
	struct model m = model(t);
	struct quota q;

	quota_begin(&q, &m, ANA, 3, 0);
	for (uint64_t id = 1; id <= 3; id++)
		put_entry(&m, ANA, id);
	ck_assert_int_eq(end_of(&m, &q, 3, 0), 0);
	put_entry(&m, ANA, 4);
	ck_assert_int_eq(end_of(&m, &q, 3, 0), -1);
	/* Too many by now: another one's, a change, another one for one that goes, and less. */
	for (uint64_t id = 1; id <= 5; id++)
		put_entry(&m, BEN, id);
	ck_assert_int_eq(end_of(&m, &q, 3, 0), 0);
	put_entry(&m, ANA, 4);
	ck_assert_int_eq(end_of(&m, &q, 3, 0), 0);
	ck_assert_int_eq(entry_remove(&m, ANA, 1), 1);
	put_entry(&m, ANA, 5);
	ck_assert_int_eq(end_of(&m, &q, 3, 0), 0);
	ck_assert_int_eq(entry_remove(&m, ANA, 2), 1);
	ck_assert_int_eq(end_of(&m, &q, 3, 0), 0);
	ck_assert_int_eq(end_of(&m, &q, 0, 0), 0);
	put_entry(&m, ANA, 7);
	ck_assert_int_eq(end_of(&m, &q, 3, 0), 0);
	put_entry(&m, ANA, 8);
	ck_assert_int_eq(end_of(&m, &q, 3, 0), -1);
	store_abort(t);
	arena_free(&mem);
}

int
main(void)
{
	static const struct store_case cases[] = {{"random changes", random_changes},
	    {"counted once", counted_once}, {"bytes refused", bytes_refused},
	    {"entries refused", entries_refused}};

	memset(letters, 'a', sizeof(letters));
	return rig_run("quota", cases, sizeof(cases) / sizeof(cases[0]));
}
