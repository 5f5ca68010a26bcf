/* SPDX-License-Identifier: ISC */
/*
 * Search: the rows of the index that begin with the query give items with their order keys;
 * those that are the row of the view under their key are handed on, in order.
 */
#include <stdlib.h>
#include <string.h>

#include "backend/directory_parts.h"
#include "backend/fold.h"

struct found {
	struct str key;
	size_t place; /* which stream */
	char ref[REF_BYTES];
};

struct search {
	struct merge *g;
	struct str query;
	size_t most;
	struct found *v;
	size_t n, size;
	size_t stream; /* whose index is read */
	size_t head;   /* bytes of an index key in front of the token */
	int failed;
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

	if (q->n == q->most)
		return 1;
	if (key.n < q->head + REF_BYTES || (q->n == q->size && grow(q) != 0)) {
		q->failed = key.n < q->head + REF_BYTES ? ERR_INTERNAL : ERR_TOO_LARGE;
		return 1;
	}
	f = &q->v[q->n];
	f->key = arena_copy(&q->g->mem, val);
	f->place = q->stream;
	memcpy(f->ref, key.p + key.n - REF_BYTES, REF_BYTES);
	if (f->key.p == NULL) {
		q->failed = ERR_TOO_LARGE;
		return 1;
	}
	q->n++;
	return 0;
}

static int
collect(struct search *q)
{
	struct merge *g = q->g;
	struct key prefix;

	for (q->stream = 0; q->stream < g->n; q->stream++) {
		token_key(&prefix, &g->m, g->s[q->stream].book, q->query, DIRECTORY_ENTRY, 0);
		q->head = prefix.n;
		if (store_scan(
		        g->m.t, STORE_INDEX, key_str(&prefix), (struct str){"", 0}, keep, q, g->m.e) != 0)
			return -1;
		if (q->failed != 0)
			return err_set(g->m.e, (enum err_code)q->failed, NULL);
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
	return c != 0 ? c : memcmp(y->ref, x->ref, REF_BYTES);
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

/* Tokens are cut in the index: a longer query is compared with what was cut. */
static int
is_whole(struct search *q, const struct directory_hit *hit)
{
	struct placed p;
	int rc;

	if (q->query.n <= TOKEN_MAX)
		return 1;
	if ((rc = placed_get(&q->g->m, hit->book, hit->kind, hit->id, &p)) <= 0)
		return rc;
	for (size_t i = 0; i < p.tokens.n; i++)
		if (p.tokens.v[i].n >= q->query.n && memcmp(p.tokens.v[i].p, q->query.p, q->query.n) == 0)
			return 1;
	return 0;
}

/* Rows with the same order key: 0, 1 = the caller wants no more, -1. */
static int
give(struct search *q, const struct found *f, size_t n, directory_row_fn *row, void *arg)
{
	struct ranked_item item;
	struct directory_hit hit = {0};
	struct stream *s;
	char ref[REF_BYTES];
	int rc = winner(q->g, f->key, &s, &item);

	if (rc <= 0)
		return rc;
	hit.book = s->book;
	if (ref_winner(item.refs, &hit, q->g->m.e) != 0)
		return -1;
	ref_write(ref, hit.kind, hit.id);
	for (size_t i = 0; i < n; i++) {
		if (&q->g->s[f[i].place] != s || memcmp(f[i].ref, ref, REF_BYTES) != 0)
			continue;
		if ((rc = is_whole(q, &hit)) <= 0)
			return rc;
		return row(arg, &hit, f->key) != 0;
	}
	return 0;
}

static int
search(struct search *q, directory_row_fn *row, void *arg)
{
	size_t end;
	int rc = 0;

	if (collect(q) != 0)
		return -1;
	if (q->n > 0)
		qsort(q->v, q->n, sizeof(*q->v), compare);
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
