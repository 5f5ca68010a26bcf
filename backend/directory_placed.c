/* SPDX-License-Identifier: ISC */
/*
 * What is written for an item. The row of an item keeps the folded fields, so that taking it back
 * does not depend on how folding or the choice of fields was at that time. How fields are split
 * into words is made again from them: a change of fold_tokens() needs a new version here.
 */
#include <string.h>

#include "backend/directory_parts.h"
#include "backend/fold.h"

enum { VERSION = 1, HEAD = 5, TEXTS = 4, FIELDS_MAX = TEXTS + 1 + DIRECTORY_FIELDS_MAX };

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

/* Folds texts and puts them down one behind the other. */
static int
fold_all(struct arena *a, const struct str *v, size_t n, struct str *ret, struct err *e)
{
	struct str folded[FIELDS_MAX];
	size_t size = 0;
	char *p;

	for (size_t i = 0; i < n; i++) {
		if (fold_text(a, v[i], &folded[i], e) != 0)
			return -1;
		size += folded[i].n + 1;
	}
	if ((p = arena_alloc(a, size)) == NULL)
		return no_room(e);
	*ret = (struct str){p, size};
	for (size_t i = 0; i < n; i++)
		p = put_str(p, folded[i]) + 1;
	return 0;
}

int
placed_make(struct arena *a, const struct directory_item *item, struct placed *ret, struct err *e)
{
	const struct str texts[TEXTS] = {item->number, item->first, item->last, item->email};

	if (item->nfields > DIRECTORY_FIELDS_MAX || item->id == 0 ||
	    (item->kind != DIRECTORY_ENTRY && item->kind != DIRECTORY_USER))
		return err_set(e, ERR_INVALID, NULL);
	ret->key = placed_key(a, item->number, item->first, item->last);
	if (ret->key.p == NULL)
		return no_room(e);
	return fold_all(a, texts, TEXTS, &ret->text, e) != 0
	    ? -1
	    : fold_all(a, item->fields, item->nfields, &ret->more, e);
}

/* Takes texts apart that end with a NUL. */
static size_t
split(struct str s, struct str *to, size_t most)
{
	size_t n = 0;

	while (s.n > 0 && n < most)
		str_cut(s, '\0', &to[n++], &s);
	return n;
}

int
placed_tokens(struct arena *a, const struct placed *p, struct str_list *ret, struct err *e)
{
	struct str v[FIELDS_MAX] = {{NULL, 0}};
	size_t n = TEXTS;

	split(p->text, v, TEXTS);
	if (v[1].n > 0 && v[2].n > 0 && (v[n++] = joined(a, v[1], v[2])).p == NULL)
		return no_room(e);
	n += split(p->more, v + n, DIRECTORY_FIELDS_MAX);
	return fold_tokens(a, v, n, ret, e);
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
	size_t n = HEAD + p->key.n + p->text.n + p->more.n;
	struct key k;
	char *row, *at;

	if (p->key.n > UINT16_MAX || p->text.n > UINT16_MAX)
		return no_room(m->e);
	if ((row = arena_alloc(m->a, n)) == NULL)
		return no_room(m->e);
	row[0] = VERSION;
	at = put16(put16(row + 1, p->key.n), p->text.n);
	at = put_str(put_str(put_str(at, p->key), p->text), p->more);
	placed_row(&k, m, book, kind, id);
	return store_put(m->t, STORE_DATA, key_str(&k), (struct str){row, (size_t)(at - row)}, m->e);
}

static int
broken(struct model *m)
{
	return err_set(m->e, ERR_INTERNAL, "an item of a directory is damaged");
}

static int
decode(struct model *m, struct str raw, struct placed *ret)
{
	const char *at = raw.p + HEAD;

	if (raw.n < HEAD || raw.p[0] != VERSION)
		return broken(m);
	ret->key = (struct str){at, get16(raw.p + 1)};
	ret->text = (struct str){at + ret->key.n, get16(raw.p + 3)};
	if (raw.n - HEAD < ret->key.n + ret->text.n)
		return broken(m);
	ret->more.p = ret->text.p + ret->text.n;
	ret->more.n = raw.n - HEAD - ret->key.n - ret->text.n;
	return 0;
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
	int bytes = 0;

	if (token.n > TOKEN_MAX)
		token.n = TOKEN_MAX;
	key_text(k, m->tenant, book, INDEX_SEARCH, token);
	if (id == 0)
		return;
	while (bytes < 8 && id >> (8 * bytes) != 0)
		bytes++;
	k->bytes[k->n++] = '\0';
	for (int i = bytes - 1; i >= 0; i--)
		k->bytes[k->n++] = (char)(id >> (8 * i) & 0xff);
	k->bytes[k->n++] = (char)((unsigned)kind << 4 | (unsigned)bytes);
}

bool
token_item(struct str key, enum directory_kind *kind, uint64_t *id)
{
	unsigned tail = key.n > 0 ? (unsigned char)key.p[key.n - 1] : 0, bytes = tail & 15;

	*id = 0;
	if (bytes > 8 || key.n < KEY_HEAD + bytes + 2 ||
	    (tail >> 4 != DIRECTORY_ENTRY && tail >> 4 != DIRECTORY_USER))
		return false;
	for (size_t i = key.n - 1 - bytes; i < key.n - 1; i++)
		*id = *id << 8 | (unsigned char)key.p[i];
	*kind = (enum directory_kind)(tail >> 4);
	return true;
}

int
directory_list(struct model *m, uint32_t book, struct ranked *ret)
{
	*ret = (struct ranked){
	    .t = m->t, .a = m->a, .e = m->e, .tenant = m->tenant, .owner = book, .kind = DATA_TREE};
	return ranked_open(ret);
}
