/* SPDX-License-Identifier: ISC */
#include "backend/streams.h"

#include <stdlib.h>
#include <string.h>

#include "backend/answer.h"
#include "common/clock.h"

struct streams {
	struct pool *pool;
	struct job *v[STREAMS_MAX];
};

struct streams *
streams_new(struct pool *pool)
{
	struct streams *s = calloc(1, sizeof(*s));

	if (s != NULL)
		s->pool = pool;
	return s;
}

void
streams_free(struct streams *s)
{
	/* Those that run are in the pool's hands, which frees them. */
	for (size_t i = 0; s != NULL && i < STREAMS_MAX; i++)
		if (s->v[i] != NULL && !s->v[i]->running)
			job_free(s->v[i]);
	free(s);
}

static struct job **
place(struct streams *s, const struct job *j)
{
	for (size_t i = 0; i < STREAMS_MAX; i++)
		if (s->v[i] == j)
			return &s->v[i];
	return NULL;
}

void
streams_forget(struct streams *s, struct job *j)
{
	struct job **at = j->streaming ? place(s, j) : NULL;

	if (at != NULL)
		*at = NULL;
}

static void
give_up(struct streams *s, struct job *j)
{
	err_set(&j->err, ERR_UNAVAILABLE, NULL);
	answer_send(j);
	streams_forget(s, j);
	job_free(j);
}

static void
run_next(struct streams *s, struct job *j)
{
	if (j->running || j->credit == 0)
		return;
	j->credit--;
	j->running = true;
	if (pool_submit(s->pool, j) != 0)
		give_up(s, j);
}

int
streams_part(struct streams *s, struct job *j)
{
	struct job **at = j->streaming ? place(s, j) : place(s, NULL);

	if (at == NULL) {
		j->retry_after = 1;
		err_set(&j->err, ERR_UNAVAILABLE, NULL);
		answer_send(j);
		return -1;
	}
	answer_send(j);
	j->running = false;
	if (!j->more) {
		*at = NULL;
		return -1;
	}
	*at = j;
	j->streaming = true;
	j->last_us = clock_us();
	run_next(s, j);
	return 0;
}

void
streams_credit(struct streams *s, const struct ipc_server *via, const struct ipc_peer *peer,
    int64_t id, int64_t parts)
{
	for (size_t i = 0; i < STREAMS_MAX; i++) {
		struct job *j = s->v[i];

		if (j == NULL || j->req.id != id || j->via != via || j->peer.n != peer->n ||
		    memcmp(j->peer.id, peer->id, peer->n) != 0)
			continue;
		if (parts == 0) {
			j->forgotten = true;
			if (!j->running) {
				s->v[i] = NULL;
				job_free(j);
			}
			return;
		}
		j->credit = j->credit + parts < STREAM_CREDIT_MAX ? j->credit + parts : STREAM_CREDIT_MAX;
		j->last_us = clock_us();
		run_next(s, j);
		return;
	}
}

void
streams_sweep(struct streams *s, int64_t now)
{
	for (size_t i = 0; i < STREAMS_MAX; i++) {
		struct job *j = s->v[i];

		if (j != NULL && !j->running && now - j->last_us > STREAM_IDLE_US) {
			s->v[i] = NULL;
			job_free(j);
		}
	}
}
