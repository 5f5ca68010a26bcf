/* SPDX-License-Identifier: ISC */
#include "backend/event_streams.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "backend/answer.h"
#include "backend/backend.h"
#include "backend/streams.h"
#include "backend/user_events.h"
#include "common/clock.h"

enum { TOUCHED_MAX = 8192 };

struct event_stream {
	struct job *job;
	uint32_t user;
	size_t place;               /* in v[] */
	struct event_stream *users; /* next one in the chain of its user's place */
	struct event_stream *ids;   /* likewise by the request's number */
	bool running, dirty;        /* dirty: there may be events that it has not sent */
	int64_t credit, credit_us, sent_us, checked_us;
};

struct event_streams {
	struct pool *pool;
	struct event_stream **v;
	size_t max, mask;
	atomic_size_t n;
	struct event_stream **by_user, **by_id; /* mask + 1 places each */
	int fd;
	pthread_mutex_t lock; /* over what follows */
	uint32_t touched[TOUCHED_MAX];
	size_t ntouched;
	bool all;
};

int
event_streams_new(struct event_streams **ret, struct pool *pool, size_t max, struct err *e)
{
	struct event_streams *s = calloc(1, sizeof(*s));

	if (s == NULL || (s->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) < 0) {
		free(s);
		return err_set(e, ERR_INTERNAL, "event streams: no memory or descriptor");
	}
	s->pool = pool;
	s->max = max;
	for (s->mask = 63; s->mask < max; s->mask = s->mask * 2 + 1)
		;
	pthread_mutex_init(&s->lock, NULL);
	s->v = calloc(max + 1, sizeof(struct event_stream *));
	s->by_user = calloc(s->mask + 1, sizeof(struct event_stream *));
	s->by_id = calloc(s->mask + 1, sizeof(struct event_stream *));
	if (s->v == NULL || s->by_user == NULL || s->by_id == NULL) {
		event_streams_free(s);
		return err_set(e, ERR_INTERNAL, "event streams: no memory");
	}
	*ret = s;
	return 0;
}

/* Fibonacci hashing; users and requests have dense numbers. */
static size_t
place_of(const struct event_streams *s, uint64_t number)
{
	return (size_t)(number * 0x9e3779b97f4a7c15u >> 32) & s->mask;
}

static struct event_stream **
user_place(struct event_streams *s, uint32_t user)
{
	return &s->by_user[place_of(s, user)];
}

static struct event_stream **
id_place(struct event_streams *s, int64_t id)
{
	return &s->by_id[place_of(s, (uint64_t)id)];
}

/* The job is the caller's from here on. */
static void
unlink_stream(struct event_streams *s, struct event_stream *t)
{
	struct event_stream **p = user_place(s, t->user);
	size_t last = s->n - 1;

	while (*p != t)
		p = &(*p)->users;
	*p = t->users;
	for (p = id_place(s, t->job->req.id); *p != t; p = &(*p)->ids)
		;
	*p = t->ids;
	s->v[t->place] = s->v[last];
	s->v[t->place]->place = t->place;
	s->v[last] = NULL;
	s->n = last;
	t->job->stream = NULL;
	t->job->be->in_flight++;
	free(t);
}

static void
end_stream(struct event_streams *s, struct event_stream *t)
{
	struct job *j = t->job;
	bool running = t->running;

	unlink_stream(s, t);
	j->forgotten = true;
	if (!running)
		job_free(j);
}

void
event_streams_free(struct event_streams *s)
{
	if (s == NULL)
		return;
	while (s->n > 0)
		end_stream(s, s->v[s->n - 1]);
	pthread_mutex_destroy(&s->lock);
	close(s->fd);
	free(s->v);
	free(s->by_user);
	free(s->by_id);
	free(s);
}

int
event_streams_fd(const struct event_streams *s)
{
	return s->fd;
}

size_t
event_streams_count(const struct event_streams *s)
{
	return s->n;
}

void
event_streams_forget(struct event_streams *s, struct job *j)
{
	if (j->stream != NULL)
		unlink_stream(s, j->stream);
}

/* Has its right looked at, and what is new read if there is leave to send it. */
static void
run(struct event_streams *s, struct event_stream *t)
{
	struct job *j = t->job;

	j->may_send = t->credit > 0;
	if (j->may_send)
		t->dirty = false;
	t->running = true;
	if (pool_submit(s->pool, j) == 0)
		return;
	/* The readers have too much to do: with the next look. */
	t->running = false;
	t->dirty = true;
}

static void
run_if_wanted(struct event_streams *s, struct event_stream *t)
{
	if (t->dirty && t->credit > 0 && !t->running)
		run(s, t);
}

/* Streams of a gateway that died stand in nobody's way for long. */
static size_t
count_of_user(struct event_streams *s, uint32_t user, int64_t now)
{
	size_t n = 0;

	for (struct event_stream *t = *user_place(s, user), *next; t != NULL; t = next) {
		next = t->users;
		if (t->user != user)
			continue;
		if (now - t->credit_us > EVENT_STREAM_LATE_US)
			end_stream(s, t);
		else
			n++;
	}
	return n;
}

static int
refuse(struct job *j, enum err_code code)
{
	j->retry_after = 5;
	err_set(&j->err, code, code == ERR_TOO_MANY ? "the user has too many streams of events" : NULL);
	answer_send(j);
	return -1;
}

static int
begin(struct event_streams *s, struct job *j)
{
	int64_t now = clock_us();
	struct event_stream *t, **p;

	if (count_of_user(s, j->who.id, now) >= EVENT_STREAMS_OF_USER)
		return refuse(j, ERR_TOO_MANY);
	if (s->n >= s->max || (t = calloc(1, sizeof(*t))) == NULL)
		return refuse(j, ERR_UNAVAILABLE);
	*t = (struct event_stream){.job = j,
	    .user = j->who.id,
	    .place = s->n,
	    .dirty = true,
	    .credit_us = now,
	    .sent_us = now,
	    .checked_us = now};
	p = user_place(s, t->user);
	t->users = *p;
	*p = t;
	p = id_place(s, j->req.id);
	t->ids = *p;
	*p = t;
	s->v[s->n++] = t;
	j->stream = t;
	/* It waits for nothing that the backend has to do. */
	j->be->in_flight--;
	answer_send(j);
	j->streaming = true;
	job_rest(j);
	return 0;
}

int
event_streams_part(struct event_streams *s, struct job *j)
{
	struct event_stream *t = j->stream;
	int64_t now = clock_us();
	bool sent = false;

	if (t == NULL)
		return begin(s, j);
	t->running = false;
	t->checked_us = now;
	if (j->may_send && (j->body.n > 0 || now - t->sent_us >= EVENT_STREAM_BEAT_US)) {
		/* A part that is lost would be a gap: the client begins anew instead. */
		if (answer_send(j) != 0) {
			unlink_stream(s, t);
			return -1;
		}
		t->credit--;
		t->sent_us = now;
		sent = true;
	}
	if (sent && !j->current)
		t->dirty = true;
	job_rest(j);
	run_if_wanted(s, t);
	return 0;
}

bool
event_streams_credit(struct event_streams *s, const struct ipc_server *via,
    const struct ipc_peer *peer, int64_t id, int64_t parts)
{
	struct event_stream *t = *id_place(s, id);

	while (t != NULL &&
	    (t->job->req.id != id || t->job->via != via || t->job->peer.n != peer->n ||
	        memcmp(t->job->peer.id, peer->id, peer->n) != 0))
		t = t->ids;
	if (t == NULL)
		return false;
	if (parts == 0) {
		end_stream(s, t);
		return true;
	}
	t->credit = t->credit + parts < STREAM_CREDIT_MAX ? t->credit + parts : STREAM_CREDIT_MAX;
	t->credit_us = clock_us();
	run_if_wanted(s, t);
	return true;
}

void
event_streams_sweep(struct event_streams *s, int64_t now)
{
	/* Backwards: a stream that ends has the last one put into its place. */
	for (size_t i = s->n; i-- > 0;) {
		struct event_stream *t = s->v[i];

		if (now - t->credit_us > EVENT_STREAM_DEAD_US)
			end_stream(s, t);
		else if (!t->running &&
		    (now - t->checked_us >= EVENT_STREAM_CHECK_US || (t->dirty && t->credit > 0)))
			run(s, t);
	}
}

static void
wake_user(struct event_streams *s, uint32_t user)
{
	for (struct event_stream *t = *user_place(s, user), *next; t != NULL; t = next) {
		next = t->users;
		if (t->user != user)
			continue;
		t->dirty = true;
		run_if_wanted(s, t);
	}
}

void
event_streams_wake(struct event_streams *s)
{
	uint32_t users[TOUCHED_MAX];
	uint64_t count;
	size_t n;
	bool all;

	(void)!read(s->fd, &count, sizeof(count));
	pthread_mutex_lock(&s->lock);
	n = s->ntouched;
	memcpy(users, s->touched, n * sizeof(*users));
	all = s->all;
	s->ntouched = 0;
	s->all = false;
	pthread_mutex_unlock(&s->lock);
	for (size_t i = 0; i < n && !all; i++)
		wake_user(s, users[i]);
	for (size_t i = 0; i < s->n && all; i++) {
		s->v[i]->dirty = true;
		run_if_wanted(s, s->v[i]);
	}
}

void
event_streams_committed(void *arg)
{
	struct event_streams *s = arg;
	struct user_events_touched t = user_events_take();
	uint64_t one = 1;

	/* A stream that comes later reads what has been committed by then. */
	if ((t.n == 0 && !t.all) || s->n == 0)
		return;
	pthread_mutex_lock(&s->lock);
	if (t.all || s->ntouched + t.n > TOUCHED_MAX) {
		s->all = true;
	} else {
		memcpy(s->touched + s->ntouched, t.users, t.n * sizeof(*t.users));
		s->ntouched += t.n;
	}
	pthread_mutex_unlock(&s->lock);
	(void)!write(s->fd, &one, sizeof(one));
}
