/* SPDX-License-Identifier: ISC */
/*
 * What is written for an item. The row of an item keeps all of it, so that taking it back does
 * not depend on how folding or the choice of fields was at that time.
 */
#include <string.h>

#include "backend/directory_parts.h"
#include "backend/fold.h"

enum { VERSION = 1, HEAD = 7, TEXTS = 4 };

static int
no_room(struct err *e)
{
	return err_set(e, ERR_TOO_LARGE, NULL);
}

static char *
put_str(char *p, struct str s)
{
	if (s.n > 0)
		memcpy(p, s.p, s.n);
	return p + s.n;
}

struct str
placed_key(struct arena *a, struct str number, struct str first, struct str last)
{
	size_t n = number.n + first.n + last.n + 2;
	char *key = arena_alloc(a, n), *p = key;

	if (key == NULL)
		return (struct str){NULL, 0};
	p = put_str(p, number);
	*p++ = '_';
	p = put_str(p, first);
	*p++ = '_';
	put_str(p, last);
	return (struct str){key, n};
}

static struct str
joined(struct arena *a, struct str first, struct str last)
{
	char *to = arena_alloc(a, first.n + last.n + 2);

	if (to == NULL)
		return (struct str){NULL, 0};
	*put_str(to, first) = ' ';
	put_str(to + first.n + 1, last);
	return (struct str){to, first.n + 1 + last.n};
}

int
placed_make(struct arena *a, const struct directory_item *item, struct placed *ret, struct err *e)
{
	const struct str texts[TEXTS] = {item->number, item->first, item->last, item->email};
	struct str *v;
	size_t n = 0;
	char *p;

	if (item->nfields > DIRECTORY_FIELDS_MAX || item->id == 0 ||
	    (item->kind != DIRECTORY_ENTRY && item->kind != DIRECTORY_USER))
		return err_set(e, ERR_INVALID, NULL);
	ret->key = placed_key(a, item->number, item->first, item->last);
	v = arena_array(a, TEXTS + 1 + item->nfields, sizeof(*v));
	if (ret->key.p == NULL || v == NULL)
		return no_room(e);
	for (size_t i = 0; i < TEXTS; i++) {
		if (fold_text(a, texts[i], &v[i], e) != 0)
			return -1;
		n += v[i].n + 1;
	}
	if ((p = arena_alloc(a, n)) == NULL)
		return no_room(e);
	ret->text = (struct str){p, n};
	for (size_t i = 0; i < TEXTS; i++)
		p = put_str(p, v[i]) + 1;
	n = TEXTS;
	if (v[1].n > 0 && v[2].n > 0 && (v[n++] = joined(a, v[1], v[2])).p == NULL)
		return no_room(e);
	for (size_t i = 0; i < item->nfields; i++)
		if (fold_text(a, item->fields[i], &v[n++], e) != 0)
			return -1;
	return fold_tokens(a, v, n, &ret->tokens, e);
}

static void
placed_row(
    struct key *k, const struct model *m, uint32_t book, enum directory_kind kind, uint64_t id)
{
	key_id(k, m->tenant, book, DATA_PLACED, id);
	k->bytes[k->n++] = (char)kind;
}

static char *
put16(char *p, size_t v)
{
	p[0] = (char)(v >> 8 & 0xff);
	p[1] = (char)(v & 0xff);
	return p + 2;
}

static size_t
get16(const char *p)
{
	return (size_t)((unsigned char)p[0] << 8 | (unsigned char)p[1]);
}

int
placed_put(
    struct model *m, uint32_t book, enum directory_kind kind, uint64_t id, const struct placed *p)
{
	size_t n = HEAD + p->key.n + p->text.n;
	struct key k;
	char *row, *at;

	for (size_t i = 0; i < p->tokens.n; i++) {
		n += 2 + p->tokens.v[i].n;
		if (p->tokens.v[i].n > UINT16_MAX)
			return no_room(m->e);
	}
	if (p->key.n > UINT16_MAX || p->text.n > UINT16_MAX || p->tokens.n > UINT16_MAX)
		return no_room(m->e);
	if ((row = arena_alloc(m->a, n)) == NULL)
		return no_room(m->e);
	row[0] = VERSION;
	at = put16(put16(put16(row + 1, p->key.n), p->text.n), p->tokens.n);
	for (size_t i = 0; i < p->tokens.n; i++)
		at = put16(at, p->tokens.v[i].n);
	at = put_str(put_str(at, p->key), p->text);
	for (size_t i = 0; i < p->tokens.n; i++)
		at = put_str(at, p->tokens.v[i]);
	placed_row(&k, m, book, kind, id);
	return store_put(m->t, STORE_DATA, key_str(&k), (struct str){row, n}, m->e);
}

static int
broken(struct model *m)
{
	return err_set(m->e, ERR_INTERNAL, "an item of a directory is damaged");
}

static int
decode(struct model *m, struct str raw, struct placed *ret)
{
	const char *lengths = raw.p + HEAD, *at;
	size_t left;

	if (raw.n < HEAD || raw.p[0] != VERSION)
		return broken(m);
	ret->key.n = get16(raw.p + 1);
	ret->text.n = get16(raw.p + 3);
	ret->tokens.n = get16(raw.p + 5);
	left = raw.n - HEAD;
	if (left < 2 * ret->tokens.n + ret->key.n + ret->text.n)
		return broken(m);
	left -= 2 * ret->tokens.n + ret->key.n + ret->text.n;
	ret->key.p = lengths + 2 * ret->tokens.n;
	ret->text.p = ret->key.p + ret->key.n;
	at = ret->text.p + ret->text.n;
	ret->tokens.v = arena_array(m->a, ret->tokens.n + 1, sizeof(*ret->tokens.v));
	if (ret->tokens.v == NULL)
		return no_room(m->e);
	for (size_t i = 0; i < ret->tokens.n; i++) {
		size_t n = get16(lengths + 2 * i);

		if (n > left)
			return broken(m);
		ret->tokens.v[i] = (struct str){at, n};
		at += n;
		left -= n;
	}
	return left == 0 ? 0 : broken(m);
}

int
placed_get(
    struct model *m, uint32_t book, enum directory_kind kind, uint64_t id, struct placed *ret)
{
	struct key k;
	struct str raw;
	int rc;

	placed_row(&k, m, book, kind, id);
	if ((rc = store_get(m->t, STORE_DATA, key_str(&k), m->a, &raw, m->e)) <= 0)
		return rc;
	return decode(m, raw, ret) == 0 ? 1 : -1;
}

int
placed_del(struct model *m, uint32_t book, enum directory_kind kind, uint64_t id)
{
	struct key k;

	placed_row(&k, m, book, kind, id);
	return store_del(m->t, STORE_DATA, key_str(&k), m->e);
}

void
ref_write(char *to, enum directory_kind kind, uint64_t id)
{
	to[0] = (char)kind;
	for (int i = 1; i < REF_BYTES; i++)
		to[i] = (char)(id >> (8 * (REF_BYTES - 1 - i)) & 0xff);
}

int
ref_winner(struct str refs, struct directory_hit *ret, struct err *e)
{
	const char *p = refs.p + refs.n - REF_BYTES;

	if (refs.n == 0 || refs.n % REF_BYTES != 0 ||
	    (p[0] != DIRECTORY_ENTRY && p[0] != DIRECTORY_USER))
		return err_set(e, ERR_INTERNAL, "an item of a directory is damaged");
	ret->kind = (enum directory_kind)p[0];
	ret->id = key_rest_id((struct str){p + 1, REF_BYTES - 1});
	return 0;
}

void
token_key(struct key *k, const struct model *m, uint32_t book, struct str token,
    enum directory_kind kind, uint64_t id)
{
	if (token.n > TOKEN_MAX)
		token.n = TOKEN_MAX;
	key_text(k, m->tenant, book, INDEX_SEARCH, token);
	if (id == 0)
		return;
	k->bytes[k->n++] = '\0';
	ref_write(k->bytes + k->n, kind, id);
	k->n += REF_BYTES;
}

int
directory_list(struct model *m, uint32_t book, struct ranked *ret)
{
	*ret = (struct ranked){
	    .t = m->t, .a = m->a, .e = m->e, .tenant = m->tenant, .owner = book, .kind = DATA_TREE};
	return ranked_open(ret);
}
