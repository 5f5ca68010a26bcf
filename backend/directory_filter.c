/* SPDX-License-Identifier: ISC */
/*
 * Filtered pages: every row's folded text is looked at, that of a whole run at once where the
 * texts are adjacent. Each text ends with a NUL, which a filter never has, so nothing is found
 * across two of them.
 *
 * What finds little is brought into order afterwards (directory_few.c); with much to be found the
 * books are read side by side.
 */
#include "backend/directory_few.h"

struct filter {
	struct merge *g;
	struct str needle;
	uint64_t start, end, n; /* n = rows found so far */
	directory_row_fn *row;
	void *arg;
	int stop;
};

static void
found(struct filter *f, const struct stream *s, const struct ranked_item *item)
{
	if (f->n >= f->start && f->n < f->end && f->stop == 0)
		f->stop = merge_row(f->g, s, item, f->row, f->arg);
	f->n++;
}

/* Items whose texts are adjacent. */
static void
look(struct filter *f, const struct stream *s, const struct ranked_item *items, size_t n)
{
	const char *at = items[0].text.p, *end = items[n - 1].text.p + items[n - 1].text.n;
	size_t i = 0;

	while (i < n && (at = text_search(f->needle, at, end)) != NULL) {
		while (at >= items[i].text.p + items[i].text.n)
			i++;
		found(f, s, &items[i]);
		at = items[i].text.p + items[i].text.n;
		i++;
	}
}

static int
filter(struct filter *f)
{
	struct merge *g = f->g;
	struct ranked_item *items;
	struct stream *s;
	size_t n;
	int rc = 0;

	for (size_t i = 0; i < g->n; i++)
		if (stream_to_key(g, &g->s[i], (struct str){"", 0}, false) < 0)
			return -1;
	merge_start(g, NULL);
	while (f->stop >= 0 && (rc = merge_next(g, &s, &items, &n)) == 1)
		for (size_t i = 0, k = 0; i < n; i = k) {
			for (k = i + 1; k < n && items[k].text.p == items[k - 1].text.p + items[k - 1].text.n;)
				k++;
			look(f, s, items + i, k - i);
		}
	return f->stop < 0 ? -1 : rc;
}

int
directory_filter(struct directory_view *v, struct str folded, uint64_t start, uint64_t end,
    uint64_t *filtered, directory_row_fn *row, void *arg)
{
	struct merge g;
	struct filter f = {
	    .g = &g, .needle = folded, .start = start, .end = end, .row = row, .arg = arg};
	int rc;

	*filtered = 0;
	if (folded.n == 0)
		return directory_sized_page(v, start, end, filtered, row, arg);
	rc = merge_open(&g, v, UINT64_MAX);
	if (rc == 0 && g.n > 0) {
		rc = few_filter(&g, folded, start, end, &f.n, row, arg);
		if (rc > 0)
			rc = filter(&f);
	}
	merge_end(&g);
	*filtered = f.n;
	return rc;
}
