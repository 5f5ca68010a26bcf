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
struct moments;
struct routes;
struct settings_now;

enum { FEED_SOURCES_MAX = 64 };

struct feeds_status {
	int64_t connected; /* sources that were heard of within a minute */
	int64_t stored;    /* messages that were applied and acknowledged */
	int64_t dropped;   /* messages that were wrong */
};

/* Who wants to know what feeds say, in the loop's thread. Texts last for the call. */
struct feeds_watch {
	void *arg;
	/* A source is greeted, in a life of its numbers that may be another one than before. */
	void (*greeted)(void *arg, const char *source, bool same_epoch);
	/* A message is stored. */
	void (*stored)(void *arg, const char *source, const struct feed_message *msg);
	void (*result)(void *arg, const char *source, const struct feed_result *result);
};

int feeds_new(struct feeds **ret, struct writer *w, struct settings_now *settings,
    struct routes *routes, struct moments *moments, struct err *e);
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

void feeds_watch(struct feeds *f, const struct feeds_watch *w);

/* The name of a source that is connected and knows the verb (0 = any): the one of that name, or
 * with an empty name the first one. NULL = none. *lacks = it is connected and does not. */
const char *feeds_find(const struct feeds *f, struct str name, int verb, bool *lacks);
/* 0, or -1 when the source is not connected. */
int feeds_command(struct feeds *f, const char *source, const struct feed_command *c);

/* Once a second: tries again what failed. */
void feeds_sweep(struct feeds *f, int64_t now_us);
void feeds_status(const struct feeds *f, int64_t now_us, struct feeds_status *ret);

#endif
