/* SPDX-License-Identifier: ISC */
/*
 * The one thread that writes. It takes every job that is waiting, runs each in
 * a child of one transaction, commits that with one flush, and only then tells
 * every job how it ended. While it flushes, the next batch gathers by itself:
 * a single client is never made to wait for company.
 */
#ifndef BACKEND_WRITER_H
#define BACKEND_WRITER_H

#include <stdbool.h>
#include <stdint.h>

#include "backend/store.h"

struct writer;

enum { WRITER_WATCHERS = 4 };

/* Embedded in what the caller submits; it must live until done() is called. */
struct writer_job {
	/* In the writer's thread: 0 = keep the changes, anything else = undo them, with
	 * job->err saying why. Runs once. */
	int (*apply)(struct writer_job *job, struct store_txn *t);
	/* In the writer's thread, after the flush of the whole batch, in the order of
	 * submission: true = applied and on disk; false = nothing of it is stored and
	 * job->err says why. Must be short: the next batch waits. May free the job. */
	void (*done)(struct writer_job *job, bool committed);
	struct err err;
	bool frees; /* leaves the store smaller, or has to be possible in any case */

	struct writer_job *next; /* the writer's */
	bool applied;
};

struct writer_stats {
	uint64_t batches, jobs; /* finished */
	unsigned largest;       /* most jobs in one batch */
	unsigned waiting;       /* in the queue now */
};

/* At most `queue_max` jobs wait, at most `batch_max` share a flush (both > 0). 0 or -1. */
int writer_start(
    struct writer **ret, struct store *s, unsigned queue_max, unsigned batch_max, struct err *e);
/* Calls fn in the writer's thread after each commit, when readers see it and before the jobs'
 * done(). For the start, when nothing has been submitted; at most WRITER_WATCHERS of them. */
void writer_on_commit(struct writer *w, void (*fn)(void *arg), void *arg);
/* While shut() says so, jobs that do not free space end with ERR_NO_SPACE and are not run. For the
 * start; called in the writer's thread, before each job. */
void writer_shut_when(struct writer *w, bool (*shut)(void *arg), void *arg);
/* Any thread. 0, or -1 at once when the queue is full or the writer is stopping. */
int writer_submit(struct writer *w, struct writer_job *job);
/* Finishes what was submitted, then ends the thread. NULL is allowed. */
void writer_stop(struct writer *w);

void writer_stats(struct writer *w, struct writer_stats *ret);

#endif
