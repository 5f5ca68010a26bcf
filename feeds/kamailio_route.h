/* SPDX-License-Identifier: ISC */
/*
 * A user's route as the proxy reads it, see etc/kamailio/tandem-route.cfg:
 *   ID:SECONDS:ENABLED:VOICEMAIL|STAGE:SECONDS:WHEN:NUMBER|…
 */
#ifndef FEEDS_KAMAILIO_ROUTE_H
#define FEEDS_KAMAILIO_ROUTE_H

#include "common/buf.h"
#include "ipc/feed.h"

/* The proxy takes a request of 32 KiB; what is longer is cut behind the last target that fits. */
enum { ROUTE_TEXT_MAX = 20 * 1024 };

/* Writes the route as of `now` (s since 1970). *until is when it has to be written anew, because
 * clocks have been changed and will be again; 0 = never. Returns the targets that did not fit, -1
 * when memory ends. */
int route_text(const struct feed_route *r, int64_t now, struct buf *out, int64_t *until);

#endif
