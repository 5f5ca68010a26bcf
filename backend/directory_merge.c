/* SPDX-License-Identifier: ISC */
/*
 * Reading the books of a view side by side. Rows come in runs: as long as one book's leaf is
 * ahead of the other books, it is handed on whole.
 */
#include <string.h>

#include "backend/directory_parts.h"

/* What the hidden item leaves: nothing, or the next one under the same order key. */
static int
hide(struct merge *g, struct stream *s, const struct directory_hit *hidden)
{
	struct placed own, other;
	struct directory_hit next;
	char ref[REF_BYTES], *refs;
	struct str all;
	size_t at = 0;
	int rc = placed_get(&g->m, hidden->book, hidden->kind, hidden->id, &own);

	if (rc == 1)
		rc = ranked_get(&s->list, own.key, &g->remains);
	if (rc <= 0)
		return rc;
	ref_write(ref, hidden->kind, hidden->id);
	all = g->remains.refs;
	while (at + REF_BYTES <= all.n && memcmp(all.p + at, ref, REF_BYTES) != 0)
		at += REF_BYTES;
	if (at + REF_BYTES > all.n)
		return 0;
	g->hider = s;
	g->hidden_key = own.key;
	g->gone = all.n == REF_BYTES;
	if (g->gone)
		return 0;
	if ((refs = arena_alloc(&g->mem, all.n)) == NULL)
		return err_set(g->m.e, ERR_TOO_LARGE, NULL);
	memcpy(refs, all.p, at);
	memcpy(refs + at, all.p + at + REF_BYTES, all.n - at - REF_BYTES);
	g->remains.refs = (struct str){refs, all.n - REF_BYTES};
	if (ref_winner(g->remains.refs, &next, g->m.e) != 0 ||
	    (rc = placed_get(&g->m, hidden->book, next.kind, next.id, &other)) < 0)
		return -1;
	if (rc == 1)
		g->remains.text = other.text;
	return 0;
}

static int
open_streams(struct merge *g, struct directory_view *v, uint64_t want)
{
	g->s = arena_array(&g->mem, v->n + 1, sizeof(*g->s));
	g->heap = arena_array(&g->mem, v->n + 1, sizeof(struct stream *));
	if (g->s == NULL || g->heap == NULL)
		return err_set(g->m.e, ERR_TOO_LARGE, NULL);
	for (size_t i = 0; i < v->n; i++) {
		struct stream *s = &g->s[g->n];

		if (directory_list(&g->m, v->books[i], &s->list) != 0)
			return -1;
		if (s->list.count == 0)
			continue;
		s->book = v->books[i];
		s->place = i;
		ranked_cursor_init(&s->c, &s->list, want);
		g->n++;
	}
	for (size_t i = 0; i < g->n && v->hides; i++)
		if (g->s[i].book == v->hidden.book && hide(g, &g->s[i], &v->hidden) != 0)
			return -1;
	return 0;
}

int
merge_open(struct merge *g, struct directory_view *v, uint64_t want)
{
	memset(g, 0, sizeof(*g));
	arena_init(&g->mem, DIRECTORY_SCRATCH);
	g->m = v->m;
	g->m.a = &g->mem;
	return open_streams(g, v, want);
}

void
merge_end(struct merge *g)
{
	for (size_t i = 0; i < g->n; i++)
		ranked_cursor_end(&g->s[i].c);
	arena_free(&g->mem);
}

/* Takes over the leaf that the cursor stands in, with the hidden item changed. */
static int
take_leaf(struct merge *g, struct stream *s)
{
	struct ranked_cursor *c = &s->c;
	struct ranked_item *copy;
	size_t at = 0;

	s->items = c->items;
	s->n = c->n;
	s->at = c->at;
	if (s != g->hider || c->n == 0 || str_cmp(g->hidden_key, c->items[0].key) < 0 ||
	    str_cmp(g->hidden_key, c->items[c->n - 1].key) > 0)
		return 0;
	while (at < c->n && !str_eq(c->items[at].key, g->hidden_key))
		at++;
	if (at == c->n)
		return 0;
	if ((copy = arena_array(&g->mem, c->n, sizeof(*copy))) == NULL)
		return err_set(g->m.e, ERR_TOO_LARGE, NULL);
	memcpy(copy, c->items, c->n * sizeof(*copy));
	s->items = copy;
	if (!g->gone) {
		copy[at].refs = g->remains.refs;
		copy[at].text = g->remains.text;
		return 0;
	}
	memmove(copy + at, copy + at + 1, (c->n - at - 1) * sizeof(*copy));
	s->n--;
	s->at -= s->at > at;
	return 0;
}

/* Makes sure that the stream stands at an item: 1, 0 = behind the end, -1. */
static int
settle(struct merge *g, struct stream *s)
{
	int rc;

	while (s->at >= s->n) {
		if ((rc = ranked_next_leaf(&s->c)) <= 0) {
			s->at = s->n = 0;
			return rc;
		}
		if (take_leaf(g, s) != 0)
			return -1;
	}
	return 1;
}

int
stream_to_key(struct merge *g, struct stream *s, struct str key, bool behind)
{
	int rc = ranked_seek_key(&s->c, key, behind);

	if (rc < 0 || take_leaf(g, s) != 0)
		return -1;
	return rc == 1 ? settle(g, s) : 0;
}

int
stream_rank(struct merge *g, struct stream *s, struct ranked_cursor *c, struct str key,
    uint64_t *rank, bool *found)
{
	int rc = ranked_seek_key(c, key, false);

	if (rc < 0)
		return -1;
	*rank = c->before + c->at;
	*found = rc == 1 && str_eq(c->items[c->at].key, key);
	if (s == g->hider && g->gone) {
		int order = str_cmp(g->hidden_key, key);

		*rank -= order < 0;
		*found = *found && order != 0;
	}
	return 0;
}

int
stream_to_rank(struct merge *g, struct stream *s, uint64_t rank)
{
	int rc;

	if (s == g->hider && g->gone) {
		if (ranked_seek_key(&s->c, g->hidden_key, false) < 0)
			return -1;
		rank += rank >= s->c.before + s->c.at;
	}
	rc = ranked_seek(&s->c, rank);
	if (rc < 0 || take_leaf(g, s) != 0)
		return -1;
	return rc == 1 ? settle(g, s) : 0;
}

uint64_t
stream_count(const struct merge *g, const struct stream *s)
{
	return s->list.count - (s == g->hider && g->gone);
}

/* Of equal keys the winner's comes first. */
static bool
precedes(const struct stream *a, const struct stream *b)
{
	int c = str_cmp(a->items[a->at].key, b->items[b->at].key);

	return c < 0 || (c == 0 && a->place > b->place);
}

static void
sift_down(struct merge *g, size_t i)
{
	struct stream *s = g->heap[i];

	for (;;) {
		size_t k = 2 * i + 1;

		if (k >= g->heaped)
			break;
		if (k + 1 < g->heaped && precedes(g->heap[k + 1], g->heap[k]))
			k++;
		if (!precedes(g->heap[k], s))
			break;
		g->heap[i] = g->heap[k];
		i = k;
	}
	g->heap[i] = s;
}

void
merge_start(struct merge *g, const struct stream *without)
{
	g->heaped = g->taken = 0;
	for (size_t i = 0; i < g->n; i++)
		if (&g->s[i] != without && g->s[i].at < g->s[i].n)
			g->heap[g->heaped++] = &g->s[i];
	for (size_t i = g->heaped / 2; i-- > 0;)
		sift_down(g, i);
}

/* Goes on in one stream of the heap. */
static int
advance(struct merge *g, size_t i, size_t by)
{
	struct stream *s = g->heap[i];
	int rc;

	s->at += by;
	if ((rc = settle(g, s)) < 0)
		return -1;
	if (rc == 0)
		g->heap[i] = g->heap[--g->heaped];
	if (i < g->heaped)
		sift_down(g, i);
	return 0;
}

/* How many rows of the first stream are in front of the second one. */
static size_t
run(const struct stream *s, struct str end)
{
	size_t lo = s->at, hi = s->n;

	if (str_cmp(s->items[s->n - 1].key, end) < 0)
		return s->n - s->at;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (str_cmp(s->items[mid].key, end) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo - s->at;
}

int
merge_next(struct merge *g, struct stream **s, struct ranked_item **items, size_t *n)
{
	struct stream *top;

	if (g->taken > 0 && advance(g, 0, g->taken) != 0)
		return -1;
	g->taken = 0;
	if (g->heaped == 0)
		return 0;
	top = g->heap[0];
	*s = top;
	*items = top->items + top->at;
	*n = top->n - top->at;
	while (g->heaped > 1) {
		size_t i = g->heaped > 2 && precedes(g->heap[2], g->heap[1]) ? 2 : 1;
		struct stream *second = g->heap[i];

		if ((*n = run(top, second->items[second->at].key)) > 0)
			break;
		/* The same key in another book: it is only the winner's row. */
		*n = 1;
		if (advance(g, i, 1) != 0)
			return -1;
		if (g->heaped == 1)
			break;
		i = g->heaped > 2 && precedes(g->heap[2], g->heap[1]) ? 2 : 1;
		second = g->heap[i];
		if (!str_eq(second->items[second->at].key, top->items[top->at].key))
			break;
	}
	g->taken = *n;
	return 1;
}

int
merge_row(struct merge *g, const struct stream *s, const struct ranked_item *item,
    directory_row_fn *row, void *arg)
{
	struct directory_hit hit = {.book = s->book};

	if (ref_winner(item->refs, &hit, g->m.e) != 0)
		return -1;
	return row(arg, &hit, item->key) != 0;
}
