/* SPDX-License-Identifier: ISC */
/* Events conference::maintenance of FreeSWITCH (mod_conference). */
#ifndef FEEDS_FREESWITCH_CONFERENCE_H
#define FEEDS_FREESWITCH_CONFERENCE_H

#include "feeds/freeswitch_pairs.h"
#include "feeds/freeswitch_state.h"

/* Takes one; a part of fs_event(). */
void fs_on_conference(struct fs_state *s, const struct fs_pairs *p, int64_t seq, int64_t time,
    const char *id, struct arena *a);

#endif
