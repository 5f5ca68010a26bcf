/* SPDX-License-Identifier: ISC */
/*
 * A real Janus with the AudioBridge alone, in a directory of the test's, and participants by plain
 * RTP, each with a session of its own. The feed beside it is the program itself.
 */
#ifndef TESTS_JANUS_RIG_H
#define TESTS_JANUS_RIG_H

#include <stdint.h>

#include "tests/child.h"

struct janus_rig {
	char dir[64]; /* the caller's; everything lies below it */
	char log[96];
	char socket[96];
	int event_port;
	const char *event_password; /* that Janus uses; NULL = the right one */
	const char *rooms;          /* janus.rooms; NULL = description */
	struct child janus, feed;
};

struct janus_guest {
	int fd;
	int64_t session, handle, id; /* id: of the participant */
	int transactions;
};

/* Writes configurations; rooms: 7001 "sales-room" and 7002 "weekly", with secrets, and 7003, which
 * is hidden. */
void janus_rig_make(struct janus_rig *r, const char *dir);
/* Starts Janus and waits until its socket is there. */
void janus_rig_start(struct janus_rig *r);
/* Starts the feed for a backend at the endpoint. */
void janus_rig_feed(struct janus_rig *r, const char *endpoint);
/* Kills both. */
void janus_rig_stop(struct janus_rig *r);

/* Opens a session with a handle, without joining. */
void janus_guest_open(struct janus_rig *r, struct janus_guest *g);
/* Opens a session, and joins: fails the test when Janus refuses. */
void janus_guest_join(
    struct janus_rig *r, struct janus_guest *g, int room, const char *display, bool muted);
/* Some request of a guest to the AudioBridge, as JSON; its answer, valid until the next one. */
const char *janus_guest_ask(struct janus_guest *g, const char *body);
/* Closes the connection, which ends the session. */
void janus_guest_leave(struct janus_guest *g);

#endif
