/* SPDX-License-Identifier: ISC */
/*
 * Which partitions there are, and the engine's handles of the few that are open: opened when they
 * are first asked for, closed again when there are too many. What a handle is only the engine
 * knows.
 *
 * A handle in use is pinned. A reader's pin lasts for one call; the writer's lasts until its
 * outermost transaction has ended, since what it changed must still be undoable by the handle it
 * was changed by.
 */
#ifndef BACKEND_STORE_PARTS_H
#define BACKEND_STORE_PARTS_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"

enum {
	PARTS_MAX = 4096, /* a store's */
	PARTS_OPEN = 64   /* handles that are open without being in use */
};

struct store_part {
	uint32_t number;
	bool going;    /* being dropped: nobody is let in any more */
	bool held;     /* by the writer */
	unsigned pins; /* of readers */
	uint64_t used; /* when it was pinned last, by `clock` */
	void *handle;  /* NULL = closed */
};

struct store_parts {
	pthread_mutex_t lock; /* over everything below, and around the functions */
	pthread_cond_t changed;
	struct store_part *v; /* by number */
	size_t n, size, open;
	uint64_t clock;
	/* The engine's: 0, or -1 with *e. `make` = it is not there yet. */
	int (*open_one)(void *arg, uint32_t number, bool make, void **handle, struct err *e);
	void (*close_one)(void *arg, void *handle);
	void *arg;
};

/* The functions must be set by then. */
void parts_init(struct store_parts *p);
/* Closes every handle; nobody may use one any more. */
void parts_free(struct store_parts *p);

/* Makes a partition known that is there already: 0 or -1. */
int parts_add(struct store_parts *p, uint32_t number, struct err *e);
/* A handle to read by: 1, 0 = there is no such partition, -1. To be given back. */
int parts_pin(struct store_parts *p, uint32_t number, void **handle, struct err *e);
void parts_unpin(struct store_parts *p, uint32_t number);
/* The same for the writer, which may make what is not there; it is the writer's until
 * parts_release(). */
int parts_hold(struct store_parts *p, uint32_t number, bool make, void **handle, struct err *e);
void parts_release(struct store_parts *p);

/* The numbers from `from` up, at most `max` of them; returns how many. */
size_t parts_list(struct store_parts *p, uint32_t from, uint32_t *ret, size_t max);

/* Waits until nobody uses it, closes it and calls `drop`, which removes it: 1, 0 = there is no such
 * partition, -1 and it is there as before. The writer must hold nothing. */
int parts_drop(struct store_parts *p, uint32_t number,
    int (*drop)(void *arg, uint32_t number, struct err *e), struct err *e);

/* How many handles are open, for tests. */
size_t parts_open(struct store_parts *p);

#endif
