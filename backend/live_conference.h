/* SPDX-License-Identifier: ISC */
/*
 * Running conferences and who takes part, as the switches tell of them; rows of the store like the
 * calls of live.h. A conference is of the room whose name, extension or direct number the switch
 * gives. Two switches may have a conference in the same room; each has its own rows.
 */
#ifndef BACKEND_LIVE_CONFERENCE_H
#define BACKEND_LIVE_CONFERENCE_H

#include "backend/live.h"

enum { LIVE_MEMBERS_AT_ONCE = 256 }; /* by live_members_of() */

/* Stores a conference as it is now; `time_ms` is when, by the switch's clock. 0, or -1:
 * ERR_INVALID when it breaks a rule or the source has too many rows, else a fault of the store. */
int live_conference_set(struct model *m, struct live_source *s, struct str key, int64_t time_ms,
    const struct live_conference *conf);
/* Ends it for all of its members. 0 (also when there is no such conference) or -1. */
int live_conference_end(struct model *m, struct live_source *s, struct str key);

/* Stores a member as it is now. As above; ERR_INVALID also when the conference is not there: it has
 * ended, and what comes late must not bring it back. */
int live_member_set(
    struct model *m, struct live_source *s, struct str key, const struct live_member *member);
int live_member_end(struct model *m, struct live_source *s, struct str key, int64_t id);

/* Ends conferences and members that the source has not named since its snapshot began. */
int live_conferences_sweep(struct model *m, struct live_source *s);

struct live_running {
	struct str name;        /* of its row */
	struct str source, key; /* parts of it */
	struct active_conference rec;
};
/* The conference in a room: 1, 0, -1. When there are several, the first one by source and key that
 * has members, or else the first. */
int live_conference_in(struct model *m, uint64_t room, struct live_running *ret);

/* Whether nobody takes part in a conference (its row's name). 0 or -1. */
int live_conference_is_empty(struct model *m, struct str conference, bool *ret);

/* One of its members: 1, 0, -1. */
int live_member_of(struct model *m, struct str conference, int64_t id, struct live_member *ret);
/* The members of a conference (its row's name) with numbers above `after` (-1 = all), by number, at
 * most LIVE_MEMBERS_AT_ONCE; `row` returns 0 to go on and may use the store. 1 when there may be
 * more, 0, -1. */
typedef int live_member_fn(void *arg, const struct live_member *member);
int live_members_of(
    struct model *m, struct str conference, int64_t after, live_member_fn *row, void *arg);

#endif
