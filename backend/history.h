/* SPDX-License-Identifier: ISC */
/*
 * What a user's own writes have replaced, so that it can be brought back: for HISTORY_DAYS, of the
 * last HISTORY_CHANGES writes of a user, or fewer when they take more than HISTORY_KEPT. A write is
 * known by the number of its first row in the audit log; its rows are [owner][DATA_HISTORY][write
 * u64][place u32] in STORE_DATA, each [version u8][kind u16][item u64][what was there, nothing when
 * there was none].
 *
 * Records with secrets are not kept; of an account its first and last name are, as a contact card.
 * A write of more than HISTORY_ROWS records, or that replaces more than HISTORY_BYTES, is not kept.
 */
#ifndef BACKEND_HISTORY_H
#define BACKEND_HISTORY_H

#include "backend/model.h"

enum {
	HISTORY_ROWS = 1000,
	HISTORY_BYTES = 1024 * 1024, /* of what a write has replaced */
	HISTORY_CHANGES = 100,
	HISTORY_KEPT = 8 * 1024 * 1024, /* bytes of the rows of all writes of a user */
	HISTORY_DAYS = 30,
	HISTORY_MEMORY = 8 * 1024 * 1024 /* bytes of the rows of one write */
};

/* --- in the writer's thread --- */

/* Whether records of that kind are kept. */
bool history_keeps(const struct rec *r);
/* Keeps what was there (`before`, empty = nothing) as the row of that place, and adds its bytes:
 * 1, 0 = there is nothing to be kept, -1. */
int history_keep(struct model *m, uint32_t owner, uint64_t write, uint32_t place,
    const struct rec *r, uint64_t item, struct str before, struct str after, size_t *bytes);
/* Behind the last row of a write of so many bytes: it is there from now on, and the oldest go when
 * there are too many. 0 or -1. */
int history_end(struct model *m, uint32_t owner, uint64_t write, size_t bytes, int64_t now_ms);
/* Removes what was kept of a write, or of a user. 0 or -1. */
int history_drop(struct model *m, uint32_t owner, uint64_t write);
int history_forget(struct model *m, uint32_t owner);
/* Removes some of what is older than HISTORY_DAYS, or than the audit log keeps its rows (0 = all):
 * 1 when there may be more, 0, -1. */
int history_sweep(struct model *m, int64_t now_ms, int64_t audit_days);

/* --- in any thread --- */

struct history_row {
	const struct rec *rec;
	uint64_t item;
	struct str before; /* a record as stored, empty = there was none */
};

/* The rows of a user's write in their order, at most HISTORY_ROWS, in the arena: 0, or -1.
 * *n = 0 when nothing is kept of it. */
int history_rows(
    struct model *m, uint32_t owner, uint64_t write, struct history_row **ret, size_t *n);
/* The first of a user's kept writes behind `after`: 1, 0 = there is none, -1. */
int history_next(struct model *m, uint32_t owner, uint64_t after, uint64_t *write);

#endif
