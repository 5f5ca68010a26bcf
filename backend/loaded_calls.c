/* SPDX-License-Identifier: ISC */
#include "backend/loaded_calls.h"

#include <stdlib.h>
#include <string.h>

#include "backend/audit.h"

enum { SCRATCH = 262144 };

/* Digests instead of the calls themselves: there may be a million. */
struct loaded_call {
	const struct rec *rec;
	uint32_t owner;
	bool was_there;
	size_t at; /* calls of an owner stay in the order of the load */
	unsigned char before[DIGEST_RECORD], after[DIGEST_RECORD];
};

int
loaded_calls_add(struct loaded_calls *l, struct model *m, const struct rec *r, uint32_t owner,
    const struct cdr_change *c)
{
	struct loaded_call *to;

	if (m->audit == NULL || str_eq(c->before, c->after))
		return 0;
	if (l->n == l->size) {
		size_t want = l->size == 0 ? 1024 : l->size * 2;
		struct loaded_call *v = realloc(l->v, want * sizeof(*v));

		if (v == NULL)
			return err_set(m->e, ERR_TOO_LARGE, NULL);
		l->v = v;
		l->size = want;
	}
	to = &l->v[l->n];
	*to = (struct loaded_call){.rec = r, .owner = owner, .was_there = c->before.n > 0, .at = l->n};
	l->n++;
	digest_record(m->audit->keys, owner, r->store, 0, c->before, to->before);
	digest_record(m->audit->keys, owner, r->store, 0, c->after, to->after);
	return 0;
}

static int
by_owner(const void *a, const void *b)
{
	const struct loaded_call *x = a, *y = b;

	if (x->rec->store != y->rec->store)
		return x->rec->store < y->rec->store ? -1 : 1;
	if (x->owner != y->owner)
		return x->owner < y->owner ? -1 : 1;
	return x->at < y->at ? -1 : x->at > y->at;
}

static struct str
digest_of(bool is_there, unsigned char digest[DIGEST_RECORD])
{
	return is_there ? (struct str){(const char *)digest, DIGEST_RECORD} : (struct str){"", 0};
}

int
loaded_calls_audit(struct loaded_calls *l, struct model *m)
{
	int rc = 0;

	if (l->n > 1)
		qsort(l->v, l->n, sizeof(*l->v), by_owner);
	for (size_t i = 0; rc == 0 && i < l->n; i++) {
		struct loaded_call *c = &l->v[i];
		struct model each = *m;
		struct arena a;

		/* The names of all owners together may be larger than the memory of a request. */
		arena_init(&a, SCRATCH);
		each.a = &a;
		rc = audit_change(&each, c->rec, c->owner, 0, digest_of(c->was_there, c->before),
		    digest_of(true, c->after));
		arena_wipe(&a);
	}
	return rc;
}

void
loaded_calls_free(struct loaded_calls *l)
{
	free(l->v);
	*l = (struct loaded_calls){0};
}
