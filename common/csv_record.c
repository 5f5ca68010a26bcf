/* SPDX-License-Identifier: ISC */
#include "common/csv_record.h"

#include <inttypes.h>
#include <string.h>

static bool
is_number(struct str s)
{
	for (size_t i = 1; i < s.n; i++)
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
	return s.n > 1 && (s.p[0] == '+' || s.p[0] == '-');
}

static bool
is_formula(struct str s)
{
	return s.n > 0 && s.p[0] != '\0' && strchr("=+-@\t\r", s.p[0]) != NULL && !is_number(s);
}

static void
text(struct buf *out, struct str s)
{
	buf_addc(out, '"');
	if (is_formula(s))
		buf_addc(out, '\'');
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '"')
			buf_addc(out, '"');
		buf_addc(out, s.p[i]);
	}
	buf_addc(out, '"');
}

static void
value(const struct field *f, const void *at, struct buf *out)
{
	if (f->kind == K_STR)
		text(out, *(const struct str *)at);
	else if (f->kind == K_INT)
		buf_printf(out, "%" PRId64, *(const int64_t *)at);
	else if (f->kind == K_ENUM)
		buf_adds(out, enum_text(f->en, *(const int *)at));
	else
		buf_adds(out, *(const bool *)at ? "true" : "false");
}

/* Bytes are for programs. */
static bool
is_column(const struct field *f)
{
	return f->kind == K_STR || f->kind == K_INT || f->kind == K_ENUM || f->kind == K_BOOL;
}

static void
line(const struct rec *r, const void *obj, struct buf *out)
{
	size_t n = 0;

	for (size_t i = 0; i < r->nf; i++) {
		const struct field *f = &r->f[i];

		if (!is_column(f))
			continue;
		if (n++ > 0)
			buf_addc(out, ',');
		if (obj == NULL)
			buf_adds(out, field_json(f));
		else if ((rec_has(obj) >> i & 1) != 0)
			value(f, rec_at(f, obj), out);
	}
	buf_adds(out, "\r\n");
}

void
csv_record_head(const struct rec *r, struct buf *out)
{
	line(r, NULL, out);
}

void
csv_record_row(const struct rec *r, const void *obj, struct buf *out)
{
	line(r, obj, out);
}
