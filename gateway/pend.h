/* SPDX-License-Identifier: ISC */
/*
 * Requests that wait for the backend, in a fixed number of slots. The id on
 * the wire is generation and slot, so an answer that comes too late finds
 * another generation and nothing else. Nothing of Kore.
 */
#ifndef GATEWAY_PEND_H
#define GATEWAY_PEND_H

#include <stddef.h>
#include <stdint.h>

#include "common/err.h"

enum { PEND_SLOT_BITS = 14, PEND_MAX = 1 << PEND_SLOT_BITS };

/* A deadline that never comes. */
#define PEND_NEVER UINT64_MAX

struct pend;

int pend_new(struct pend **ret, size_t slots, struct err *e);
void pend_free(struct pend *p);

/* Takes a slot: its id (> 0), or 0 when all are taken. `deadline` is on the caller's clock. */
int64_t pend_take(struct pend *p, void *owner, uint64_t deadline);
/* The owner, NULL for an id that is not, or no longer, in use. */
void *pend_find(struct pend *p, int64_t id);
void pend_deadline(struct pend *p, int64_t id, uint64_t deadline);
/* Gives the slot back; nothing for an id not in use. */
void pend_drop(struct pend *p, int64_t id);
size_t pend_count(const struct pend *p);

/* Calls back for every slot in use, with `late` for those whose deadline has passed. The
 * callback may drop the slot that it is called for. */
void pend_each(struct pend *p, uint64_t now, void (*cb)(void *owner, int64_t id, int late));

#endif
