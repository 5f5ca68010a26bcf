/* SPDX-License-Identifier: ISC */
#include "backend/audit.h"

#include <string.h>

#include "backend/history.h"
#include "backend/job.h"
#include "backend/key.h"
#include "common/clock.h"
#include "common/mp.h"
#include "common/sink.h"

enum { VERSION = 1, ROW_MAX = 8192, ROW_HEAD = 1 + AUDIT_HASH, HEAD_BYTES = 16 + 2 * AUDIT_HASH };

static void
row_key(struct key *k, const struct model *m, uint64_t id)
{
	key_id(k, m->tenant, OWNER_SYSTEM, rec_audit_row.store, id);
}

/* Turned round, so that a scan begins with the newest. */
static void
index_key(struct key *k, const struct model *m, uint32_t user, uint64_t id)
{
	key_id(k, m->tenant, user, rec_audit_row.store, INT64_MAX - id);
}

/* --- where the log begins and ends ---------------------------------------------- */

int
audit_head_get(struct model *m, struct audit_head *ret)
{
	struct str v = {"", 0};
	struct key k;
	int rc;

	*ret = (struct audit_head){.oldest = 1};
	key_kind(&k, m->tenant, OWNER_SYSTEM, META_AUDIT);
	rc = store_get(m->t, STORE_META, key_str(&k), m->a, &v, m->e);
	if (rc < 0)
		return -1;
	if (rc == 0)
		return 0;
	if (v.n != HEAD_BYTES)
		return err_set(m->e, ERR_INTERNAL, "the head of the audit log cannot be read");
	ret->newest = key_rest_id(v);
	ret->oldest = key_rest_id((struct str){v.p + 8, 8});
	memcpy(ret->hash, v.p + 16, AUDIT_HASH);
	memcpy(ret->before, v.p + 16 + AUDIT_HASH, AUDIT_HASH);
	return 0;
}

int
audit_head_put(struct model *m, const struct audit_head *h)
{
	char bytes[HEAD_BYTES];
	struct key k;

	key_number(bytes, h->newest, 8);
	key_number(bytes + 8, h->oldest, 8);
	memcpy(bytes + 16, h->hash, AUDIT_HASH);
	memcpy(bytes + 16 + AUDIT_HASH, h->before, AUDIT_HASH);
	key_kind(&k, m->tenant, OWNER_SYSTEM, META_AUDIT);
	return store_put(m->t, STORE_META, key_str(&k), (struct str){bytes, sizeof(bytes)}, m->e);
}

/* --- rows -------------------------------------------------------------------------- */

static void
keep_name(struct audit *a, const char *what, struct str name)
{
	size_t head = strlen(what);

	memcpy(a->name, what, head);
	if (name.n > sizeof(a->name) - head)
		name.n = sizeof(a->name) - head;
	memcpy(a->name + head, name.p, name.n);
	a->name_n = head + name.n;
}

/* What the owner is called now: the row outlives the account. */
static int
find_name(struct model *m, struct audit *a)
{
	struct user u;
	struct group g;
	struct phonebook b;
	int rc;

	if (a->named == a->owner && a->name_n > 0)
		return 0;
	a->named = a->owner;
	a->name_n = 0;
	if (a->owner == OWNER_SYSTEM) {
		keep_name(a, "", STR_LIT("system"));
		return 0;
	}
	if ((rc = model_get(m, &rec_user, a->owner, 0, &u)) == 1)
		keep_name(a, "", u.user_name);
	else if (rc == 0 && (rc = model_get(m, &rec_group, a->owner, 0, &g)) == 1)
		keep_name(a, "group ", g.name);
	else if (rc == 0 && (rc = model_get(m, &rec_phonebook, a->owner, 0, &b)) == 1)
		keep_name(a, "phonebook ", b.name);
	return rc < 0 ? -1 : 0;
}

static int
put_index(struct model *m, uint32_t user, uint64_t id)
{
	struct key k;

	index_key(&k, m, user, id);
	return user == OWNER_SYSTEM ? 0 : store_put(m->t, STORE_INDEX, key_str(&k), STR_LIT("."), m->e);
}

int
audit_append(struct model *m, struct audit_head *head, struct audit_row *row)
{
	struct buf out;
	struct key k;
	int rc;

	REC_SET(row, audit_row, id, (int64_t)++head->newest);
	buf_init(&out, ROW_MAX);
	buf_addc(&out, VERSION);
	/* The hash goes where it belongs once the bytes behind it are known. */
	buf_add(&out, (const char *)head->hash, AUDIT_HASH);
	mp_encode(&rec_audit_row, row, &out, 0);
	if (out.failed) {
		rc = err_set(m->e, ERR_TOO_LARGE, NULL);
	} else {
		audit_chain(head->hash, (struct str){out.p + ROW_HEAD, out.n - ROW_HEAD});
		memcpy(out.p + 1, head->hash, AUDIT_HASH);
		row_key(&k, m, head->newest);
		rc = store_put(m->t, STORE_DATA, key_str(&k), buf_str(&out), m->e);
	}
	buf_free(&out);
	return rc;
}

static int
load_head(struct model *m, struct audit *a)
{
	if (a->has_head)
		return 0;
	if (audit_head_get(m, &a->head) != 0)
		return -1;
	a->has_head = true;
	a->write = a->head.newest + 1;
	return 0;
}

/* Writes the row that has been gathered. */
static int
flush(struct model *m)
{
	struct audit *a = m->audit;
	struct audit_row row = a->by;
	uint32_t actor = REC_HAS(&row, audit_row, actor) ? (uint32_t)row.actor : OWNER_SYSTEM;

	if (a->rows == 0)
		return 0;
	/* The name again: of an account that has just been made. */
	if (load_head(m, a) != 0 || find_name(m, a) != 0)
		return -1;
	REC_SET(&row, audit_row, owner, a->owner);
	if (a->name_n > 0)
		REC_SET(&row, audit_row, subject, ((struct str){a->name, a->name_n}));
	REC_SET(&row, audit_row, record, str_c(a->rec->name));
	if (a->item != 0)
		REC_SET(&row, audit_row, item, (int64_t)a->item);
	REC_SET(&row, audit_row, rows, (int64_t)a->rows);
	if (a->has_before)
		REC_SET(&row, audit_row, before, ((struct str){(char *)a->before, DIGEST_RECORD}));
	if (a->has_after)
		REC_SET(&row, audit_row, after, ((struct str){(char *)a->after, DIGEST_RECORD}));
	a->rows = 0;
	return audit_append(m, &a->head, &row) != 0 || put_index(m, a->owner, a->head.newest) != 0 ||
	        (actor != a->owner && put_index(m, actor, a->head.newest) != 0)
	    ? -1
	    : 0;
}

void
audit_begin(
    struct audit *a, struct model *m, const struct digest_keys *keys, const struct audit_row *by)
{
	*a = (struct audit){.keys = keys, .by = *by};
	REC_SET(&a->by, audit_row, time, clock_wall_ms());
	m->audit = a;
}

static void
gather(
    struct audit *a, bool *has, unsigned char all[DIGEST_RECORD], uint64_t item, struct str stored)
{
	unsigned char digest[DIGEST_RECORD];

	if (stored.n == 0)
		return;
	digest_record(a->keys, a->owner, a->rec->store, item, stored, digest);
	if (*has)
		digest_more(a->keys, all, digest);
	else
		memcpy(all, digest, DIGEST_RECORD);
	*has = true;
}

int
audit_no_undo(struct model *m)
{
	struct audit *a = m->audit;

	if (a == NULL || a->gave_up)
		return 0;
	a->gave_up = true;
	return a->kept > 0 ? history_drop(m, a->kept_owner, a->write) : 0;
}

static int
keep(struct model *m, const struct rec *r, uint64_t item, uint32_t owner, struct str before,
    struct str after)
{
	struct audit *a = m->audit;
	int rc;

	if (!a->keeps || a->gave_up || !history_keeps(r) || (a->kept > 0 && a->kept_owner != owner))
		return 0;
	if (a->kept == HISTORY_ROWS || a->kept_bytes + before.n > HISTORY_BYTES)
		return audit_no_undo(m);
	if (load_head(m, a) != 0 ||
	    (rc = history_keep(m, owner, a->write, a->kept, r, item, before, after, &a->kept_bytes)) <
	        0)
		return -1;
	a->kept += rc == 1;
	a->kept_owner = owner;
	return 0;
}

int
audit_change(struct model *m, const struct rec *r, uint32_t owner, uint64_t item, struct str before,
    struct str after)
{
	struct audit *a = m->audit;

	if (a == NULL || str_eq(before, after))
		return 0;
	if (keep(m, r, item, owner, before, after) != 0)
		return -1;
	if (a->rows > 0 && (a->rec != r || a->owner != owner) && flush(m) != 0)
		return -1;
	if (a->rows == 0) {
		a->rec = r;
		a->owner = owner;
		a->has_before = a->has_after = false;
		/* Now, while an account that goes is still there. */
		if (find_name(m, a) != 0)
			return -1;
	}
	a->rows++;
	a->item = a->rows == 1 ? item : 0;
	gather(a, &a->has_before, a->before, item, before);
	gather(a, &a->has_after, a->after, item, after);
	return 0;
}

int
audit_record(struct model *m, const struct rec *r, uint32_t owner, uint64_t item,
    const struct key *k, struct str after)
{
	struct str before = {"", 0};

	if (m->audit == NULL || r->transient || record_by_store(r->store) != r)
		return 0;
	return store_get(m->t, STORE_DATA, key_str(k), m->a, &before, m->e) < 0
	    ? -1
	    : audit_change(m, r, owner, item, before, after);
}

int
audit_key(struct model *m, struct str key)
{
	const struct rec *r;
	uint32_t tenant, owner;
	uint16_t kind;
	struct str rest;
	struct key k;

	if (!key_split(key, &tenant, &owner, &kind, &rest) || key.n > sizeof(k.bytes) ||
	    (r = record_by_store(kind)) == NULL)
		return 0;
	memcpy(k.bytes, key.p, key.n);
	k.n = key.n;
	return audit_record(m, r, owner, key_rest_id(rest), &k, (struct str){"", 0});
}

int
audit_end(struct model *m)
{
	struct audit *a = m->audit;

	if (a == NULL)
		return 0;
	if (flush(m) != 0 || (a->has_head && audit_head_put(m, &a->head) != 0))
		return -1;
	return a->kept > 0 && !a->gave_up
	    ? history_end(m, a->kept_owner, a->write, a->kept_bytes, a->by.time)
	    : 0;
}

/* --- reading -------------------------------------------------------------------------- */

int
audit_get(struct model *m, uint64_t id, struct audit_row *ret)
{
	struct str v;
	struct key k;
	int rc;

	memset(ret, 0, sizeof(*ret));
	row_key(&k, m, id);
	rc = store_get(m->t, STORE_DATA, key_str(&k), m->a, &v, m->e);
	if (rc != 1)
		return rc;
	if (v.n <= ROW_HEAD || v.p[0] != VERSION ||
	    mp_decode(&rec_audit_row, ret, (struct str){v.p + ROW_HEAD, v.n - ROW_HEAD}, DECODE_ALL,
	        m->a, m->e) != 0)
		return err_set(m->e, ERR_INTERNAL, "a row of the audit log cannot be read");
	return 1;
}

struct rows {
	audit_row_fn *row;
	void *arg;
};

static int
each_row(void *arg, struct str key, struct str val)
{
	struct rows *r = arg;

	if (val.n < ROW_HEAD)
		return 0;
	return r->row(r->arg, key_rest_id((struct str){key.p + KEY_HEAD, key.n - KEY_HEAD}),
	    (struct str){val.p + 1, val.n - 1});
}

int
audit_rows(struct model *m, uint64_t after, audit_row_fn *row, void *arg)
{
	struct rows r = {row, arg};
	struct key prefix, from;

	key_kind(&prefix, m->tenant, OWNER_SYSTEM, rec_audit_row.store);
	row_key(&from, m, after);
	return store_scan(m->t, STORE_DATA, key_str(&prefix), key_str(&from), each_row, &r, m->e);
}

struct numbers {
	uint64_t *v;
	size_t n, max;
};

static int
note_number(void *arg, struct str key, struct str val)
{
	struct numbers *n = arg;

	(void)val;
	n->v[n->n++] = INT64_MAX - key_rest_id((struct str){key.p + KEY_HEAD, key.n - KEY_HEAD});
	return n->n == n->max;
}

int
audit_of_user(struct model *m, uint32_t user, uint64_t before, uint64_t *ret, size_t max, size_t *n)
{
	struct numbers found = {ret, 0, max};
	struct key prefix, from;

	key_kind(&prefix, m->tenant, user, rec_audit_row.store);
	index_key(&from, m, user, before);
	if (store_scan(m->t, STORE_INDEX, key_str(&prefix),
	        before == 0 ? (struct str){"", 0} : key_str(&from), note_number, &found, m->e) != 0)
		return -1;
	*n = found.n;
	return 0;
}
