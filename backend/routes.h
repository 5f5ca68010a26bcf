/* SPDX-License-Identifier: ISC */
/*
 * Tells feeds how calls are routed: a thread of its own reads the store, so that neither the loop
 * nor the readers of requests wait for it, and the loop sends. A feed that does not acknowledge
 * gets no more than ROUTES_WINDOW parts.
 */
#ifndef BACKEND_ROUTES_H
#define BACKEND_ROUTES_H

#include "backend/route_part.h"
#include "ipc/server.h"

enum { ROUTES_WINDOW = 8, ROUTES_FEEDS_MAX = 64 };

struct routes;

int routes_start(struct routes **ret, struct store *s, struct err *e);
/* NULL is allowed. */
void routes_stop(struct routes *r);

/* In the writer's thread, after a commit. */
void routes_committed(void *r);

/* --- the loop's thread ---------------------------------------------------------------------- */
/* A feed, by a number of the caller's below ROUTES_FEEDS_MAX, is here and wants routes. `has` is
 * what it has, NULL = nothing. Takes the place of an earlier one of that number. */
void routes_begin(struct routes *r, size_t feed, struct ipc_server *via,
    const struct ipc_peer *peer, enum feed_switch kind, const struct route_position *has);
/* It is not to be told any more. */
void routes_end(struct routes *r, size_t feed);
void routes_ack(struct routes *r, size_t feed, int64_t part);

/* Readable when there is something to send; then routes_send(). */
int routes_fd(const struct routes *r);
void routes_send(struct routes *r);

#endif
