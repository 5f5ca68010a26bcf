/* SPDX-License-Identifier: ISC */
/* The maintenance thread: checkpoints, trickle writes. It never runs on a request's time. */
#ifndef BACKEND_UPKEEP_H
#define BACKEND_UPKEEP_H

#include "backend/store.h"

struct upkeep;

int upkeep_start(struct upkeep **ret, struct store *s, struct err *e);
/* NULL is allowed. */
void upkeep_stop(struct upkeep *u);

#endif
