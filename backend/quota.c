/* SPDX-License-Identifier: ISC */
#include "backend/quota.h"

#include "backend/book.h"

static bool
counts(const struct rec *r, uint32_t owner)
{
	return owner != OWNER_SYSTEM && r != NULL && !r->transient && record_by_store(r->store) == r;
}

/* --- the row ------------------------------------------------------------------------------- */

static void
row_key(struct key *k, const struct model *m, uint32_t owner)
{
	key_kind(k, m->tenant, owner, META_QUOTA);
}

static int
add_row(void *arg, struct str key, struct str val)
{
	uint32_t tenant, owner;
	uint16_t kind;
	struct str rest;

	if (key_split(key, &tenant, &owner, &kind, &rest) && counts(record_by_store(kind), owner))
		*(uint64_t *)arg += val.n;
	return 0;
}

int
quota_used(struct model *m, uint32_t owner, uint64_t *ret)
{
	struct key k;
	struct str v;
	int rc;

	*ret = 0;
	row_key(&k, m, owner);
	if ((rc = store_get(m->t, STORE_META, key_str(&k), m->a, &v, m->e)) < 0)
		return -1;
	if (rc == 1) {
		*ret = key_rest_id(v);
		return 0;
	}
	key_kind(&k, m->tenant, owner, 0);
	k.n -= 2; /* every kind */
	return store_scan(m->t, STORE_DATA, key_str(&k), (struct str){"", 0}, add_row, ret, m->e);
}

static int
put_used(struct model *m, uint32_t owner, uint64_t used)
{
	char bytes[8];
	struct key k;

	row_key(&k, m, owner);
	/* Of an owner who has gone nothing is left, and nothing needs to be counted for a new one. */
	if (used == 0)
		return store_del(m->t, STORE_META, key_str(&k), m->e) < 0 ? -1 : 0;
	key_number(bytes, used, sizeof(bytes));
	return store_put(m->t, STORE_META, key_str(&k), (struct str){bytes, sizeof(bytes)}, m->e);
}

/* --- changes -------------------------------------------------------------------------------- */

struct size {
	size_t key, val;
	bool there;
};

static int
note_size(void *arg, struct str key, struct str val)
{
	struct size *s = arg;

	/* The key itself comes before those that begin with it. */
	s->there = key.n == s->key;
	s->val = s->there ? val.n : 0;
	return 1;
}

/* Not store_get(): that would copy the record, and a picture is large. */
static int
size_of(struct model *m, struct str key, struct size *s)
{
	*s = (struct size){.key = key.n};
	return store_scan(m->t, STORE_DATA, key, (struct str){"", 0}, note_size, s, m->e);
}

/* The account is the one record that grows by itself, with each new password; to refuse that would
 * help nobody. */
static void
note_growth(struct model *m, const struct rec *r, uint32_t owner, int64_t bytes, int64_t rows)
{
	if (m->quota == NULL || m->quota->user != owner || r == &rec_user)
		return;
	m->quota->bytes += bytes;
	if (r == &rec_entry)
		m->quota->entries += rows;
}

int
quota_record(struct model *m, const struct rec *r, uint32_t owner, struct str key, struct str after)
{
	struct size old;
	uint64_t used;

	if (!counts(r, owner))
		return 0;
	if (size_of(m, key, &old) != 0)
		return -1;
	note_growth(m, r, owner, (int64_t)after.n - (int64_t)old.val, (after.n > 0) - (int)old.there);
	if (old.val == after.n)
		return 0;
	if (quota_used(m, owner, &used) != 0)
		return -1;
	return put_used(m, owner, used < old.val ? after.n : used - old.val + after.n);
}

int
quota_key(struct model *m, struct str key)
{
	uint32_t tenant, owner;
	uint16_t kind;
	struct str rest;

	return key_split(key, &tenant, &owner, &kind, &rest)
	    ? quota_record(m, record_by_store(kind), owner, key, (struct str){"", 0})
	    : 0;
}

/* --- a write of the API ---------------------------------------------------------------------- */

void
quota_begin(struct quota *q, struct model *m, uint32_t user, int64_t entries_max, int64_t bytes_max)
{
	*q = (struct quota){.user = user, .entries_max = entries_max, .bytes_max = bytes_max};
	m->quota = q;
}

int
quota_end(struct model *m)
{
	const struct quota *q = m->quota;
	uint64_t n;

	if (q == NULL)
		return 0;
	if (q->entries_max > 0 && q->entries > 0) {
		if (entries_count(m, q->user, &n) != 0)
			return -1;
		if (n > (uint64_t)q->entries_max)
			return err_set(m->e, ERR_QUOTA,
			    "nothing was stored: a private phonebook may have %lld entries",
			    (long long)q->entries_max);
	}
	if (q->bytes_max > 0 && q->bytes > 0) {
		if (quota_used(m, q->user, &n) != 0)
			return -1;
		if (n > (uint64_t)q->bytes_max)
			return err_set(m->e, ERR_QUOTA,
			    "nothing was stored: what a user has stored may be %lld KiB, pictures included",
			    (long long)q->bytes_max / 1024);
	}
	return 0;
}
