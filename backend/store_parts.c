/* SPDX-License-Identifier: ISC */
#include "backend/store_parts.h"

#include <stdlib.h>
#include <string.h>

void
parts_init(struct store_parts *p)
{
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->changed, NULL);
	p->v = NULL;
	p->n = p->size = p->open = 0;
	p->clock = 0;
}

static void
close_part(struct store_parts *p, struct store_part *part)
{
	if (part->handle == NULL)
		return;
	p->close_one(p->arg, part->handle);
	part->handle = NULL;
	p->open--;
}

void
parts_free(struct store_parts *p)
{
	for (size_t i = 0; i < p->n; i++)
		close_part(p, &p->v[i]);
	free(p->v);
	p->v = NULL;
	p->n = 0;
	pthread_cond_destroy(&p->changed);
	pthread_mutex_destroy(&p->lock);
}

/* The place of a number, or where it would stand. */
static size_t
place(const struct store_parts *p, uint32_t number)
{
	size_t lo = 0, hi = p->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (p->v[mid].number < number)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static struct store_part *
find(struct store_parts *p, uint32_t number)
{
	size_t i = place(p, number);

	return i < p->n && p->v[i].number == number ? &p->v[i] : NULL;
}

static struct store_part *
insert(struct store_parts *p, uint32_t number, struct err *e)
{
	size_t i = place(p, number);

	if (p->n == PARTS_MAX) {
		err_set(e, ERR_INTERNAL, "store: too many partitions");
		return NULL;
	}
	if (p->n == p->size) {
		size_t size = p->size * 2 + 16;
		struct store_part *v = realloc(p->v, size * sizeof(*v));

		if (v == NULL) {
			err_set(e, ERR_UNAVAILABLE, "store: out of memory");
			return NULL;
		}
		p->v = v;
		p->size = size;
	}
	memmove(&p->v[i + 1], &p->v[i], (p->n - i) * sizeof(*p->v));
	p->v[i] = (struct store_part){.number = number};
	p->n++;
	return &p->v[i];
}

static void
take_out(struct store_parts *p, uint32_t number)
{
	size_t i = place(p, number);

	memmove(&p->v[i], &p->v[i + 1], (p->n - i - 1) * sizeof(*p->v));
	p->n--;
}

int
parts_add(struct store_parts *p, uint32_t number, struct err *e)
{
	int rc;

	pthread_mutex_lock(&p->lock);
	rc = find(p, number) != NULL || insert(p, number, e) != NULL ? 0 : -1;
	pthread_mutex_unlock(&p->lock);
	return rc;
}

/* Closes what was not used for longest; what is in use stays. */
static void
make_room(struct store_parts *p)
{
	while (p->open >= PARTS_OPEN) {
		struct store_part *oldest = NULL;

		for (size_t i = 0; i < p->n; i++) {
			struct store_part *part = &p->v[i];

			if (part->handle != NULL && part->pins == 0 && !part->held &&
			    (oldest == NULL || part->used < oldest->used))
				oldest = part;
		}
		if (oldest == NULL)
			return;
		close_part(p, oldest);
	}
}

/* Opening under the lock cannot wait for the writer: what the writer has changed is held by it, and
 * so open already. */
static int
open_part(struct store_parts *p, struct store_part *part, bool make, struct err *e)
{
	part->used = ++p->clock;
	if (part->handle != NULL)
		return 0;
	make_room(p);
	if (p->open_one(p->arg, part->number, make, &part->handle, e) != 0)
		return -1;
	p->open++;
	return 0;
}

int
parts_pin(struct store_parts *p, uint32_t number, void **handle, struct err *e)
{
	struct store_part *part;
	int rc = 0;

	pthread_mutex_lock(&p->lock);
	if ((part = find(p, number)) != NULL && !part->going) {
		rc = open_part(p, part, false, e) == 0 ? 1 : -1;
		part->pins += rc == 1;
		*handle = part->handle;
	}
	pthread_mutex_unlock(&p->lock);
	return rc;
}

void
parts_unpin(struct store_parts *p, uint32_t number)
{
	struct store_part *part;

	pthread_mutex_lock(&p->lock);
	if ((part = find(p, number)) != NULL && --part->pins == 0 && part->going)
		pthread_cond_signal(&p->changed);
	pthread_mutex_unlock(&p->lock);
}

int
parts_hold(struct store_parts *p, uint32_t number, bool make, void **handle, struct err *e)
{
	struct store_part *part;
	bool is_new;
	int rc = 0;

	pthread_mutex_lock(&p->lock);
	part = find(p, number);
	if ((is_new = part == NULL && make) && (part = insert(p, number, e)) == NULL)
		rc = -1;
	if (part != NULL)
		rc = open_part(p, part, is_new, e) == 0 ? 1 : -1;
	if (rc == 1) {
		part->held = true;
		*handle = part->handle;
	} else if (part != NULL && is_new) {
		take_out(p, number);
	}
	pthread_mutex_unlock(&p->lock);
	return rc;
}

void
parts_release(struct store_parts *p)
{
	pthread_mutex_lock(&p->lock);
	for (size_t i = 0; i < p->n; i++)
		p->v[i].held = false;
	/* A batch may have had more of them open than are kept. */
	if (p->open > PARTS_OPEN)
		make_room(p);
	pthread_mutex_unlock(&p->lock);
}

size_t
parts_list(struct store_parts *p, uint32_t from, uint32_t *ret, size_t max)
{
	size_t n = 0;

	pthread_mutex_lock(&p->lock);
	for (size_t i = place(p, from); i < p->n && n < max; i++)
		if (!p->v[i].going)
			ret[n++] = p->v[i].number;
	pthread_mutex_unlock(&p->lock);
	return n;
}

int
parts_drop(struct store_parts *p, uint32_t number,
    int (*drop)(void *arg, uint32_t number, struct err *e), struct err *e)
{
	struct store_part *part;
	int rc;

	pthread_mutex_lock(&p->lock);
	if ((part = find(p, number)) == NULL || part->going) {
		pthread_mutex_unlock(&p->lock);
		return 0;
	}
	part->going = true;
	while ((part = find(p, number))->pins > 0)
		pthread_cond_wait(&p->changed, &p->lock);
	close_part(p, part);
	pthread_mutex_unlock(&p->lock);
	/* Removing a large file takes its time: the others are not kept from theirs. */
	rc = drop(p->arg, number, e);
	pthread_mutex_lock(&p->lock);
	if (rc == 0)
		take_out(p, number);
	else
		find(p, number)->going = false;
	pthread_mutex_unlock(&p->lock);
	return rc == 0 ? 1 : -1;
}

size_t
parts_open(struct store_parts *p)
{
	size_t n;

	pthread_mutex_lock(&p->lock);
	n = p->open;
	pthread_mutex_unlock(&p->lock);
	return n;
}
