/* SPDX-License-Identifier: ISC */
#include "common/rec.h"

#include <string.h>

#include "common/buf.h"

void *
rec_at(const struct field *f, const void *obj)
{
	return (char *)(uintptr_t)obj + f->off;
}

/* `has` is the first member of every record's struct. */
uint64_t
rec_has(const void *obj)
{
	uint64_t has;

	memcpy(&has, obj, sizeof(has));
	return has;
}

void
rec_set_has(void *obj, uint64_t has)
{
	memcpy(obj, &has, sizeof(has));
}

/* Every list struct is a pointer and a count; copied, since their types differ. */
struct list
rec_list(const struct field *f, const void *obj)
{
	struct list l;

	memcpy(&l, rec_at(f, obj), sizeof(l));
	return l;
}

void
rec_set_list(const struct field *f, void *obj, struct list l)
{
	memcpy(rec_at(f, obj), &l, sizeof(l));
}

size_t
rec_item_size(const struct field *f)
{
	if (f->kind == K_LIST)
		return f->sub->size;
	return f->kind == K_STRS ? sizeof(struct str) : sizeof(int64_t);
}

const char *
field_json(const struct field *f)
{
	if (f->json != NULL)
		return f->json;
	return f->wire != NULL ? f->wire : f->name;
}

const char *
field_xml(const struct field *f)
{
	if (f->xml != NULL)
		return f->xml;
	return f->wire != NULL ? f->wire : f->name;
}

const char *
field_item(const struct field *f)
{
	if (f->item != NULL)
		return f->item;
	if (f->kind == K_LIST)
		return f->sub->xml != NULL ? f->sub->xml : f->sub->name;
	return "item";
}

bool
field_read_only(const struct field *f)
{
	return (f->flags & (F_RDONLY | F_DERIVED)) != 0;
}

const struct field *
rec_field_by_tag(const struct rec *r, uint32_t tag, size_t *index)
{
	for (size_t i = 0; i < r->nf; i++) {
		if (r->f[i].tag == tag) {
			*index = i;
			return &r->f[i];
		}
	}
	return NULL;
}

static bool
among_aliases(const char *aliases, struct str name)
{
	struct str rest = str_c(aliases), head;

	while (rest.n > 0) {
		str_cut(rest, '|', &head, &rest);
		if (str_eq(head, name))
			return true;
	}
	return false;
}

const struct field *
rec_field_by_name(const struct rec *r, struct str name, bool xml, size_t *index)
{
	for (size_t i = 0; i < r->nf; i++) {
		const struct field *f = &r->f[i];

		if (str_eqc(name, xml ? field_xml(f) : field_json(f)) ||
		    (!xml && f->json_also != NULL && str_eqc(name, f->json_also)) ||
		    (f->alias != NULL && among_aliases(f->alias, name))) {
			*index = i;
			return f;
		}
	}
	return NULL;
}

const char *
enum_text(const struct enum_table *t, int value)
{
	for (size_t i = 0; i < t->n; i++)
		if (t->v[i].value == value)
			return t->v[i].text;
	return NULL;
}

bool
enum_value(const struct enum_table *t, struct str text, int *ret)
{
	for (size_t i = 0; i < t->n; i++) {
		if (str_eqc(text, t->v[i].text)) {
			*ret = t->v[i].value;
			return true;
		}
	}
	return false;
}

static void
set_default(const struct field *f, void *obj)
{
	void *at = rec_at(f, obj);

	switch (f->kind) {
	case K_BOOL:
		*(bool *)at = f->dflt != 0;
		break;
	case K_INT:
		*(int64_t *)at = f->dflt;
		break;
	case K_ENUM:
		*(int *)at = (int)f->dflt;
		break;
	case K_STR:
	case K_BIN:
		*(struct str *)at = str_c(f->sdflt);
		break;
	case K_REC:
		memset(at, 0, f->sub->size);
		break;
	default:
		rec_set_list(f, obj, (struct list){NULL, 0});
		break;
	}
}

void
rec_defaults(const struct rec *r, void *obj)
{
	uint64_t has = rec_has(obj);

	for (size_t i = 0; i < r->nf; i++) {
		const struct field *f = &r->f[i];

		if ((has >> i & 1) == 0 && (f->flags & F_DFLT) != 0) {
			set_default(f, obj);
			has |= (uint64_t)1 << i;
		}
		if ((has >> i & 1) == 0)
			continue;
		if (f->kind == K_REC) {
			rec_defaults(f->sub, rec_at(f, obj));
		} else if (f->kind == K_LIST) {
			struct list l = rec_list(f, obj);

			for (size_t k = 0; k < l.n; k++)
				rec_defaults(f->sub, (char *)l.v + k * f->sub->size);
		}
	}
	rec_set_has(obj, has);
}

static size_t
field_size(const struct field *f)
{
	switch (f->kind) {
	case K_BOOL:
		return sizeof(bool);
	case K_INT:
		return sizeof(int64_t);
	case K_ENUM:
		return sizeof(int);
	case K_REC:
		return f->sub->size;
	default:
		return sizeof(struct list);
	}
}

_Static_assert(sizeof(struct str) == sizeof(struct list), "texts and lists have one size");

void
rec_update(const struct rec *r, enum update how, void *stored, const void *input)
{
	uint64_t has = rec_has(stored), given = rec_has(input);

	for (size_t i = 0; i < r->nf; i++) {
		const struct field *f = &r->f[i];
		uint64_t bit = (uint64_t)1 << i;

		if (field_read_only(f))
			continue;
		if ((given & bit) != 0) {
			memcpy(rec_at(f, stored), rec_at(f, input), field_size(f));
			has |= bit;
		} else if (how == UPDATE_REPLACE && (f->flags & F_KEEP) == 0) {
			has &= ~bit;
		}
	}
	rec_set_has(stored, has);
	rec_defaults(r, stored);
}

void
rec_keep_read_only(const struct rec *r, void *obj, const void *stored)
{
	uint64_t has = rec_has(obj);

	for (size_t i = 0; i < r->nf; i++) {
		const struct field *f = &r->f[i];
		uint64_t bit = (uint64_t)1 << i;

		if (!field_read_only(f))
			continue;
		memcpy(rec_at(f, obj), rec_at(f, stored), field_size(f));
		has = (has & ~bit) | (rec_has(stored) & bit);
	}
	rec_set_has(obj, has);
}

void
rec_strip(const struct rec *r, void *obj, unsigned flags)
{
	uint64_t has = rec_has(obj);

	for (size_t i = 0; i < r->nf; i++) {
		const struct field *f = &r->f[i];

		if ((f->flags & flags) != 0) {
			has &= ~((uint64_t)1 << i);
		} else if ((has >> i & 1) == 0) {
			continue;
		} else if (f->kind == K_REC) {
			rec_strip(f->sub, rec_at(f, obj), flags);
		} else if (f->kind == K_LIST) {
			struct list l = rec_list(f, obj);

			for (size_t k = 0; k < l.n; k++)
				rec_strip(f->sub, (char *)l.v + k * f->sub->size, flags);
		}
	}
	rec_set_has(obj, has);
}

static bool
field_equal(const struct field *f, const void *a, const void *b)
{
	const void *pa = rec_at(f, a), *pb = rec_at(f, b);
	struct list la, lb;

	switch (f->kind) {
	case K_BOOL:
		return *(const bool *)pa == *(const bool *)pb;
	case K_INT:
		return *(const int64_t *)pa == *(const int64_t *)pb;
	case K_ENUM:
		return *(const int *)pa == *(const int *)pb;
	case K_STR:
	case K_BIN:
		return str_eq(*(const struct str *)pa, *(const struct str *)pb);
	case K_REC:
		return rec_equal(f->sub, pa, pb);
	default:
		break;
	}
	la = rec_list(f, a);
	lb = rec_list(f, b);
	if (la.n != lb.n)
		return false;
	for (size_t i = 0; i < la.n; i++) {
		const char *ia = (const char *)la.v + i * rec_item_size(f);
		const char *ib = (const char *)lb.v + i * rec_item_size(f);

		if (f->kind == K_LIST       ? !rec_equal(f->sub, ia, ib)
		        : f->kind == K_STRS ? !str_eq(*(const struct str *)(const void *)ia,
		                                  *(const struct str *)(const void *)ib)
		                            : memcmp(ia, ib, sizeof(int64_t)) != 0)
			return false;
	}
	return true;
}

bool
rec_equal(const struct rec *r, const void *a, const void *b)
{
	uint64_t has = rec_has(a);

	if (has != rec_has(b))
		return false;
	for (size_t i = 0; i < r->nf; i++)
		if ((has >> i & 1) != 0 && !field_equal(&r->f[i], a, b))
			return false;
	return true;
}

void
rec_fill(const struct rec *r, void *to, const void *from)
{
	uint64_t missing = rec_has(from) & ~rec_has(to);

	for (size_t i = 0; i < r->nf; i++)
		if ((missing >> i & 1) != 0)
			memcpy(rec_at(&r->f[i], to), rec_at(&r->f[i], from), field_size(&r->f[i]));
	rec_set_has(to, rec_has(to) | missing);
}

void
rec_unset_equal(const struct rec *r, void *obj, const void *other)
{
	uint64_t has = rec_has(obj), both = has & rec_has(other);

	for (size_t i = 0; i < r->nf; i++)
		if ((both >> i & 1) != 0 && field_equal(&r->f[i], obj, other))
			has &= ~((uint64_t)1 << i);
	rec_set_has(obj, has);
}

void
rec_path(const struct rec *r, bool xml, const int32_t *path, size_t depth, struct buf *out)
{
	bool first = true;

	for (size_t i = 0; i < depth && i < ERR_PATH_MAX; i++) {
		if (path[i] < 0) {
			buf_printf(out, "[%d]", -1 - path[i]);
		} else {
			size_t index;
			const struct field *f =
			    r != NULL ? rec_field_by_tag(r, (uint32_t)path[i], &index) : NULL;

			if (f == NULL)
				return;
			buf_printf(out, "%s%s", first ? "" : ".", xml ? field_xml(f) : field_json(f));
			r = f->sub;
			first = false;
		}
	}
}
