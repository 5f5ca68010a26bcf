/* SPDX-License-Identifier: ISC */
/*
 * Things by name and number, some of which have ended and are remembered for a while.
 */
#ifndef FEEDS_FREESWITCH_TABLE_H
#define FEEDS_FREESWITCH_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/str.h"

enum {
	FS_ENDED_MAX = 4096, /* of a table that are remembered */
	FS_KEY_MAX = 128     /* bytes of a name */
};

/* First in what a table holds. */
struct fs_thing {
	char *key;        /* channel: Unique-ID; else Conference-Unique-ID */
	int64_t number;   /* member: Member-ID; else 0 */
	int64_t seq;      /* Event-Sequence of the last event that counted */
	uint64_t touched; /* fs_state.clock at that time */
	uint64_t listed;  /* the last list that had it */
	bool ended;
	bool swept; /* ended because a list lacks it: events of it may still be on their way */
	struct fs_thing *next_ended;
};

struct fs_table {
	size_t size;          /* bytes of a thing */
	void (*drop)(void *); /* frees what a thing points to beside its key */
	size_t max;
	size_t n, ended;
	void *root;                       /* tsearch(3) */
	struct fs_thing *oldest, *newest; /* of the ended ones */
};

void fs_table_clear(struct fs_table *t);
/* Finds one, also an ended one; NULL when there is none. */
void *fs_find(struct fs_table *t, struct str key, int64_t number);
/* Finds or makes one that has not ended; an ended one begins anew, empty but for its seq. NULL
 * beyond the limit, or when the key is none. */
void *fs_make(struct fs_table *t, struct str key, int64_t number);
/* Makes it one that has ended: empty but for its head. The oldest of these are forgotten. */
void fs_end(struct fs_table *t, void *thing);
/* Calls fn for each that has not ended; fn may end any, and make none. */
typedef void fs_each_fn(void *arg, void *thing);
void fs_each(struct fs_table *t, fs_each_fn *fn, void *arg);

#endif
