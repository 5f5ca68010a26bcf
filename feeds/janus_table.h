/* SPDX-License-Identifier: ISC */
/*
 * Rooms and participants as far as they are known now: what the last answers and the events since
 * then said. In memory only, and bounded. Janus owns this state, the table is a copy of it.
 */
#ifndef FEEDS_JANUS_TABLE_H
#define FEEDS_JANUS_TABLE_H

#include "feeds/janus_event.h"

enum { JANUS_NAME_MAX = 256, JANUS_KEY_SIZE = 24, JANUS_HEARD = 8 };

/* How a room of Janus is found among Tandem's: by its description, or by its number. */
enum janus_rule { JANUS_BY_DESCRIPTION, JANUS_BY_NUMBER };

struct janus_member {
	int64_t id;
	int64_t joined; /* ms since 1970; 0 = not known */
	char display[JANUS_DISPLAY_MAX];
	bool muted;
	bool seen; /* while a list is gone through */
};

struct janus_known {
	int64_t id;
	char name[JANUS_NAME_MAX]; /* of the room in Tandem; "" = it has none, nothing is said of it */
	bool recording;
	bool muted; /* as a whole */
	bool has_code;
	uint64_t code_stamp; /* of the code that it was told; 0 = none yet */
	bool told;           /* the conference has been said to run */
	bool todo;           /* its participants have to be asked for */
	bool dirty;          /* likewise, but not before others that have been waiting longer */
	bool asking;         /* a question about it is on its way */
	bool seen;           /* while a list is gone through */
	int64_t started;     /* ms since 1970; 0 = not known */
	int64_t answered;  /* when the last answer about it came, microseconds since 1970; 0 = never */
	int64_t answer_ms; /* the same by the monotonic clock */
	/* It was empty before whoever is there: when all of them are known to have come, the first of
	 * them was its beginning. */
	bool fresh;
	struct janus_member *v;
	size_t n, size;
	/* The last who are said to have come while the room was in doubt; an answer has them. */
	struct {
		int64_t id, joined;
	} heard[JANUS_HEARD];
	size_t heard_n;
};

struct janus_table {
	struct janus_known **v;
	size_t n, size;
	size_t members; /* in all rooms */
};

struct janus_known *janus_table_find(const struct janus_table *t, int64_t room);
/* Finds it or makes it; NULL when there are JANUS_ROOMS_MAX, or memory ends. */
struct janus_known *janus_table_room(struct janus_table *t, int64_t room);
void janus_table_drop(struct janus_table *t, struct janus_known *r);
void janus_table_clear(struct janus_table *t);

struct janus_member *janus_table_member(const struct janus_known *r, int64_t id);
/* Finds it or makes it; NULL when there are JANUS_MEMBERS_MAX, or memory ends. */
struct janus_member *janus_table_join(struct janus_table *t, struct janus_known *r, int64_t id);
/* Forgets it; what pointed to other members of the room points elsewhere then. */
void janus_table_leave(struct janus_table *t, struct janus_known *r, struct janus_member *m);

/* Somebody has come to a room that is in doubt. */
void janus_table_hear(struct janus_known *r, int64_t id, int64_t joined);
/* When somebody who is there now has come as far as that was heard, 0 = it was not. */
int64_t janus_table_heard(const struct janus_known *r, int64_t id);
/* True when the room's beginning has become known. */
bool janus_table_begin(struct janus_known *r);

/* Gives the room the name that it has in Tandem, or none; true when that has changed. */
bool janus_name(struct janus_known *r, enum janus_rule rule, struct str description);

/* Names of conferences are the numbers of the rooms. */
void janus_key(int64_t room, char ret[JANUS_KEY_SIZE]);
/* 0 when it is no such name. */
int64_t janus_key_room(struct str key);

#endif
