/* SPDX-License-Identifier: ISC */
/*
 * Calls in progress, as the switches tell of them. They are rows of the store, changed in the
 * transaction that takes the switch's message: readers see one consistent state, and a restart
 * loses nothing. All of it inside the caller's transaction.
 */
#ifndef BACKEND_LIVE_H
#define BACKEND_LIVE_H

#include "backend/model.h"

enum {
	LIVE_KEY_MAX = 400,      /* bytes of a switch's name for a call */
	LIVE_ROWS_MAX = 100000,  /* of one source */
	LIVE_CALLS_AT_ONCE = 256 /* of one user, by live_calls_of() */
};

/* What is known of the source of a message. */
struct live_source {
	struct str name;
	int64_t generation; /* snapshots that have begun so far */
	int64_t rows;       /* changed by what follows */
};

/* Stores a call as it is now. 0, or -1: ERR_INVALID when it breaks a rule or the source has too
 * many rows (nothing has been changed then), else a fault of the store. */
int live_call_set(
    struct model *m, struct live_source *s, struct str key, const struct live_call *call);
/* 0 (also when there is no such call) or -1. */
int live_call_end(struct model *m, struct live_source *s, struct str key);
/* Ends what the source has not named since its snapshot began. 0 or -1. */
int live_sweep(struct model *m, struct live_source *s);

/* The calls of a user behind the one named `after` (empty = from the first), at most
 * LIVE_CALLS_AT_ONCE; `row` returns 0 to go on. 1 when there may be more, 0, -1. */
typedef int live_call_fn(void *arg, struct str name, const struct active_call *call);
int live_calls_of(
    struct model *m, uint32_t user, struct str after, live_call_fn *row, void *arg);

/* The number of the user that an address stands for: 1 when the host is one of this system's and
 * the user part a name, alias or extension of a user; 0, -1. `proved` is looked at before `shown`,
 * and alone when it is not empty. */
int live_user(struct model *m, struct str proved, struct str shown, uint32_t *ret);

#endif
