/* SPDX-License-Identifier: ISC */
/*
 * A filter that finds little: the books are looked through one after the other, in no order, and
 * what is found is sorted. A row does not count when a book that wins over its own has the key.
 */
#include "backend/directory_few.h"

#include <stdlib.h>
#include <string.h>

/* Beyond that, looking up keys in the other books costs more than reading them side by side, and
 * of one book alone sorting what was found does. */
enum { LOOKUPS_MAX = 3072, ROWS_MAX = 16384 };

struct few_row {
	struct stream *s;
	struct ranked_item item;
	bool shaded;
};

struct few {
	struct merge *g;
	struct stream *s; /* that is looked through */
	struct str needle;
	struct few_row *v;
	size_t n, max;
};

/* Where both ends of the text are is seen for 16 places at once; only there the rest is compared.
 */
typedef unsigned char lane __attribute__((vector_size(16)));

static lane
load(const char *p)
{
	lane v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static bool
is_at(struct str text, const char *p)
{
	return p[0] == text.p[0] && memcmp(p + 1, text.p + 1, text.n - 1) == 0;
}

const char *
text_search(struct str text, const char *at, const char *end)
{
	lane first = (lane){0} + (unsigned char)text.p[0];
	lane last = (lane){0} + (unsigned char)text.p[text.n - 1];

	if (text.n == 1)
		return memchr(at, text.p[0], (size_t)(end - at));
	for (; (size_t)(end - at) >= text.n - 1 + sizeof(lane); at += sizeof(lane)) {
		lane both = (lane)((load(at) == first) & (load(at + text.n - 1) == last));
		uint64_t half[2];

		memcpy(half, &both, sizeof(half));
		if ((half[0] | half[1]) == 0)
			continue;
		for (size_t i = 0; i < sizeof(lane); i++)
			if (both[i] != 0 && is_at(text, at + i))
				return at + i;
	}
	for (; (size_t)(end - at) >= text.n; at++)
		if (is_at(text, at))
			return at;
	return NULL;
}

static bool
is_in(struct str needle, struct str text)
{
	return text.n > 0 && text_search(needle, text.p, text.p + text.n) != NULL;
}

static bool
wanted(void *arg, struct str texts)
{
	return is_in(((struct few *)arg)->needle, texts);
}

static int
add(struct few *f, const struct ranked_item *item)
{
	struct arena *a = &f->g->mem;
	struct few_row *to = &f->v[f->n];

	if (!is_in(f->needle, item->text))
		return 0;
	if (f->n++ == f->max)
		return 1;
	to->s = f->s;
	to->shaded = false;
	to->item.key = arena_copy(a, item->key);
	to->item.refs = arena_copy(a, item->refs);
	return to->item.key.p == NULL || to->item.refs.p == NULL;
}

static int
take(void *arg, const struct ranked_item *item)
{
	struct few *f = arg;

	/* What the hidden item leaves has a text of its own. */
	return f->s == f->g->hider && str_eq(item->key, f->g->hidden_key) ? 0 : add(f, item);
}

static int
look_through(struct few *f, struct stream *s)
{
	struct merge *g = f->g;
	struct ranked_item left = g->remains;
	int rc;

	f->s = s;
	rc = ranked_scan(&s->list, wanted, take, f);
	if (rc != 0 || s != g->hider || g->gone)
		return rc;
	left.key = g->hidden_key;
	return add(f, &left);
}

static int
compare(const void *a, const void *b)
{
	return str_cmp(((const struct few_row *)a)->item.key, ((const struct few_row *)b)->item.key);
}

/* Marks the rows whose key this book has, which wins over theirs. */
static int
shade(struct few *f, struct stream *by)
{
	struct ranked_cursor c;
	uint64_t rank;
	int rc = 0;

	ranked_cursor_init(&c, &by->list, 0);
	for (size_t i = 0; i < f->n && rc == 0; i++)
		if (!f->v[i].shaded && f->v[i].s->place < by->place)
			rc = stream_rank(f->g, by, &c, f->v[i].item.key, &rank, &f->v[i].shaded);
	ranked_cursor_end(&c);
	return rc;
}

static int
collect(struct few *f)
{
	struct merge *g = f->g;
	int rc = 0;

	for (size_t i = 0; i < g->n && rc == 0; i++)
		rc = look_through(f, &g->s[i]);
	if (rc != 0)
		return rc;
	qsort(f->v, f->n, sizeof(*f->v), compare);
	for (size_t i = 0; i < g->n && rc == 0; i++)
		rc = shade(f, &g->s[i]);
	return rc;
}

int
few_filter(struct merge *g, struct str needle, uint64_t start, uint64_t end, uint64_t *filtered,
    directory_row_fn *row, void *arg)
{
	struct few f = {
	    .g = g, .needle = needle, .max = g->n == 1 ? (size_t)ROWS_MAX : LOOKUPS_MAX / g->n};
	uint64_t n = 0;
	int rc, stop = 0;

	if ((f.v = arena_array(&g->mem, f.max + 1, sizeof(*f.v))) == NULL)
		return err_set(g->m.e, ERR_TOO_LARGE, NULL);
	if ((rc = collect(&f)) != 0)
		return rc;
	for (size_t i = 0; i < f.n && stop >= 0; i++) {
		if (f.v[i].shaded)
			continue;
		if (n >= start && n < end && stop == 0)
			stop = merge_row(g, f.v[i].s, &f.v[i].item, row, arg);
		n++;
	}
	*filtered = n;
	return stop < 0 ? -1 : 0;
}
