/* SPDX-License-Identifier: ISC */
/*
 * Where Janus posts its events (event handler sampleevh): a small HTTP server on the loopback
 * interface, by libmicrohttpd inside the feed's own loop. Takes POST with Basic credentials
 * (RFC 7617) and a body of at most JANUS_EVENTS_MAX bytes; everything else is refused.
 *
 * Janus takes any answer for success, 401 too, and does not send the events again. So whatever is
 * refused is told as well: events may be missing.
 */
#ifndef FEEDS_JANUS_EVENTS_HTTP_H
#define FEEDS_JANUS_EVENTS_HTTP_H

#include "common/str.h"
#include "feeds/feed.h"

struct janus_events;

struct janus_events_conf {
	int64_t port; /* of 127.0.0.1 */
	struct str user, password;
};

struct janus_events_ops {
	void (*body)(void *arg, struct str body); /* of a POST; valid during the call */
	void (*missing)(void *arg, const char *why);
};

/* Opens the port: 0, or -1 with *e. Texts must live as long as it does. */
int janus_events_open(struct janus_events **ret, struct feed *f,
    const struct janus_events_conf *conf, const struct janus_events_ops *ops, void *arg,
    struct err *e);
/* Begins to serve. */
int janus_events_start(struct janus_events *h);
void janus_events_close(struct janus_events *h);

#endif
