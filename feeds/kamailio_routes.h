/* SPDX-License-Identifier: ISC */
/* Routes on their way from the backend to the proxy: taken in, kept, pushed. */
#ifndef FEEDS_KAMAILIO_ROUTES_H
#define FEEDS_KAMAILIO_ROUTES_H

#include "feeds/feed.h"

struct kam_routes;

/* In open() of a feed. 0 or -1. */
int kam_routes_new(struct kam_routes **ret, struct feed *f, const struct conf *conf, struct err *e);
/* NULL is allowed. */
void kam_routes_free(struct kam_routes *k);
void kam_routes_start(struct kam_routes *k);
/* As routes_have() and routes_take() of feed.h. */
bool kam_routes_have(const struct kam_routes *k, int64_t *generation, int64_t *version);
bool kam_routes_take(struct kam_routes *k, const struct feed_routes *part);

#endif
