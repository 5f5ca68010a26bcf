/* SPDX-License-Identifier: ISC */
/*
 * The codes of rooms, as users have set them: an AudioBridge room that Tandem knows by its name is
 * told its code (edit, new_pin) when it appears, when Janus comes back and when the code changes,
 * one room after the other. AudioBridge knows neither moderators nor a limit of participants.
 */
#ifndef FEEDS_JANUS_CODES_H
#define FEEDS_JANUS_CODES_H

#include "feeds/janus_api.h"
#include "feeds/janus_secrets.h"
#include "feeds/janus_sync.h"
#include "feeds/rooms.h"

struct janus_codes {
	struct janus_api *api;
	const struct janus_secrets *secrets;
	struct janus_sync *sync;
	struct rooms rooms;
	bool asking; /* for the room … */
	int64_t room;
	uint64_t stamp; /* … with the code of this stamp */
	char code[ROOM_CODE_MAX + 1];
};

/* Janus may have forgotten: all codes are told again as rooms are known. */
void janus_codes_up(struct janus_codes *c);
/* Goes on with the next room whose code is to be told, if there is one. */
void janus_codes_pump(struct janus_codes *c);
void janus_codes_free(struct janus_codes *c);

#endif
