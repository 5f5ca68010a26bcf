/* SPDX-License-Identifier: ISC */
/*
 * The maintenance thread: checkpoints, trickle writes, and kept writes, events and rows of the
 * audit log whose time is over, which it has the writer remove in small portions, and calls whose
 * months are over. It never runs on a request's time.
 */
#ifndef BACKEND_UPKEEP_H
#define BACKEND_UPKEEP_H

#include "backend/space.h"
#include "backend/writer.h"

struct upkeep;

/* `cdr_months`, `audit_days`: how long records of calls and the audit log are kept, 0 = for ever.
 */
int upkeep_start(struct upkeep **ret, struct store *s, struct writer *w, struct space *space,
    int64_t cdr_months, int64_t audit_days, struct err *e);
/* Before the writer is stopped. NULL is allowed. */
void upkeep_stop(struct upkeep *u);

#endif
