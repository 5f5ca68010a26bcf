/* SPDX-License-Identifier: ISC */
/*
 * The backend's end of a feed's connection, held by a test: it greets, acknowledges and can refuse
 * to, hands out what the feed says, gives commands and takes their results. For what a real backend
 * does not show.
 */
#ifndef TESTS_FEED_DESK_H
#define TESTS_FEED_DESK_H

#include "ipc/feed.h"
#include "ipc/server.h"

struct desk {
	struct ipc_server *server;
	struct ipc_peer peer;
	bool greeted;
	char source[257], epoch[257];
	int64_t seq; /* of the last message that counted */
	struct arena mem;
	int64_t hellos, messages, volatiles;
	struct int_list verbs;
	int64_t verb[64];
	/* Each message, with its body decoded; each volatile one. May be NULL. */
	void (*message)(void *arg, const struct feed_message *m, const void *record);
	void (*moment)(void *arg, const struct feed_volatile *v);
	void *arg;
	struct feed_result result; /* the last one */
	char text[4097];
};

void desk_open(struct desk *d, const char *endpoint);
void desk_close(struct desk *d);
/* Takes what comes for some milliseconds. */
void desk_run(struct desk *d, int ms);
/* The same until done() says so; fails the test after 15 s. */
void desk_until(struct desk *d, bool (*done)(void *arg), void *arg, const char *what);
/* Until the feed has said hello. */
void desk_meet(struct desk *d);
/* Gives a command and waits for its result, which is in d->result and d->text. */
void desk_command(struct desk *d, const struct feed_command *c);
/* Tells the feed a part of the routes. */
void desk_routes(struct desk *d, const struct feed_routes *part);

#endif
