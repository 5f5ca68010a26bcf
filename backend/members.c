/* SPDX-License-Identifier: ISC */
#include "backend/members.h"

#include <string.h>

#include "backend/key.h"

enum { USERS_AT_ONCE = 256, CARD_FIELDS = 13 };

static const struct book_list no_books;

static struct str
text_if(bool has, struct str s)
{
	return has ? s : (struct str){"", 0};
}

#define TEXT(p, rec, member) text_if(REC_HAS(p, rec, member), (p)->member)

/* "First Last", as messaging shows it. */
static int
display_name(struct model *m, const struct user *u, struct str *ret)
{
	struct str first = TEXT(u, user, first_name), last = TEXT(u, user, last_name);

	*ret = arena_printf(m->a, "%.*s %.*s", (int)first.n, first.p, (int)last.n, last.p);
	if (ret->p == NULL)
		return err_set(m->e, ERR_TOO_LARGE, NULL);
	*ret = str_trim(*ret);
	if (ret->n == 0)
		*ret = TEXT(u, user, im_id);
	return 0;
}

static size_t
card_texts(const struct contact *c, struct str *ret)
{
	size_t n = 0;

	ret[n++] = TEXT(c, contact, job_title);
	ret[n++] = TEXT(c, contact, job_dept);
	ret[n++] = TEXT(c, contact, company_name);
	ret[n++] = TEXT(c, contact, location);
	ret[n++] = TEXT(c, contact, cell_phone_number);
	ret[n++] = TEXT(c, contact, home_phone_number);
	ret[n++] = TEXT(c, contact, assistant_phone_number);
	ret[n++] = TEXT(c, contact, fax_number);
	ret[n++] = TEXT(c, contact, alternate_im_id);
	ret[n++] = TEXT(c, contact, alternate_email_address);
	return n;
}

/* Puts a user into each of the books. */
static int
put_into(struct model *m, uint32_t id, const struct user *u, const struct contact *c,
    const uint32_t *books, size_t n)
{
	struct str fields[DIRECTORY_FIELDS_MAX];
	struct directory_item item = {
	    .kind = DIRECTORY_USER,
	    .id = id,
	    .number = u->user_name,
	    .first = TEXT(u, user, first_name),
	    .last = TEXT(u, user, last_name),
	    .email = TEXT(c, contact, email_address),
	    .fields = fields,
	};

	item.nfields = card_texts(c, fields);
	fields[item.nfields++] = TEXT(u, user, im_id);
	if (display_name(m, u, &fields[item.nfields++]) != 0)
		return -1;
	for (size_t i = 0; i < u->aliases.n && item.nfields < DIRECTORY_FIELDS_MAX; i++)
		fields[item.nfields++] = u->aliases.v[i];
	for (size_t i = 0; i < n; i++)
		if (directory_put(m, books[i], &item) != 0)
			return -1;
	return 0;
}

/* The books that a user of these groups is in; the directory of all users is one of them. */
static int
books_of(struct model *m, const struct user *u, struct book_list **ret)
{
	struct book_list *l = arena_alloc(m->a, sizeof(*l));

	if (l == NULL)
		return err_set(m->e, ERR_TOO_LARGE, NULL);
	if (book_of_groups(m, BOOK_MEMBERS, &u->groups, l) != 0)
		return -1;
	l->v[l->n++] = OWNER_SYSTEM;
	*ret = l;
	return 0;
}

static bool
is_in(uint32_t book, const struct book_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->v[i] == book)
			return true;
	return false;
}

static int
take_from(
    struct model *m, uint32_t id, const struct book_list *books, const struct book_list *except)
{
	for (size_t i = 0; i < books->n; i++)
		if (!is_in(books->v[i], except) && directory_del(m, books->v[i], DIRECTORY_USER, id) < 0)
			return -1;
	return 0;
}

/* Whether a change matters to any directory. */
static bool
is_same(const struct user *a, const struct user *b)
{
	static const uint16_t fields[] = {user_F_user_name, user_F_first_name, user_F_last_name,
	    user_F_groups, user_F_aliases, user_F_im_id};
	struct user x = {0}, y = {0};
	uint64_t keep = 0;

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		keep |= (uint64_t)1 << fields[i];
	x = *a;
	y = *b;
	rec_defaults(&rec_user, &x);
	rec_defaults(&rec_user, &y);
	x.has &= keep;
	y.has &= keep;
	return rec_equal(&rec_user, &x, &y);
}

int
members_user(struct model *m, uint32_t id, const struct user *old, const struct user *u)
{
	struct book_list *before, *now;
	struct contact c;

	if (old != NULL && is_same(old, u))
		return 0;
	if (books_of(m, u, &now) != 0 || model_get(m, &rec_contact, id, 0, &c) < 0)
		return -1;
	if (old != NULL && (books_of(m, old, &before) != 0 || take_from(m, id, before, now) != 0))
		return -1;
	return put_into(m, id, u, &c, now->v, now->n);
}

int
members_contact(struct model *m, uint32_t id, const struct contact *card)
{
	struct book_list *now;
	struct user u;
	int rc = model_get(m, &rec_user, id, 0, &u);

	/* Groups may have cards too, which nobody is shown. */
	if (rc != 1)
		return rc;
	if (books_of(m, &u, &now) != 0)
		return -1;
	return put_into(m, id, &u, card, now->v, now->n);
}

int
members_gone(struct model *m, uint32_t id, const struct user *u)
{
	struct book_list *books;

	return books_of(m, u, &books) != 0 || take_from(m, id, books, &no_books) != 0 ||
	        book_private_remove(m, id) != 0
	    ? -1
	    : 0;
}

static bool
shares(const struct str_list *a, const struct str_list *b)
{
	for (size_t i = 0; i < a->n; i++)
		for (size_t k = 0; k < b->n; k++)
			if (str_eq(a->v[i], b->v[k]))
				return true;
	return false;
}

/* Users by their names, some at a time: the store cannot be asked for more within a scan. */
struct some {
	uint32_t id[USERS_AT_ONCE];
	struct key last;
	size_t n;
};

static int
some_row(void *arg, struct str key, struct str val)
{
	struct some *s = arg;
	uint32_t id = 0;

	for (size_t i = 0; i < val.n; i++)
		id = id << 8 | (unsigned char)val.p[i];
	s->id[s->n++] = id;
	s->last.n = key.n < KEY_MAX ? key.n : KEY_MAX;
	memcpy(s->last.bytes, key.p, s->last.n);
	return s->n == USERS_AT_ONCE;
}

typedef int each_user_fn(struct model *m, uint32_t id, const struct user *u, void *arg);

static int
some_users(struct model *m, const struct some *s, each_user_fn *fn, void *arg)
{
	struct model part = *m;
	struct arena a;
	int rc = 0;

	arena_init(&a, DIRECTORY_SCRATCH);
	part.a = &a;
	for (size_t i = 0; i < s->n && rc == 0; i++) {
		struct user u;
		int found = model_get(&part, &rec_user, s->id[i], 0, &u);

		/* Users of several names come several times, which does no harm. */
		rc = found == 1 ? fn(&part, s->id[i], &u, arg) : found;
	}
	arena_wipe(&a);
	return rc;
}

static int
each_user(struct model *m, each_user_fn *fn, void *arg)
{
	struct some s = {.n = 0};
	struct key prefix;

	key_kind(&prefix, m->tenant, OWNER_SYSTEM, INDEX_LOGIN);
	do {
		s.n = 0;
		if (store_scan(m->t, STORE_INDEX, key_str(&prefix), key_str(&s.last), some_row, &s, m->e) !=
		        0 ||
		    some_users(m, &s, fn, arg) != 0)
			return -1;
	} while (s.n == USERS_AT_ONCE);
	return 0;
}

struct change {
	uint32_t book;
	const struct str_list *old, *now;
};

static int
come_or_go(struct model *m, uint32_t id, const struct user *u, void *arg)
{
	const struct change *ch = arg;
	bool was = shares(&u->groups, ch->old), is = shares(&u->groups, ch->now);
	struct contact c;

	if (was == is)
		return 0;
	if (!is)
		return directory_del(m, ch->book, DIRECTORY_USER, id) < 0 ? -1 : 0;
	if (model_get(m, &rec_contact, id, 0, &c) < 0)
		return -1;
	return put_into(m, id, u, &c, &ch->book, 1);
}

static bool
same_names(const struct str_list *a, const struct str_list *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (!str_eq(a->v[i], b->v[i]))
			return false;
	return true;
}

int
members_of_book(
    struct model *m, uint32_t book, const struct str_list *old, const struct str_list *now)
{
	struct change ch = {book, old, now};

	return same_names(old, now) ? 0 : each_user(m, come_or_go, &ch);
}

static int
put_again(struct model *m, uint32_t id, const struct user *u, void *arg)
{
	(void)arg;
	return members_user(m, id, NULL, u);
}

int
members_all(struct model *m)
{
	return each_user(m, put_again, NULL);
}
