/* SPDX-License-Identifier: ISC */
/* Copies of records that share no memory with the original. */
#include <string.h>

#include "common/rec.h"

static int copy_field(const struct field *f, void *to, struct arena *a);

/* The struct is there already, with pointers into the original. */
static int
copy_fields(const struct rec *r, void *obj, struct arena *a)
{
	uint64_t has = rec_has(obj);

	for (size_t i = 0; i < r->nf; i++)
		if ((has >> i & 1) != 0 && copy_field(&r->f[i], rec_at(&r->f[i], obj), a) != 0)
			return -1;
	return 0;
}

static int
copy_text(struct str *s, struct arena *a)
{
	*s = arena_copy(a, *s);
	return s->p != NULL ? 0 : -1;
}

static int
copy_list(const struct field *f, void *at, struct arena *a)
{
	size_t size = rec_item_size(f);
	struct list l;
	char *v;

	memcpy(&l, at, sizeof(l));
	if (l.n == 0)
		l.v = NULL;
	if (l.n > 0) {
		if ((v = arena_array(a, l.n, size)) == NULL)
			return -1;
		memcpy(v, l.v, l.n * size);
		for (size_t i = 0; i < l.n && f->kind != K_INTS; i++) {
			void *item = v + i * size;

			if ((f->kind == K_LIST ? copy_fields(f->sub, item, a) : copy_text(item, a)) != 0)
				return -1;
		}
		l.v = v;
	}
	memcpy(at, &l, sizeof(l));
	return 0;
}

static int
copy_field(const struct field *f, void *at, struct arena *a)
{
	switch (f->kind) {
	case K_STR:
	case K_BIN:
		return copy_text(at, a);
	case K_REC:
		return copy_fields(f->sub, at, a);
	case K_LIST:
	case K_STRS:
	case K_INTS:
		return copy_list(f, at, a);
	default:
		return 0;
	}
}

int
rec_copy(const struct rec *r, void *to, const void *from, struct arena *a)
{
	memmove(to, from, r->size);
	if (copy_fields(r, to, a) == 0)
		return 0;
	memset(to, 0, r->size);
	return -1;
}
