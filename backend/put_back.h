/* SPDX-License-Identifier: ISC */
/*
 * Bringing back what a write has replaced, by the rules that are the caller's today: what could not
 * be written now is not brought back either, and what the operator keeps in a record stays as it
 * is.
 */
#ifndef BACKEND_PUT_BACK_H
#define BACKEND_PUT_BACK_H

#include "backend/call.h"
#include "backend/history.h"

/* In the writer's transaction; c->res is where the kind of record is written. 0, or -1 with
 * *c->m.e: ERR_CONFLICT when something else has its place by now, ERR_FORBIDDEN when the caller may
 * not change it any more, or what the rules of the record say. */
int put_back(struct call *c, const struct history_row *row);

#endif
