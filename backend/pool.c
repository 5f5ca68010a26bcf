/* SPDX-License-Identifier: ISC */
#include "backend/pool.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "backend/job.h"

enum { SHARE_MAX = 16, MANY = 4 };

struct fifo {
	struct job *first, *last;
	unsigned n;
};

struct pool {
	pthread_mutex_t lock;
	pthread_cond_t more;
	struct fifo todo;
	unsigned max, idle;
	bool stopping;
	unsigned fresh; /* submitted since the last wake-up; the loop thread's */
	pthread_mutex_t back_lock;
	struct fifo back;
	int event;
	unsigned nthreads;
	pthread_t threads[];
};

static void
push(struct fifo *f, struct job *j)
{
	j->next = NULL;
	if (f->last != NULL)
		f->last->next = j;
	else
		f->first = j;
	f->last = j;
	f->n++;
}

static struct job *
pop(struct fifo *f)
{
	struct job *j = f->first;

	if (j != NULL) {
		f->first = j->next;
		if (f->first == NULL)
			f->last = NULL;
		f->n--;
	}
	return j;
}

/* A share of what waits, so that locks and wake-ups are paid once for several jobs. */
static struct fifo
take_share(struct pool *p)
{
	struct fifo mine = {0};
	unsigned share;

	pthread_mutex_lock(&p->lock);
	while (p->todo.first == NULL && !p->stopping) {
		p->idle++;
		pthread_cond_wait(&p->more, &p->lock);
		p->idle--;
	}
	share = p->todo.n / p->nthreads + 1;
	if (share > SHARE_MAX)
		share = SHARE_MAX;
	while (!p->stopping && share-- > 0 && p->todo.first != NULL)
		push(&mine, pop(&p->todo));
	pthread_mutex_unlock(&p->lock);
	return mine;
}

static void return_all(struct pool *p, struct fifo *done);

static void *
reader(void *arg)
{
	struct pool *p = arg;

	for (;;) {
		struct fifo mine = take_share(p), done = {0};
		struct snapshot snapshot = {.t = NULL};
		struct job *j;

		if (mine.first == NULL)
			return NULL;
		while ((j = pop(&mine)) != NULL)
			if (j->control ? control_run(j) : job_run(j, &snapshot))
				push(&done, j);
		snapshot_end(&snapshot);
		return_all(p, &done);
	}
}

int
pool_start(struct pool **ret, unsigned threads, unsigned queue_max, struct err *e)
{
	struct pool *p = calloc(1, sizeof(*p) + threads * sizeof(p->threads[0]));
	unsigned started = 0;

	if (p == NULL)
		return err_set(e, ERR_INTERNAL, "no memory for the reader threads");
	pthread_mutex_init(&p->lock, NULL);
	pthread_mutex_init(&p->back_lock, NULL);
	pthread_cond_init(&p->more, NULL);
	p->max = queue_max;
	p->event = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	/* The readers divide by it, so it stands before they start. */
	p->nthreads = threads;
	for (; p->event >= 0 && started < threads; started++)
		if (pthread_create(&p->threads[started], NULL, reader, p) != 0)
			break;
	if (started < threads) {
		p->nthreads = started;
		pool_stop(p);
		return err_set(e, ERR_INTERNAL, "the reader threads cannot be started");
	}
	*ret = p;
	return 0;
}

void
pool_stop(struct pool *p)
{
	struct job *j;

	if (p == NULL)
		return;
	pthread_mutex_lock(&p->lock);
	p->stopping = true;
	pthread_cond_broadcast(&p->more);
	pthread_mutex_unlock(&p->lock);
	for (unsigned i = 0; i < p->nthreads; i++)
		pthread_join(p->threads[i], NULL);
	while ((j = pop(&p->todo)) != NULL || (j = pop(&p->back)) != NULL)
		job_free(j);
	if (p->event >= 0)
		close(p->event);
	pthread_cond_destroy(&p->more);
	pthread_mutex_destroy(&p->lock);
	pthread_mutex_destroy(&p->back_lock);
	free(p);
}

int
pool_submit(struct pool *p, struct job *j)
{
	bool full;

	pthread_mutex_lock(&p->lock);
	full = p->todo.n >= p->max || p->stopping;
	if (!full)
		push(&p->todo, j);
	pthread_mutex_unlock(&p->lock);
	p->fresh += !full;
	return full ? -1 : 0;
}

void
pool_wake(struct pool *p)
{
	unsigned idle;

	if (p->fresh == 0)
		return;
	pthread_mutex_lock(&p->lock);
	idle = p->idle;
	pthread_mutex_unlock(&p->lock);
	/* A reader that works looks for more by itself. Few jobs are faster done by one reader than
	 * another one is woken. */
	if (idle > 0 && p->fresh > MANY)
		pthread_cond_broadcast(&p->more);
	else if (idle > 0)
		pthread_cond_signal(&p->more);
	p->fresh = 0;
}

static void
return_all(struct pool *p, struct fifo *done)
{
	uint64_t one = 1;
	struct job *j;
	bool first;

	if (done->first == NULL)
		return;
	pthread_mutex_lock(&p->back_lock);
	first = p->back.first == NULL;
	while ((j = pop(done)) != NULL)
		push(&p->back, j);
	pthread_mutex_unlock(&p->back_lock);
	/* One wake-up serves all that come before the loop looks. */
	if (first && write(p->event, &one, sizeof(one)) < 0)
		abort();
}

void
pool_return(struct pool *p, struct job *j)
{
	struct fifo done = {0};

	push(&done, j);
	return_all(p, &done);
}

int
pool_fd(const struct pool *p)
{
	return p->event;
}

struct job *
pool_take(struct pool *p)
{
	struct job *all;
	uint64_t count;

	if (read(p->event, &count, sizeof(count)) < 0)
		count = 0;
	pthread_mutex_lock(&p->back_lock);
	all = p->back.first;
	p->back = (struct fifo){0};
	pthread_mutex_unlock(&p->back_lock);
	return all;
}
