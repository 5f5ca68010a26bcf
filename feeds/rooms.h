/* SPDX-License-Identifier: ISC */
/*
 * Conference rooms as users have set them up, as far as a switch can obey: codes and the most
 * members. What the backend tells (feed_routes) is kept in memory; a feed that starts anew is told
 * all of it. For a room that Tandem has, what is set here counts, and no code is a setting as well;
 * of other rooms a switch keeps its own.
 */
#ifndef FEEDS_ROOMS_H
#define FEEDS_ROOMS_H

#include "ipc/feed.h"

enum {
	ROOMS_MAX = 16384, /* further ones are left out, and said in the log */
	ROOM_NAMES = 3,
	ROOM_NAME_MAX = 255,
	ROOM_CODE_MAX = 255
};

struct room_kept {
	int64_t id;
	uint64_t stamp;          /* another one with each change, never 0 */
	char *names[ROOM_NAMES]; /* each may be the switch's: name, extension, direct number; or NULL */
	char code[ROOM_CODE_MAX + 1];           /* "" = none */
	char moderator_code[ROOM_CODE_MAX + 1]; /* likewise */
	int64_t max_members;                    /* 0 = no limit */
	bool listed;
};

struct rooms {
	struct room_kept *v;
	size_t n, size;
	uint64_t stamp;
	int64_t generation, version; /* of what is kept */
	bool has, listing, full;
};

void rooms_init(struct rooms *r);
/* Overwrites the codes. */
void rooms_free(struct rooms *r);
/* As feed_program's routes_have() and routes_take(): a part is taken in, or false without memory.
 */
bool rooms_have(const struct rooms *r, int64_t *generation, int64_t *version);
bool rooms_take(struct rooms *r, const struct feed_routes *part);
/* The room that a switch calls by this name; NULL = Tandem has none. Until the next rooms_take().
 */
const struct room_kept *rooms_find(const struct rooms *r, const char *name);

#endif
