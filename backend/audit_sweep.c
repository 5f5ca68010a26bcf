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
	struct audit_row rows[SWEEP_ROWS];
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

/* Whether it is what an earlier sweep has left. */
static bool
is_trace(const struct audit_row *row)
{
	return row->via == audit_via_SYSTEM && str_eq(row->action, AUDIT_SWEEP);
}

/* The head of the log lies in the store for anybody to change who can write there. That so many
 * rows were removed, and which is the last of them, is said by a row that is sealed like all
 * others. */
static int
put_trace(struct model *m, struct audit_head *head, size_t rows, int64_t now_ms)
{
	struct audit_row row = {0};

	REC_SET(&row, audit_row, time, now_ms);
	REC_SET(&row, audit_row, via, audit_via_SYSTEM);
	REC_SET(&row, audit_row, action, AUDIT_SWEEP);
	REC_SET(&row, audit_row, owner, OWNER_SYSTEM);
	REC_SET(&row, audit_row, subject, STR_LIT("system"));
	REC_SET(&row, audit_row, record, str_c(rec_audit_row.name));
	REC_SET(&row, audit_row, item, (int64_t)head->oldest - 1);
	REC_SET(&row, audit_row, rows, (int64_t)rows);
	REC_SET(&row, audit_row, before, ((struct str){(char *)head->before, AUDIT_HASH}));
	return audit_append(m, head, &row) != 0 || audit_head_put(m, head) != 0 ? -1 : 0;
}

/* A row whose time is still to come was written by a clock that was ahead. When it really was shows
 * the next one that has a time: rows with a wrong one follow on each other, so that one behind them
 * is found by steps that double, and the first of those then by halves. */
int
audit_over(struct model *m, uint64_t id, int64_t before_ms, int64_t now_ms)
{
	struct model part = *m;
	struct audit_head head;
	struct audit_row row;
	struct arena a;
	int64_t time = 0;
	uint64_t wrong = id, right = 0;
	int rc = 1;

	if (audit_head_get(m, &head) != 0)
		return -1;
	if (id < head.oldest)
		return 1;
	arena_init(&a, 2 << 20);
	part.a = &a;
	for (uint64_t step = 1; rc == 1 && (right == 0 ? wrong < head.newest : right - wrong > 1);
	     step *= 2) {
		uint64_t at = right != 0      ? wrong + (right - wrong) / 2
		    : step < head.newest - id ? id + step
		                              : head.newest;

		rc = audit_get(&part, at, &row);
		if (rc == 1 && row.time <= now_ms) {
			right = at;
			time = row.time;
		} else {
			wrong = at;
		}
	}
	arena_free(&a);
	return rc < 0 ? -1 : right != 0 && time < before_ms;
}

/* 1, 0, -1. */
static int
is_over(struct model *m, const struct audit_row *row, int64_t before_ms, int64_t now_ms)
{
	if (row->time <= now_ms)
		return row->time < before_ms;
	return audit_over(m, (uint64_t)row->id, before_ms, now_ms);
}

/* How many of the rows are over, from the oldest on, or -1. Rows of earlier sweeps alone are left
 * where they are, since each sweep leaves one itself; unless there are so many that others may be
 * behind them. */
static int
count_over(struct model *m, struct old *o, uint64_t newest, int64_t before_ms, int64_t now_ms)
{
	size_t n = 0, traces = 0;
	int rc = 1;

	/* The newest row stays, whatever its time: the chain goes on from it. */
	while (n < o->n && o->ids[n] < newest && (rc = audit_get(m, o->ids[n], &o->rows[n])) == 1 &&
	    (rc = is_over(m, &o->rows[n], before_ms, now_ms)) == 1)
		traces += is_trace(&o->rows[n++]);
	return rc < 0 ? -1 : traces == n && n < SWEEP_ROWS ? 0 : (int)n;
}

int
audit_sweep(struct model *m, int64_t now_ms, int64_t days)
{
	struct old *o = arena_alloc(m->a, sizeof(*o));
	struct audit_head head;
	int n;

	if (days == 0)
		return 0;
	if (o == NULL)
		return err_set(m->e, ERR_TOO_LARGE, NULL);
	if (audit_head_get(m, &head) != 0 || audit_rows(m, head.oldest - 1, note_row, o) != 0 ||
	    (n = count_over(m, o, head.newest, now_ms - days * DAY_MS, now_ms)) < 0)
		return -1;
	for (int i = 0; i < n; i++)
		if (remove_row(m, &o->rows[i]) != 0)
			return -1;
	if (n == 0)
		return 0;
	head.oldest = o->ids[n - 1] + 1;
	memcpy(head.before, o->hash[n - 1], AUDIT_HASH);
	return put_trace(m, &head, (size_t)n, now_ms) != 0 ? -1 : n == SWEEP_ROWS;
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
