/* SPDX-License-Identifier: ISC */
/*
 * Messages between a feed (tandem-feed-kamailio and its like) and the backend: a switch's facts one
 * way, acknowledgements and commands the other. Frames are those of env.h. What they mean, and who
 * may say what when, is in tandem-protocol(7).
 */
#ifndef IPC_FEED_H
#define IPC_FEED_H

#include "common/records.h"
#include "ipc/env.h"

#define REC_FILE "ipc/feed.def"
#include "common/rec_decl.h"
#undef REC_FILE

enum {
	FEED_MAJOR = 1,
	FEED_MINOR = 0,
	FEED_VERSION = 1,      /* of the records in bodies */
	FEED_WINDOW = 256,     /* messages without an acknowledgement */
	FEED_BODY_MAX = 65536, /* bytes of a record in a message */
	FEED_KEY_MAX = 400 * 4 /* bytes of the name of a call or conference */
};

/* The record of a message's body, NULL for kinds without one or that are not known. */
const struct rec *feed_body(int64_t kind);

/* Fills in what every hello of a feed says. */
void feed_hello_init(struct feed_hello *h, const char *source, const char *epoch, int kind);
/* Whether two sides can speak: 0, or -1 with the reason. */
int feed_hello_check(const struct feed_hello *h, struct err *e);

#endif
