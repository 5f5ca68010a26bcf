/* SPDX-License-Identifier: ISC */
#include "backend/upkeep.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "common/log.h"

/* A restart replays the log since the last checkpoint, 12-22 ms a megabyte. */
enum { CHECKPOINT_BYTES = 16 * 1024 * 1024, PERIOD_S = 5, CLEAN_PERCENT = 50 };

struct upkeep {
	struct store *store;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool stop;
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

static void *
run(void *arg)
{
	struct upkeep *u = arg;

	while (wait_period(u)) {
		struct err e = {0};

		if (store_trickle(u->store, CLEAN_PERCENT, &e) != 0 ||
		    store_checkpoint(u->store, CHECKPOINT_BYTES, &e) != 0)
			log_event(LOG_WARN_, "upkeep", "%s", err_text(&e));
	}
	return NULL;
}

int
upkeep_start(struct upkeep **ret, struct store *s, struct err *e)
{
	struct upkeep *u = calloc(1, sizeof(*u));
	pthread_condattr_t attr;

	if (u == NULL)
		return err_set(e, ERR_INTERNAL, "no memory");
	u->store = s;
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
