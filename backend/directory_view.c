/* SPDX-License-Identifier: ISC */
/*
 * Views: size, pages, streaming. When all books but the largest are small, their rows are looked
 * up in the largest one, which then need not be read: its positions are known. Otherwise the
 * books are merged from the first row on.
 */
#include <string.h>

#include "backend/directory_parts.h"

enum {
	PROBES_MAX = 1024, /* rows that are looked up in another book */
	/* Looking one row up costs as much as merging this many. */
	PROBE_COST = 32,
	SMALL = 64 /* rows of a book that is read as a whole, about */
};

int
directory_view_open(struct model *m, const uint32_t *books, size_t n, struct directory_view **ret)
{
	struct directory_view *v = arena_alloc(m->a, sizeof(*v));

	if (n > DIRECTORY_BOOKS_MAX || v == NULL ||
	    (v->books = arena_array(m->a, n + 1, sizeof(*v->books))) == NULL)
		return err_set(m->e, ERR_TOO_LARGE, NULL);
	v->m = *m;
	for (size_t i = 0; i < n; i++) {
		size_t k = i + 1;

		while (k < n && books[k] != books[i])
			k++;
		if (k == n)
			v->books[v->n++] = books[i];
	}
	*ret = v;
	return 0;
}

int
directory_view_hide(struct directory_view *v, uint32_t book, enum directory_kind kind, uint64_t id)
{
	if (v->hides)
		return err_set(v->m.e, ERR_INTERNAL, "a view hides one item");
	v->hides = true;
	v->hidden = (struct directory_hit){book, kind, id};
	return 0;
}

/* The rows of all books but the largest, and where they stand in that one. */
struct probes {
	struct str *keys;
	uint64_t *ranks; /* rows of the largest book in front */
	bool *common;    /* the largest book has the row too */
	size_t n;
};

static struct stream *
largest(struct merge *g)
{
	struct stream *big = NULL;

	for (size_t i = 0; i < g->n; i++)
		if (big == NULL || g->s[i].list.count > big->list.count)
			big = &g->s[i];
	return big;
}

static bool
is_probed(const struct merge *g, const struct stream *big)
{
	uint64_t others = 0;

	for (size_t i = 0; i < g->n; i++)
		if (&g->s[i] != big)
			others += g->s[i].list.count;
	return others <= PROBES_MAX && others * PROBE_COST <= big->list.count;
}

/* All streams but one to their first row behind a key. */
static int
seek_all(struct merge *g, const struct stream *without, struct str key, bool behind)
{
	for (size_t i = 0; i < g->n; i++)
		if (&g->s[i] != without && stream_to_key(g, &g->s[i], key, behind) < 0)
			return -1;
	return 0;
}

static int
collect(struct merge *g, const struct stream *big, struct probes *p)
{
	struct ranked_item *items;
	struct stream *s;
	size_t n;
	int rc;

	if (seek_all(g, big, (struct str){"", 0}, false) != 0)
		return -1;
	merge_start(g, big);
	while ((rc = merge_next(g, &s, &items, &n)) == 1)
		for (size_t i = 0; i < n; i++)
			if ((p->keys[p->n++] = arena_copy(&g->mem, items[i].key)).p == NULL)
				return err_set(g->m.e, ERR_TOO_LARGE, NULL);
	return rc;
}

static int
probe(struct merge *g, struct stream *big, struct probes *p)
{
	struct ranked_cursor c;
	int rc = 0;

	memset(p, 0, sizeof(*p));
	if (g->n == 1)
		return 0;
	p->keys = arena_array(&g->mem, PROBES_MAX, sizeof(*p->keys));
	p->ranks = arena_array(&g->mem, PROBES_MAX, sizeof(*p->ranks));
	p->common = arena_array(&g->mem, PROBES_MAX, sizeof(*p->common));
	if (p->keys == NULL || p->ranks == NULL || p->common == NULL)
		return err_set(g->m.e, ERR_TOO_LARGE, NULL);
	if (collect(g, big, p) != 0)
		return -1;
	ranked_cursor_init(&c, &big->list, 0);
	for (size_t i = 0; i < p->n && rc == 0; i++)
		rc = stream_rank(g, big, &c, p->keys[i], &p->ranks[i], &p->common[i]);
	ranked_cursor_end(&c);
	return rc;
}

/* What a page is asked for, and how far it is. */
struct page {
	uint64_t skip, most; /* rows to pass over, then to give */
	bool count;          /* of all rows that follow, into size */
	uint64_t size;
	directory_row_fn *row;
	void *arg;
};

/* Rows from where the streams stand. */
static int
give(struct merge *g, struct page *p)
{
	struct ranked_item *items;
	struct stream *s;
	size_t n;
	int rc = 1, stop = 0;

	merge_start(g, NULL);
	while ((p->count || (p->most > 0 && stop == 0)) && stop >= 0 &&
	    (rc = merge_next(g, &s, &items, &n)) == 1) {
		size_t i = p->skip < n ? (size_t)p->skip : n;

		p->size += n;
		p->skip -= i;
		for (; i < n && p->most > 0 && stop == 0; i++, p->most--)
			stop = merge_row(g, s, &items[i], p->row, p->arg);
	}
	return rc < 0 || stop < 0 ? -1 : 0;
}

/* Puts every stream at its first row that is not in front of row `start` of the view. */
static int
seek_row(struct merge *g, struct stream *big, const struct probes *p, uint64_t start)
{
	struct str key = {NULL, 0};
	uint64_t extra = 0;
	size_t i = 0;
	int rc;

	/* Rows that only the smaller books have move those of the largest one back. */
	for (; i < p->n && p->ranks[i] + extra < start; i++)
		extra += !p->common[i];
	if ((rc = stream_to_rank(g, big, start - extra)) < 0)
		return -1;
	if (rc == 1)
		key = big->items[big->at].key;
	if (i < p->n && (rc == 0 || str_cmp(p->keys[i], key) < 0))
		key = p->keys[i];
	/* Without a key nothing is left, in no book. */
	return key.p == NULL ? 0 : seek_all(g, big, key, false);
}

static int
page_probed(struct merge *g, struct stream *big, struct page *page)
{
	struct probes p;
	uint64_t size;
	int rc;

	if (probe(g, big, &p) != 0)
		return -1;
	page->size = stream_count(g, big);
	for (size_t i = 0; i < p.n; i++)
		page->size += !p.common[i];
	if (page->most == 0 || page->skip >= page->size)
		return 0;
	if (seek_row(g, big, &p, page->skip) != 0)
		return -1;
	size = page->size;
	page->skip = 0;
	page->count = false;
	rc = give(g, page);
	page->size = size;
	return rc;
}

static int
page_merged(struct merge *g, struct page *p)
{
	for (size_t i = 0; i < g->n && p->count; i++)
		ranked_cursor_init(&g->s[i].c, &g->s[i].list, UINT64_MAX);
	return seek_all(g, NULL, (struct str){"", 0}, false) != 0 ? -1 : give(g, p);
}

static int
read_page(struct directory_view *v, uint64_t start, uint64_t end, struct page *p)
{
	struct stream *big;
	struct merge g;
	int rc;

	p->skip = start;
	p->most = end > start ? end - start : 0;
	/* The smaller books are read as a whole, the largest one as far as the page goes. */
	rc = merge_open(&g, v, p->most < UINT64_MAX / 2 ? p->most + SMALL : p->most);
	if (rc == 0 && (big = largest(&g)) != NULL) {
		if (is_probed(&g, big))
			rc = page_probed(&g, big, p);
		else
			rc = page_merged(&g, p);
	}
	merge_end(&g);
	return rc;
}

int
directory_sized_page(struct directory_view *v, uint64_t start, uint64_t end, uint64_t *size,
    directory_row_fn *row, void *arg)
{
	struct page p = {.count = true, .row = row, .arg = arg};
	int rc = read_page(v, start, end, &p);

	*size = rc == 0 ? p.size : 0;
	return rc;
}

int
directory_size(struct directory_view *v, uint64_t *ret)
{
	return directory_sized_page(v, 0, 0, ret, NULL, NULL);
}

int
directory_page(
    struct directory_view *v, uint64_t start, uint64_t end, directory_row_fn *row, void *arg)
{
	struct page p = {.row = row, .arg = arg};

	return read_page(v, start, end, &p);
}

int
directory_from(struct directory_view *v, struct str after, directory_row_fn *row, void *arg)
{
	struct page p = {.most = UINT64_MAX, .row = row, .arg = arg};
	struct merge g;
	/* How far it goes is not known; reading ahead grows as it does. */
	int rc = merge_open(&g, v, 100);

	if (rc == 0 && g.n > 0) {
		rc = seek_all(&g, NULL, after, after.n > 0);
		if (rc == 0)
			rc = give(&g, &p);
	}
	merge_end(&g);
	return rc;
}

static int
find(struct merge *g, struct str key, struct directory_hit *ret)
{
	for (size_t i = g->n; i-- > 0;) {
		struct stream *s = &g->s[i];
		struct ranked_item item;
		int rc = ranked_get(&s->list, key, &item);

		if (rc < 0)
			return -1;
		if (rc == 1 && s == g->hider && str_eq(key, g->hidden_key)) {
			if (g->gone)
				continue;
			item.refs = g->remains.refs;
		}
		if (rc == 1) {
			ret->book = s->book;
			return ref_winner(item.refs, ret, g->m.e) == 0 ? 1 : -1;
		}
	}
	return 0;
}

int
directory_find(struct directory_view *v, struct str number, struct str first, struct str last,
    struct directory_hit *ret)
{
	struct merge g;
	int rc = merge_open(&g, v, 0);

	if (rc == 0) {
		struct str key = placed_key(&g.mem, number, first, last);

		rc = key.p != NULL ? find(&g, key, ret) : err_set(g.m.e, ERR_TOO_LARGE, NULL);
	}
	merge_end(&g);
	return rc;
}
