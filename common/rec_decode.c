/* SPDX-License-Identifier: ISC */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/src.h"

struct decoder {
	struct src *s;
	enum decode_mode mode;
	struct arena *a;
	struct err *e;
};

static int read_record(struct decoder *d, const struct rec *r, void *obj);

static int
no_memory(struct decoder *d)
{
	return err_set(d->e, ERR_TOO_LARGE, NULL);
}

static int
wrong(struct decoder *d, const char *what)
{
	return err_set(d->e, ERR_INVALID, "must be %s", what);
}

/* 1 = a value, 0 = it counts as absent, -1. */
static int
to_bool(struct decoder *d, const struct scalar *v, bool *ret)
{
	switch (v->tok) {
	case TOK_BOOL:
		*ret = v->b;
		return 1;
	case TOK_INT:
		if (d->s->rules == RULES_STRICT)
			break;
		/* A tree's boolean is the text "true"; a number is some other text. */
		*ret = d->s->rules == RULES_BEAN && v->i != 0;
		return 1;
	case TOK_REAL:
		if (d->s->rules != RULES_TREE)
			break;
		*ret = false;
		return 1;
	case TOK_TEXT:
		if (d->s->rules == RULES_TREE) {
			*ret = str_caseeqc(v->s, "true");
			return 1;
		}
		if (d->s->rules == RULES_STRICT)
			break;
		if (v->s.n == 0)
			return 0;
		if (str_eqc(v->s, "true") || str_eqc(v->s, "false")) {
			*ret = v->s.n == 4;
			return 1;
		}
		break;
	default:
		break;
	}
	return wrong(d, "true or false");
}

static int
to_int(struct decoder *d, const struct scalar *v, int64_t *ret)
{
	switch (v->tok) {
	case TOK_INT:
		*ret = v->i;
		return 1;
	case TOK_REAL:
		/* The fraction is cut; beyond 2^53 a double no longer means one integer. */
		if (d->s->rules == RULES_BEAN && fabs(v->d) < 9007199254740992.0) {
			*ret = (int64_t)v->d;
			return 1;
		}
		break;
	case TOK_TEXT:
		if (d->s->rules == RULES_STRICT)
			break;
		if (d->s->rules == RULES_BEAN && v->s.n == 0)
			return 0;
		if (str_to_i64(str_trim(v->s), ret))
			return 1;
		break;
	default:
		break;
	}
	return wrong(d, "an integer");
}

/* The shortest digits that mean the same number: 0.1 stays 0.1. */
static struct str
real_text(struct decoder *d, double v)
{
	struct str s;

	for (int digits = 15; digits < 17; digits++) {
		s = arena_printf(d->a, "%.*g", digits, v);
		if (s.p == NULL || memcmp(&v, &(double){strtod(s.p, NULL)}, sizeof(v)) == 0)
			return s;
	}
	return arena_printf(d->a, "%.17g", v);
}

static int
to_text(struct decoder *d, const struct scalar *v, struct str *ret)
{
	switch (v->tok) {
	case TOK_TEXT:
		*ret = v->s;
		return 1;
	case TOK_INT:
		if (d->s->rules == RULES_STRICT)
			break;
		*ret = arena_printf(d->a, "%lld", (long long)v->i);
		return ret->p != NULL ? 1 : no_memory(d);
	case TOK_REAL:
		if (d->s->rules == RULES_STRICT)
			break;
		*ret = real_text(d, v->d);
		return ret->p != NULL ? 1 : no_memory(d);
	case TOK_BOOL:
		if (d->s->rules == RULES_STRICT)
			break;
		*ret = str_c(v->b ? "true" : "false");
		return 1;
	default:
		break;
	}
	return wrong(d, "a text");
}

static int
to_enum(struct decoder *d, const struct field *f, const struct scalar *v, int *ret)
{
	if (v->tok == TOK_INT && d->s->rules != RULES_TREE) {
		/* msgpack carries the number, bare JSON may (the legacy reader's ordinal). */
		if (v->i >= INT32_MIN && v->i <= INT32_MAX && enum_text(f->en, (int)v->i) != NULL) {
			*ret = (int)v->i;
			return 1;
		}
	} else if (v->tok == TOK_TEXT && d->s->rules != RULES_STRICT && enum_value(f->en, v->s, ret)) {
		return 1;
	}
	return wrong(d, "one of the allowed values");
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Bytes as the sinks of text write them. */
static int
from_hex(struct decoder *d, struct str s, struct str *ret)
{
	char *out = arena_alloc(d->a, s.n / 2 + 1);

	if (out == NULL)
		return no_memory(d);
	for (size_t i = 0; i + 1 < s.n; i += 2) {
		int high = hex_digit(s.p[i]), low = hex_digit(s.p[i + 1]);

		if (high < 0 || low < 0)
			return wrong(d, "hexadecimal digits");
		out[i / 2] = (char)(high << 4 | low);
	}
	if (s.n % 2 != 0)
		return wrong(d, "hexadecimal digits");
	*ret = (struct str){out, s.n / 2};
	return 1;
}

static int
read_scalar(struct decoder *d, const struct field *f, void *at)
{
	struct scalar v;

	if (d->s->ops->scalar(d->s, &v, d->e) != 0)
		return -1;
	if (v.tok == TOK_NULL)
		return 0;
	switch (f->kind) {
	case K_BOOL:
		return to_bool(d, &v, at);
	case K_INT:
		return to_int(d, &v, at);
	case K_ENUM:
		return to_enum(d, f, &v, at);
	case K_BIN:
		if (v.tok == TOK_TEXT && d->s->rules != RULES_STRICT)
			return from_hex(d, v.s, at);
		if (v.tok != TOK_BIN)
			return wrong(d, "bytes");
		*(struct str *)at = v.s;
		return 1;
	default:
		return to_text(d, &v, at);
	}
}

/* Doubles by what has arrived, never by what was announced. */
static int
grow(struct decoder *d, struct list *l, size_t *size, size_t item)
{
	size_t want = *size == 0 ? 4 : *size * 2;
	void *v;

	if (l->n < *size)
		return 0;
	if ((v = arena_array(d->a, want, item)) == NULL)
		return no_memory(d);
	if (l->n > 0)
		memcpy(v, l->v, l->n * item);
	l->v = v;
	*size = want;
	return 0;
}

static int
read_item(struct decoder *d, const struct field *f, void *at)
{
	static const struct field text = {.kind = K_STR}, integer = {.kind = K_INT};
	int rc;

	if (f->kind == K_LIST)
		return d->s->ops->is_null(d->s) ? wrong(d, "an object") : read_record(d, f->sub, at);
	rc = read_scalar(d, f->kind == K_STRS ? &text : &integer, at);
	if (rc == 0)
		return wrong(d, "a value");
	return rc < 0 ? -1 : 0;
}

static int
read_list(struct decoder *d, const struct field *f, void *obj)
{
	size_t size = 0, item = rec_item_size(f);
	struct list l = {NULL, 0};
	struct member m;
	int rc;

	if (d->s->ops->list(d->s, field_item(f), d->e) != 0)
		return -1;
	while ((rc = d->s->ops->next(d->s, &m, d->e)) == 1) {
		if (l.n >= (size_t)f->max)
			return err_set(
			    d->e, ERR_INVALID, "must not have more than %lld items", (long long)f->max);
		if (grow(d, &l, &size, item) != 0)
			return -1;
		err_push(d->e, -1 - (int32_t)l.n);
		if (read_item(d, f, (char *)l.v + l.n * item) != 0)
			return -1;
		err_pop(d->e);
		l.n++;
	}
	if (rc == 0)
		rec_set_list(f, obj, l);
	return rc;
}

/* 1 = a value, 0 = absent, -1. */
static int
read_field(struct decoder *d, const struct field *f, void *obj)
{
	void *at = rec_at(f, obj);
	int rc;

	if (f->kind != K_REC && f->kind != K_LIST && f->kind != K_STRS && f->kind != K_INTS) {
		rc = read_scalar(d, f, at);
		/* Blank for a value that must be there: the zero of its type (bare JSON only). */
		if (rc == 0 && d->s->rules == RULES_BEAN && (f->flags & F_REQ) != 0 &&
		    (f->kind == K_INT || f->kind == K_BOOL)) {
			memset(at, 0, f->kind == K_INT ? sizeof(int64_t) : sizeof(bool));
			return 1;
		}
		return rc;
	}
	if (d->s->ops->is_null(d->s)) {
		if ((f->flags & F_NULL) == 0 || d->s->rules != RULES_BEAN)
			return d->s->ops->skip(d->s, d->e);
		/* Bare JSON is a tree, where nothing has to be skipped. */
		rec_set_list(f, obj, (struct list){NULL, 0});
		return 1;
	}
	if (f->kind == K_REC) {
		memset(at, 0, f->sub->size);
		rc = read_record(d, f->sub, at);
	} else {
		rc = read_list(d, f, obj);
	}
	return rc == 0 ? 1 : -1;
}

static int
read_record(struct decoder *d, const struct rec *r, void *obj)
{
	uint64_t seen = 0, has = rec_has(obj);
	struct member m;
	int rc;

	if (d->s->ops->map(d->s, d->e) != 0)
		return -1;
	while ((rc = d->s->ops->next(d->s, &m, d->e)) == 1) {
		size_t i = 0;
		const struct field *f = m.name.p != NULL ? rec_field_by_name(r, m.name, d->s->xml, &i)
		                                         : rec_field_by_tag(r, m.tag, &i);

		if (f == NULL && r->closed && m.name.p != NULL)
			return err_set(d->e, ERR_INVALID, "has an unknown member");
		if (f == NULL || (d->mode == DECODE_CLIENT && field_read_only(f))) {
			if (d->s->ops->skip(d->s, d->e) != 0)
				return -1;
			continue;
		}
		err_push(d->e, f->tag);
		if ((seen >> i & 1) != 0)
			return err_set(d->e, ERR_MALFORMED, "is given twice");
		seen |= (uint64_t)1 << i;
		rc = read_field(d, f, obj);
		if (rc < 0)
			return -1;
		if (rc == 1)
			has |= (uint64_t)1 << i;
		err_pop(d->e);
	}
	rec_set_has(obj, has);
	return rc;
}

int
rec_decode_over(const struct rec *r, void *obj, struct src *s, enum decode_mode mode,
    struct arena *a, struct err *e)
{
	struct decoder d = {s, mode, a, e};

	return read_record(&d, r, obj);
}

int
rec_decode(const struct rec *r, void *obj, struct src *s, enum decode_mode mode, struct arena *a,
    struct err *e)
{
	memset(obj, 0, r->size);
	return rec_decode_over(r, obj, s, mode, a, e);
}
