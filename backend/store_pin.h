/* SPDX-License-Identifier: ISC */
/*
 * Copying a store that is one file, whose pages are never overwritten where somebody may still
 * read: a snapshot is held, and the file is read piece by piece while the writer goes on in other
 * pages. Only its head, which says where the state begins, is taken at once. A page that the
 * snapshot does not see may be anything in the copy, since nobody will look at it.
 *
 * What is held cannot be used again, so the file grows, and never shrinks. Hence one copy at a
 * time, which ends when it has been read to its end, when nobody has asked for it for as long as it
 * was to be held, or when the file has grown by its share of the room.
 *
 * The name of the file in the copy has the snapshot's number, so that who comes back too late gets
 * nothing of another one.
 */
#ifndef BACKEND_STORE_PIN_H
#define BACKEND_STORE_PIN_H

#include <pthread.h>
#include <stdatomic.h>

#include "backend/store.h"

enum { PIN_HEAD_MAX = 64 * 1024 };

struct pin_snapshot {
	void *handle;    /* the engine's */
	uint64_t number; /* of the state, another one for each */
	uint64_t size;   /* of the file, in bytes, as far as the snapshot reaches */
	size_t head_n;
	char head[PIN_HEAD_MAX];
};

struct store_pin {
	/* Takes a snapshot, with everything in it but what is 0: 0, or -1 with *e; and ends it. Both
	 * are called with `lock`, which whoever writes only tries to take. */
	int (*take)(void *arg, struct pin_snapshot *ret, struct err *e);
	void (*end)(void *arg, void *handle);
	void *arg;
	int fd; /* the file's */
	uint64_t reserve;
	pthread_mutex_t lock;
	atomic_bool held;
	char name[STORE_FILE_MAX + 1];
	struct pin_snapshot snapshot;
	uint64_t most;                /* the file's size at which the copy ends */
	int64_t asked_ms, expires_ms; /* CLOCK_MONOTONIC */
	const char *ended;            /* why the last one did; static */
};

void pin_init(struct store_pin *p, int (*take)(void *, struct pin_snapshot *, struct err *),
    void (*end)(void *, void *), void *arg);
/* Before a copy: the file, which stays the caller's, and what is to stay free beside it. */
void pin_use(struct store_pin *p, int fd, uint64_t reserve);
/* Ends what is held. */
void pin_destroy(struct store_pin *p);

/* Begins a copy, *ret is its only file. 0, or -1 with ERR_UNAVAILABLE when another one is being
 * made, ERR_NO_SPACE when the file has no room to grow. One that nobody has asked for lately gives
 * way. */
int pin_begin(struct store_pin *p, unsigned hold_s, struct store_file *ret, struct err *e);
/* See store_copy_read(). Fewer than `n` bytes are the last ones, and end the copy. */
int64_t pin_read(struct store_pin *p, const char *name, uint64_t at, void *to, size_t n,
    unsigned hold_s, struct err *e);
/* Ends a copy whose time is over or whose file is too large: why, as static text, or NULL. To be
 * called after each commit and now and then; never waits. */
const char *pin_tend(struct store_pin *p);
/* The same in any case, since there is no room. */
const char *pin_yield(struct store_pin *p);

/* Gives the only file of a copy in a directory the name of a store's; nothing to do when it has it:
 * 0, or -1 with *e. */
int pin_restore(int home, const char *name, struct err *e);

#endif
