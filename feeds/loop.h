/* SPDX-License-Identifier: ISC */
/* One poll(2) loop: descriptors and timers. Everything of a feed happens in its one thread. */
#ifndef FEEDS_LOOP_H
#define FEEDS_LOOP_H

#include "feeds/feed.h"
#include "common/clock.h"

enum { LOOP_WATCHES = 256, LOOP_TIMERS = 256 };

struct loop_watch {
	int fd; /* -1 = free */
	short events;
	uint32_t life; /* another one for each use of the slot */
	feed_ready_fn *fn;
	void *arg;
};

struct loop_timer {
	int64_t at; /* clock_ms(); < 0 = free */
	feed_timer_fn *fn;
	void *arg;
};

struct loop {
	struct loop_watch watches[LOOP_WATCHES];
	struct loop_timer timers[LOOP_TIMERS];
	uint32_t lives;
	bool stop;
};

void loop_init(struct loop *l);
int loop_watch(struct loop *l, int fd, short events, feed_ready_fn *fn, void *arg);
void loop_unwatch(struct loop *l, int fd);
int loop_timer(struct loop *l, int64_t ms, feed_timer_fn *fn, void *arg);
/* Until stop is set. 0, or -1 when poll(2) fails for good. */
int loop_until_stopped(struct loop *l);

#endif
