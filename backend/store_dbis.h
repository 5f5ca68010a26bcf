/* SPDX-License-Identifier: ISC */
/*
 * Which partitions an LMDB environment has, by number, and the handles of their databases. All of
 * them are open, since a reader cannot open one while others read; a handle is for the snapshots
 * taken from the epoch on (see store_gate.h) in which it was published.
 *
 * What the open write transaction has made is pending: the writer's alone until it has committed.
 */
#ifndef BACKEND_STORE_DBIS_H
#define BACKEND_STORE_DBIS_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"

/* More months than retention knows. Each costs every transaction some sixty bytes of memory. */
enum { DBIS_MAX = 1300 };

struct store_dbi {
	uint32_t number;
	unsigned handle;     /* the library's */
	unsigned pins;       /* of readers, for one call each */
	bool pending, going; /* not committed yet; being dropped: nobody is let in any more */
	unsigned long since; /* epoch */
};

struct store_dbis {
	pthread_mutex_t lock; /* over everything below */
	pthread_cond_t changed;
	struct store_dbi *v; /* by number */
	size_t n, size, pending;
};

void dbis_init(struct store_dbis *d);
void dbis_free(struct store_dbis *d);

/* For the writer: a handle that its transaction has made. 0 or -1. */
int dbis_note(struct store_dbis *d, uint32_t number, unsigned handle, struct err *e);
/* For the writer: the handle of what is not pending; false = none. */
bool dbis_find(struct store_dbis *d, uint32_t number, unsigned *handle);
/* Before the commit: asks for each pending one whether it is there still, since a child may have
 * been aborted, and under which handle; forgets the others. */
void dbis_settle(struct store_dbis *d,
    bool (*is_there)(void *arg, uint32_t number, unsigned *handle), void *arg);
/* The write transaction has ended, well or not. */
void dbis_publish(struct store_dbis *d, unsigned long since);
void dbis_forget(struct store_dbis *d);

/* For a reader whose snapshot is of that epoch; to be given back. False = there is none. */
bool dbis_pin(struct store_dbis *d, uint32_t number, unsigned long epoch, unsigned *handle);
void dbis_unpin(struct store_dbis *d, uint32_t number);

/* The numbers from `from` up, at most `max` of them; returns how many. */
size_t dbis_list(struct store_dbis *d, uint32_t from, uint32_t *ret, size_t max);

/* Lets nobody in any more, and waits until nobody is; false = there is none. Then one of: it is
 * gone; or it is there as before, by a handle for the snapshots from that epoch on. */
bool dbis_take(struct store_dbis *d, uint32_t number, unsigned *handle);
void dbis_gone(struct store_dbis *d, uint32_t number);
void dbis_back(struct store_dbis *d, uint32_t number, unsigned handle, unsigned long since);

#endif
