/* SPDX-License-Identifier: ISC */
/*
 * Codes and limits of rooms, as users have set them: a running conference whose room Tandem knows
 * is told them when it is seen first and when they change ("conference … pin", "set max_members").
 * A conference that nobody is in does not exist in FreeSWITCH and can be told nothing.
 */
#ifndef FEEDS_FREESWITCH_ROOMS_H
#define FEEDS_FREESWITCH_ROOMS_H

#include "feeds/freeswitch_switch.h"

/* This conference, if what it was told last is not what holds now. */
void fs_rooms_tell(struct fs_switch *s, struct fs_conference *c);
/* Takes in what the backend says of rooms, and tells every conference; as feed_program's
 * routes_take(). */
bool fs_rooms_take(struct fs_switch *s, const struct feed_routes *part);

#endif
