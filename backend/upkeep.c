/* SPDX-License-Identifier: ISC */
#include "backend/upkeep.h"

#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>
#include <time.h>

#include "backend/audit.h"
#include "backend/believed.h"
#include "backend/history.h"
#include "backend/job.h"
#include "backend/repeat.h"
#include "backend/retention.h"
#include "backend/user_events.h"
#include "common/clock.h"
#include "common/log.h"

/* A restart replays the log since the last checkpoint, 12-22 ms a megabyte. */
enum {
	CHECKPOINT_BYTES = 16 * 1024 * 1024,
	PERIOD_S = 5,
	CLEAN_PERCENT = 50,
	SWEEP_S = 600,
	SWEEP_FIRST_S = 60
};

struct upkeep {
	struct store *store;
	struct space *space;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool stop;
	struct writer *writer;
	struct writer_job sweep;
	bool sweeping; /* the writer has it */
	bool events_left, audit_left;
	struct believed believed;
	int64_t audit_days;
	uint32_t after;  /* user whose kept writes were looked at last, 0 = all were */
	time_t sweep_at; /* CLOCK_MONOTONIC */
	struct retention retention;
	time_t retain_at; /* likewise */
};

/* False when it is time to end. */
static bool
wait_period(struct upkeep *u)
{
	struct timespec until;
	bool stop;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += PERIOD_S;
	pthread_mutex_lock(&u->lock);
	while (!u->stop && pthread_cond_timedwait(&u->wake, &u->lock, &until) == 0)
		;
	stop = u->stop;
	pthread_mutex_unlock(&u->lock);
	return !stop;
}

/* 0 or -1. */
static int
sweep_by(struct upkeep *u, struct model *m, int64_t now)
{
	int rc = repeat_sweep(m, now, &u->after);

	if (rc == 0 && (rc = user_events_sweep(m, now)) >= 0) {
		u->events_left = rc == 1;
		rc = 0;
	}
	if (rc == 0 && (rc = audit_sweep(m, now, u->audit_days)) >= 0) {
		u->audit_left = rc == 1;
		rc = 0;
	}
	if (rc == 0 && (rc = history_sweep(m, now, u->audit_days)) >= 0) {
		u->audit_left = u->audit_left || rc == 1;
		rc = 0;
	}
	return rc;
}

static int
sweep(struct writer_job *job, struct store_txn *t)
{
	struct upkeep *u = (struct upkeep *)(void *)((char *)job - offsetof(struct upkeep, sweep));
	struct model m = {.t = t, .e = &job->err, .tenant = TENANT_DEFAULT};
	int64_t now = clock_wall_ms();
	struct arena a;
	int rc;

	arena_init(&a, JOB_SCRATCH_MAX);
	m.a = &a;
	if ((rc = believed_look(&u->believed, &m, now, clock_ms() / 1000)) == 1)
		rc = sweep_by(u, &m, now);
	arena_free(&a);
	return rc;
}

static void
swept(struct writer_job *job, bool committed)
{
	struct upkeep *u = (struct upkeep *)(void *)((char *)job - offsetof(struct upkeep, sweep));

	if (!committed)
		log_event(LOG_WARN_, "upkeep", "%s", err_text(&job->err));
	pthread_mutex_lock(&u->lock);
	u->sweeping = false;
	pthread_cond_signal(&u->wake);
	pthread_mutex_unlock(&u->lock);
}

/* Waits for the end, so that the job is nobody's any more when this thread ends. */
static void
sweep_kept(struct upkeep *u)
{
	if (clock_ms() / 1000 < u->sweep_at)
		return;
	u->sweeping = true;
	u->sweep.apply = sweep;
	u->sweep.done = swept;
	u->sweep.frees = true;
	if (writer_submit(u->writer, &u->sweep) != 0)
		return;
	pthread_mutex_lock(&u->lock);
	while (u->sweeping)
		pthread_cond_wait(&u->wake, &u->lock);
	pthread_mutex_unlock(&u->lock);
	u->sweep_at =
	    u->after == 0 && !u->events_left && !u->audit_left ? clock_ms() / 1000 + SWEEP_S : 0;
}

/* The wall clock, as far as it can be believed: 0 or -1. */
static int
trusted_now(struct upkeep *u, int64_t *ret, struct err *e)
{
	struct model m = {.e = e, .tenant = TENANT_DEFAULT};
	int64_t latest;
	struct arena a;
	int rc;

	if (store_begin(u->store, STORE_READ, &m.t, e) != 0)
		return -1;
	arena_init(&a, JOB_SCRATCH_MAX);
	m.a = &a;
	rc = believed_latest(&m, &latest);
	store_abort(m.t);
	arena_free(&a);
	*ret = clock_wall_ms();
	if (latest > 0 && *ret > latest + BELIEVED_STEP_MS)
		*ret = latest + BELIEVED_STEP_MS;
	return rc;
}

static void
remove_old(struct upkeep *u)
{
	struct err e = {0};
	int64_t now;

	if (clock_ms() / 1000 < u->retain_at)
		return;
	u->retain_at = clock_ms() / 1000 + SWEEP_S;
	if (trusted_now(u, &now, &e) != 0 ||
	    retention_run(&u->retention, u->store, now, clock_ms() / 1000, &e) != 0)
		log_event(LOG_WARN_, "retention", "%s", err_text(&e));
}

static void *
run(void *arg)
{
	struct upkeep *u = arg;

	while (wait_period(u)) {
		struct err e = {0};

		space_tend(u->space);
		remove_old(u);
		sweep_kept(u);
		if (store_trickle(u->store, CLEAN_PERCENT, &e) != 0 ||
		    store_checkpoint(u->store, CHECKPOINT_BYTES, &e) != 0)
			log_event(LOG_WARN_, "upkeep", "%s", err_text(&e));
	}
	return NULL;
}

int
upkeep_start(struct upkeep **ret, struct store *s, struct writer *w, struct space *space,
    const struct upkeep_limits *limits, struct err *e)
{
	struct upkeep *u = calloc(1, sizeof(*u));
	pthread_condattr_t attr;

	if (u == NULL)
		return err_set(e, ERR_INTERNAL, "no memory");
	u->store = s;
	u->writer = w;
	u->space = space;
	u->retention.months = limits->cdr_months;
	u->retention.bytes = (uint64_t)limits->cdr_bytes;
	u->audit_days = limits->audit_days;
	u->sweep_at = clock_ms() / 1000 + SWEEP_FIRST_S;
	pthread_mutex_init(&u->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&u->wake, &attr);
	pthread_condattr_destroy(&attr);
	if (pthread_create(&u->thread, NULL, run, u) != 0) {
		free(u);
		return err_set(e, ERR_INTERNAL, "the maintenance thread cannot be started");
	}
	*ret = u;
	return 0;
}

void
upkeep_stop(struct upkeep *u)
{
	if (u == NULL)
		return;
	pthread_mutex_lock(&u->lock);
	u->stop = true;
	pthread_cond_signal(&u->wake);
	pthread_mutex_unlock(&u->lock);
	pthread_join(u->thread, NULL);
	pthread_cond_destroy(&u->wake);
	pthread_mutex_destroy(&u->lock);
	free(u);
}
