/* SPDX-License-Identifier: ISC */
#include "feeds/loop.h"
#include "common/clock.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

int64_t
feed_backoff(int64_t *last, int64_t max_ms)
{
	uint32_t random = 0;
	int64_t pause = *last == 0 ? 100 : *last * 2;

	*last = pause < max_ms ? pause : max_ms;
	/* Between a half and the whole, so that many do not come back at once. */
	if (getrandom(&random, sizeof(random), GRND_NONBLOCK) != sizeof(random))
		random = (uint32_t)clock_wall_ms();
	return *last / 2 + random % (*last / 2 + 1);
}

void
loop_init(struct loop *l)
{
	memset(l, 0, sizeof(*l));
	for (size_t i = 0; i < LOOP_WATCHES; i++)
		l->watches[i].fd = -1;
	for (size_t i = 0; i < LOOP_TIMERS; i++)
		l->timers[i].at = -1;
}

static struct loop_watch *
watch_of(struct loop *l, int fd)
{
	for (size_t i = 0; i < LOOP_WATCHES; i++)
		if (l->watches[i].fd == fd)
			return &l->watches[i];
	return NULL;
}

int
loop_watch(struct loop *l, int fd, short events, feed_ready_fn *fn, void *arg)
{
	struct loop_watch *w = watch_of(l, fd);

	if (w == NULL) {
		if (fd < 0 || (w = watch_of(l, -1)) == NULL)
			return -1;
		w->life = ++l->lives;
	}
	w->fd = fd;
	w->events = events;
	w->fn = fn;
	w->arg = arg;
	return 0;
}

void
loop_unwatch(struct loop *l, int fd)
{
	struct loop_watch *w = fd < 0 ? NULL : watch_of(l, fd);

	if (w != NULL)
		w->fd = -1;
}

int
loop_timer(struct loop *l, int64_t ms, feed_timer_fn *fn, void *arg)
{
	struct loop_timer *free_one = NULL, *t = NULL;

	for (size_t i = 0; i < LOOP_TIMERS && t == NULL; i++) {
		if (l->timers[i].at < 0)
			free_one = free_one != NULL ? free_one : &l->timers[i];
		else if (l->timers[i].fn == fn && l->timers[i].arg == arg)
			t = &l->timers[i];
	}
	if (ms < 0) {
		if (t != NULL)
			t->at = -1;
		return 0;
	}
	if (t == NULL && (t = free_one) == NULL)
		return -1;
	*t = (struct loop_timer){clock_ms() + ms, fn, arg};
	return 0;
}

/* Milliseconds until the next timer is due, -1 = there is none. */
static int
until_due(const struct loop *l)
{
	int64_t now = clock_ms(), next = INT64_MAX;

	for (size_t i = 0; i < LOOP_TIMERS; i++)
		if (l->timers[i].at >= 0 && l->timers[i].at < next)
			next = l->timers[i].at;
	if (next == INT64_MAX)
		return -1;
	return next <= now ? 0 : next - now < 60000 ? (int)(next - now) : 60000;
}

static void
run_timers(struct loop *l)
{
	int64_t now = clock_ms();

	for (size_t i = 0; i < LOOP_TIMERS && !l->stop; i++) {
		struct loop_timer due = l->timers[i];

		if (due.at < 0 || due.at > now)
			continue;
		l->timers[i].at = -1;
		due.fn(due.arg);
	}
}

/* What is ready; a slot that has got another life meanwhile is not. */
static void
run_ready(struct loop *l, const struct pollfd *p, const struct loop_watch **slot,
    const uint32_t *life, nfds_t n)
{
	for (nfds_t i = 0; i < n && !l->stop; i++)
		if (p[i].revents != 0 && slot[i]->fd == p[i].fd && slot[i]->life == life[i])
			slot[i]->fn(slot[i]->arg, p[i].revents);
}

int
loop_until_stopped(struct loop *l)
{
	struct pollfd p[LOOP_WATCHES];
	const struct loop_watch *slot[LOOP_WATCHES];
	uint32_t life[LOOP_WATCHES];

	/* What was wanted before comes before whatever is ready by now. */
	run_timers(l);
	while (!l->stop) {
		nfds_t n = 0;
		int rc;

		for (size_t i = 0; i < LOOP_WATCHES; i++) {
			struct loop_watch *w = &l->watches[i];

			if (w->fd < 0)
				continue;
			p[n] = (struct pollfd){.fd = w->fd, .events = w->events};
			slot[n] = w;
			life[n++] = w->life;
		}
		rc = poll(p, n, until_due(l));
		if (rc < 0 && errno != EINTR)
			return -1;
		if (rc > 0)
			run_ready(l, p, slot, life, n);
		run_timers(l);
	}
	return 0;
}
