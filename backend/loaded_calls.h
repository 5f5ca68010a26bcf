/* SPDX-License-Identifier: ISC */
/*
 * What a load of call records leaves in the audit log: one row for each owner, however many calls
 * there are and in whatever order. (What switches tell of leaves none.)
 */
#ifndef BACKEND_LOADED_CALLS_H
#define BACKEND_LOADED_CALLS_H

#include "backend/cdr.h"
#include "backend/model.h"

struct loaded_call;

/* Begins as zeros. */
struct loaded_calls {
	struct loaded_call *v;
	size_t n, size;
};

/* A row of call_record or known_call that was put; nothing when that has changed nothing. 0 or -1.
 */
int loaded_calls_add(struct loaded_calls *l, struct model *m, const struct rec *r, uint32_t owner,
    const struct cdr_change *c);
/* When all are put: records them by way of m->audit. 0 or -1. */
int loaded_calls_audit(struct loaded_calls *l, struct model *m);
void loaded_calls_free(struct loaded_calls *l);

#endif
