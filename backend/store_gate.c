/* SPDX-License-Identifier: ISC */
#include "backend/store_gate.h"

/* More readers than this at once wait for the flush: the backend has fewer threads. */
enum { SPARE_MAX = 16 };

void
gate_init(struct store_gate *g, struct store *s,
    int (*take)(struct store *, struct store_txn **, struct err *), void (*end)(struct store_txn *))
{
	g->store = s;
	g->take = take;
	g->end = end;
	atomic_init(&g->epoch, 0);
	atomic_init(&g->active, 0);
	atomic_init(&g->peak, 0);
	pthread_mutex_init(&g->lock, NULL);
	pthread_cond_init(&g->changed, NULL);
	g->spare = NULL;
}

void
gate_destroy(struct store_gate *g)
{
	pthread_cond_destroy(&g->changed);
	pthread_mutex_destroy(&g->lock);
}

static bool
is_shut(unsigned long epoch)
{
	return epoch % 2 != 0;
}

static void
count_reader(struct store_gate *g)
{
	unsigned now = atomic_fetch_add(&g->active, 1) + 1;
	unsigned peak = atomic_load(&g->peak);

	while (now > peak && !atomic_compare_exchange_weak(&g->peak, &peak, now))
		;
}

/* A spare snapshot, waiting for one if need be; NULL when no flush is under way. */
static struct store_txn *
borrow(struct store_gate *g)
{
	struct store_txn *t = NULL;

	pthread_mutex_lock(&g->lock);
	while (is_shut(atomic_load(&g->epoch)) && g->spare == NULL)
		pthread_cond_wait(&g->changed, &g->lock);
	if ((t = g->spare) != NULL)
		g->spare = t->next;
	pthread_mutex_unlock(&g->lock);
	return t;
}

/* Gives a snapshot to the next reader; false = it is not from right before this flush. */
static bool
lend(struct store_gate *g, struct store_txn *t)
{
	bool fits;

	if (atomic_load(&g->epoch) != t->epoch + 1)
		return false;
	pthread_mutex_lock(&g->lock);
	if ((fits = atomic_load(&g->epoch) == t->epoch + 1)) {
		t->next = g->spare;
		g->spare = t;
		pthread_cond_signal(&g->changed);
	}
	pthread_mutex_unlock(&g->lock);
	return fits;
}

int
gate_begin(struct store_gate *g, struct store_txn **ret, struct err *e)
{
	count_reader(g);
	for (;;) {
		unsigned long epoch = atomic_load(&g->epoch);

		if (is_shut(epoch)) {
			if ((*ret = borrow(g)) != NULL)
				return 0;
			continue;
		}
		if (g->take(g->store, ret, e) != 0) {
			atomic_fetch_sub(&g->active, 1);
			return -1;
		}
		(*ret)->epoch = epoch;
		if (atomic_load(&g->epoch) == epoch)
			return 0;
		g->end(*ret);
	}
}

void
gate_end(struct store_gate *g, struct store_txn *t)
{
	if (!lend(g, t))
		g->end(t);
	atomic_fetch_sub(&g->active, 1);
}

void
gate_shut(struct store_gate *g)
{
	unsigned long epoch = atomic_load(&g->epoch);
	unsigned n = atomic_exchange(&g->peak, atomic_load(&g->active));
	struct store_txn *spare = NULL, *t;
	struct err e;

	/* As many as there were readers at once. Too few is no fault. */
	n = n < 1 ? 1 : n > SPARE_MAX ? SPARE_MAX : n;
	for (; n > 0 && g->take(g->store, &t, &e) == 0; n--) {
		t->epoch = epoch;
		t->next = spare;
		spare = t;
	}
	pthread_mutex_lock(&g->lock);
	g->spare = spare;
	atomic_fetch_add(&g->epoch, 1);
	pthread_mutex_unlock(&g->lock);
}

void
gate_reopen(struct store_gate *g)
{
	struct store_txn *t, *next;

	pthread_mutex_lock(&g->lock);
	atomic_fetch_add(&g->epoch, 1);
	t = g->spare;
	g->spare = NULL;
	pthread_cond_broadcast(&g->changed);
	pthread_mutex_unlock(&g->lock);
	for (; t != NULL; t = next) {
		next = t->next;
		g->end(t);
	}
}
