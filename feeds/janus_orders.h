/* SPDX-License-Identifier: ISC */
/*
 * Commands of the backend to an AudioBridge: mute, unmute and kick of one participant or of all,
 * and recording. Nothing else is announced, since AudioBridge has nothing else that can be seen or
 * undone: it knows no deafness; the volume of a participant is its own to set; and the tokens that
 * could lock a room cannot be read back, so that unlocking might open a room that was never
 * Tandem's to open.
 *
 * Each command leads to one feed_result(). What changes by it is said when Janus says so.
 */
#ifndef FEEDS_JANUS_ORDERS_H
#define FEEDS_JANUS_ORDERS_H

#include "feeds/janus_api.h"
#include "feeds/janus_secrets.h"
#include "feeds/janus_sync.h"

enum { JANUS_ORDERS_MAX = 32, JANUS_CODE_MAX = 33 };

struct janus_order {
	struct janus_orders *of;
	int64_t id; /* the command's; 0 = free */
	int64_t until;
	int64_t verb;
	int64_t room;
	int64_t *who; /* participants, one question after the other; NULL = the room as a whole */
	size_t count, next;
	bool on;
	char code[JANUS_CODE_MAX]; /* "" = none */
};

struct janus_orders {
	struct feed *feed;
	struct janus_api *api;
	const struct janus_secrets *secrets;
	struct janus_sync *sync;
	struct janus_order v[JANUS_ORDERS_MAX];
};

extern const int64_t janus_verbs[];
extern const size_t janus_verb_count;

void janus_orders_take(struct janus_orders *o, const struct feed_command *c);

#endif
