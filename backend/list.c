/* SPDX-License-Identifier: ISC */
#include "backend/list.h"

#include <stdlib.h>
#include <string.h>

#include "backend/hooks.h"
#include "common/sink.h"

struct item {
	uint64_t id;
	struct str stored; /* copy in the arena */
	void *obj;
	struct str order;
};

struct items {
	struct call *c;
	struct item *v;
	size_t n, size;
	bool failed;
};

static int
collect(void *arg, uint64_t id, struct str stored)
{
	struct items *l = arg;

	if (l->n == l->size) {
		size_t want = l->size == 0 ? 16 : l->size * 2;
		struct item *v = arena_array(l->c->m.a, want, sizeof(*v));

		if (v == NULL) {
			l->failed = true;
			return 1;
		}
		if (l->n > 0)
			memcpy(v, l->v, l->n * sizeof(*v));
		l->v = v;
		l->size = want;
	}
	l->v[l->n] = (struct item){.id = id, .stored = arena_copy(l->c->m.a, stored)};
	l->failed = l->v[l->n].stored.p == NULL;
	l->n++;
	return l->failed;
}

static int
compare(const void *pa, const void *pb)
{
	const struct item *a = pa, *b = pb;
	int c = str_cmp(a->order, b->order);

	return c != 0 ? c : (a->id > b->id) - (a->id < b->id);
}

/* All items of one owner, decoded and in order. */
static int
owner_items(struct call *c, uint32_t owner, struct items *l)
{
	const struct hooks *h = hooks_of(c->res);
	const struct rec *r = c->res->record;

	*l = (struct items){.c = c};
	if (model_each(&c->m, r, owner, collect, l) != 0)
		return -1;
	for (size_t i = 0; i < l->n && !l->failed; i++) {
		struct item *it = &l->v[i];

		if ((it->obj = arena_alloc(c->m.a, r->size)) == NULL)
			l->failed = true;
		else if (model_decode(&c->m, r, it->stored, it->obj) != 0)
			return -1;
		else
			it->order = h->order != NULL ? h->order(it->obj) : (struct str){"", 0};
	}
	if (l->failed)
		return err_set(c->m.e, ERR_TOO_LARGE, NULL);
	if (l->n > 0)
		qsort(l->v, l->n, sizeof(*l->v), compare);
	return 0;
}

static bool
behind_mark(const struct mark *m, size_t owner, const struct item *it)
{
	struct item last = {.id = m->id, .order = {m->name, m->name_n}};

	if (!m->set || owner > m->owner)
		return true;
	return owner == m->owner && compare(it, &last) > 0;
}

static void
set_mark(struct mark *m, size_t owner, const struct item *it)
{
	m->set = true;
	m->owner = owner;
	m->id = it->id;
	m->name_n = it->order.n < sizeof(m->name) ? it->order.n : sizeof(m->name);
	if (m->name_n > 0)
		memcpy(m->name, it->order.p, m->name_n);
}

/* 1 = the part is full. */
static int
add_items(struct call *c, size_t owner, const struct items *l)
{
	const struct hooks *h = hooks_of(c->res);

	for (size_t i = 0; i < l->n; i++) {
		const struct item *it = &l->v[i];
		size_t before = c->body->n;

		if (!behind_mark(c->mark, owner, it))
			continue;
		rec_defaults(c->res->record, it->obj);
		if (h->show != NULL && h->show(c, it->obj) != 0)
			return -1;
		mp_encode(c->res->record, it->obj, c->body, 0);
		if (c->body->failed)
			return err_set(c->m.e, ERR_TOO_LARGE, NULL);
		/* An item alone may be larger than a part; it then is one. */
		if (before > 0 && c->body->n > LIST_PART_MAX) {
			c->body->n = before;
			return 1;
		}
		set_mark(c->mark, owner, it);
	}
	return 0;
}

int
list_part(struct call *c)
{
	uint32_t owners[OWNERS_MAX];
	struct items l;
	size_t n;
	int rc = 0;

	if (call_owners(c, owners, &n) != 0)
		return -1;
	for (size_t i = c->mark->set ? c->mark->owner : 0; i < n && rc == 0; i++)
		rc = owner_items(c, owners[i], &l) != 0 ? -1 : add_items(c, i, &l);
	c->more = rc == 1;
	return rc < 0 ? -1 : 0;
}

static int
count(void *arg, uint64_t id, struct str stored)
{
	(void)id;
	(void)stored;
	++*(size_t *)arg;
	return 0;
}

int
list_count(struct call *c, size_t *ret)
{
	*ret = 0;
	return model_each(&c->m, c->res->record, c->who->id, count, ret);
}
