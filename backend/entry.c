/* SPDX-License-Identifier: ISC */
/* Entries of phonebooks: the record, its place in the directory, and what it is found by. */
#include <string.h>

#include "backend/book.h"
#include "backend/key.h"

enum { REMOVE_AT_ONCE = 256 };

static bool
is_one_of(char c, const char *others)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c != '\0' && strchr(others, c) != NULL);
}

static bool
all_of(struct str s, const char *others)
{
	for (size_t i = 0; i < s.n; i++)
		if (!is_one_of(s.p[i], others))
			return false;
	return s.n > 0;
}

/* [A-Za-z0-9_.+-]+@([A-Za-z0-9-]+\.)+[A-Za-z0-9]{2,4}, the legacy server's idea of an address. */
static bool
is_email(struct str s)
{
	struct str local, domain, label;
	bool has_dot = false;

	if (!str_cut(s, '@', &local, &domain) || !all_of(local, "_.+-"))
		return false;
	while (str_cut(domain, '.', &label, &domain)) {
		if (!all_of(label, "-"))
			return false;
		has_dot = true;
	}
	return has_dot && all_of(label, "") && label.n >= 2 && label.n <= 4;
}

const char *
entry_refused(const struct entry *e)
{
	if (!REC_HAS(e, entry, first_name) || e->first_name.n == 0 || !REC_HAS(e, entry, last_name) ||
	    e->last_name.n == 0 || !REC_HAS(e, entry, number) || e->number.n == 0)
		return "First Name / Last Name / Number cannot be Null";
	if (REC_HAS(e, entry, card) && REC_HAS(&e->card, entry_card, email_address) &&
	    e->card.email_address.n > 0 && !is_email(e->card.email_address))
		return "Invalid Email Address";
	return NULL;
}

static void
internal_key(struct model *m, uint32_t book, struct str internal_id, struct key *k)
{
	key_text(k, m->tenant, book, rec_entry.store, internal_id);
}

static int
number_row(struct model *m, enum store_table table, const struct key *k, uint64_t *ret)
{
	struct str v;
	int rc = store_get(m->t, table, key_str(k), m->a, &v, m->e);

	*ret = rc == 1 ? key_rest_id(v) : 0;
	return rc;
}

static int
number_row_put(struct model *m, enum store_table table, const struct key *k, uint64_t v)
{
	char bytes[8];

	key_number(bytes, v, sizeof(bytes));
	return store_put(m->t, table, key_str(k), (struct str){bytes, 8}, m->e);
}

int
entry_by_internal(struct model *m, uint32_t book, struct str internal_id, uint64_t *id)
{
	struct key k;

	internal_key(m, book, internal_id, &k);
	return number_row(m, STORE_INDEX, &k, id);
}

/* The number of entries is a row of its own: counting them would read the whole book. */
static void
count_key(struct model *m, uint32_t book, struct key *k)
{
	key_id(k, m->tenant, book, META_COUNTER, rec_entry.store);
}

int
entries_count(struct model *m, uint32_t book, uint64_t *ret)
{
	struct key k;

	count_key(m, book, &k);
	return number_row(m, STORE_META, &k, ret) < 0 ? -1 : 0;
}

static int
count_add(struct model *m, uint32_t book, int64_t more)
{
	struct key k;
	uint64_t n;

	count_key(m, book, &k);
	if (number_row(m, STORE_META, &k, &n) < 0)
		return -1;
	n = more < 0 && n < (uint64_t)-more ? 0 : n + (uint64_t)more;
	if (n > BOOK_ENTRIES_MAX)
		return err_set(m->e, ERR_INVALID, "the phonebook has %d entries already", BOOK_ENTRIES_MAX);
	if (n == 0)
		return store_del(m->t, STORE_META, key_str(&k), m->e) < 0 ? -1 : 0;
	return number_row_put(m, STORE_META, &k, n);
}

/* Where the entry stands in the directory. */
static int
place(struct model *m, uint32_t book, uint64_t id, const struct entry *e)
{
	const struct entry_card *c = &e->card;
	struct str fields[DIRECTORY_FIELDS_MAX];
	struct directory_item item = {.kind = DIRECTORY_ENTRY, .id = id, .fields = fields};

#define TEXT(p, rec, member) (REC_HAS(p, rec, member) ? (p)->member : (struct str){"", 0})
	item.number = TEXT(e, entry, number);
	item.first = TEXT(e, entry, first_name);
	item.last = TEXT(e, entry, last_name);
	if (REC_HAS(e, entry, card)) {
		item.email = TEXT(c, entry_card, email_address);
		fields[item.nfields++] = TEXT(c, entry_card, job_title);
		fields[item.nfields++] = TEXT(c, entry_card, job_dept);
		fields[item.nfields++] = TEXT(c, entry_card, company_name);
		fields[item.nfields++] = TEXT(c, entry_card, location);
		fields[item.nfields++] = TEXT(c, entry_card, cell_phone_number);
		fields[item.nfields++] = TEXT(c, entry_card, home_phone_number);
		fields[item.nfields++] = TEXT(c, entry_card, assistant_phone_number);
		fields[item.nfields++] = TEXT(c, entry_card, fax_number);
		fields[item.nfields++] = TEXT(c, entry_card, did_number);
		fields[item.nfields++] = TEXT(c, entry_card, im_id);
		fields[item.nfields++] = TEXT(c, entry_card, im_display_name);
		fields[item.nfields++] = TEXT(c, entry_card, alternate_im_id);
		fields[item.nfields++] = TEXT(c, entry_card, alternate_email_address);
	}
#undef TEXT
	return directory_put(m, book, &item);
}

static int
store_entry(struct model *m, uint32_t book, uint64_t id, const struct entry *e)
{
	struct key k;

	if (REC_HAS(e, entry, internal_id) && e->internal_id.n > 0) {
		internal_key(m, book, e->internal_id, &k);
		if (number_row_put(m, STORE_INDEX, &k, id) != 0)
			return -1;
	}
	return model_put(m, &rec_entry, book, id, e) != 0 ? -1 : place(m, book, id, e);
}

/* Before an entry changes or goes: the name by which another system knows it. */
static int
forget_internal(struct model *m, uint32_t book, uint64_t id, const struct entry *old)
{
	struct key k;
	uint64_t other;
	int rc;

	if (!REC_HAS(old, entry, internal_id) || old->internal_id.n == 0)
		return 0;
	internal_key(m, book, old->internal_id, &k);
	if ((rc = number_row(m, STORE_INDEX, &k, &other)) < 0)
		return -1;
	/* A later entry of that name has the row. */
	if (rc == 0 || other != id)
		return 0;
	return store_del(m->t, STORE_INDEX, key_str(&k), m->e) < 0 ? -1 : 0;
}

int
entry_add(struct model *m, uint32_t book, uint64_t number, const struct entry *e, uint64_t *id)
{
	uint64_t n = number != 0 ? number : model_next_number(m, rec_entry.store);

	if (n == 0 || count_add(m, book, 1) != 0)
		return -1;
	if (id != NULL)
		*id = n;
	return store_entry(m, book, n, e);
}

int
entry_replace(struct model *m, uint32_t book, uint64_t id, const struct entry *e)
{
	struct entry old;
	int rc = model_get(m, &rec_entry, book, id, &old);

	if (rc != 1)
		return rc;
	return forget_internal(m, book, id, &old) != 0 || store_entry(m, book, id, e) != 0 ? -1 : 1;
}

int
entry_remove(struct model *m, uint32_t book, uint64_t id)
{
	struct entry old;
	int rc = model_get(m, &rec_entry, book, id, &old);

	if (rc != 1)
		return rc;
	return forget_internal(m, book, id, &old) != 0 ||
	        directory_del(m, book, DIRECTORY_ENTRY, id) < 0 ||
	        model_del(m, &rec_entry, book, id) < 0 || count_add(m, book, -1) != 0
	    ? -1
	    : 1;
}

struct some {
	uint64_t id[REMOVE_AT_ONCE];
	size_t n, max;
};

static int
some_row(void *arg, uint64_t id, struct str stored)
{
	struct some *s = arg;

	(void)stored;
	s->id[s->n++] = id;
	return s->n == s->max;
}

static int
remove_some(struct model *m, uint32_t book, struct some *s)
{
	int rc = 0;

	s->n = 0;
	if (model_each(m, &rec_entry, book, some_row, s) != 0)
		return -1;
	/* An entry may be so large that all of a portion do not fit into one memory. */
	for (size_t i = 0; i < s->n && rc >= 0; i++) {
		struct model part = *m;
		struct arena a;

		arena_init(&a, DIRECTORY_SCRATCH);
		part.a = &a;
		rc = entry_remove(&part, book, s->id[i]);
		arena_wipe(&a);
	}
	return rc < 0 ? -1 : 0;
}

/* By portions: a book is larger than the memory of a request. */
int
entries_remove(struct model *m, uint32_t book, size_t max, size_t *ret)
{
	struct some s;

	*ret = 0;
	do {
		s.max = max - *ret < REMOVE_AT_ONCE ? max - *ret : REMOVE_AT_ONCE;
		if (remove_some(m, book, &s) != 0)
			return -1;
		*ret += s.n;
	} while (s.n == s.max && *ret < max);
	return 0;
}

int
entry_import(struct model *m, uint32_t book, bool is_private, const struct entry *e)
{
	const char *refused = entry_refused(e);
	struct directory_view *v;
	struct directory_hit hit;
	int rc;

	if (refused != NULL)
		return err_set(m->e, ERR_INVALID, "%s", refused);
	if ((is_private && book_private_make(m, book) != 0) ||
	    directory_view_open(m, &book, 1, &v) != 0 ||
	    (rc = directory_find(v, e->number, e->first_name, e->last_name, &hit)) < 0)
		return -1;
	return rc == 1 ? err_set(m->e, ERR_DUPLICATE, NULL) : entry_add(m, book, 0, e, NULL);
}
