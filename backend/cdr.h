/* SPDX-License-Identifier: ISC */
/*
 * Call records: calls that have ended, a row per party that is a user of this system, in a
 * partition of the store per month of their start. A user's rows are neighbours, newest first, so
 * that the last ones cost the same however many there are. All of it inside the caller's
 * transaction.
 *
 * The name of a call makes that it is filed once: a row without an owner says that the switch has
 * told of it. It is looked for in the month of the start, and in the next one where the start is
 * within a day of it, since a switch may tell of one call by two clocks.
 */
#ifndef BACKEND_CDR_H
#define BACKEND_CDR_H

#include "backend/model.h"

enum { CDR_PLACE = 16, CDR_DIGEST = 16 };

/* What a start may be: from 2000 on, and not more than two days ahead of our clock, or of the
 * latest time that was believed (believed.h). */
#define CDR_FIRST_MS INT64_C(946684800000)
#define CDR_AHEAD_MS (INT64_C(2) * 24 * 3600 * 1000)

/* Files what a switch tells of: 1, 0 = it is known already, -1 with ERR_INVALID when it began at
 * an impossible time (and nothing has been changed), or with a fault of the store. */
int cdr_file(struct model *m, struct str source, const struct cdr *c, int64_t now_ms);

/* What a row was (empty: there was none) and is, in the model's arena. Of a call that is known it
 * is the digest. */
struct cdr_change {
	struct str before, after;
};

/* From a dump: a party's row, and a call that is known. `change` may be NULL. 0 or -1. */
int cdr_load(
    struct model *m, uint32_t owner, const struct call_record *r, struct cdr_change *change);
int cdr_load_known(struct model *m, const struct known_call *k, struct cdr_change *change);
/* What a stored row without an owner says, from its key's rest. */
void cdr_known(uint32_t month, struct str rest, struct known_call *ret);

/* Takes all rows of a user away; the other parties keep theirs. 0 or -1. */
int cdr_forget(struct model *m, uint32_t user);

/* Where a user's row stands among the others. */
struct cdr_place {
	unsigned char bytes[CDR_PLACE];
};

struct cdr_query {
	uint32_t user;
	int64_t from, to; /* start >= from, start < to; ms since 1970 */
	bool oldest_first;
	bool resumes; /* behind `after` */
	struct cdr_place after;
};

/* The user's rows in order; `row` returns 0 to go on. It gets the stored bytes, for cdr_decode(),
 * which are valid during the call alone, and must not call the store. 0 or -1. */
typedef int cdr_row_fn(void *arg, const struct cdr_place *at, struct str stored);
int cdr_each(struct model *m, const struct cdr_query *q, cdr_row_fn *row, void *arg);
/* 0 or -1; texts are in `stored` or the model's arena. */
int cdr_decode(struct model *m, struct str stored, struct call_record *ret);

/* Whether that is a place at all; the time in it, ms since 1970. */
bool cdr_place_is_valid(const struct cdr_place *p);

#endif
