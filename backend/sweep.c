/* SPDX-License-Identifier: ISC */
#include "backend/sweep.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "backend/book.h"
#include "common/log.h"

enum { LOOK_MS = 1000, PAUSE_MS = 20 };

struct sweep {
	struct writer_job job; /* first: the writer knows the sweep by it */
	struct store *store;
	struct writer *writer;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	uint32_t book;
	bool stop, under_way;
};

static struct model
model_of(struct store_txn *t, struct arena *a, struct err *e)
{
	return (struct model){.t = t, .a = a, .e = e, .tenant = TENANT_DEFAULT};
}

/* Whether there is something to sweep; which book in s->book. */
static bool
look(struct sweep *s)
{
	struct err e = {0};
	struct store_txn *t;
	struct arena a;
	struct model m;
	int rc;

	if (store_begin(s->store, STORE_READ, &t, &e) != 0)
		return false;
	arena_init(&a, DIRECTORY_SCRATCH);
	m = model_of(t, &a, &e);
	rc = book_to_sweep(&m, &s->book);
	arena_free(&a);
	store_abort(t);
	return rc == 1;
}

static int
apply(struct writer_job *job, struct store_txn *t)
{
	struct sweep *s = (struct sweep *)(void *)job;
	struct arena a;
	struct model m;
	int rc;

	arena_init(&a, DIRECTORY_SCRATCH);
	m = model_of(t, &a, &job->err);
	/* A write may have finished it meanwhile, and what is in the book now is new. */
	if ((rc = book_is_swept(&m, s->book)) == 1)
		rc = book_sweep(&m, s->book, BOOK_SWEEP_MAX);
	arena_wipe(&a);
	return rc < 0 ? -1 : 0;
}

static void
done(struct writer_job *job, bool committed)
{
	struct sweep *s = (struct sweep *)(void *)job;

	if (!committed)
		log_event(LOG_WARN_, "sweep", "%s", err_text(&job->err));
	pthread_mutex_lock(&s->lock);
	s->under_way = false;
	pthread_cond_signal(&s->wake);
	pthread_mutex_unlock(&s->lock);
}

/* False when it is time to end. */
static bool
wait_ms(struct sweep *s, int ms)
{
	struct timespec until;
	bool stop;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += (long)(ms % 1000) * 1000000;
	until.tv_sec += ms / 1000 + until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	pthread_mutex_lock(&s->lock);
	while (!s->stop && pthread_cond_timedwait(&s->wake, &s->lock, &until) == 0)
		;
	/* The writer has a pointer to the job: its answer comes first. */
	while (s->under_way)
		pthread_cond_wait(&s->wake, &s->lock);
	stop = s->stop;
	pthread_mutex_unlock(&s->lock);
	return !stop;
}

static void *
run(void *arg)
{
	struct sweep *s = arg;

	while (wait_ms(s, LOOK_MS)) {
		while (look(s)) {
			s->under_way = true;
			s->job = (struct writer_job){.apply = apply, .done = done, .frees = true};
			if (writer_submit(s->writer, &s->job) != 0)
				s->under_way = false;
			if (!wait_ms(s, PAUSE_MS))
				return NULL;
		}
	}
	return NULL;
}

int
sweep_start(struct sweep **ret, struct store *store, struct writer *w, struct err *e)
{
	struct sweep *s = calloc(1, sizeof(*s));
	pthread_condattr_t attr;

	if (s == NULL)
		return err_set(e, ERR_INTERNAL, "no memory");
	s->store = store;
	s->writer = w;
	pthread_mutex_init(&s->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&s->wake, &attr);
	pthread_condattr_destroy(&attr);
	if (pthread_create(&s->thread, NULL, run, s) != 0) {
		free(s);
		return err_set(e, ERR_INTERNAL, "the sweeping thread cannot be started");
	}
	*ret = s;
	return 0;
}

void
sweep_stop(struct sweep *s)
{
	if (s == NULL)
		return;
	pthread_mutex_lock(&s->lock);
	s->stop = true;
	pthread_cond_signal(&s->wake);
	pthread_mutex_unlock(&s->lock);
	pthread_join(s->thread, NULL);
	pthread_cond_destroy(&s->wake);
	pthread_mutex_destroy(&s->lock);
	free(s);
}
