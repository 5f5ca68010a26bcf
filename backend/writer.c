/* SPDX-License-Identifier: ISC */
#include "backend/writer.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

struct watcher {
	void (*committed)(void *arg);
	void *arg;
};

struct writer {
	struct store *store;
	unsigned queue_max, batch_max;
	pthread_t thread;
	pthread_mutex_t lock; /* over everything below */
	struct watcher watchers[WRITER_WATCHERS];
	size_t nwatchers;
	bool (*shut)(void *arg);
	void *shut_arg;
	pthread_cond_t arrived;
	struct writer_job *first, **last;
	bool stopping;
	struct writer_stats stats;
};

/* Waits for work and takes up to batch_max jobs; NULL = stopped and drained. */
static struct writer_job *
take(struct writer *w, unsigned *n)
{
	struct writer_job *batch, **p;

	pthread_mutex_lock(&w->lock);
	while (w->first == NULL && !w->stopping)
		pthread_cond_wait(&w->arrived, &w->lock);
	batch = w->first;
	for (p = &w->first, *n = 0; *p != NULL && *n < w->batch_max; p = &(*p)->next)
		++*n;
	w->first = *p;
	*p = NULL;
	if (w->first == NULL)
		w->last = &w->first;
	w->stats.waiting -= *n;
	pthread_mutex_unlock(&w->lock);
	return batch;
}

static void
run(struct writer *w, struct writer_job *job, struct store_txn *batch)
{
	struct store_txn *t;

	if (!job->frees && w->shut != NULL && w->shut(w->shut_arg)) {
		err_set(&job->err, ERR_NO_SPACE, "the store has too little room left for changes");
		return;
	}
	if (store_nest(batch, &t, &job->err) != 0)
		return;
	if (job->apply(job, t) != 0)
		store_abort(t);
	else
		job->applied = store_commit(t, &job->err) == 0;
}

/* 0 when the changes of every applied job are on disk. */
static int
run_batch(struct writer *w, struct writer_job *batch, struct err *e)
{
	struct store_txn *t;

	if (store_begin(w->store, STORE_WRITE, &t, e) != 0)
		return -1;
	for (struct writer_job *job = batch; job != NULL; job = job->next)
		run(w, job, t);
	return store_commit(t, e);
}

/* A failed job may have failed over a neighbour's change that is now lost with the batch, so
 * the batch's error goes to all. */
static void
answer(struct writer_job *batch, bool flushed, const struct err *why)
{
	struct writer_job *next;

	for (struct writer_job *job = batch; job != NULL; job = next) {
		next = job->next;
		if (!flushed)
			job->err = *why;
		job->done(job, flushed && job->applied);
	}
}

static void *
loop(void *arg)
{
	struct writer *w = arg;
	struct watcher watchers[WRITER_WATCHERS];
	struct writer_job *batch;
	size_t nwatchers;
	unsigned n;

	while ((batch = take(w, &n)) != NULL) {
		struct err e;
		bool flushed;

		err_clear(&e);
		flushed = run_batch(w, batch, &e) == 0;
		/* Counted first: whoever was answered finds itself in the figures. */
		pthread_mutex_lock(&w->lock);
		w->stats.batches++;
		w->stats.jobs += n;
		if (n > w->stats.largest)
			w->stats.largest = n;
		memcpy(watchers, w->watchers, sizeof(watchers));
		nwatchers = w->nwatchers;
		pthread_mutex_unlock(&w->lock);
		for (size_t i = 0; flushed && i < nwatchers; i++)
			watchers[i].committed(watchers[i].arg);
		answer(batch, flushed, &e);
	}
	return NULL;
}

static void
release(struct writer *w)
{
	pthread_cond_destroy(&w->arrived);
	pthread_mutex_destroy(&w->lock);
	free(w);
}

int
writer_start(
    struct writer **ret, struct store *s, unsigned queue_max, unsigned batch_max, struct err *e)
{
	struct writer *w = calloc(1, sizeof(*w));
	sigset_t all, old;
	int r;

	if (w == NULL)
		return err_set(e, ERR_INTERNAL, "writer: out of memory");
	w->store = s;
	w->queue_max = queue_max;
	w->batch_max = batch_max;
	w->last = &w->first;
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->arrived, NULL);
	/* Signals are the main thread's business. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	r = pthread_create(&w->thread, NULL, loop, w);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (r != 0) {
		release(w);
		return err_set(e, ERR_INTERNAL, "writer: %s", strerror(r));
	}
	pthread_setname_np(w->thread, "writer");
	*ret = w;
	return 0;
}

void
writer_on_commit(struct writer *w, void (*fn)(void *arg), void *arg)
{
	pthread_mutex_lock(&w->lock);
	if (w->nwatchers < WRITER_WATCHERS)
		w->watchers[w->nwatchers++] = (struct watcher){fn, arg};
	pthread_mutex_unlock(&w->lock);
}

void
writer_shut_when(struct writer *w, bool (*shut)(void *arg), void *arg)
{
	w->shut = shut;
	w->shut_arg = arg;
}

int
writer_submit(struct writer *w, struct writer_job *job)
{
	int ret = -1;

	job->next = NULL;
	job->applied = false;
	err_clear(&job->err);
	pthread_mutex_lock(&w->lock);
	if (!w->stopping && w->stats.waiting < w->queue_max) {
		*w->last = job;
		w->last = &job->next;
		w->stats.waiting++;
		ret = 0;
		pthread_cond_signal(&w->arrived);
	}
	pthread_mutex_unlock(&w->lock);
	return ret;
}

void
writer_stop(struct writer *w)
{
	if (w == NULL)
		return;
	pthread_mutex_lock(&w->lock);
	w->stopping = true;
	pthread_cond_signal(&w->arrived);
	pthread_mutex_unlock(&w->lock);
	pthread_join(w->thread, NULL);
	release(w);
}

void
writer_stats(struct writer *w, struct writer_stats *ret)
{
	pthread_mutex_lock(&w->lock);
	*ret = w->stats;
	pthread_mutex_unlock(&w->lock);
}
