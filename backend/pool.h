/* SPDX-License-Identifier: ISC */
/* The reader threads with their bounded queue, and the way back to the loop. */
#ifndef BACKEND_POOL_H
#define BACKEND_POOL_H

#include "common/err.h"

struct job;
struct pool;

int pool_start(struct pool **ret, unsigned threads, unsigned queue_max, struct err *e);
/* Ends the threads; jobs still queued are freed. */
void pool_stop(struct pool *p);

/* To the readers: 0, or -1 at once when the queue is full. The readers are woken by the next
 * pool_wake(), so that a burst costs one wake-up. Loop thread only. */
int pool_submit(struct pool *p, struct job *j);
/* Wakes readers for what was submitted; nothing when there was nothing. */
void pool_wake(struct pool *p);
/* Back to the loop; any thread. */
void pool_return(struct pool *p, struct job *j);

/* Readable when jobs have come back. */
int pool_fd(const struct pool *p);
/* All jobs that have come back, linked by next, oldest first; NULL = none. */
struct job *pool_take(struct pool *p);

#endif
