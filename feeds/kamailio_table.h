/* SPDX-License-Identifier: ISC */
/*
 * All routes that the backend has told of, and the entries of the proxy's hash table that they
 * make: which of them the proxy does not have yet. Kept in memory, so that a proxy that is started
 * anew is filled without the backend, and in a file, so that this holds for the feed as well.
 */
#ifndef FEEDS_KAMAILIO_TABLE_H
#define FEEDS_KAMAILIO_TABLE_H

#include "common/buf.h"
#include "feeds/kamailio_slots.h"
#include "ipc/feed.h"

struct table;

/* The backend's position; has = false while there is none. */
struct table_position {
	bool has;
	int64_t generation, version;
};

/* An empty one, kept in `file` (NULL = not kept). 0 or -1. */
int table_new(struct table **ret, const char *file, struct err *e);
/* NULL is allowed. */
void table_free(struct table *t);

/* Takes a part in, as of `now` (s since 1970). False when there is no memory for it: the position
 * stays where it was. */
bool table_take(struct table *t, const struct feed_routes *part, int64_t now);
struct table_position table_position(const struct table *t);
size_t table_users(const struct table *t);

/* Writes the routes of users anew whose clocks have been changed. */
void table_tick(struct table *t, int64_t now);

/* The entries of the proxy's table. */
struct slots *table_slots(struct table *t);

/* Reads and writes the file. Loading: 1 = it is there, 0 = there is none that is good. Saving does
 * nothing when nothing has changed. */
int table_load(struct table *t, int64_t now);
int table_save(struct table *t, struct err *e);

#endif
