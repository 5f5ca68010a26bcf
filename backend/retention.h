/* SPDX-License-Identifier: ISC */
/*
 * How long the records of calls are kept: months that are over are removed as a whole. The clock is
 * believed as far as believed.h says, and to be sure months go only when there are calls of lately,
 * or when nothing has changed for a day.
 *
 * Beyond a limit of bytes the oldest months go, but never the latest two. A call that has ended is
 * not refused for it: its feed would send it again and again, all later ones would wait behind it,
 * and when the feed's own room ends it loses calls. To find the oldest calls within a month would
 * cost a search through all of it. What stops calls in the end is the reserve of the file system
 * (space.h).
 */
#ifndef BACKEND_RETENTION_H
#define BACKEND_RETENTION_H

#include "backend/store.h"

enum {
	RETENTION_QUIET_MONTHS = 2,
	RETENTION_LATEST = 2, /* months that no limit of bytes takes */
	RETENTION_DOUBT_S = 24 * 60 * 60
};

struct retention {
	int64_t months;        /* that are kept beside the current one; 0 = all */
	uint64_t bytes;        /* that all together may take; 0 = any number */
	int64_t doubt_since_s; /* CLOCK_MONOTONIC; 0 = none */
	uint32_t doubt_month;  /* what the clock said then */
	bool told_over;        /* that the latest months alone have too many bytes */
};

/* The first month that is kept (when.h), 0 = all of them are. `newest` is that of the newest call,
 * 0 = there is none. */
uint32_t retention_first(
    struct retention *r, uint32_t newest, int64_t wall_ms, int64_t monotonic_s);
/* Removes what is older, then whole months, the oldest first, while there are too many bytes: 0, or
 * -1 with *e. Not in a thread that has a write transaction. */
int retention_run(
    struct retention *r, struct store *s, int64_t wall_ms, int64_t monotonic_s, struct err *e);

/* How many months there are calls of, and what they take together. 0 or -1. */
int retention_size(struct store_txn *t, size_t *months, uint64_t *bytes, struct err *e);

#endif
