/* SPDX-License-Identifier: ISC */
/*
 * The audit log: who has changed what, from where, with digests of what was there before and after;
 * a row for each owner and kind of record of a write, in the write's own transaction. Rows are
 * numbered without gaps and chained by hashes (common/audit_chain.h), which audit_sealer.c has
 * sealed.
 *
 * What is recorded are the kinds of record that a dump has. Their contents stay out: digests are
 * keyed, so that a PIN cannot be found by trying.
 *
 * A row is [version u8][hash][audit_row as msgpack] in STORE_DATA. Whoever has changed something
 * and whose it is find the row by STORE_INDEX, newest first.
 */
#ifndef BACKEND_AUDIT_H
#define BACKEND_AUDIT_H

#include "backend/digest.h"
#include "backend/key.h"
#include "backend/model.h"
#include "common/audit_chain.h"

struct audit_head {
	uint64_t newest, oldest;          /* numbers; oldest = newest + 1 when there are no rows */
	unsigned char hash[AUDIT_HASH];   /* of the newest row */
	unsigned char before[AUDIT_HASH]; /* of the row before the oldest */
};

/* What a write has changed so far. audit_begin() fills it in, model_put() and model_del() add to
 * it, audit_end() writes what is left. */
struct audit {
	const struct digest_keys *keys;
	struct audit_row by; /* who, from where, by what; the rest is filled in for each row */
	struct audit_head head;
	bool has_head;
	/* The row that is being gathered: changes of one owner's records of one kind. */
	const struct rec *rec;
	uint32_t owner;
	uint64_t item, rows;
	bool has_before, has_after;
	unsigned char before[DIGEST_RECORD], after[DIGEST_RECORD];
	/* What was there, so that it can be brought back (history.h). */
	bool keeps, gave_up;
	uint64_t write; /* number of the first row */
	uint32_t kept, kept_owner;
	size_t kept_bytes;
	/* The name of the owner of the last row that was written. */
	uint32_t named;
	char name[256];
	size_t name_n;
};

/* --- in the writer's thread --- */

/* From here on changes by way of `m` are recorded, and kept when a->keeps is set then. `by`: the
 * texts must live until audit_end(). */
void audit_begin(
    struct audit *a, struct model *m, const struct digest_keys *keys, const struct audit_row *by);
/* A record is about to become `after`, or to go (an empty one): 0 or -1. Does nothing without
 * m->audit. */
int audit_record(struct model *m, const struct rec *r, uint32_t owner, uint64_t item,
    const struct key *k, struct str after);
/* Likewise, for a record that lies elsewhere than in STORE_DATA; an empty `before` = there was
 * none. Equal ones are no change. */
int audit_change(struct model *m, const struct rec *r, uint32_t owner, uint64_t item,
    struct str before, struct str after);
/* As audit_record(), for a key of STORE_DATA that goes. */
int audit_key(struct model *m, struct str key);
/* This write cannot be undone: what has been kept of it goes. 0 or -1. */
int audit_no_undo(struct model *m);
/* Writes what has been gathered. 0 or -1. */
int audit_end(struct model *m);

/* Adds a row that is about no write, and that no user finds: it gets its number, and `head` goes on
 * to it, which has to be put then. Not while m->audit is set. 0 or -1. */
int audit_append(struct model *m, struct audit_head *head, struct audit_row *row);
/* 0 or -1. */
int audit_head_put(struct model *m, const struct audit_head *h);

/* A user's rows are no longer found by the user; they stay. */
int audit_forget(struct model *m, uint32_t user);
/* Removes some rows that are older than `days` (0 = none are), and adds one that says so
 * (AUDIT_SWEEP). Not while m->audit is set. 1 when there may be more, 0, -1. */
int audit_sweep(struct model *m, int64_t now_ms, int64_t days);
/* Whether a row whose time is later than now was written before another time, by what later rows
 * say: 1 (also when it has gone), 0 = not as far as that shows, -1. */
int audit_over(struct model *m, uint64_t id, int64_t before_ms, int64_t now_ms);

/* Seals: the last one of each hour is kept. */
int audit_seal_put(struct model *m, const struct audit_seal *s);

/* --- in any thread --- */

/* 0 or -1. */
int audit_head_get(struct model *m, struct audit_head *ret);
/* In the order of time; `seal` returns 0 to go on. */
typedef int audit_seal_fn(void *arg, const struct audit_seal *s);
int audit_seals(struct model *m, audit_seal_fn *seal, void *arg);
/* Whether the log still goes on from the row that a seal is over: 1 (also when that row was removed
 * for its age), 0, -1. */
int audit_goes_on(struct model *m, const struct audit_head *h, const struct audit_seal *s);
/* The rows behind number `after`, in order: `stored` = hash and record. It returns 0 to go on. */
typedef int audit_row_fn(void *arg, uint64_t id, struct str stored);
int audit_rows(struct model *m, uint64_t after, audit_row_fn *row, void *arg);
/* The numbers of at most `max` rows that are about a user, newest first, from before `before` on (0
 * = all). 0 or -1. */
int audit_of_user(
    struct model *m, uint32_t user, uint64_t before, uint64_t *ret, size_t max, size_t *n);
/* One row: 1, 0 = it has gone, -1. */
int audit_get(struct model *m, uint64_t id, struct audit_row *ret);

#endif
