/* SPDX-License-Identifier: ISC */
/*
 * What calls, conferences and members have in common as rows of the store: names that begin with
 * their source's, and a sweep of what a snapshot has not named.
 */
#ifndef BACKEND_LIVE_ROWS_H
#define BACKEND_LIVE_ROWS_H

#include "backend/live.h"

/* "source NUL key": what a source says cannot name another one's row. Texts have no NUL in them.
 * In the arena; p = NULL when memory ends. */
struct str live_row_name(struct model *m, struct str source, struct str key);
/* The parts of such a name. */
void live_row_split(struct str name, struct str *source, struct str *key);

/* The same of a name that a switch has given: 0, or -1 with ERR_INVALID when it cannot be one. */
int live_row_of(struct model *m, const struct live_source *s, struct str key, struct str *ret);

/* Calls `end` for each of a source's rows of a kind for which `stale` is true, in the order of
 * their names, with an arena that is emptied now and then. `end` may change the store. 0 or -1. */
struct live_rows {
	const struct rec *rec;
	bool (*stale)(const struct live_source *s, const void *row);
	int (*end)(struct model *m, struct live_source *s, struct str name);
};
int live_rows_sweep(struct model *m, struct live_source *s, const struct live_rows *rows);

/* The same for the rows whose names begin with `prefix`, stale or not when `stale` is NULL. */
int live_rows_end(
    struct model *m, struct live_source *s, const struct live_rows *rows, struct str prefix);

#endif
