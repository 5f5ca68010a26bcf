/* SPDX-License-Identifier: ISC */
#include "backend/rates.h"

#include <pthread.h>
#include <stdlib.h>

enum { SLOTS = 4096, PROBES = 8, BURST_SECONDS = 2, MICRO = 1000000 };

struct bucket {
	uint32_t user; /* 0 = free */
	uint32_t class;
	int64_t seen_us;
	int64_t left; /* millionths of a request */
};

struct rates {
	pthread_mutex_t lock;
	int64_t rate[RATE_CLASSES];
	struct bucket b[SLOTS];
};

struct rates *
rates_new(const int64_t per_second[RATE_CLASSES])
{
	struct rates *b = calloc(1, sizeof(*b));

	if (b == NULL)
		return NULL;
	pthread_mutex_init(&b->lock, NULL);
	for (int i = 0; i < RATE_CLASSES; i++)
		b->rate[i] = per_second[i];
	return b;
}

void
rates_free(struct rates *b)
{
	if (b == NULL)
		return;
	pthread_mutex_destroy(&b->lock);
	free(b);
}

enum rate_class
rates_class(const struct res *r, enum method m)
{
	if (r->rate != RATE_READ)
		return r->rate;
	return m == M_GET ? RATE_READ : RATE_WRITE;
}

/* The user's bucket, or a full one in the place of the one that was idle for the longest time. */
static struct bucket *
find(struct rates *b, uint32_t user, uint32_t class, int64_t now_us)
{
	uint64_t hash = ((uint64_t)user << 2 | class) * 0x9e3779b97f4a7c15u;
	struct bucket *oldest = NULL;

	for (uint64_t i = 0; i < PROBES; i++) {
		struct bucket *at = &b->b[(hash + i) % SLOTS];

		if (at->user == user && at->class == class)
			return at;
		if (oldest == NULL || at->seen_us < oldest->seen_us)
			oldest = at;
	}
	*oldest = (struct bucket){user, class, now_us, b->rate[class] * BURST_SECONDS * MICRO};
	return oldest;
}

int64_t
rates_take(struct rates *b, uint32_t user, enum rate_class class, int64_t now_us)
{
	int64_t rate = b->rate[class], wait = 0, passed;
	struct bucket *at;

	if (rate == 0)
		return 0;
	pthread_mutex_lock(&b->lock);
	at = find(b, user, (uint32_t) class, now_us);
	/* More than it takes to fill up need not be multiplied. */
	passed =
	    now_us - at->seen_us < BURST_SECONDS * MICRO ? now_us - at->seen_us : BURST_SECONDS * MICRO;
	at->left += passed * rate;
	if (at->left > rate * BURST_SECONDS * MICRO)
		at->left = rate * BURST_SECONDS * MICRO;
	at->seen_us = now_us;
	if (at->left >= MICRO)
		at->left -= MICRO;
	else
		wait = (MICRO - at->left) / rate / MICRO + 1;
	pthread_mutex_unlock(&b->lock);
	return wait;
}
