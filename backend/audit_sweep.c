/* SPDX-License-Identifier: ISC */
/* What the audit log does not keep: rows whose time is over, and what leads to those of a user who
 * has gone. */
#include <string.h>

#include "backend/audit.h"
#include "backend/key.h"

enum { SWEEP_ROWS = 128, FORGET_ROWS = 512 };

#define DAY_MS (INT64_C(24) * 3600 * 1000)

struct old {
	uint64_t ids[SWEEP_ROWS];
	unsigned char hash[SWEEP_ROWS][AUDIT_HASH];
	size_t n;
};

static int
note_row(void *arg, uint64_t id, struct str stored)
{
	struct old *o = arg;

	o->ids[o->n] = id;
	memcpy(o->hash[o->n++], stored.p, AUDIT_HASH);
	return o->n == SWEEP_ROWS;
}

static int
remove_index(struct model *m, uint32_t user, uint64_t id)
{
	struct key k;

	key_id(&k, m->tenant, user, rec_audit_row.store, INT64_MAX - id);
	return store_del(m->t, STORE_INDEX, key_str(&k), m->e);
}

static int
remove_row(struct model *m, const struct audit_row *row)
{
	struct key k;

	key_id(&k, m->tenant, OWNER_SYSTEM, rec_audit_row.store, (uint64_t)row->id);
	return store_del(m->t, STORE_DATA, key_str(&k), m->e) < 0 ||
	        remove_index(m, (uint32_t)row->owner, (uint64_t)row->id) < 0 ||
	        (REC_HAS(row, audit_row, actor) &&
	            remove_index(m, (uint32_t)row->actor, (uint64_t)row->id) < 0)
	    ? -1
	    : 0;
}

static int
put_oldest(struct model *m, uint64_t oldest, const unsigned char before[AUDIT_HASH])
{
	struct str v = {"", 0};
	struct key k;
	char *bytes;
	int rc;

	key_kind(&k, m->tenant, OWNER_SYSTEM, META_AUDIT);
	rc = store_get(m->t, STORE_META, key_str(&k), m->a, &v, m->e);
	if (rc != 1)
		return rc;
	bytes = (char *)(uintptr_t)v.p;
	key_number(bytes + 8, oldest, 8);
	memcpy(bytes + v.n - AUDIT_HASH, before, AUDIT_HASH);
	return store_put(m->t, STORE_META, key_str(&k), v, m->e);
}

/* A row whose time is still to come was written by a clock that was ahead. When it really was shows
 * the next one that has a time: rows with a wrong one follow on each other, so that one behind them
 * is found by steps that double. */
int
audit_over(struct model *m, uint64_t id, int64_t before_ms, int64_t now_ms)
{
	struct model part = *m;
	struct audit_head head;
	struct audit_row row;
	struct arena a;
	int rc = 1;
	bool found = false;

	if (audit_head_get(m, &head) != 0)
		return -1;
	if (id < head.oldest)
		return 1;
	arena_init(&a, 1 << 20);
	part.a = &a;
	for (uint64_t at = id, step = 1; !found && rc == 1 && at < head.newest; step *= 2) {
		at = step < head.newest - id ? id + step : head.newest;
		rc = audit_get(&part, at, &row);
		found = rc == 1 && row.time <= now_ms;
	}
	arena_free(&a);
	return rc < 0 ? -1 : found && row.time < before_ms;
}

/* 1, 0, -1. */
static int
is_over(struct model *m, const struct audit_row *row, int64_t before_ms, int64_t now_ms)
{
	if (row->time <= now_ms)
		return row->time < before_ms;
	return audit_over(m, (uint64_t)row->id, before_ms, now_ms);
}

int
audit_sweep(struct model *m, int64_t now_ms, int64_t days)
{
	struct old *o = arena_alloc(m->a, sizeof(*o));
	struct audit_head head;
	struct audit_row row;
	const int64_t before_ms = now_ms - days * DAY_MS;
	size_t i = 0;
	int rc = 1;

	if (days == 0)
		return 0;
	if (o == NULL)
		return err_set(m->e, ERR_TOO_LARGE, NULL);
	if (audit_head_get(m, &head) != 0 || audit_rows(m, head.oldest - 1, note_row, o) != 0)
		return -1;
	/* The newest row stays, whatever its time: the chain goes on from it. */
	while (i < o->n && o->ids[i] < head.newest && (rc = audit_get(m, o->ids[i], &row)) == 1 &&
	    (rc = is_over(m, &row, before_ms, now_ms)) == 1 && (rc = remove_row(m, &row)) == 0)
		i++;
	if (rc < 0 || (i > 0 && put_oldest(m, o->ids[i - 1] + 1, o->hash[i - 1]) != 0))
		return -1;
	return i == SWEEP_ROWS;
}

struct keys {
	struct str v[FORGET_ROWS];
	struct arena *a;
	size_t n;
	bool failed;
};

static int
note_key(void *arg, struct str key, struct str val)
{
	struct keys *k = arg;

	(void)val;
	k->v[k->n] = arena_copy(k->a, key);
	k->failed = k->v[k->n].p == NULL;
	return k->failed || ++k->n == FORGET_ROWS;
}

int
audit_forget(struct model *m, uint32_t user)
{
	struct key prefix;
	struct arena a;
	struct keys k;
	int rc = 0;

	key_kind(&prefix, m->tenant, user, rec_audit_row.store);
	do {
		arena_init(&a, 1 << 20);
		k = (struct keys){.a = &a};
		rc = store_scan(
		    m->t, STORE_INDEX, key_str(&prefix), (struct str){"", 0}, note_key, &k, m->e);
		if (rc == 0 && k.failed)
			rc = err_set(m->e, ERR_TOO_LARGE, NULL);
		for (size_t i = 0; i < k.n && rc >= 0; i++)
			rc = store_del(m->t, STORE_INDEX, k.v[i], m->e);
		arena_free(&a);
	} while (rc >= 0 && k.n == FORGET_ROWS);
	return rc < 0 ? -1 : 0;
}
