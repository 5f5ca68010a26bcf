/* SPDX-License-Identifier: ISC */
/*
 * Phonebooks as lists: whole, by rows, searched, and those of an administrator. Every part of an
 * answer opens its own view and goes on behind the order key of the last row that was sent.
 */
#include "backend/hooks.h"

#include <string.h>

#include "backend/book.h"
#include "backend/fold.h"
#include "backend/key.h"
#include "backend/list.h"
#include "common/sink.h"

enum { ROWS_AT_ONCE = 512, END_DEFAULT = 100 };

struct row {
	struct directory_hit hit;
	struct str key;
};

struct rows {
	struct call *c;
	struct row *v;
	size_t n, max;
	bool failed;
};

static struct str
mark_key(const struct mark *m)
{
	return (struct str){m->name, m->set ? m->name_n : 0};
}

static int
rows_begin(struct rows *r, struct call *c, uint64_t max)
{
	*r = (struct rows){.c = c, .max = max < ROWS_AT_ONCE ? (size_t)max : ROWS_AT_ONCE};
	r->v = arena_array(c->m.a, r->max + 1, sizeof(*r->v));
	return r->v != NULL ? 0 : err_set(c->m.e, ERR_TOO_LARGE, NULL);
}

/* Searches and filters begin anew with every part: what was sent is passed over. */
static int
add_row(void *arg, const struct directory_hit *hit, struct str key)
{
	struct rows *r = arg;

	if (r->c->mark->set && str_cmp(key, mark_key(r->c->mark)) <= 0)
		return 0;
	if (r->n == r->max || r->failed)
		return 1;
	r->v[r->n] = (struct row){*hit, arena_copy(r->c->m.a, key)};
	r->failed = r->v[r->n++].key.p == NULL;
	return r->failed;
}

static void
set_mark(struct mark *m, struct str key)
{
	m->set = true;
	m->name_n = key.n < sizeof(m->name) ? key.n : sizeof(m->name);
	if (m->name_n > 0)
		memcpy(m->name, key.p, m->name_n);
}

/* Writes rows into the part until it is full. */
static int
send_rows(struct rows *r)
{
	struct call *c = r->c;

	if (r->failed)
		return err_set(c->m.e, ERR_TOO_LARGE, NULL);
	for (size_t i = 0; i < r->n; i++) {
		size_t before = c->body->n;
		struct entry e;
		int rc = book_show(&c->m, &r->v[i].hit, c->who->id, &e);

		if (rc < 0)
			return -1;
		if (rc == 1)
			mp_encode(&rec_entry, &e, c->body, 0);
		if (c->body->failed)
			return err_set(c->m.e, ERR_TOO_LARGE, NULL);
		/* A row alone may be larger than a part; it then is one. */
		if (before > 0 && c->body->n > LIST_PART_MAX) {
			c->body->n = before;
			c->more = true;
			return 0;
		}
		set_mark(c->mark, r->v[i].key);
		c->mark->left -= c->mark->left > 0;
	}
	c->more = r->n == r->max;
	return 0;
}

/* All rows of a view, from where the last part ended. */
static int
send_view(struct call *c, struct directory_view *v)
{
	struct rows r;

	return rows_begin(&r, c, ROWS_AT_ONCE) != 0 ||
	        directory_from(v, mark_key(c->mark), add_row, &r) != 0
	    ? -1
	    : send_rows(&r);
}

static int
whole(struct call *c)
{
	struct directory_view *v;

	return book_view(&c->m, c->who->id, &c->who->user, &v) != 0 ? -1 : send_view(c, v);
}

/* All or none; a number that a client gives is not looked at. */
static int
add_bulk(struct call *c)
{
	struct phonebook_bulk bulk = {0};

	if (call_document(c, &rec_phonebook_bulk, false, &bulk) != 0)
		return -1;
	for (size_t i = 0; i < bulk.phonebook.n; i++) {
		const char *refused = entry_refused(&bulk.phonebook.v[i]);

		if (refused != NULL) {
			err_push(c->m.e, rec_phonebook_bulk.f[0].tag);
			err_push(c->m.e, -1 - (int32_t)i);
			return err_set(c->m.e, ERR_INVALID, "%s", refused);
		}
	}
	if (bulk.phonebook.n > 0 && book_private_make(&c->m, c->who->id) != 0)
		return -1;
	for (size_t i = 0; i < bulk.phonebook.n; i++)
		if (entry_add(&c->m, c->who->id, 0, &bulk.phonebook.v[i], NULL) != 0)
			return -1;
	return 0;
}

static int
phonebook(struct call *c)
{
	switch (c->req->method) {
	case M_GET:
		return whole(c);
	case M_POST:
		return add_bulk(c);
	default:
		return book_private_remove(&c->m, c->who->id);
	}
}

static int
own_entries(struct call *c)
{
	struct directory_view *v;
	struct private_book b;
	int rc = book_private(&c->m, c->who->id, &b);

	if (rc != 1)
		return rc;
	return directory_view_open(&c->m, &c->who->id, 1, &v) != 0 ? -1 : send_view(c, v);
}

static int
search(struct call *c)
{
	const struct query *q = call_query(c, "query");
	struct directory_view *v;
	struct rows r;

	if (q == NULL || !REC_HAS(q, query, value) || str_trim(q->value).n == 0)
		return 0;
	return book_view(&c->m, c->who->id, &c->who->user, &v) != 0 ||
	        rows_begin(&r, c, ROWS_AT_ONCE) != 0 ||
	        directory_search(v, q->value, DIRECTORY_HITS_MAX, add_row, &r) != 0
	    ? -1
	    : send_rows(&r);
}

/* What is no number counts as absent, as in the legacy server. */
static int
row_number(struct call *c, const char *name, int64_t absent, uint64_t *ret)
{
	const struct query *q = call_query(c, name);
	int64_t v = absent;

	if (q != NULL && REC_HAS(q, query, value) && !str_to_i64(q->value, &v))
		v = absent;
	if (v < 0)
		return err_set(c->m.e, ERR_INVALID, "%s must not be negative", name);
	*ret = (uint64_t)v;
	return 0;
}

static int
filter_of(struct call *c, struct str *folded)
{
	const struct query *q = call_query(c, "filter");

	*folded = (struct str){"", 0};
	if (q == NULL || !REC_HAS(q, query, value) || str_eqc(q->value, "null"))
		return 0;
	return fold_text(c->m.a, q->value, folded, c->m.e);
}

static uint64_t
least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* The page's head, and how many rows follow it. */
static int
send_head(struct call *c, uint64_t size, uint64_t filtered, uint64_t start, uint64_t end)
{
	struct phonebook_page p = {0};
	struct private_book book;
	struct settings s;
	int rc;

	start = least(start, filtered);
	end = least(end, filtered);
	if (start > end)
		return err_set(c->m.e, ERR_INVALID, "start must not be behind end");
	if ((rc = book_private(&c->m, c->who->id, &book)) < 0 || model_settings(&c->m, &s) != 0)
		return -1;
	REC_SET(&p, phonebook_page, size, (int64_t)size);
	REC_SET(&p, phonebook_page, filtered_size, (int64_t)filtered);
	REC_SET(&p, phonebook_page, start_row, (int64_t)start);
	REC_SET(&p, phonebook_page, end_row, (int64_t)end);
	REC_SET(&p, phonebook_page, show_on_phone,
	    str_c(rc == 0                ? "n/a"
	            : book.show_on_phone ? "true"
	                                 : "false"));
	REC_SET(&p, phonebook_page, google_domain, s.google_domain);
	mp_encode(&rec_phonebook_page, &p, c->body, 0);
	c->mark->left = end - start;
	return 0;
}

/* The first part: the head needs all the numbers. */
static int
first_page(struct call *c, struct directory_view *v, struct str folded, struct rows *r)
{
	uint64_t size, filtered, start, end;

	if (row_number(c, "start", 0, &start) != 0 || row_number(c, "end", END_DEFAULT, &end) != 0 ||
	    rows_begin(r, c, ROWS_AT_ONCE) != 0 || directory_size(v, &size) != 0)
		return -1;
	filtered = size;
	if (folded.n > 0 ? directory_filter(v, folded, start, end, &filtered, add_row, r) != 0
	                 : start < end && directory_page(v, start, end, add_row, r) != 0)
		return -1;
	return send_head(c, size, filtered, start, end);
}

static int
next_page(struct call *c, struct directory_view *v, struct str folded, struct rows *r)
{
	uint64_t filtered;

	if (rows_begin(r, c, c->mark->left) != 0)
		return -1;
	return folded.n > 0 ? directory_filter(v, folded, 0, UINT64_MAX, &filtered, add_row, r)
	                    : directory_from(v, mark_key(c->mark), add_row, r);
}

static int
paged(struct call *c)
{
	struct directory_view *v;
	struct str folded;
	struct rows r;

	if (book_view(&c->m, c->who->id, &c->who->user, &v) != 0 || filter_of(c, &folded) != 0 ||
	    (c->mark->set ? next_page(c, v, folded, &r) : first_page(c, v, folded, &r)) != 0 ||
	    send_rows(&r) != 0)
		return -1;
	c->more = c->more && c->mark->left > 0;
	return 0;
}

struct names {
	struct call *c;
	bool full;
};

/* Names are short and few: they fit into one part unless somebody tries. */
static int
add_name(void *arg, struct str key, struct str val)
{
	struct names *n = arg;
	struct phonebook_name name = {0};
	uint32_t tenant, owner;
	uint16_t kind;
	struct str rest;

	(void)val;
	if (!key_split(key, &tenant, &owner, &kind, &rest))
		return 0;
	if (n->c->body->n + rest.n + 16 > LIST_PART_MAX) {
		n->full = true;
		return 1;
	}
	REC_SET(&name, phonebook_name, name, rest);
	mp_encode(&rec_phonebook_name, &name, n->c->body, 0);
	set_mark(n->c->mark, key);
	return 0;
}

static int
books(struct call *c)
{
	struct names n = {.c = c};
	struct key prefix;

	key_kind(&prefix, c->m.tenant, OWNER_SYSTEM, INDEX_PHONEBOOK);
	if (store_scan(
	        c->m.t, STORE_INDEX, key_str(&prefix), mark_key(c->mark), add_name, &n, c->m.e) != 0)
		return -1;
	c->more = n.full;
	return c->body->failed ? err_set(c->m.e, ERR_TOO_LARGE, NULL) : 0;
}

static int
named_book(struct call *c)
{
	struct directory_view *v;
	uint32_t book;
	int rc = model_name(&c->m, INDEX_PHONEBOOK, c->req->key, &book);

	if (rc != 1)
		return rc < 0 ? -1 : err_set(c->m.e, ERR_NOT_FOUND, "there is no such phonebook");
	return directory_view_open(&c->m, &book, 1, &v) != 0 ? -1 : send_view(c, v);
}

const struct hooks hooks_phonebook = {.custom = phonebook};
const struct hooks hooks_phonebook_page = {.custom = paged};
const struct hooks hooks_phonebook_own = {.custom = own_entries};
const struct hooks hooks_phonebook_search = {.custom = search};
const struct hooks hooks_phonebooks = {.custom = books};
const struct hooks hooks_phonebook_named = {.custom = named_book};
