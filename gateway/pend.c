/* SPDX-License-Identifier: ISC */
#include "gateway/pend.h"

#include <stdlib.h>

struct slot {
	void *owner;       /* NULL = free */
	uint64_t deadline; /* in use */
	int64_t generation;
	size_t next; /* free: the next free slot */
};

struct pend {
	size_t n, count;
	size_t first_free; /* n = none */
	struct slot slot[];
};

int
pend_new(struct pend **ret, size_t slots, struct err *e)
{
	struct pend *p;

	if (slots == 0 || slots > PEND_MAX)
		return err_set(e, ERR_INVALID, "from 1 to %d requests may be pending", PEND_MAX);
	if ((p = calloc(1, sizeof(*p) + slots * sizeof(p->slot[0]))) == NULL)
		return err_set(e, ERR_UNAVAILABLE, "out of memory");
	p->n = slots;
	for (size_t i = 0; i < slots; i++)
		p->slot[i].next = i + 1;
	*ret = p;
	return 0;
}

void
pend_free(struct pend *p)
{
	free(p);
}

static int64_t
id_of(const struct pend *p, size_t i)
{
	return p->slot[i].generation << PEND_SLOT_BITS | (int64_t)i;
}

static struct slot *
slot_of(struct pend *p, int64_t id)
{
	size_t i = (size_t)(id & (PEND_MAX - 1));

	if (id <= 0 || i >= p->n || p->slot[i].owner == NULL ||
	    p->slot[i].generation != id >> PEND_SLOT_BITS)
		return NULL;
	return &p->slot[i];
}

int64_t
pend_take(struct pend *p, void *owner, uint64_t deadline)
{
	size_t i = p->first_free;
	struct slot *s;

	if (i == p->n)
		return 0;
	s = &p->slot[i];
	p->first_free = s->next;
	p->count++;
	s->owner = owner;
	s->deadline = deadline;
	s->generation++;
	return id_of(p, i);
}

void *
pend_find(struct pend *p, int64_t id)
{
	struct slot *s = slot_of(p, id);

	return s != NULL ? s->owner : NULL;
}

void
pend_deadline(struct pend *p, int64_t id, uint64_t deadline)
{
	struct slot *s = slot_of(p, id);

	if (s != NULL)
		s->deadline = deadline;
}

void
pend_drop(struct pend *p, int64_t id)
{
	struct slot *s = slot_of(p, id);

	if (s == NULL)
		return;
	s->owner = NULL;
	s->next = p->first_free;
	p->first_free = (size_t)(s - p->slot);
	p->count--;
}

size_t
pend_count(const struct pend *p)
{
	return p->count;
}

void
pend_each(struct pend *p, uint64_t now, void (*cb)(void *owner, int64_t id, int late))
{
	size_t left = p->count;

	for (size_t i = 0; i < p->n && left > 0; i++) {
		struct slot *s = &p->slot[i];

		if (s->owner == NULL)
			continue;
		left--;
		cb(s->owner, id_of(p, i), now >= s->deadline);
	}
}
