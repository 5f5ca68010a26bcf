/* SPDX-License-Identifier: ISC */
/* What the files of the table share (kamailio_table.h is for everybody else). */
#ifndef FEEDS_KAMAILIO_TABLE_PARTS_H
#define FEEDS_KAMAILIO_TABLE_PARTS_H

#include "feeds/kamailio_table.h"

enum { RECORD_MAX = 2 << 20, RECORD_MEMORY = 16 << 20 };

struct owner {
	int64_t id;
	struct buf record; /* packed feed_route */
	char **keys;
	size_t nkeys;
	int64_t until;   /* when its value has to be written anew; 0 = never */
	uint64_t listed; /* the list of everything that named it last */
};

struct table {
	void *users; /* a tree */
	size_t nusers;
	struct slots slots;
	struct table_position position;
	bool listing;
	uint64_t list;
	const char *file;
	bool changed; /* since the file was written */
};

/* Users picked from the table: a tree cannot be changed while it is walked. */
struct some_users {
	struct owner **v;
	size_t n;
	uint64_t list; /* those that this one did not name, */
	int64_t until; /* or those to be written anew by then, or (0) all */
	bool unlisted;
};

/* In s->v, which the caller frees: false = no memory. */
bool table_pick(struct table *t, struct some_users *s);
/* A record as it is kept; false when it is damaged. */
bool table_read_user(struct str bytes, struct feed_route *r, struct arena *a);
bool table_take_user(struct table *t, const struct feed_route *r, int64_t now);

#endif
