/* SPDX-License-Identifier: ISC */
/* How the table becomes facts; a part of janus_sync.h. While a snapshot is due nothing is said: it
 * will say all of it. `time_ms`: when it happened by the switch's clock, 0 = not known. */
#ifndef FEEDS_JANUS_SHOW_H
#define FEEDS_JANUS_SHOW_H

#include "feeds/janus_sync.h"

/* The room as it is now: a conference with everybody in it when it was none before; none when it
 * is empty, or has no name. */
void janus_show(struct janus_sync *s, struct janus_known *r, int64_t time_ms);
void janus_show_member(
    struct janus_sync *s, struct janus_known *r, const struct janus_member *m, int64_t time_ms);
/* Forgets a participant and says so; the last one takes the conference along. */
void janus_leave(
    struct janus_sync *s, struct janus_known *r, struct janus_member *m, int64_t time_ms);
/* Forgets a room. */
void janus_drop(struct janus_sync *s, struct janus_known *r, int64_t time_ms);
/* The snapshot. */
void janus_show_all(struct janus_sync *s);
/* Says so, once: some are left out. */
void janus_too_many(struct janus_sync *s);

#endif
