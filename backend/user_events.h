/* SPDX-License-Identifier: ISC */
/*
 * What users are told of as it happens (GET /my/events). An event is a row of its user, written in
 * the transaction of its cause, numbered from 1 without gaps. A user's log keeps the newest
 * EVENTS_KEPT of them, and none for much longer than EVENTS_MS.
 *
 * What is written must have no secrets in it: no PIN, no code of a room, no path that holds one.
 */
#ifndef BACKEND_USER_EVENTS_H
#define BACKEND_USER_EVENTS_H

#include "backend/model.h"
#include "common/buf.h"

enum { EVENTS_KEPT = 1000, EVENTS_MS = 24 * 60 * 60 * 1000 };

/* --- in the writer's thread --- */

/* Appends an event to a user's log; its number and, when absent, its time are filled in. 0 or -1.
 */
int user_event_add(struct model *m, uint32_t user, struct event *ev);

/* A call of the user (`calls` = as the caller) is, or was, so. `name` = name of its row, from which
 * the number that clients see is made. */
int user_event_call(struct model *m, uint32_t user, bool calls, struct str name,
    const struct live_call *call, enum event_state state);
/* The user's room of that name has a conference, or has had one, that is, or was, so; and a
 * participant of it.
 */
int user_event_conference(struct model *m, uint32_t user, struct str room,
    const struct live_conference *conference, enum event_state state);
int user_event_member(struct model *m, uint32_t user, struct str room,
    const struct live_member *member, enum event_state state);
/* A resource of the user's has been written: `path` of its row, which may have parameters. */
int user_event_settings(struct model *m, uint32_t user, const char *path);

/* The user's streams shall be looked at after this transaction, without an event. */
void user_event_touch(uint32_t user);

/* With everything of a user. */
int user_events_forget(struct model *m, uint32_t user);
/* Removes some events whose time is over: 1 when there may be more, 0, -1. */
int user_events_sweep(struct model *m, int64_t now_ms);

/* Users whose log has grown, or who were touched, since the last call, in no order. `all` = too
 * many to name. For the writer, behind each commit. */
struct user_events_touched {
	const uint32_t *users;
	size_t n;
	bool all;
};
struct user_events_touched user_events_take(void);

/* --- in any thread --- */

/* The numbers of a user's log: the newest one, and the oldest that is still there (newest + 1 when
 * there is none). 0 or -1. */
int user_events_range(struct model *m, uint32_t user, uint64_t *oldest, uint64_t *newest);
/* The stored events behind number `after`, as records in msgpack, appended to *out until it has
 * `max` bytes (at least one). *last = the number of the last one. 1 when there are more, 0, -1. */
int user_events_read(
    struct model *m, uint32_t user, uint64_t after, size_t max, struct buf *out, uint64_t *last);

#endif
