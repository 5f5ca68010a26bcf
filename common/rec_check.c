/* SPDX-License-Identifier: ISC */
/* Validation by the table: the same code in the gateway (an early answer) and in the
 * backend (which does not believe the gateway). */
#include <inttypes.h>

#include "common/rec.h"

enum { TEXT_MAX_DEFAULT = 255 };

static int check_record(const struct rec *r, const void *obj, bool update, struct err *e);

/* Lengths are counted in characters, as people and the legacy store's columns do. */
static size_t
length(const struct field *f, struct str s)
{
	size_t n = 0;

	if (f->kind == K_BIN)
		return s.n;
	for (size_t i = 0; i < s.n; i++)
		n += ((unsigned char)s.p[i] & 0xc0) != 0x80;
	return n;
}

static int
check_text(const struct field *f, struct str s, struct err *e)
{
	size_t max = f->max != 0 ? (size_t)f->max : TEXT_MAX_DEFAULT, n;
	const char *wrong;

	if (f->kind != K_BIN && !str_is_utf8(s))
		return err_set(e, ERR_INVALID, "must be UTF-8 text");
	n = length(f, s);
	if (n > max)
		return err_set(e, ERR_INVALID, "must not be longer than %zu characters", max);
	if (n < (size_t)f->min)
		return n == 0
		    ? err_set(e, ERR_INVALID, "must not be empty")
		    : err_set(e, ERR_INVALID, "must have at least %" PRId64 " characters", f->min);
	if (f->check != NULL && (wrong = f->check(s)) != NULL)
		return err_set(e, ERR_INVALID, "%s", wrong);
	return 0;
}

static int
check_int(const struct field *f, int64_t v, struct err *e)
{
	if (v < f->min || v > f->max)
		return err_set(e, ERR_INVALID, "must be between %" PRId64 " and %" PRId64, f->min, f->max);
	return 0;
}

static int
check_items(const struct field *f, const void *obj, struct err *e)
{
	struct list l = rec_list(f, obj);

	if (l.n > (size_t)f->max)
		return err_set(e, ERR_INVALID, "must not have more than %" PRId64 " items", f->max);
	if (f->kind != K_INTS && l.n < (size_t)f->min)
		return err_set(e, ERR_INVALID, "must have at least %" PRId64 " items", f->min);
	if (f->kind == K_INTS)
		return 0;
	for (size_t i = 0; i < l.n; i++) {
		int rc;

		err_push(e, -1 - (int32_t)i);
		if (f->kind == K_LIST)
			rc = check_record(f->sub, (char *)l.v + i * f->sub->size, false, e);
		else
			rc = check_text(&(struct field){.check = f->check}, ((struct str *)l.v)[i], e);
		if (rc != 0)
			return -1;
		err_pop(e);
	}
	return 0;
}

static int
check_field(const struct field *f, const void *obj, struct err *e)
{
	const void *at = rec_at(f, obj);

	switch (f->kind) {
	case K_BOOL:
		return 0;
	case K_INT:
		return check_int(f, *(const int64_t *)at, e);
	case K_ENUM:
		if (enum_text(f->en, *(const int *)at) == NULL)
			return err_set(e, ERR_INVALID, "is not one of the allowed values");
		return 0;
	case K_STR:
	case K_BIN:
		return check_text(f, *(const struct str *)at, e);
	case K_REC:
		return check_record(f->sub, at, false, e);
	default:
		return check_items(f, obj, e);
	}
}

static int
check_record(const struct rec *r, const void *obj, bool update, struct err *e)
{
	uint64_t has = rec_has(obj);

	for (size_t i = 0; i < r->nf; i++) {
		const struct field *f = &r->f[i];

		err_push(e, f->tag);
		if ((has >> i & 1) == 0) {
			if ((f->flags & F_REQ) != 0 && !update)
				return err_set(e, ERR_INVALID, "is required");
		} else if (check_field(f, obj, e) != 0) {
			return -1;
		}
		err_pop(e);
	}
	return r->check != NULL ? r->check(obj, e) : 0;
}

int
rec_validate(const struct rec *r, const void *obj, bool update, struct err *e)
{
	return check_record(r, obj, update, e);
}
