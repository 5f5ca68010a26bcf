/* SPDX-License-Identifier: ISC */
#include "backend/routes.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "common/log.h"

enum { FRAME_MAX = IPC_MESSAGE_MAX, TRY_AGAIN_S = 1 };

struct listener {
	bool here;
	bool behind;   /* there may be something to tell */
	uint64_t life; /* another one each time that the feed comes */
	struct ipc_server *via;
	struct ipc_peer peer;
	struct route_cursor cursor;
	int64_t acked;
};

struct outgoing {
	struct outgoing *next;
	size_t feed;
	uint64_t life;
	struct buf frame;
};

struct routes {
	struct store *store;
	int fd;
	pthread_t thread;
	pthread_mutex_t lock; /* over all that follows */
	pthread_cond_t wake;
	bool stop;
	struct listener v[ROUTES_FEEDS_MAX];
	uint64_t lives;
	struct outgoing *out, **out_end;
};

/* --- the thread that reads ------------------------------------------------------------------ */

static bool
can_be_told(const struct listener *l)
{
	return l->here && l->behind && l->cursor.part - l->acked < ROUTES_WINDOW;
}

static struct listener *
next_to_tell(struct routes *r)
{
	for (size_t i = 0; i < ROUTES_FEEDS_MAX; i++)
		if (can_be_told(&r->v[i]))
			return &r->v[i];
	return NULL;
}

static int
make_part(struct routes *r, struct route_cursor *c, struct buf *frame)
{
	struct err e = {0};
	struct store_txn *t;
	struct arena a;
	struct model m = {.a = &a, .e = &e, .tenant = TENANT_DEFAULT};
	int rc = -1;

	arena_init(&a, ROUTE_PART_MEMORY);
	if (store_begin(r->store, STORE_READ, &t, &e) == 0) {
		m.t = t;
		rc = route_part(&m, c, frame);
		store_abort(t);
	}
	if (rc < 0)
		log_event(LOG_WARN_, "routes", "%s", err_text(&e));
	/* Codes of rooms were in it. */
	arena_wipe(&a);
	return rc;
}

static void
queue(struct routes *r, struct outgoing *o)
{
	uint64_t one = 1;

	o->next = NULL;
	*r->out_end = o;
	r->out_end = &o->next;
	/* The counter cannot overflow: the loop reads it away. */
	(void)!write(r->fd, &one, sizeof(one));
}

static void
drop(struct outgoing *o)
{
	buf_wipe(&o->frame);
	free(o);
}

/* With the lock held, which is given up meanwhile. False = not now. */
static bool
tell(struct routes *r, struct listener *l)
{
	struct outgoing *o = calloc(1, sizeof(*o));
	struct route_cursor c = l->cursor;
	int rc;

	if (o == NULL)
		return false;
	o->feed = (size_t)(l - r->v);
	o->life = l->life;
	/* What is marked from here on is looked for once more. */
	l->behind = false;
	pthread_mutex_unlock(&r->lock);
	buf_init(&o->frame, FRAME_MAX);
	rc = make_part(r, &c, &o->frame);
	pthread_mutex_lock(&r->lock);
	if (rc == 1 && l->here && l->life == o->life) {
		l->cursor = c;
		l->behind = true;
		queue(r, o);
		return true;
	}
	if (rc < 0)
		l->behind = true;
	drop(o);
	return rc >= 0;
}

static void *
run(void *arg)
{
	struct routes *r = arg;

	pthread_mutex_lock(&r->lock);
	while (!r->stop) {
		struct listener *l = next_to_tell(r);
		struct timespec until;

		if (l == NULL) {
			pthread_cond_wait(&r->wake, &r->lock);
		} else if (!tell(r, l)) {
			clock_gettime(CLOCK_MONOTONIC, &until);
			until.tv_sec += TRY_AGAIN_S;
			pthread_cond_timedwait(&r->wake, &r->lock, &until);
		}
	}
	pthread_mutex_unlock(&r->lock);
	return NULL;
}

static void
init_lock(struct routes *r)
{
	pthread_condattr_t attr;

	pthread_mutex_init(&r->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&r->wake, &attr);
	pthread_condattr_destroy(&attr);
}

static void
release(struct routes *r)
{
	for (struct outgoing *o = r->out, *next; o != NULL; o = next) {
		next = o->next;
		drop(o);
	}
	pthread_cond_destroy(&r->wake);
	pthread_mutex_destroy(&r->lock);
	close(r->fd);
	free(r);
}

int
routes_start(struct routes **ret, struct store *s, struct err *e)
{
	struct routes *r = calloc(1, sizeof(*r));
	sigset_t all, old;
	int rc;

	if (r == NULL || (r->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) < 0) {
		free(r);
		return err_set(e, ERR_INTERNAL, "routes: no memory or descriptor");
	}
	r->store = s;
	r->out_end = &r->out;
	init_lock(r);
	/* Signals are the main thread's business. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	rc = pthread_create(&r->thread, NULL, run, r);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (rc != 0) {
		release(r);
		return err_set(e, ERR_INTERNAL, "routes: %s", strerror(rc));
	}
	pthread_setname_np(r->thread, "routes");
	*ret = r;
	return 0;
}

void
routes_stop(struct routes *r)
{
	if (r == NULL)
		return;
	pthread_mutex_lock(&r->lock);
	r->stop = true;
	pthread_cond_signal(&r->wake);
	pthread_mutex_unlock(&r->lock);
	pthread_join(r->thread, NULL);
	release(r);
}

void
routes_committed(void *arg)
{
	struct routes *r = arg;

	if (!route_log_marked())
		return;
	pthread_mutex_lock(&r->lock);
	for (size_t i = 0; i < ROUTES_FEEDS_MAX; i++)
		r->v[i].behind = true;
	pthread_cond_signal(&r->wake);
	pthread_mutex_unlock(&r->lock);
}

/* --- the loop's thread ---------------------------------------------------------------------- */

void
routes_begin(struct routes *r, size_t feed, struct ipc_server *via, const struct ipc_peer *peer,
    enum feed_switch kind, const struct route_position *has)
{
	pthread_mutex_lock(&r->lock);
	r->v[feed] = (struct listener){
	    .here = true,
	    .behind = true,
	    .life = ++r->lives,
	    .via = via,
	    .peer = *peer,
	    .cursor = {.kind = kind, .blank = has == NULL || has->generation == 0},
	};
	if (has != NULL)
		r->v[feed].cursor.has = *has;
	pthread_cond_signal(&r->wake);
	pthread_mutex_unlock(&r->lock);
}

void
routes_end(struct routes *r, size_t feed)
{
	pthread_mutex_lock(&r->lock);
	r->v[feed].here = false;
	pthread_mutex_unlock(&r->lock);
}

void
routes_ack(struct routes *r, size_t feed, int64_t part)
{
	struct listener *l = &r->v[feed];

	pthread_mutex_lock(&r->lock);
	/* Nobody can have what was never said. */
	if (l->here && part > l->acked && part <= l->cursor.part) {
		l->acked = part;
		pthread_cond_signal(&r->wake);
	}
	pthread_mutex_unlock(&r->lock);
}

int
routes_fd(const struct routes *r)
{
	return r->fd;
}

void
routes_send(struct routes *r)
{
	struct outgoing *o, *next;
	uint64_t count;

	(void)!read(r->fd, &count, sizeof(count));
	pthread_mutex_lock(&r->lock);
	o = r->out;
	r->out = NULL;
	r->out_end = &r->out;
	pthread_mutex_unlock(&r->lock);
	for (; o != NULL; o = next) {
		/* This thread alone changes where a feed is and which life it has. */
		const struct listener *l = &r->v[o->feed];

		next = o->next;
		/* What does not arrive is said again: a feed whose connection broke greets anew. */
		if (l->here && l->life == o->life)
			ipc_server_send(l->via, &l->peer, buf_str(&o->frame));
		drop(o);
	}
}
