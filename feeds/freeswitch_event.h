/* SPDX-License-Identifier: ISC */
/*
 * Events of FreeSWITCH: what they say is put into the state, and what has changed is said. Events
 * are absolute and numbered, so that repeated and late ones change nothing.
 */
#ifndef FEEDS_FREESWITCH_EVENT_H
#define FEEDS_FREESWITCH_EVENT_H

#include "feeds/freeswitch_pairs.h"
#include "feeds/freeswitch_state.h"

/* What has to be subscribed to. CUSTOM stands last, since every word behind it is a subclass. */
#define FS_EVENTS                                                                           \
	"CHANNEL_CREATE CHANNEL_PROGRESS CHANNEL_PROGRESS_MEDIA CHANNEL_ANSWER CHANNEL_BRIDGE " \
	"CHANNEL_UNBRIDGE CHANNEL_HANGUP_COMPLETE HEARTBEAT CUSTOM conference::maintenance"

/* Takes one event; the arena is for what is worked out meanwhile. Of another core than the last
 * ones: sets s->restarted, and nothing else. */
void fs_event(struct fs_state *s, const struct fs_pairs *p, struct arena *a);

/* Puts what an event or a dump of an a-leg says into its call, and says it. */
void fs_leg_update(struct fs_state *s, struct fs_leg *l, const struct fs_pairs *p, int64_t time,
    const char *id, struct arena *a);

#endif
