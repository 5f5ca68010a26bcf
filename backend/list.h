/* SPDX-License-Identifier: ISC */
/*
 * Lists of an owner's items, in parts of at most 64 KiB. No cursor stays open
 * between parts: each part begins behind the mark that the last one left, in
 * the order (owner, order text, number), so that items added or removed
 * meanwhile cost nobody a place.
 */
#ifndef BACKEND_LIST_H
#define BACKEND_LIST_H

#include "backend/call.h"

enum { LIST_PART_MAX = 64 * 1024 };

/* Writes the next part into c->body; c->more and *c->mark say whether and where it goes on. */
int list_part(struct call *c);
/* How many items of the resource's record the caller owns. */
int list_count(struct call *c, size_t *ret);

#endif
