/* SPDX-License-Identifier: ISC */
/*
 * Keeps the routes in the proxy's hash table in step, by the requests that route[TANDEM_ROUTES] of
 * etc/kamailio/tandem-route.cfg understands. What is there is asked for once a second: a proxy that
 * was started anew, or has been told by somebody else, is filled from the beginning, and what does
 * not belong there is removed afterwards, so that there is no moment without routes.
 */
#ifndef FEEDS_KAMAILIO_PUSH_H
#define FEEDS_KAMAILIO_PUSH_H

#include "feeds/feed.h"
#include "feeds/kamailio_table.h"

struct push;

/* `url` (of the proxy, without a path) and the table must live as long. 0 or -1. */
int push_new(struct push **ret, struct feed *f, const char *url, struct table *t, struct err *e);
void push_free(struct push *p);
/* Begins, in the loop. */
void push_start(struct push *p);
/* The table has changed. */
void push_changed(struct push *p);

#endif
