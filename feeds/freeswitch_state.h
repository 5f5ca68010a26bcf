/* SPDX-License-Identifier: ISC */
/*
 * What the feed has to remember of a FreeSWITCH to turn its events, which each show a part, into
 * records that show all: channels, conferences and their members, each bounded in number. Nothing
 * here outlives the process, and the switch's lists replace all of it.
 *
 * Events and lists come on two connections, so which is newer has to be told: an event counts only
 * when its number is higher than that of the last one about the same thing, and a list leaves alone
 * what an event has changed since the list was asked for. What has ended is remembered for a while,
 * so that nothing late brings it back.
 */
#ifndef FEEDS_FREESWITCH_STATE_H
#define FEEDS_FREESWITCH_STATE_H

#include "common/records.h"
#include "feeds/freeswitch_table.h"
#include "ipc/feed.h"

enum { FS_LEGS_MAX = 16384, FS_CONFERENCES_MAX = 1024, FS_MEMBERS_MAX = 16384 };

struct fs_leg {
	struct fs_thing thing;
	char *a_leg;           /* the channel that this one was called for; NULL: it is a call itself */
	struct live_call call; /* texts on the heap; has.caller = an event or a dump was seen */
};

struct fs_conference {
	struct fs_thing thing;
	int64_t size;        /* members that are held here */
	uint64_t room_stamp; /* of the code and limit that it was told; 0 = none yet */
	struct live_conference conference;
};

struct fs_member {
	struct fs_thing thing;
	bool talking, floor;
	struct live_member member;
};

/* A fact as feed_say() takes it. */
struct fs_fact {
	enum feed_kind kind;
	const char *key;
	int64_t member;
	int64_t time; /* ms since 1970 by the switch's clock, 0 = not known */
	const char *id;
	const void *record;
};

struct fs_out {
	void (*fact)(void *arg, const struct fs_fact *f);
	void (*moment)(
	    void *arg, const char *key, int64_t member, bool talking, bool floor, int64_t energy);
	void (*cdr)(void *arg, const struct cdr *record); /* NULL = call records come from elsewhere */
	void *arg;
};

struct fs_state {
	const char *domain; /* that the switch's own addresses stand for, "" = none */
	char core[FS_KEY_MAX + 1];
	struct fs_table legs, conferences, members;
	uint64_t clock; /* events so far */
	uint64_t list;  /* the list that is being compared */
	bool sweeping;  /* what ends now ends because a list lacks it */
	bool silent;    /* nothing is said: all of it will be, at once */
	bool restarted; /* an event of another core has come: everything has to be listed anew */
	bool unsure;    /* something does not fit together: lists should be compared */
	int64_t malformed, refused; /* events that were none; things beyond the limits */
	struct fs_out out;
};

void fs_state_init(struct fs_state *s, const char *domain, const struct fs_out *out);
/* Forgets everything, and whose it was. */
void fs_state_clear(struct fs_state *s);

/* Whether it is known to be over: nothing but a member that enters anew brings it back. */
bool fs_is_over(const struct fs_thing *t);

/* Sets a text of a record that is kept: a copy on the heap. */
void fs_keep(struct str *at, struct str value);
/* Sets the whole of a leg's call, each text copied. */
void fs_keep_call(struct live_call *to, const struct live_call *from);

/* Ends a conference with all its members. */
void fs_end_conference(struct fs_state *s, struct fs_conference *c, int64_t time, const char *id);
void fs_end_member(struct fs_state *s, struct fs_member *m, int64_t time, const char *id);
void fs_end_leg(struct fs_state *s, struct fs_leg *l, int64_t time, const char *id);

/* Says how one is now. */
void fs_say_leg(struct fs_state *s, const struct fs_leg *l, int64_t time, const char *id);
void fs_say_conference(
    struct fs_state *s, const struct fs_conference *c, int64_t time, const char *id);
void fs_say_member(struct fs_state *s, const struct fs_member *m, int64_t time, const char *id);
/* Says everything, between the marks of a snapshot. */
void fs_say_all(struct fs_state *s, int64_t time);

#endif
