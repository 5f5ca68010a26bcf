/* SPDX-License-Identifier: ISC */
/*
 * The maintenance thread: checkpoints, trickle writes, and kept writes and events whose time is
 * over, which it has the writer remove in small portions, and calls whose months are over. It never
 * runs on a request's time.
 */
#ifndef BACKEND_UPKEEP_H
#define BACKEND_UPKEEP_H

#include "backend/space.h"
#include "backend/writer.h"

struct upkeep;

/* `cdr_months`: how long records of calls are kept, 0 = for ever. */
int upkeep_start(struct upkeep **ret, struct store *s, struct writer *w, struct space *space,
    int64_t cdr_months, struct err *e);
/* Before the writer is stopped. NULL is allowed. */
void upkeep_stop(struct upkeep *u);

#endif
