/* SPDX-License-Identifier: ISC */
/*
 * Keeps the table in step with Janus and says what changes: asks for rooms and participants after
 * every connection, now and then, and wherever an event leaves doubt; applies events that leave
 * none as values, so that one that comes twice, or late, does no harm. Decides alone and does
 * nothing itself: questions, facts and clocks are its caller's.
 *
 * An event is in doubt when it is about somebody unknown, or when an answer that may already
 * contain it, or may not, has come since it happened or is still on its way. Then the room is asked
 * about once more: answers are right whatever became of the events.
 *
 * A room is said to be a conference while somebody is in it.
 */
#ifndef FEEDS_JANUS_SYNC_H
#define FEEDS_JANUS_SYNC_H

#include "feeds/janus_table.h"
#include "ipc/feed.h"

struct janus_sync_ops {
	/* Sends a question; false = not now, it is offered again later. The answer comes by
	 * janus_sync_rooms(), janus_sync_people() or janus_sync_failed(). */
	bool (*ask_rooms)(void *arg);
	bool (*ask_people)(void *arg, int64_t room);
	void (*say)(void *arg, enum feed_kind kind, const char *key, int64_t member, int64_t time_ms,
	    const void *record);
	void (*talk)(void *arg, const char *key, int64_t member, bool talking);
	/* janus_sync_pump() is wanted after some milliseconds. */
	void (*wake)(void *arg, int64_t ms);
	int64_t (*now_ms)(void *arg);  /* monotonic */
	int64_t (*wall_us)(void *arg); /* since 1970 */
};

enum janus_asked { JANUS_NOTHING, JANUS_ROOMS, JANUS_PEOPLE };

struct janus_sync {
	const struct janus_sync_ops *ops;
	void *arg;
	enum janus_rule rule;
	struct janus_table table;
	bool up;             /* Janus answers */
	bool dead;           /* nothing listens where it did */
	bool snapshot;       /* all of it is to be said as a snapshot; nothing is said before */
	bool want_rooms;     /* the rooms are to be asked for … */
	bool want_everybody; /* … and then the participants of all of them */
	bool too_many;       /* said in the log */
	enum janus_asked asked;
	int64_t room;     /* the question's */
	int64_t rooms_ms; /* when the rooms were asked for, by the monotonic clock; 0 = never */
};

void janus_sync_init(
    struct janus_sync *s, const struct janus_sync_ops *ops, void *arg, enum janus_rule rule);
void janus_sync_free(struct janus_sync *s);

/* Janus can be asked from now on: everything is, and said as a snapshot. */
void janus_sync_up(struct janus_sync *s);
/* It cannot. `dead`: nothing listens where it did, so it has ended, and all conferences with it;
 * else what was known stays until it is heard of again. */
void janus_sync_down(struct janus_sync *s, bool dead);
/* Says everything as a snapshot as soon as Janus has answered. */
void janus_sync_snapshot(struct janus_sync *s);
/* Asks for everything and says what has changed: now and then, and when events may be missing. */
void janus_sync_check(struct janus_sync *s);
/* Asks about one room. */
void janus_sync_doubt(struct janus_sync *s, int64_t room);
/* Says again what is known of a participant: nothing has changed, and somebody waits for it. */
void janus_sync_repeat(struct janus_sync *s, int64_t room, int64_t id);
void janus_sync_event(struct janus_sync *s, const struct janus_event *ev);

void janus_sync_rooms(struct janus_sync *s, const struct janus_room *v, size_t n);
void janus_sync_people(struct janus_sync *s, const struct janus_person *v, size_t n);
/* No answer, or one that cannot be used. `gone`: there is no such room. */
void janus_sync_failed(struct janus_sync *s, bool gone);
/* Goes on with what is to be asked or said. */
void janus_sync_pump(struct janus_sync *s);

#endif
