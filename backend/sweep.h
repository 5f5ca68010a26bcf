/* SPDX-License-Identifier: ISC */
/*
 * Removes what was hidden because it was too much to remove at once (book_private_remove): a
 * thread that gives the writer a portion, waits for it, and lets others write before the next.
 * What is left when the backend ends is swept after the next start.
 */
#ifndef BACKEND_SWEEP_H
#define BACKEND_SWEEP_H

#include "backend/writer.h"

struct sweep;

int sweep_start(struct sweep **ret, struct store *s, struct writer *w, struct err *e);
/* Before the writer is stopped. NULL is allowed. */
void sweep_stop(struct sweep *s);

#endif
