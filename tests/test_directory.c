/* SPDX-License-Identifier: ISC */
/*
 * Directories beside a plain array: random items in several books, and every question asked of
 * views over them, on all engines. Then what the array would not show.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/directory_few.h"
#include "backend/fold.h"
#include "tests/store_rig.h"

enum { ITEMS = 2000, BOOKS = 4, TEXTS = 6, ROWS = ITEMS };

/* An item as it should be; number, first, last, e-mail, and two more fields. */
struct thing {
	uint32_t book;
	enum directory_kind kind;
	uint64_t id;
	char text[TEXTS][40];
	bool there;
};

struct row {
	struct directory_hit hit;
	char key[120];
};

static struct thing things[ITEMS];
static size_t nthings;
static struct row want[ROWS], got[ROWS];
static size_t nwant, ngot, stop_at;
static unsigned seed;
static struct arena mem;
static struct err err;

static unsigned
pick(unsigned n)
{
	return (unsigned)rand_r(&seed) % n;
}

static struct model
model(struct store_txn *t)
{
	arena_free(&mem);
	arena_init(&mem, 64 << 20);
	err_clear(&err);
	return (struct model){.t = t, .a = &mem, .e = &err, .tenant = TENANT_DEFAULT};
}

#define OK(call) ck_assert_msg((call) == 0, "%s: %s", #call, err_text(&err))

static void
put_thing(struct model *m, const struct thing *g)
{
	struct str more[2] = {str_c(g->text[4]), str_c(g->text[5])};
	struct directory_item item = {.kind = g->kind,
	    .id = g->id,
	    .number = str_c(g->text[0]),
	    .first = str_c(g->text[1]),
	    .last = str_c(g->text[2]),
	    .email = str_c(g->text[3]),
	    .fields = more,
	    .nfields = 2};

	OK(directory_put(m, g->book, &item));
}

static void
key_of(char *to, const struct thing *g)
{
	snprintf(to, 120, "%s_%s_%s", g->text[0], g->text[1], g->text[2]);
}

static void
lower(char *s)
{
	for (; *s != '\0'; s++)
		*s = (char)(*s >= 'A' && *s <= 'Z' ? *s + 32 : *s);
}

static bool
contains(const struct thing *g, const char *filter)
{
	for (int i = 0; i < 4; i++) {
		char s[40];

		memcpy(s, g->text[i], sizeof(s));
		lower(s);
		if (strstr(s, filter) != NULL)
			return true;
	}
	return false;
}

/* Prefix of the text or of a word in it. */
static bool
begins(const char *text, const char *query)
{
	char s[96];

	snprintf(s, sizeof(s), "%s", text);
	lower(s);
	for (size_t i = 0; s[i] != '\0'; i++)
		if ((i == 0 || fold_is_break(s[i - 1])) && strncmp(s + i, query, strlen(query)) == 0)
			return i == 0 || memchr(query, ' ', strlen(query)) == NULL;
	return false;
}

static bool
matches(const struct thing *g, const char *query)
{
	char both[96];

	snprintf(both, sizeof(both), "%s %s", g->text[1], g->text[2]);
	for (int i = 0; i < TEXTS; i++)
		if (begins(g->text[i], query))
			return true;
	return g->text[1][0] != '\0' && g->text[2][0] != '\0' && begins(both, query);
}

static const struct thing *
thing_of(const struct directory_hit *h)
{
	for (size_t i = 0; i < nthings; i++)
		if (things[i].there && things[i].book == h->book && things[i].kind == h->kind &&
		    things[i].id == h->id)
			return &things[i];
	return NULL;
}

struct ask {
	uint32_t books[BOOKS];
	size_t n;
	const struct thing *hidden;
	const char *filter, *query;
};

static int
by_key(const void *a, const void *b)
{
	return strcmp(((const struct row *)a)->key, ((const struct row *)b)->key);
}

static size_t
place(const struct ask *a, uint32_t book)
{
	for (size_t i = a->n; i-- > 0;)
		if (a->books[i] == book)
			return i + 1;
	return 0;
}

static bool
beats(const struct ask *a, const struct directory_hit *x, const struct directory_hit *y)
{
	if (place(a, x->book) != place(a, y->book))
		return place(a, x->book) > place(a, y->book);
	return x->kind != y->kind ? x->kind > y->kind : x->id > y->id;
}

/* What the view should be. */
static void
expect(const struct ask *a)
{
	static struct row all[ITEMS];
	size_t n = 0;

	for (size_t i = 0; i < nthings; i++) {
		if (!things[i].there || place(a, things[i].book) == 0 || &things[i] == a->hidden)
			continue;
		all[n].hit = (struct directory_hit){things[i].book, things[i].kind, things[i].id};
		key_of(all[n++].key, &things[i]);
	}
	qsort(all, n, sizeof(all[0]), by_key);
	nwant = 0;
	for (size_t i = 0, end; i < n; i = end) {
		struct row best = all[i];
		const struct thing *g;

		for (end = i + 1; end < n && strcmp(all[end].key, all[i].key) == 0; end++)
			if (beats(a, &all[end].hit, &best.hit))
				best = all[end];
		g = thing_of(&best.hit);
		if ((a->filter == NULL || contains(g, a->filter)) &&
		    (a->query == NULL || matches(g, a->query)))
			want[nwant++] = best;
	}
}

static int
keep(void *arg, const struct directory_hit *hit, struct str key)
{
	(void)arg;
	ck_assert_uint_lt(ngot, ROWS);
	ck_assert_uint_lt(key.n, sizeof(got[0].key));
	got[ngot].hit = *hit;
	memcpy(got[ngot].key, key.p, key.n);
	got[ngot].key[key.n] = '\0';
	ngot++;
	return ngot == stop_at;
}

/* Rows from … to-1 of what is wanted. */
static void
is_slice(size_t from, size_t to)
{
	to = to < nwant ? to : nwant;
	from = from < to ? from : to;
	ck_assert_uint_eq(ngot, to - from);
	for (size_t i = 0; i < ngot; i++) {
		ck_assert_str_eq(got[i].key, want[from + i].key);
		ck_assert_uint_eq(got[i].hit.book, want[from + i].hit.book);
		ck_assert_int_eq(got[i].hit.kind, want[from + i].hit.kind);
		ck_assert_uint_eq(got[i].hit.id, want[from + i].hit.id);
	}
	ngot = stop_at = 0;
}

static struct directory_view *
view(struct model *m, const struct ask *a)
{
	struct directory_view *v;

	OK(directory_view_open(m, a->books, a->n, &v));
	if (a->hidden != NULL)
		OK(directory_view_hide(v, a->hidden->book, a->hidden->kind, a->hidden->id));
	return v;
}

static void
check_rows(struct model *m, struct ask *a)
{
	struct directory_view *v = view(m, a);
	uint64_t size;

	expect(a);
	OK(directory_size(v, &size));
	ck_assert_uint_eq(size, nwant);
	for (unsigned i = 0; i < 6; i++) {
		unsigned from = pick((unsigned)nwant + 3), n = pick(60);

		OK(directory_page(v, from, from + n, keep, NULL));
		is_slice(from, from + n);
		OK(directory_sized_page(v, from, from + n, &size, keep, NULL));
		ck_assert_uint_eq(size, nwant);
		is_slice(from, from + n);
	}
	OK(directory_page(v, 0, UINT64_MAX, keep, NULL));
	is_slice(0, nwant);
	OK(directory_from(v, STR_LIT(""), keep, NULL));
	is_slice(0, nwant);
	for (unsigned i = 0; i < 4 && nwant > 0; i++) {
		unsigned from = pick((unsigned)nwant);

		stop_at = 1 + pick(50);
		OK(directory_from(v, str_c(want[from].key), keep, NULL));
		is_slice(from + 1, from + 1 + (ngot == 50 ? 50 : ngot));
	}
}

static void
check_find(struct model *m, struct ask *a)
{
	struct directory_view *v = view(m, a);

	for (unsigned i = 0; i < 20; i++) {
		const struct thing *g = &things[pick((unsigned)nthings)];
		struct directory_hit hit;
		struct row key, *r;
		int rc = directory_find(v, str_c(g->text[0]), str_c(g->text[1]), str_c(g->text[2]), &hit);

		key_of(key.key, g);
		r = bsearch(&key, want, nwant, sizeof(key), by_key);
		ck_assert_int_eq(rc, r != NULL);
		ck_assert(r == NULL ||
		    (r->hit.book == hit.book && r->hit.kind == hit.kind && r->hit.id == hit.id));
	}
}

static void
check_filters(struct model *m, struct ask *a)
{
	static const char *const filters[] = {
	    "a", "12", "ann", "x.exa", "@", "7_", "zz", "\x01", "s", "mo", "5"};
	struct directory_view *v = view(m, a);

	for (size_t i = 0; i < sizeof(filters) / sizeof(filters[0]); i++) {
		unsigned from = pick(40), n = pick(50);
		uint64_t size;

		a->filter = filters[i];
		expect(a);
		OK(directory_filter(v, str_c(filters[i]), from, from + n, &size, keep, NULL));
		ck_assert_uint_eq(size, nwant);
		is_slice(from, from + n);
	}
	a->filter = NULL;
}

static void
check_searches(struct model *m, struct ask *a)
{
	static const char *const queries[] = {"a", "12", "ann", "ann mo", "mo", "x.ex", "s", "1", "de",
	    "sales", "sal", "q", "ann@", "+1 5", "5"};
	struct directory_view *v = view(m, a);

	for (size_t i = 0; i < sizeof(queries) / sizeof(queries[0]); i++) {
		char asked[32];

		a->query = queries[i];
		expect(a);
		snprintf(asked, sizeof(asked), " %s\t", queries[i]);
		asked[1] = (char)(asked[1] >= 'a' && asked[1] <= 'z' ? asked[1] - 32 : asked[1]);
		OK(directory_search(v, str_c(asked), DIRECTORY_HITS_MAX, keep, NULL));
		is_slice(0, nwant);
	}
	a->query = NULL;
	OK(directory_search(v, STR_LIT(" \t"), 10, keep, NULL));
	ck_assert_uint_eq(ngot, 0);
}

static void
check_view(struct model *m)
{
	struct ask a = {.n = pick(BOOKS + 1)};

	for (size_t i = 0; i < a.n; i++)
		a.books[i] = pick(BOOKS);
	if (pick(2) == 0 && nthings > 0)
		a.hidden = &things[pick((unsigned)nthings)];
	if (a.hidden != NULL && (!a.hidden->there || place(&a, a.hidden->book) == 0))
		a.hidden = NULL;
	check_rows(m, &a);
	check_find(m, &a);
	check_filters(m, &a);
	check_searches(m, &a);
}

static const char *const firsts[] = {"Ann", "Dee", "Bo", "", "Ann-Mary", "anna", "Q"};
static const char *const lasts[] = {"Moss", "Fox", "O'Neil", "", "de Sales", "moss"};
static const char *const mails[] = {"", "ann@x.example", "d.f@y.example", "AS7@x.example"};
static const char *const others[] = {"", "Sales", "+1 (512) 555-12", "Buyer", "Sal"};

/* Few numbers, so that many items fall together; `wide` = as good as none do. */
static void
change_thing(struct model *m, bool wide, unsigned chance)
{
	struct thing *g = &things[pick((unsigned)nthings)];
	int rc;

	if (pick(100) >= chance) {
		rc = directory_del(m, g->book, g->kind, g->id);
		ck_assert_int_eq(rc, g->there);
		g->there = false;
		return;
	}
	g->there = true;
	if (pick(4) > 0 || g->text[0][0] == '\0') {
		snprintf(g->text[0], 40, "%u", wide ? pick(100000) : 10 + pick(12));
		strcpy(g->text[1], firsts[pick(7)]);
		strcpy(g->text[2], lasts[pick(6)]);
	}
	strcpy(g->text[3], mails[pick(4)]);
	strcpy(g->text[4], others[pick(5)]);
	strcpy(g->text[5], others[pick(5)]);
	put_thing(m, g);
}

static void
count_rows(struct model *m)
{
	for (uint32_t b = 0; b < BOOKS; b++) {
		struct ask a = {.books = {b}, .n = 1};
		uint64_t n;

		expect(&a);
		OK(directory_count(m, b, &n));
		ck_assert_uint_eq(n, nwant);
	}
}

static void
random_items(struct store *s, size_t n, unsigned turns, bool wide)
{
	memset(things, 0, sizeof(things));
	nthings = n;
	for (size_t i = 0; i < n; i++) {
		/* When wide, one book has nearly everything. */
		things[i].book = wide && i >= 40 ? 1 : (uint32_t)(i % BOOKS);
		things[i].kind = i % 3 == 0 ? DIRECTORY_USER : DIRECTORY_ENTRY;
		things[i].id = wide ? i + 1 : i / 2 + 1;
	}
	for (unsigned turn = 0; turn < turns; turn++) {
		struct store_txn *t = rig_begin(s, STORE_WRITE);
		struct model m = model(t);

		for (size_t i = 0; i < n; i++)
			change_thing(&m, wide, turn % 3 == 2 ? 30 : 90);
		count_rows(&m);
		for (unsigned i = 0; i < 4; i++) {
			m = model(t);
			check_view(&m);
		}
		rig_commit(t);
	}
}

static int
count_any(void *arg, struct str key, struct str val)
{
	(void)key;
	(void)val;
	++*(size_t *)arg;
	return 0;
}

static size_t
all_rows(struct store_txn *t)
{
	size_t n = 0;

	OK(store_scan(t, STORE_DATA, STR_LIT(""), STR_LIT(""), count_any, &n, &err));
	OK(store_scan(t, STORE_INDEX, STR_LIT(""), STR_LIT(""), count_any, &n, &err));
	return n;
}

/* Removing everything leaves no row; so does clearing. */
static void
nothing_left(struct store *s, bool clear)
{
	struct store_txn *t = rig_begin(s, STORE_WRITE);
	struct model m = model(t);

	ck_assert_uint_gt(all_rows(t), 0);
	for (uint32_t b = 0; b < BOOKS && clear; b++)
		OK(directory_clear(&m, b));
	for (size_t i = 0; i < nthings && !clear; i++)
		ck_assert_int_eq(
		    directory_del(&m, things[i].book, things[i].kind, things[i].id), things[i].there);
	ck_assert_uint_eq(all_rows(t), 0);
	rig_commit(t);
}

static void
crowded(struct store *s)
{
	seed = 11;
	random_items(s, 120, 9, false);
	nothing_left(s, false);
}

static void
large(struct store *s)
{
	seed = 12;
	random_items(s, ITEMS, 2, true);
	nothing_left(s, true);
}

static int
count_hit(void *arg, const struct directory_hit *hit, struct str key)
{
	uint64_t *last = arg;

	ck_assert_uint_gt(key.n, 0);
	last[0]++;
	last[1] = hit->id;
	return 0;
}

/* 255 characters of 4 bytes in each field, differing at the very end. */
static void
longest(struct store *s)
{
	struct store_txn *t = rig_begin(s, STORE_WRITE);
	struct model m = model(t);
	static char name[255 * 4], last[255 * 4 + 8], query[2100];
	struct directory_view *v;
	struct directory_hit hit;
	uint64_t n, seen[2] = {0};

	for (size_t i = 0; i < sizeof(name); i += 4)
		memcpy(name + i, "\xf0\x90\x90\xa8", 4);
	memcpy(last, name, sizeof(name));
	for (unsigned i = 0; i < 60; i++) {
		struct directory_item item = {.kind = DIRECTORY_ENTRY,
		    .number = {name, sizeof(name)},
		    .first = {name, sizeof(name)},
		    .last = {last, sizeof(name)}};

		last[sizeof(name) - 1] = (char)(0xa8 + (i * 17) % 20);
		item.id = (uint64_t)(i * 17) % 20 + 1 + (i >= 40 ? 100 : 0);
		OK(directory_put(&m, 5, &item));
	}
	OK(directory_count(&m, 5, &n));
	ck_assert_uint_eq(n, 20);
	OK(directory_view_open(&m, (uint32_t[]){5}, 1, &v));
	for (unsigned i = 0; i < 20; i++) {
		last[sizeof(name) - 1] = (char)(0xa8 + i);
		ck_assert_int_eq(
		    directory_find(v, (struct str){name, sizeof(name)}, (struct str){name, sizeof(name)},
		        (struct str){last, sizeof(name)}, &hit),
		    1);
		ck_assert_uint_eq(hit.id, i + 101);
	}
	/* "first last" to its last byte, beyond what the index keeps of a token. */
	memcpy(query, name, sizeof(name));
	query[sizeof(name)] = ' ';
	memcpy(query + sizeof(name) + 1, name, sizeof(name));
	query[2 * sizeof(name)] = (char)(0xa8 + 7);
	OK(directory_search(v, (struct str){query, 2 * sizeof(name) + 1}, 100, count_hit, seen));
	ck_assert_uint_eq(seen[0], 1);
	ck_assert_uint_eq(seen[1], 108);
	rig_commit(t);
}

/* A query longer than the tokens of the index is compared to its end. */
static void
long_queries(struct store *s)
{
	struct store_txn *t = rig_begin(s, STORE_WRITE);
	struct model m = model(t);
	static char text[1000];
	struct str field = {text, sizeof(text)};
	struct directory_view *v;
	uint64_t seen[2];

	memset(text, 'k', sizeof(text));
	for (unsigned i = 0; i < 3; i++) {
		struct directory_item item = {.kind = DIRECTORY_ENTRY,
		    .id = i + 1,
		    .number = STR_LIT("1"),
		    .last = {&"abc"[i], 1},
		    .fields = &field,
		    .nfields = 1};

		text[sizeof(text) - 1] = (char)('k' + i);
		OK(directory_put(&m, 5, &item));
	}
	OK(directory_view_open(&m, (uint32_t[]){5}, 1, &v));
	for (size_t n = 398; n < sizeof(text); n += 301) {
		memset(seen, 0, sizeof(seen));
		OK(directory_search(v, (struct str){text, n}, 100, count_hit, seen));
		ck_assert_uint_eq(seen[0], 3);
	}
	memset(seen, 0, sizeof(seen));
	OK(directory_search(v, field, 100, count_hit, seen));
	ck_assert_uint_eq(seen[0], 1);
	ck_assert_uint_eq(seen[1], 3);
	/* The same again, and a shorter one: nothing of the old one stays. */
	field.n = 500;
	for (unsigned i = 0; i < 3; i++)
		ck_assert_int_eq(directory_del(&m, 5, DIRECTORY_ENTRY, i + 1), 1);
	ck_assert_uint_eq(all_rows(t), 0);
	rig_commit(t);
}

static void
bad_items(struct store *s)
{
	struct store_txn *t = rig_begin(s, STORE_WRITE);
	struct model m = model(t);
	struct str fields[DIRECTORY_FIELDS_MAX + 1];
	struct directory_item item = {.kind = DIRECTORY_ENTRY, .id = 1};
	struct directory_view *v;
	uint32_t books[2] = {3, 3};
	uint64_t n;

	memset(fields, 0, sizeof(fields));
	item.fields = fields;
	item.nfields = DIRECTORY_FIELDS_MAX + 1;
	ck_assert_int_eq(directory_put(&m, 3, &item), -1);
	ck_assert_int_eq(err.code, ERR_INVALID);
	item.nfields = DIRECTORY_FIELDS_MAX;
	/* Nothing but empty texts, and bytes that are no text, are items all the same. */
	OK(directory_put(&m, 3, &item));
	item.id = 2;
	item.number = STR_LIT("\xff\xfe\xc0");
	OK(directory_put(&m, 3, &item));
	item.id = 0;
	ck_assert_int_eq(directory_put(&m, 3, &item), -1);
	item.id = 1;
	item.kind = 9;
	ck_assert_int_eq(directory_put(&m, 3, &item), -1);
	ck_assert_int_eq(directory_del(&m, 3, DIRECTORY_USER, 1), 0);
	OK(directory_view_open(&m, books, 2, &v));
	OK(directory_size(v, &n));
	ck_assert_uint_eq(n, 2);
	ck_assert_int_eq(directory_view_open(&m, books, DIRECTORY_BOOKS_MAX + 1, &v), -1);
	rig_commit(t);
}

/* Each length and place, also behind the last whole step, in memory that ends where the text does.
 */
static void
searched_texts(struct store *s)
{
	(void)s;
	seed = 17;
	for (unsigned round = 0; round < 20000; round++) {
		size_t size = 1 + pick(70), n = 1 + pick(20);
		char *text = malloc(size), *needle = malloc(n);

		/* Two letters, so that halves of what is sought are everywhere. */
		for (size_t i = 0; i < size; i++)
			text[i] = pick(8) == 0 ? 'b' : 'a';
		for (size_t i = 0; i < n; i++)
			needle[i] = pick(8) == 0 ? 'b' : 'a';
		if (memmem(text, size, needle, n) !=
		    text_search((struct str){needle, n}, text, text + size))
			ck_abort_msg("\"%.*s\" in \"%.*s\"", (int)n, needle, (int)size, text);
		free(text);
		free(needle);
	}
}

struct damage {
	struct str key, val;
	size_t n, at;
};

static int
nth(void *arg, struct str key, struct str val)
{
	struct damage *d = arg;

	if (d->n++ != d->at)
		return 0;
	d->key = arena_copy(&mem, key);
	d->val = arena_copy(&mem, val);
	return 1;
}

static int
ignore(void *arg, const struct directory_hit *hit, struct str key)
{
	(void)arg;
	(void)hit;
	(void)key;
	return 0;
}

/* Wrong bytes in any row: an error or an answer. */
static void
damaged(struct store *s)
{
	struct store_txn *t = rig_begin(s, STORE_WRITE);
	struct model m = model(t);
	size_t rows = 0;
	unsigned errors = 0;

	seed = 13;
	nthings = 300;
	for (size_t i = 0; i < nthings; i++)
		things[i] = (struct thing){.book = i % 2, .kind = DIRECTORY_ENTRY, .id = i + 1};
	for (size_t i = 0; i < nthings; i++)
		change_thing(&m, i % 3 == 0, 100);
	OK(store_scan(t, STORE_DATA, STR_LIT(""), STR_LIT(""), count_any, &rows, &err));
	for (unsigned i = 0; i < 200; i++) {
		struct store_txn *child = rig_nest(t);
		struct directory_view *v;
		uint64_t n;
		int rc;

		m = model(child);
		struct damage d = {.at = pick((unsigned)rows)};
		OK(store_scan(child, STORE_DATA, STR_LIT(""), STR_LIT(""), nth, &d, &err));
		if (i % 4 == 0)
			d.val.n = pick((unsigned)d.val.n);
		else
			((char *)(uintptr_t)d.val.p)[pick((unsigned)d.val.n)] ^= (char)(1 << pick(8));
		OK(store_put(child, STORE_DATA, d.key, d.val, &err));
		OK(directory_view_open(&m, (uint32_t[]){0, 1}, 2, &v));
		rc = directory_page(v, 0, 1000, ignore, NULL);
		rc |= directory_filter(v, STR_LIT("a"), 0, 10, &n, ignore, NULL);
		rc |= directory_search(v, STR_LIT("a"), 1000, ignore, NULL);
		for (size_t k = 0; k < nthings; k += 3)
			rc |= directory_del(&m, things[k].book, things[k].kind, things[k].id) < 0 ? -1 : 0;
		errors += rc != 0;
		ck_assert(rc == 0 || err.code == ERR_INTERNAL || err.code == ERR_TOO_LARGE);
		store_abort(child);
	}
	ck_assert_uint_gt(errors, 20);
	store_abort(t);
}

static const struct store_case cases[] = {
    {"crowded books", crowded},
    {"a large book and small ones", large},
    {"longest fields", longest},
    {"long queries", long_queries},
    {"bad items", bad_items},
    {"searched texts", searched_texts},
    {"damaged rows", damaged},
};

int
main(void)
{
	return rig_run("directory", cases, (int)(sizeof(cases) / sizeof(cases[0])));
}
