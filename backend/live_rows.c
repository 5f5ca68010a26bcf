/* SPDX-License-Identifier: ISC */
#include "backend/live_rows.h"

#include <string.h>

#include "backend/key.h"

/* What is scanned must not be changed, so rows are ended some at a time. */
enum { ROWS_AT_ONCE = 128, SWEEP_SCRATCH = 8 * 1024 * 1024 };

struct str
live_row_name(struct model *m, struct str source, struct str key)
{
	char *p = arena_alloc(m->a, source.n + 1 + key.n);

	if (p == NULL)
		return (struct str){NULL, 0};
	memcpy(p, source.p, source.n);
	p[source.n] = '\0';
	if (key.n > 0)
		memcpy(p + source.n + 1, key.p, key.n);
	return (struct str){p, source.n + 1 + key.n};
}

void
live_row_split(struct str name, struct str *source, struct str *key)
{
	str_cut(name, '\0', source, key);
}

int
live_row_of(struct model *m, const struct live_source *s, struct str key, struct str *ret)
{
	if (key.n == 0 || key.n > LIVE_KEY_MAX)
		return err_set(
		    m->e, ERR_INVALID, "the name of the call or conference is empty or too long");
	*ret = live_row_name(m, s->name, key);
	return ret->p != NULL ? 0 : err_set(m->e, ERR_TOO_LARGE, NULL);
}

struct batch {
	struct model *m;
	const struct live_source *s;
	const struct live_rows *rows;
	struct str names[ROWS_AT_ONCE];
	size_t n, seen;
	struct key last;
	bool failed;
};

static int
collect(void *arg, struct str key, struct str val)
{
	struct batch *b = arg;
	const struct rec *r = b->rows->rec;
	bool ends = b->rows->stale == NULL;

	memcpy(b->last.bytes, key.p, key.n);
	b->last.n = key.n;
	if (!ends) {
		void *row = arena_alloc(b->m->a, r->size);

		if (row == NULL || model_decode(b->m, r, val, row) != 0)
			return b->failed = true;
		ends = b->rows->stale(b->s, row);
	}
	if (ends) {
		b->names[b->n] = arena_copy(b->m->a, (struct str){key.p + KEY_HEAD, key.n - KEY_HEAD});
		if (b->names[b->n++].p == NULL)
			return b->failed = true;
	}
	return ++b->seen == ROWS_AT_ONCE;
}

/* 1 = there may be more, 0, -1. */
static int
end_some(struct batch *b, struct live_source *s, const struct key *prefix)
{
	struct model *m = b->m;

	b->n = b->seen = 0;
	if (store_scan(m->t, STORE_DATA, key_str(prefix), key_str(&b->last), collect, b, m->e) != 0)
		return -1;
	if (b->failed)
		return m->e->code != ERR_OK ? -1 : err_set(m->e, ERR_INTERNAL, "no memory for a sweep");
	for (size_t i = 0; i < b->n; i++)
		if (b->rows->end(m, s, b->names[i]) != 0)
			return -1;
	return b->seen == ROWS_AT_ONCE;
}

int
live_rows_end(
    struct model *m, struct live_source *s, const struct live_rows *rows, struct str prefix)
{
	struct batch b = {.m = m, .s = s, .rows = rows};
	struct arena scratch, *own = m->a;
	struct key k;
	int rc;

	key_text(&k, m->tenant, OWNER_SYSTEM, rows->rec->store, prefix);
	arena_init(&scratch, SWEEP_SCRATCH);
	m->a = &scratch;
	do {
		rc = end_some(&b, s, &k);
		arena_free(&scratch);
	} while (rc == 1);
	m->a = own;
	return rc;
}

int
live_rows_sweep(struct model *m, struct live_source *s, const struct live_rows *rows)
{
	struct str prefix = live_row_name(m, s->name, (struct str){"", 0});

	return prefix.p != NULL ? live_rows_end(m, s, rows, prefix)
	                        : err_set(m->e, ERR_TOO_LARGE, NULL);
}
