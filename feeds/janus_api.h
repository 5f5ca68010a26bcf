/* SPDX-License-Identifier: ISC */
/*
 * The Janus API over its Unix socket (transport pfunix, SOCK_SEQPACKET: one JSON text a message):
 * connects, opens a session and a handle of the AudioBridge, keeps them alive, and asks. Whatever
 * goes wrong ends the connection; the next one is tried after a pause of at most a second.
 */
#ifndef FEEDS_JANUS_API_H
#define FEEDS_JANUS_API_H

#include "feeds/feed.h"
#include "feeds/janus_message.h"

struct janus_api;

struct janus_api_conf {
	const char *path;      /* of the socket */
	struct str api_secret; /* empty = none */
	int64_t keepalive_ms;  /* less than Janus's session_timeout */
	int64_t answer_ms;     /* a switch that takes longer is gone */
};

/* The answer of the AudioBridge; NULL = none will come. Failures of the plugin are answers too, see
 * a->code. What it points to is valid during the call. */
typedef void janus_answer_fn(void *arg, const struct janus_answer *a);

struct janus_api_ops {
	void (*up)(void *arg); /* questions are answered from now on */
	/* They are not. `dead`: nobody listens at the socket. Comes again when a further attempt finds
	 * that out, and after all questions have been answered with NULL. */
	void (*down)(void *arg, bool dead);
};

/* Opens nothing yet. Texts must live as long as it does. NULL when memory ends. */
struct janus_api *janus_api_new(
    struct feed *f, const struct janus_api_conf *conf, const struct janus_api_ops *ops, void *arg);
void janus_api_start(struct janus_api *j);
void janus_api_free(struct janus_api *j);

/* Sends a request to the AudioBridge and calls fn once when true is returned; false = not
 * connected, or too much is under way. A question without an answer for answer_ms ends the
 * connection. */
bool janus_api_ask(struct janus_api *j, const struct janus_body *b, janus_answer_fn *fn, void *arg);

#endif
