/* SPDX-License-Identifier: ISC */
/* Placing items in books and taking them away. */
#include "backend/directory.h"

#include <string.h>

#include "backend/directory_parts.h"

enum { CLEAR_ROWS = 1024 };

/* Where a ref stands or belongs. */
static size_t
find_ref(struct str refs, const char *ref, bool *found)
{
	size_t at = 0;
	int c = -1;

	while (at + REF_BYTES <= refs.n && (c = memcmp(refs.p + at, ref, REF_BYTES)) < 0)
		at += REF_BYTES;
	*found = at + REF_BYTES <= refs.n && c == 0;
	return at;
}

/* Puts a ref under an order key; the text of an item is that of its last ref. */
static int
link_item(struct model *m, struct ranked *list, const struct placed *p, const char *ref)
{
	struct ranked_item item = {.key = p->key, .refs = {"", 0}};
	int rc = ranked_get(list, p->key, &item);
	size_t at;
	bool found;
	char *refs;

	if (rc < 0)
		return -1;
	at = find_ref(item.refs, ref, &found);
	if (!found) {
		if (item.refs.n >= REFS_MAX)
			return err_set(m->e, ERR_TOO_LARGE, "too many entries with the same number and name");
		if ((refs = arena_alloc(m->a, item.refs.n + REF_BYTES)) == NULL)
			return err_set(m->e, ERR_TOO_LARGE, NULL);
		memcpy(refs, item.refs.p, at);
		memcpy(refs + at, ref, REF_BYTES);
		memcpy(refs + at + REF_BYTES, item.refs.p + at, item.refs.n - at);
		item.refs = (struct str){refs, item.refs.n + REF_BYTES};
	}
	if (at + REF_BYTES == item.refs.n)
		item.text = p->text;
	return ranked_put(list, &item);
}

static int
unlink_item(struct model *m, uint32_t book, struct ranked *list, struct str key, const char *ref)
{
	struct directory_hit next;
	struct ranked_item item;
	struct placed other;
	int rc = ranked_get(list, key, &item);
	bool found = false;
	size_t at = 0;
	char *refs;

	if (rc < 0)
		return -1;
	if (rc == 1)
		at = find_ref(item.refs, ref, &found);
	if (!found)
		return err_set(m->e, ERR_INTERNAL, "an item of a directory is not in its place");
	if (item.refs.n == REF_BYTES)
		return ranked_del(list, key) < 0 ? -1 : 0;
	if ((refs = arena_alloc(m->a, item.refs.n)) == NULL)
		return err_set(m->e, ERR_TOO_LARGE, NULL);
	memcpy(refs, item.refs.p, at);
	memcpy(refs + at, item.refs.p + at + REF_BYTES, item.refs.n - at - REF_BYTES);
	item.refs = (struct str){refs, item.refs.n - REF_BYTES};
	if (at == item.refs.n) {
		if (ref_winner(item.refs, &next, m->e) != 0 ||
		    (rc = placed_get(m, book, next.kind, next.id, &other)) < 0)
			return -1;
		if (rc == 0)
			return err_set(m->e, ERR_INTERNAL, "an item of a directory is not known");
		item.text = other.text;
	}
	return ranked_put(list, &item);
}

/* Tokens are cut in the index, so neighbours can become the same there. */
static struct str
cut_token(const struct str_list *l, size_t *at)
{
	struct str s = l->v[*at];

	if (s.n > TOKEN_MAX)
		s.n = TOKEN_MAX;
	do
		(*at)++;
	while (*at < l->n && l->v[*at].n >= TOKEN_MAX && s.n == TOKEN_MAX &&
	    memcmp(l->v[*at].p, s.p, TOKEN_MAX) == 0);
	return s;
}

static int
write_token(struct model *m, const struct directory_hit *hit, struct str token, bool there)
{
	struct key k;

	token_key(&k, m, hit->book, token, hit->kind, hit->id);
	if (there)
		return store_put(m->t, STORE_INDEX, key_str(&k), (struct str){"", 0}, m->e);
	return store_del(m->t, STORE_INDEX, key_str(&k), m->e) < 0 ? -1 : 0;
}

/* Brings the index from the tokens of one to those of the other; both lists are sorted. */
static int
write_tokens(struct model *m, const struct directory_hit *hit, const struct placed *from,
    const struct placed *to)
{
	struct str_list old, new;
	size_t i = 0, k = 0;

	if (placed_tokens(m->a, from, &old, m->e) != 0 || placed_tokens(m->a, to, &new, m->e) != 0)
		return -1;
	while (i < old.n || k < new.n) {
		size_t next_i = i, next_k = k;
		struct str gone = {"", 0}, come = {"", 0};
		int c;

		if (i < old.n)
			gone = cut_token(&old, &next_i);
		if (k < new.n)
			come = cut_token(&new, &next_k);
		c = i == old.n ? 1 : k == new.n ? -1 : str_cmp(gone, come);
		if (c != 0 && write_token(m, hit, c < 0 ? gone : come, c > 0) != 0)
			return -1;
		i = c <= 0 ? next_i : i;
		k = c >= 0 ? next_k : k;
	}
	return 0;
}

static int
put(struct model *m, uint32_t book, const struct directory_item *item)
{
	const struct directory_hit hit = {book, item->kind, item->id};
	struct placed new = {0}, old = {0};
	struct ranked list;
	char ref[REF_BYTES];
	bool in_place;
	int rc;

	if (placed_make(m->a, item, &new, m->e) != 0 ||
	    (rc = placed_get(m, book, item->kind, item->id, &old)) < 0)
		return -1;
	in_place = rc == 1 && str_eq(old.key, new.key) && str_eq(old.text, new.text);
	if (in_place && str_eq(old.more, new.more))
		return 0;
	if (!in_place) {
		ref_write(ref, item->kind, item->id);
		if (directory_list(m, book, &list) != 0 ||
		    (rc == 1 && !str_eq(old.key, new.key) &&
		        unlink_item(m, book, &list, old.key, ref) != 0) ||
		    link_item(m, &list, &new, ref) != 0)
			return -1;
	}
	return write_tokens(m, &hit, &old, &new) != 0 ? -1
	                                              : placed_put(m, book, item->kind, item->id, &new);
}

static int
del(struct model *m, uint32_t book, enum directory_kind kind, uint64_t id)
{
	const struct directory_hit hit = {book, kind, id};
	struct placed old, none = {0};
	struct ranked list;
	char ref[REF_BYTES];
	int rc = placed_get(m, book, kind, id, &old);

	if (rc <= 0)
		return rc;
	ref_write(ref, kind, id);
	if (directory_list(m, book, &list) != 0 || unlink_item(m, book, &list, old.key, ref) != 0 ||
	    write_tokens(m, &hit, &old, &none) != 0)
		return -1;
	return placed_del(m, book, kind, id);
}

int
directory_put(struct model *m, uint32_t book, const struct directory_item *item)
{
	struct model own = *m;
	struct arena mem;
	int rc;

	arena_init(&mem, DIRECTORY_SCRATCH);
	own.a = &mem;
	rc = put(&own, book, item);
	arena_free(&mem);
	return rc;
}

int
directory_del(struct model *m, uint32_t book, enum directory_kind kind, uint64_t id)
{
	struct model own = *m;
	struct arena mem;
	int rc;

	arena_init(&mem, DIRECTORY_SCRATCH);
	own.a = &mem;
	rc = del(&own, book, kind, id);
	arena_free(&mem);
	return rc;
}

int
directory_count(struct model *m, uint32_t book, uint64_t *ret)
{
	struct model own = *m;
	struct ranked list;
	struct arena mem;
	int rc;

	arena_init(&mem, DIRECTORY_SCRATCH);
	own.a = &mem;
	rc = directory_list(&own, book, &list);
	arena_free(&mem);
	*ret = rc == 0 ? list.count : 0;
	return rc;
}

struct sweep {
	struct arena mem;
	struct str keys[CLEAR_ROWS];
	size_t n;
	bool failed;
};

static int
collect(void *arg, struct str key, struct str val)
{
	struct sweep *s = arg;

	(void)val;
	s->keys[s->n] = arena_copy(&s->mem, key);
	s->failed = s->keys[s->n].p == NULL;
	return s->failed || ++s->n == CLEAR_ROWS;
}

static int
clear_kind(struct model *m, enum store_table table, uint32_t book, uint16_t kind)
{
	struct sweep s;
	struct key prefix;
	int rc = 0;

	key_kind(&prefix, m->tenant, book, kind);
	do {
		arena_init(&s.mem, DIRECTORY_SCRATCH);
		s.n = 0;
		s.failed = false;
		rc = store_scan(m->t, table, key_str(&prefix), (struct str){"", 0}, collect, &s, m->e);
		if (rc == 0 && s.failed)
			rc = err_set(m->e, ERR_TOO_LARGE, NULL);
		for (size_t i = 0; i < s.n && rc == 0; i++)
			rc = store_del(m->t, table, s.keys[i], m->e) < 0 ? -1 : 0;
		arena_free(&s.mem);
	} while (rc == 0 && s.n == CLEAR_ROWS);
	return rc;
}

int
directory_clear(struct model *m, uint32_t book)
{
	if (clear_kind(m, STORE_INDEX, book, INDEX_SEARCH) != 0 ||
	    clear_kind(m, STORE_DATA, book, DATA_PLACED) != 0)
		return -1;
	return clear_kind(m, STORE_DATA, book, DATA_TREE);
}
