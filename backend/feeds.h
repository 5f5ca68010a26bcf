/* SPDX-License-Identifier: ISC */
/*
 * The feeds that are connected: who they are, which number comes next, what waits for the writer,
 * what was acknowledged. For the loop thread; the store is met in the writer's alone, with one
 * batch of a source at a time.
 */
#ifndef BACKEND_FEEDS_H
#define BACKEND_FEEDS_H

#include "backend/writer.h"
#include "ipc/feed.h"
#include "ipc/server.h"

struct feeds;
struct routes;
struct settings_now;

enum { FEED_SOURCES_MAX = 64 };

struct feeds_status {
	int64_t connected; /* sources that were heard of within a minute */
	int64_t stored;    /* messages that were applied and acknowledged */
	int64_t dropped;   /* messages that were wrong */
};

int feeds_new(struct feeds **ret, struct writer *w, struct settings_now *settings,
    struct routes *routes, struct err *e);
/* The writer must have ended. NULL is allowed. */
void feeds_free(struct feeds *f);

/* A frame from a socket of feeds; what does not belong there is counted and dropped. */
void feeds_receive(
    struct feeds *f, struct ipc_server *via, const struct ipc_peer *from, struct str frame);
/* Hands what has come to the writer; after each round of receiving. */
void feeds_flush(struct feeds *f);

/* Readable when batches have come back; then feeds_take_back(). */
int feeds_fd(const struct feeds *f);
void feeds_take_back(struct feeds *f);

/* Once a second: tries again what failed. */
void feeds_sweep(struct feeds *f, int64_t now_us);
void feeds_status(const struct feeds *f, int64_t now_us, struct feeds_status *ret);

#endif
