/* SPDX-License-Identifier: ISC */
/*
 * Lists that are sent in parts: who has how much credit, which jobs wait for
 * more. Bounded; a peer that gives no credit for STREAM_IDLE_US is given up.
 * For the loop thread.
 */
#ifndef BACKEND_STREAMS_H
#define BACKEND_STREAMS_H

#include "backend/job.h"
#include "backend/pool.h"

enum { STREAMS_MAX = 256, STREAM_CREDIT_MAX = 64, STREAM_IDLE_US = 30 * 1000000 };

struct streams;

struct streams *streams_new(struct pool *pool);
/* Frees the jobs that wait. */
void streams_free(struct streams *s);

/* A part is ready: sends it, and keeps the job for the next one or runs it at once when there
 * is credit. -1 when the job is not kept (that was the last part, or there is no place): the
 * caller frees it. */
int streams_part(struct streams *s, struct job *j);
/* A peer allows more parts (0: it wants none any more). Unknown answers are ignored. */
void streams_credit(struct streams *s, const struct ipc_server *via, const struct ipc_peer *peer,
    int64_t id, int64_t parts);
/* The job ends in another way. */
void streams_forget(struct streams *s, struct job *j);
void streams_sweep(struct streams *s, int64_t now_us);

#endif
