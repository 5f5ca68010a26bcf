/* SPDX-License-Identifier: ISC */
/*
 * The wall clock, for what cannot be taken back: what is removed because its time is over. A clock
 * that has jumped ahead must not take the audit log and all that could be undone with it, nor over
 * a restart. So the latest time that has been believed is in the store, and another one is believed
 * when it is within a day of that, or has been said for a day: 24 hours in which the backend ran,
 * so that one that is off each night gets there too.
 */
#ifndef BACKEND_BELIEVED_H
#define BACKEND_BELIEVED_H

#include "backend/model.h"

#define BELIEVED_STEP_MS (INT64_C(24) * 3600 * 1000)

struct believed {
	bool looked;  /* in this process, at a doubt that goes on */
	int64_t at_s; /* when, CLOCK_MONOTONIC */
};

/* In the writer's thread, now and then: 1 = it is believed, 0 = not yet, -1. */
int believed_look(struct believed *b, struct model *m, int64_t wall_ms, int64_t monotonic_s);
/* The latest time that was believed, at first the beginning of the audit log; ms since 1970, 0 = it
 * is empty. 0 or -1. */
int believed_latest(struct model *m, int64_t *ret);

#endif
