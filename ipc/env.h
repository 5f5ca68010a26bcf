/* SPDX-License-Identifier: ISC */
/*
 * Messages between processes: one frame = one byte of type and one msgpack
 * record of that type. What they mean is in tandem-protocol(7).
 */
#ifndef IPC_ENV_H
#define IPC_ENV_H

#include "common/buf.h"
#include "common/rec.h"

#define REC_FILE "ipc/envelope.def"
#include "common/rec_decl.h"
#undef REC_FILE

enum { ENV_MAJOR = 1, ENV_MINOR = 0 };

enum env_type {
	ENV_HELLO = 1,       /* struct hello, both ways */
	ENV_REQUEST = 2,     /* struct request, to the backend */
	ENV_REPLY = 3,       /* struct reply, to the gateway */
	ENV_CREDIT = 4,      /* struct credit, to the backend */
	ENV_UNKNOWN = 5,     /* nothing: the backend has no hello of this peer, say it again */
	ENV_CTL_REQUEST = 6, /* struct ctl_request, control socket only */
	ENV_CTL_REPLY = 7,   /* struct ctl_reply */
	/* Sockets of feeds only; records in feed.h. */
	ENV_FEED_HELLO = 16,     /* struct feed_hello, to the backend */
	ENV_FEED_WELCOME = 17,   /* struct feed_welcome, its answer */
	ENV_FEED_MESSAGE = 18,   /* struct feed_message, to the backend */
	ENV_FEED_ACK = 19,       /* struct feed_ack */
	ENV_FEED_WANT = 20,      /* struct feed_want */
	ENV_FEED_VOLATILE = 21,  /* struct feed_volatile, to the backend */
	ENV_FEED_COMMAND = 22,   /* struct feed_command */
	ENV_FEED_RESULT = 23,    /* struct feed_result, to the backend */
	ENV_FEED_ROUTES = 26,    /* struct feed_routes */
	ENV_FEED_ROUTES_ACK = 27 /* struct feed_routes_ack, to the backend */
};

/* Writes type and record (NULL for ENV_UNKNOWN); secrets included. */
void env_write(struct buf *out, enum env_type type, const void *obj);

/* Type of a frame, 0 when it has none that is known. */
enum env_type env_type(struct str frame);
/* Reads and validates the record behind the type, which must be the frame's; texts and bytes point
 * into the frame. */
int env_read(struct str frame, enum env_type type, void *obj, struct arena *a, struct err *e);

/* The hello of this program. */
void env_hello(struct hello *h, unsigned char tables[8], const char *name);
/* Whether two programs can speak: 0, or -1 with the reason. A difference of tables alone is
 * no reason; *same_tables says so. */
int env_hello_check(const struct hello *h, bool *same_tables, struct err *e);

#endif
