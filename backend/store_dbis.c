/* SPDX-License-Identifier: ISC */
#include "backend/store_dbis.h"

#include <stdlib.h>
#include <string.h>

void
dbis_init(struct store_dbis *d)
{
	pthread_mutex_init(&d->lock, NULL);
	pthread_cond_init(&d->changed, NULL);
	d->v = NULL;
	d->n = d->size = d->pending = 0;
}

void
dbis_free(struct store_dbis *d)
{
	free(d->v);
	pthread_cond_destroy(&d->changed);
	pthread_mutex_destroy(&d->lock);
}

/* The first whose number is not less. */
static size_t
at(const struct store_dbis *d, uint32_t number)
{
	size_t i = d->n;

	/* Most come and are asked for at the end: the latest months. */
	while (i > 0 && d->v[i - 1].number >= number)
		i--;
	return i;
}

static struct store_dbi *
one(struct store_dbis *d, uint32_t number)
{
	size_t i = at(d, number);

	return i < d->n && d->v[i].number == number ? &d->v[i] : NULL;
}

static void
cut(struct store_dbis *d, size_t i)
{
	d->n--;
	memmove(&d->v[i], &d->v[i + 1], (d->n - i) * sizeof(*d->v));
}

static struct store_dbi *
add(struct store_dbis *d, uint32_t number)
{
	size_t i = at(d, number);

	if (d->n == d->size) {
		struct store_dbi *v = realloc(d->v, (d->size + 64) * sizeof(*v));

		if (v == NULL)
			return NULL;
		d->v = v;
		d->size += 64;
	}
	memmove(&d->v[i + 1], &d->v[i], (d->n - i) * sizeof(*d->v));
	d->n++;
	d->v[i] = (struct store_dbi){.number = number, .pending = true};
	d->pending++;
	return &d->v[i];
}

int
dbis_note(struct store_dbis *d, uint32_t number, unsigned handle, struct err *e)
{
	struct store_dbi *dbi;

	pthread_mutex_lock(&d->lock);
	if ((dbi = one(d, number)) == NULL)
		dbi = add(d, number);
	if (dbi != NULL)
		dbi->handle = handle;
	pthread_mutex_unlock(&d->lock);
	return dbi != NULL ? 0 : err_set(e, ERR_UNAVAILABLE, "store: out of memory");
}

bool
dbis_find(struct store_dbis *d, uint32_t number, unsigned *handle)
{
	const struct store_dbi *dbi;
	bool found;

	pthread_mutex_lock(&d->lock);
	dbi = one(d, number);
	if ((found = dbi != NULL && !dbi->pending && !dbi->going))
		*handle = dbi->handle;
	pthread_mutex_unlock(&d->lock);
	return found;
}

void
dbis_settle(
    struct store_dbis *d, bool (*is_there)(void *arg, uint32_t number, unsigned *handle), void *arg)
{
	pthread_mutex_lock(&d->lock);
	for (size_t i = d->pending > 0 ? d->n : 0; i-- > 0;) {
		if (!d->v[i].pending || is_there(arg, d->v[i].number, &d->v[i].handle))
			continue;
		cut(d, i);
		d->pending--;
	}
	pthread_mutex_unlock(&d->lock);
}

void
dbis_publish(struct store_dbis *d, unsigned long since)
{
	pthread_mutex_lock(&d->lock);
	for (size_t i = 0; d->pending > 0 && i < d->n; i++) {
		if (!d->v[i].pending)
			continue;
		d->v[i].pending = false;
		d->v[i].since = since;
		d->pending--;
	}
	pthread_mutex_unlock(&d->lock);
}

void
dbis_forget(struct store_dbis *d)
{
	pthread_mutex_lock(&d->lock);
	for (size_t i = d->n; d->pending > 0 && i-- > 0;) {
		if (!d->v[i].pending)
			continue;
		cut(d, i);
		d->pending--;
	}
	pthread_mutex_unlock(&d->lock);
}

bool
dbis_pin(struct store_dbis *d, uint32_t number, unsigned long epoch, unsigned *handle)
{
	struct store_dbi *dbi;
	bool found;

	pthread_mutex_lock(&d->lock);
	dbi = one(d, number);
	if ((found = dbi != NULL && !dbi->pending && !dbi->going && dbi->since <= epoch)) {
		dbi->pins++;
		*handle = dbi->handle;
	}
	pthread_mutex_unlock(&d->lock);
	return found;
}

void
dbis_unpin(struct store_dbis *d, uint32_t number)
{
	struct store_dbi *dbi;

	pthread_mutex_lock(&d->lock);
	if ((dbi = one(d, number)) != NULL && --dbi->pins == 0 && dbi->going)
		pthread_cond_signal(&d->changed);
	pthread_mutex_unlock(&d->lock);
}

size_t
dbis_list(struct store_dbis *d, uint32_t from, uint32_t *ret, size_t max)
{
	size_t n = 0;

	pthread_mutex_lock(&d->lock);
	for (size_t i = at(d, from); i < d->n && n < max; i++)
		if (!d->v[i].going)
			ret[n++] = d->v[i].number;
	pthread_mutex_unlock(&d->lock);
	return n;
}

bool
dbis_take(struct store_dbis *d, uint32_t number, unsigned *handle)
{
	struct store_dbi *dbi;

	pthread_mutex_lock(&d->lock);
	if ((dbi = one(d, number)) != NULL) {
		dbi->going = true;
		while ((dbi = one(d, number))->pins > 0)
			pthread_cond_wait(&d->changed, &d->lock);
		*handle = dbi->handle;
	}
	pthread_mutex_unlock(&d->lock);
	return dbi != NULL;
}

void
dbis_gone(struct store_dbis *d, uint32_t number)
{
	pthread_mutex_lock(&d->lock);
	cut(d, at(d, number));
	pthread_mutex_unlock(&d->lock);
}

void
dbis_back(struct store_dbis *d, uint32_t number, unsigned handle, unsigned long since)
{
	struct store_dbi *dbi;

	pthread_mutex_lock(&d->lock);
	dbi = one(d, number);
	dbi->handle = handle;
	dbi->since = since;
	dbi->going = false;
	pthread_mutex_unlock(&d->lock);
}
