/* SPDX-License-Identifier: ISC */
/*
 * Search: the rows of the index that begin with the query give items; those that are the row of
 * the view under their order key are handed on, in order.
 */
#include <stdlib.h>
#include <string.h>

#include "backend/directory_parts.h"
#include "backend/fold.h"

struct found {
	struct str key;
	size_t place; /* which stream */
	enum directory_kind kind;
	uint64_t id;
};

struct search {
	struct merge *g;
	struct str query;
	size_t most;
	struct found *v;
	size_t n, size;
	size_t stream; /* whose index is read */
	enum err_code failed;
};

static int
grow(struct search *q)
{
	size_t want = q->size == 0 ? 64 : q->size * 2;
	struct found *v = realloc(q->v, want * sizeof(*v));

	if (v == NULL)
		return -1;
	q->v = v;
	q->size = want;
	return 0;
}

static int
keep(void *arg, struct str key, struct str val)
{
	struct search *q = arg;
	struct found *f;

	(void)val;
	if (q->n == q->most)
		return 1;
	if (q->n == q->size && grow(q) != 0) {
		q->failed = ERR_TOO_LARGE;
		return 1;
	}
	f = &q->v[q->n++];
	f->key = (struct str){"", 0};
	f->place = q->stream;
	if (!token_item(key, &f->kind, &f->id))
		q->failed = ERR_INTERNAL;
	return q->failed != 0;
}

static int
collect(struct search *q)
{
	struct merge *g = q->g;
	struct key prefix;

	for (q->stream = 0; q->stream < g->n; q->stream++) {
		token_key(&prefix, &g->m, g->s[q->stream].book, q->query, DIRECTORY_ENTRY, 0);
		if (store_scan(
		        g->m.t, STORE_INDEX, key_str(&prefix), (struct str){"", 0}, keep, q, g->m.e) != 0)
			return -1;
		if (q->failed != 0)
			return err_set(g->m.e, q->failed, NULL);
	}
	return 0;
}

/* By order key; under one key the later book first, and one item's rows together. */
static int
compare(const void *a, const void *b)
{
	const struct found *x = a, *y = b;
	int c = str_cmp(x->key, y->key);

	if (c == 0)
		c = (x->place < y->place) - (x->place > y->place);
	if (c == 0)
		c = (x->kind < y->kind) - (x->kind > y->kind);
	return c != 0 ? c : (x->id > y->id) - (x->id < y->id);
}

/* Tokens are cut in the index: a longer query is compared with what was cut. */
static int
is_found(struct search *q, struct arena *a, const struct placed *p)
{
	struct str_list tokens;

	if (q->query.n <= TOKEN_MAX)
		return 1;
	if (placed_tokens(a, p, &tokens, q->g->m.e) != 0)
		return -1;
	for (size_t i = 0; i < tokens.n; i++)
		if (tokens.v[i].n >= q->query.n && memcmp(tokens.v[i].p, q->query.p, q->query.n) == 0)
			return 1;
	return 0;
}

/* 1 = the item's order key is known now, 0 = it was not found after all, -1. */
static int
look_up(struct search *q, struct found *f)
{
	struct model m = q->g->m;
	struct arena mem;
	struct placed p;
	int rc;

	arena_init(&mem, DIRECTORY_SCRATCH);
	m.a = &mem;
	rc = placed_get(&m, q->g->s[f->place].book, f->kind, f->id, &p);
	if (rc == 0)
		rc = err_set(m.e, ERR_INTERNAL, "an item of a directory is not known");
	if (rc == 1)
		rc = is_found(q, &mem, &p);
	if (rc == 1 && (f->key = arena_copy(&q->g->mem, p.key)).p == NULL)
		rc = err_set(m.e, ERR_TOO_LARGE, NULL);
	arena_free(&mem);
	return rc;
}

/* Each item once, with its order key, sorted. */
static int
resolve(struct search *q)
{
	size_t n = 0;
	int rc;

	if (q->n == 0)
		return 0;
	qsort(q->v, q->n, sizeof(*q->v), compare);
	for (size_t i = 0; i < q->n; i++) {
		if (i > 0 && compare(&q->v[i], &q->v[i - 1]) == 0)
			continue;
		q->v[n++] = q->v[i];
	}
	q->n = n;
	n = 0;
	for (size_t i = 0; i < q->n; i++) {
		struct found f = q->v[i];

		if ((rc = look_up(q, &f)) < 0)
			return -1;
		if (rc == 1)
			q->v[n++] = f;
	}
	q->n = n;
	qsort(q->v, q->n, sizeof(*q->v), compare);
	return 0;
}

/* The row of the view under a key, as an item of the stream that it is from. */
static int
winner(struct merge *g, struct str key, struct stream **s, struct ranked_item *item)
{
	for (size_t i = g->n; i-- > 0;) {
		struct stream *one = &g->s[i];
		int rc = stream_to_key(g, one, key, false);

		if (rc < 0)
			return -1;
		if (rc == 1 && str_eq(one->items[one->at].key, key)) {
			*s = one;
			*item = one->items[one->at];
			return 1;
		}
	}
	return 0;
}

/* Rows with the same order key: 0, 1 = the caller wants no more, -1. */
static int
give(struct search *q, const struct found *f, size_t n, directory_row_fn *row, void *arg)
{
	struct ranked_item item;
	struct directory_hit hit = {0};
	struct stream *s;
	int rc = winner(q->g, f->key, &s, &item);

	if (rc <= 0)
		return rc;
	hit.book = s->book;
	if (ref_winner(item.refs, &hit, q->g->m.e) != 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (&q->g->s[f[i].place] == s && f[i].kind == hit.kind && f[i].id == hit.id)
			return row(arg, &hit, f->key) != 0;
	return 0;
}

static int
search(struct search *q, directory_row_fn *row, void *arg)
{
	size_t end;
	int rc = 0;

	if (collect(q) != 0 || resolve(q) != 0)
		return -1;
	for (size_t i = 0; i < q->n && rc == 0; i = end) {
		for (end = i + 1; end < q->n && str_eq(q->v[end].key, q->v[i].key);)
			end++;
		rc = give(q, &q->v[i], end - i, row, arg);
	}
	return rc < 0 ? -1 : 0;
}

int
directory_search(
    struct directory_view *v, struct str query, size_t max_hits, directory_row_fn *row, void *arg)
{
	struct merge g;
	struct search q = {.g = &g};
	int rc = merge_open(&g, v, 0);

	q.most = max_hits < DIRECTORY_HITS_MAX ? max_hits : DIRECTORY_HITS_MAX;
	if (rc == 0)
		rc = fold_text(&g.mem, query, &q.query, g.m.e);
	if (rc == 0 && q.query.n > 0)
		rc = search(&q, row, arg);
	free(q.v);
	merge_end(&g);
	return rc;
}
