/* SPDX-License-Identifier: ISC */
/*
 * Streams of users' events (GET /my/events): lists that never end. A stream rests until a commit
 * has written events of its user, or until it is time to look whether its user may still have it; a
 * part goes out when there is something to say and the gateway has given credit, and now and then
 * an empty one, so that dead gateways and dead clients are noticed.
 *
 * For the loop thread, but for event_streams_committed(). What a commit costs here depends on the
 * users that it touched and their streams, not on how many streams there are.
 */
#ifndef BACKEND_EVENT_STREAMS_H
#define BACKEND_EVENT_STREAMS_H

#include "backend/job.h"
#include "backend/pool.h"

enum {
	EVENT_STREAMS_OF_USER = 8,
	EVENT_STREAM_CHECK_US = 5 * 1000000, /* between looks at the user's right */
	EVENT_STREAM_BEAT_US = 9 * 1000000,  /* an empty part when nothing was said for so long */
	EVENT_STREAM_LATE_US = 15 * 1000000, /* no credit: makes room for another stream of the user */
	EVENT_STREAM_DEAD_US = 30 * 1000000  /* no credit: given up */
};

struct event_streams;

/* At most `max` streams. 0, or -1 with *e. */
int event_streams_new(struct event_streams **ret, struct pool *pool, size_t max, struct err *e);
/* Frees the jobs that rest; those that run are in the pool's hands. NULL is allowed. */
void event_streams_free(struct event_streams *s);
/* Readable when a commit has touched users with streams; then event_streams_wake(). */
int event_streams_fd(const struct event_streams *s);
void event_streams_wake(struct event_streams *s);

/* A job of a stream came back: its part is sent if there is one, and the job kept. -1 when it is
 * not kept, since there are too many streams (which it says itself) or the gateway has gone: the
 * caller frees it. */
int event_streams_part(struct event_streams *s, struct job *j);
/* A peer allows more parts (0: it wants none any more); false when that is no stream of events. */
bool event_streams_credit(struct event_streams *s, const struct ipc_server *via,
    const struct ipc_peer *peer, int64_t id, int64_t parts);
/* The job ends in another way. */
void event_streams_forget(struct event_streams *s, struct job *j);
void event_streams_sweep(struct event_streams *s, int64_t now_us);

size_t event_streams_count(const struct event_streams *s);

/* For writer_on_commit(): `arg` = the streams. */
void event_streams_committed(void *arg);

#endif
