/* SPDX-License-Identifier: ISC */
/*
 * The frame of every feed program: configuration, sandbox, signals, one poll loop, the link to the
 * backend with its numbers, window and acknowledgements, a bounded spool on disk, commands that
 * come in. A program adds what only it knows: how to speak to its switch. One thread.
 */
#ifndef FEEDS_FEED_H
#define FEEDS_FEED_H

#include <stdbool.h>
#include <stdint.h>

#include "common/conf.h"
#include "ipc/feed.h"

struct feed;

enum { FEED_CURSOR_MAX = 8192 };

struct feed_program {
	const char *name; /* "tandem-feed-kamailio" */
	enum feed_switch kind;
	const int64_t *verbs; /* feed_verb_… that the switch can carry out */
	size_t verb_count;
	bool routes; /* wants to be told how calls are to be routed */
	/* Before the sandbox closes: opens what needs rights. Sets *sw. 0 or -1 with *e. */
	int (*open)(struct feed *f, const struct conf *conf, void **sw, struct err *e);
	/* In the loop, once: begins to connect. Loss of the switch is the program's to mend. */
	void (*start)(void *sw);
	void (*close)(void *sw);
	/* A snapshot is wanted (a new epoch, a lost spool, the backend asks): say snapshot-begin, the
	 * calls, conferences and members, snapshot-end, as soon as the switch answers. Whoever connects
	 * to the switch, for the first time or again, does so without being asked. */
	void (*resync)(void *sw);
	/* Not overdue, not carried out before (the last 1,000 ids are remembered); must lead to one
	 * feed_result(). The record is valid during the call. */
	void (*command)(void *sw, const struct feed_command *c);
	/* With `routes` alone. Which routes the program has: false = none, else their generation and
	 * version, as the last part said that it took in for good. */
	bool (*routes_have)(void *sw, int64_t *generation, int64_t *version);
	/* The next part of them, valid during the call. False = it cannot be taken in now: the backend
	 * is asked to go on from what routes_have() says, a second later. */
	bool (*routes_take)(void *sw, const struct feed_routes *part);
};

/* In open(): a file or directory that exists, below which the program goes on reading (and writing)
 * once the sandbox has closed. 0, -1 when there are too many. */
int feed_needs(struct feed *f, const char *path, bool write);

/* The source's own directory, which the program may write to. */
const char *feed_dir(const struct feed *f);

/* main() of a feed. */
int feed_main(const struct feed_program *p, int argc, char **argv);

/* --- the loop ------------------------------------------------------------------------------- */
typedef void feed_ready_fn(void *arg, short revents);
typedef void feed_timer_fn(void *arg);
/* Calls fn when the descriptor is ready (poll(2) events); again for a descriptor = changes. 0, -1
 * when there are too many. */
int feed_watch(struct feed *f, int fd, short events, feed_ready_fn *fn, void *arg);
void feed_unwatch(struct feed *f, int fd);
/* Calls fn once after some milliseconds; the same fn and arg again = another time; ms < 0 = never.
 */
int feed_timer(struct feed *f, int64_t ms, feed_timer_fn *fn, void *arg);
/* The next pause before connecting again: 100 ms doubling to `max_ms`, with jitter. *last = 0 at
 * first and after success. */
int64_t feed_backoff(int64_t *last, int64_t max_ms);

/* --- facts ----------------------------------------------------------------------------------- */
/* Spooled, then sent in order until acknowledged. `record` is that of the kind (live_call …) or
 * NULL, and is checked here: -1 for one that breaks its table, which is logged. -1 too when the
 * spool is full: it has been dropped then, nothing but call records is taken until the backend is
 * there again, and resync() will be called. Else 0. Strings may be NULL. */
int feed_say(struct feed *f, enum feed_kind kind, const char *key, int64_t member, int64_t time_ms,
    const char *id, const void *record);
/* A call record; once taken never dropped: false = no room now, offer it again later. One that
 * breaks its table is logged and passed over: true. `cursor` (up to FEED_CURSOR_MAX bytes, nothing
 * about the text is understood here) says where the source stands behind this record. */
bool feed_say_cdr(struct feed *f, const struct cdr *record, const char *cursor);
/* How long to wait before telling further call records, 0 = not at all: while those of before wait
 * for a backend that is there, so that what goes on now does not wait for what was. */
int64_t feed_cdr_pause(const struct feed *f);
/* Where to go on reading call records when the program starts: the cursor of the last one that is
 * stored by the backend or in the spool, as kept on disk; "" at first. */
const char *feed_cursor(const struct feed *f);
/* The cursor of the last one that the backend has stored: what its source keeps up to there is not
 * needed any more. */
const char *feed_cursor_stored(const struct feed *f);
/* What is never stored; coalesced to four a second and member, dropped while not connected. */
void feed_volatile(
    struct feed *f, const char *key, int64_t member, bool talking, bool floor, int64_t energy);
/* What became of a command; code = 0 or ERR_…, text = what the switch said or NULL. */
void feed_result(struct feed *f, int64_t id, bool ok, int code, const char *text);

#endif
