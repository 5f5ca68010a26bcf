/* SPDX-License-Identifier: ISC */
/*
 * Keeps readers from seeing a commit before it is on disk, without making them
 * wait for the flush.
 *
 * Berkeley DB makes a commit visible to new snapshots when its record enters
 * the log buffer, before the flush. So no snapshot may be taken while a flush
 * is under way. Instead the committing thread takes a few snapshots
 * beforehand; readers that arrive during the flush borrow one, and readers
 * that finish during it give theirs to the next.
 *
 * The epoch is odd while a flush is under way. A snapshot taken between two
 * equal even readings of the epoch shows durable data only.
 */
#ifndef BACKEND_STORE_GATE_H
#define BACKEND_STORE_GATE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "backend/store_engine.h"

struct store_gate {
	struct store *store;
	int (*take)(struct store *s, struct store_txn **ret, struct err *e); /* a snapshot */
	void (*end)(struct store_txn *t);
	atomic_ulong epoch;
	atomic_uint active, peak; /* readers now; most at once since the last flush */
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct store_txn *spare; /* snapshots for readers that come during the flush */
};

void gate_init(struct store_gate *g, struct store *s,
    int (*take)(struct store *, struct store_txn **, struct err *),
    void (*end)(struct store_txn *));
void gate_destroy(struct store_gate *g);

/* A reader comes (0, or -1 with *e), and goes. */
int gate_begin(struct store_gate *g, struct store_txn **ret, struct err *e);
void gate_end(struct store_gate *g, struct store_txn *t);

/* Around a commit. */
void gate_shut(struct store_gate *g);
void gate_reopen(struct store_gate *g);

#endif
