/* SPDX-License-Identifier: ISC */
/*
 * The maintenance thread: checkpoints, trickle writes, and kept writes, events and rows of the
 * audit log whose time is over, which it has the writer remove in small portions, and calls whose
 * months are over, or are too many for their room. It never runs on a request's time.
 */
#ifndef BACKEND_UPKEEP_H
#define BACKEND_UPKEEP_H

#include "backend/space.h"
#include "backend/writer.h"

struct upkeep;

/* How long, or how much, is kept; 0 = for ever, and all. */
struct upkeep_limits {
	int64_t cdr_months, cdr_bytes, audit_days;
};

int upkeep_start(struct upkeep **ret, struct store *s, struct writer *w, struct space *space,
    const struct upkeep_limits *limits, struct err *e);
/* Before the writer is stopped. NULL is allowed. */
void upkeep_stop(struct upkeep *u);

#endif
