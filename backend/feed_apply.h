/* SPDX-License-Identifier: ISC */
/*
 * What a feed's messages do to the store, each exactly once: the number of the last one is stored
 * in the transaction of what it changed.
 */
#ifndef BACKEND_FEED_APPLY_H
#define BACKEND_FEED_APPLY_H

#include "backend/model.h"
#include "ipc/feed.h"

/* A row of the store per source; zeroed for one that is not known. 0 or -1. */
int feed_cursor_get(struct model *m, struct str source, struct feed_cursor *ret);
int feed_cursor_put(struct model *m, struct str source, const struct feed_cursor *c);

/* Applies one message and moves the cursor on to it. What the message itself is wrong about
 * changes nothing and is counted in *dropped: the next one must not wait for it. 0, or -1 for a
 * fault of the store. The arena is the caller's to clear. */
int feed_apply(struct model *m, const struct feed_message *msg, struct feed_cursor *c,
    int64_t *dropped);

#endif
