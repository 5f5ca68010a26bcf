/* SPDX-License-Identifier: ISC */
/*
 * A client of Server-Sent Events that reads strictly: chunks, lines, and what each event is made
 * of. It waits for what is to come and never sleeps by the clock.
 */
#ifndef TESTS_SSE_H
#define TESTS_SSE_H

#include "tests/raw_tls.h"
#include "tests/rig.h"

enum { SSE_DATA_MAX = 8192 };

struct sse {
	struct raw_tls tls;
	int status;
	char head[4096]; /* status line and header fields */
	char *text;      /* out of the chunks, and not read yet */
	size_t n, size;
	bool ended;     /* by a last chunk */
	long long last; /* number of the last event, -1 = none */
};

struct sse_event {
	bool has_id;
	long long id, retry;
	char type[32]; /* empty = none */
	char data[SSE_DATA_MAX];
};

enum sse_got {
	SSE_EVENT,
	SSE_COMMENT,
	SSE_ENDED,  /* as HTTP says it */
	SSE_CUT,    /* the connection has gone in the middle */
	SSE_TIMEOUT /* nothing came */
};

/* Opens a stream at `path` below the base path of a gateway, with further header lines (each with
 * "\r\n"); fails the test when no answer comes in 15 s. s->status says what came. */
void sse_open(struct sse *s, struct rig *r, int gateway, const char *path, const char *fields);
/* The same at /my/events as a user, "name:password"; `last` = Last-Event-ID, NULL = none. */
void sse_open_as(struct sse *s, struct rig *r, const char *user, const char *last);
void sse_close(struct sse *s);

/* The next thing that comes within ms. */
enum sse_got sse_next(struct sse *s, struct sse_event *ev, int ms);
/* The next event with a type; comments and numbers alone are passed over. Fails the test when
 * none comes in 15 s, or when its number does not follow the last one (`reset` begins anew). */
void sse_expect(struct sse *s, struct sse_event *ev, const char *type);
/* How the stream ends, whatever comes before; SSE_TIMEOUT when it does not. */
enum sse_got sse_end(struct sse *s, int ms);

#endif
