/* SPDX-License-Identifier: ISC */
/* Public and private books, and which of them a user sees. */
#include "backend/book.h"

#include <stdlib.h>
#include <string.h>

#include "backend/audit.h"
#include "backend/key.h"
#include "backend/members.h"

/* The row of a group: the numbers of the books in which it has the role, four bytes each. */
static int
group_key(struct model *m, enum book_role role, struct str group, struct key *k)
{
	char text[1 + BOOK_GROUP_NAME_MAX];

	if (group.n > BOOK_GROUP_NAME_MAX)
		return err_set(m->e, ERR_INVALID, "the name of the group is too long");
	text[0] = (char)role;
	if (group.n > 0)
		memcpy(text + 1, group.p, group.n);
	key_text(k, m->tenant, OWNER_SYSTEM, rec_phonebook.store, (struct str){text, 1 + group.n});
	return 0;
}

static uint32_t
number_at(const char *p)
{
	uint32_t v = 0;

	for (size_t i = 0; i < 4; i++)
		v = v << 8 | (unsigned char)p[i];
	return v;
}

static bool
list_has(const struct book_list *l, uint32_t book)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->v[i] == book)
			return true;
	return false;
}

static int
by_number(const void *pa, const void *pb)
{
	const uint32_t *a = pa, *b = pb;

	return (*a > *b) - (*a < *b);
}

int
book_of_groups(
    struct model *m, enum book_role role, const struct str_list *groups, struct book_list *ret)
{
	ret->n = 0;
	for (size_t i = 0; i < groups->n; i++) {
		struct key k;
		struct str v;
		int rc;

		/* Such a group is in no book. */
		if (groups->v[i].n > BOOK_GROUP_NAME_MAX)
			continue;
		if (group_key(m, role, groups->v[i], &k) != 0 ||
		    (rc = store_get(m->t, STORE_INDEX, key_str(&k), m->a, &v, m->e)) < 0)
			return -1;
		for (size_t at = 0; rc == 1 && at + 4 <= v.n; at += 4) {
			uint32_t book = number_at(v.p + at);

			if (list_has(ret, book))
				continue;
			/* Two places are for the private book and everybody. */
			if (ret->n + 2 >= DIRECTORY_BOOKS_MAX)
				return err_set(m->e, ERR_TOO_LARGE, "the groups have too many phonebooks");
			ret->v[ret->n++] = book;
		}
	}
	qsort(ret->v, ret->n, sizeof(*ret->v), by_number);
	return 0;
}

int
book_view(struct model *m, uint32_t user, const struct user *u, struct directory_view **ret)
{
	struct book_list *books = arena_alloc(m->a, sizeof(*books));
	struct private_book own;
	struct settings s;
	int rc;

	if (books == NULL)
		return err_set(m->e, ERR_TOO_LARGE, NULL);
	if (book_of_groups(m, BOOK_CONSUMERS, &u->groups, books) != 0 || model_settings(m, &s) != 0 ||
	    (rc = book_private(m, user, &own)) < 0)
		return -1;
	if (rc == 1)
		books->v[books->n++] = user;
	if (s.everyone)
		books->v[books->n++] = OWNER_SYSTEM;
	if (directory_view_open(m, books->v, books->n, ret) != 0)
		return -1;
	return s.everyone ? directory_view_hide(*ret, OWNER_SYSTEM, DIRECTORY_USER, user) : 0;
}

/* Writes a book into a group's row, or takes it out. */
static int
set_role(struct model *m, enum book_role role, struct str group, uint32_t book, bool has)
{
	struct key k;
	struct str v = {"", 0};
	char *out;
	size_t n = 0;

	if (group_key(m, role, group, &k) != 0 ||
	    store_get(m->t, STORE_INDEX, key_str(&k), m->a, &v, m->e) < 0)
		return -1;
	if ((out = arena_alloc(m->a, v.n + 4)) == NULL)
		return err_set(m->e, ERR_TOO_LARGE, NULL);
	for (size_t at = 0; at + 4 <= v.n; at += 4) {
		if (number_at(v.p + at) == book)
			continue;
		memcpy(out + n, v.p + at, 4);
		n += 4;
	}
	for (int i = 3; has && i >= 0; i--)
		out[n++] = (char)(unsigned char)(book >> (8 * i));
	if (n / 4 > BOOKS_OF_GROUP_MAX)
		return err_set(m->e, ERR_INVALID, "the group \"%.*s\" is in more than %d phonebooks",
		    (int)group.n, group.p, BOOKS_OF_GROUP_MAX);
	if (n == 0)
		return store_del(m->t, STORE_INDEX, key_str(&k), m->e) < 0 ? -1 : 0;
	return store_put(m->t, STORE_INDEX, key_str(&k), (struct str){out, n}, m->e);
}

static int
set_roles(struct model *m, enum book_role role, uint32_t book, const struct str_list *old,
    const struct str_list *now)
{
	for (size_t i = 0; i < old->n; i++)
		if (set_role(m, role, old->v[i], book, false) != 0)
			return -1;
	for (size_t i = 0; i < now->n; i++)
		if (set_role(m, role, now->v[i], book, true) != 0)
			return -1;
	return 0;
}

int
book_put(struct model *m, const struct phonebook *b)
{
	struct phonebook old = {0};
	uint32_t id;
	int rc = model_name(m, INDEX_PHONEBOOK, b->name, &id);

	if (rc == 1)
		rc = model_get(m, &rec_phonebook, id, 0, &old) < 0 ? -1 : 1;
	else if (rc == 0 && (id = (uint32_t)model_next_number(m, SERIES_OWNER)) != 0)
		rc = model_name_set(m, INDEX_PHONEBOOK, b->name, id) != 0 ? -1 : 1;
	if (rc != 1)
		return -1;
	return model_put(m, &rec_phonebook, id, 0, b) != 0 ||
	        set_roles(m, BOOK_MEMBERS, id, &old.members, &b->members) != 0 ||
	        set_roles(m, BOOK_CONSUMERS, id, &old.consumers, &b->consumers) != 0 ||
	        members_of_book(m, id, &old.members, &b->members) != 0
	    ? -1
	    : 0;
}

int
book_private(struct model *m, uint32_t user, struct private_book *ret)
{
	int rc = model_get(m, &rec_private_book, user, 0, ret);

	rec_defaults(&rec_private_book, ret);
	return rc;
}

static void
sweep_key(struct model *m, uint32_t book, struct key *k)
{
	key_id(k, m->tenant, OWNER_SYSTEM, META_SWEEP, book);
}

int
book_is_swept(struct model *m, uint32_t book)
{
	struct key k;
	struct str v;

	sweep_key(m, book, &k);
	return store_get(m->t, STORE_META, key_str(&k), m->a, &v, m->e);
}

int
book_sweep(struct model *m, uint32_t book, size_t max)
{
	struct key k;
	size_t n;

	if (entries_remove(m, book, max, &n) != 0)
		return -1;
	if (n == max)
		return 0;
	sweep_key(m, book, &k);
	return directory_clear(m, book) != 0 || store_del(m->t, STORE_META, key_str(&k), m->e) < 0 ? -1
	                                                                                           : 1;
}

static int
first_book(void *arg, struct str key, struct str val)
{
	uint32_t tenant, owner, *book = arg;
	uint16_t kind;
	struct str rest;

	(void)val;
	if (key_split(key, &tenant, &owner, &kind, &rest))
		*book = (uint32_t)key_rest_id(rest);
	return 1;
}

int
book_to_sweep(struct model *m, uint32_t *book)
{
	struct key prefix;

	*book = 0;
	key_kind(&prefix, m->tenant, OWNER_SYSTEM, META_SWEEP);
	if (store_scan(
	        m->t, STORE_META, key_str(&prefix), (struct str){"", 0}, first_book, book, m->e) != 0)
		return -1;
	return *book != 0;
}

int
book_private_make(struct model *m, uint32_t user)
{
	struct private_book b;
	int rc = book_private(m, user, &b), swept;
	struct model quiet = *m;

	if (rc != 0)
		return rc < 0 ? -1 : 0;
	if ((swept = book_is_swept(m, user)) < 0)
		return -1;
	/* What an earlier write has removed is no part of this one. */
	quiet.audit = NULL;
	if (swept == 1 && (swept = book_sweep(&quiet, user, BOOK_SWEEP_MAX)) != 1)
		return swept < 0
		    ? -1
		    : err_set(m->e, ERR_UNAVAILABLE, "the last private phonebook is being removed");
	return model_put(m, &rec_private_book, user, 0, &b);
}

int
book_private_remove(struct model *m, uint32_t user)
{
	struct key k;
	uint64_t n;

	if (entries_count(m, user, &n) != 0 || model_del(m, &rec_private_book, user, 0) < 0)
		return -1;
	if (n < BOOK_SWEEP_MAX)
		return book_sweep(m, user, BOOK_SWEEP_MAX) < 0 ? -1 : 0;
	/* The entries go later, when nobody would keep them any more. */
	if (audit_no_undo(m) != 0)
		return -1;
	sweep_key(m, user, &k);
	return store_put(m->t, STORE_META, key_str(&k), STR_LIT("1"), m->e);
}
