/* SPDX-License-Identifier: ISC */
/*
 * What a feed is told next about routes: a position that moves from one part to the next, and the
 * part itself. A list of everything (begin, all there is, end) when the feed has nothing, or what
 * it has is of another generation; then, and otherwise at once, what has changed behind it.
 */
#ifndef BACKEND_ROUTE_PART_H
#define BACKEND_ROUTE_PART_H

#include "backend/route_make.h"
#include "common/buf.h"

enum {
	ROUTE_PART_BYTES = 64 * 1024, /* of records, beside one that is larger */
	ROUTE_PART_MEMORY = 24 << 20, /* while one is made */
	ROUTE_NAME_MAX = 512
};

struct route_cursor {
	enum feed_switch kind;     /* conference switches get rooms, others users */
	bool blank;                /* the feed has nothing */
	struct route_position has; /* else what it has */
	int64_t part;              /* number of the last one */
	/* A list of everything under way: as of which position, and how far. */
	bool listing;
	struct route_position as_of;
	char after[ROUTE_NAME_MAX];
	size_t after_n;
};

/* Makes the next part as a frame in *out and moves the cursor: 1, 0 = the feed has everything,
 * -1. In a transaction that may only read; memory from m->a. */
int route_part(struct model *m, struct route_cursor *c, struct buf *out);

#endif
