/* SPDX-License-Identifier: ISC */
/* Tables of members in docs/api.md. */
#include <inttypes.h>
#include <string.h>

#include "docs/gen.h"

void
gen_cell(struct buf *out, const char *s)
{
	for (; *s != '\0'; s++) {
		if (*s == '|')
			buf_addc(out, '\\');
		buf_addc(out, *s);
	}
}

static void
write_type(struct buf *out, const struct field *f)
{
	switch (f->kind) {
	case K_BOOL:
		buf_adds(out, "boolean");
		break;
	case K_INT:
		buf_adds(out, "integer");
		break;
	case K_STR:
		buf_adds(out, "text");
		break;
	case K_BIN:
		buf_adds(out, "bytes in hexadecimal digits");
		break;
	case K_ENUM:
		for (size_t i = 0; i < f->en->n; i++)
			buf_printf(out, "%s`%s`", i > 0 ? ", " : "", f->en->v[i].text);
		break;
	case K_REC:
		buf_printf(out, "record `%s`", f->sub->name);
		break;
	case K_LIST:
		buf_printf(out, "list of records `%s`", f->sub->name);
		break;
	case K_STRS:
		buf_adds(out, "list of texts");
		break;
	default:
		buf_adds(out, "list of integers");
		break;
	}
}

static void
write_limits(struct buf *out, const struct field *f)
{
	const char *unit = "items";
	int64_t max = f->max;

	switch (f->kind) {
	case K_INT:
		if (f->max == INT64_MAX)
			buf_printf(out, "from %" PRId64, f->min);
		else
			buf_printf(out, "%" PRId64 " to %" PRId64, f->min, f->max);
		return;
	case K_BOOL:
	case K_ENUM:
	case K_REC:
		return;
	case K_STR:
	case K_BIN:
		unit = f->kind == K_STR ? "characters" : "bytes";
		max = max != 0 ? max : 255;
		break;
	default:
		break;
	}
	if (f->min > 0)
		buf_printf(out, "%" PRId64 " to %" PRId64 " %s", f->min, max, unit);
	else
		buf_printf(out, "at most %" PRId64 " %s", max, unit);
}

static void
write_default(struct buf *out, const struct field *f)
{
	if ((f->flags & F_DFLT) == 0)
		return;
	switch (f->kind) {
	case K_BOOL:
		buf_adds(out, f->dflt != 0 ? "true" : "false");
		break;
	case K_INT:
		buf_printf(out, "%" PRId64, f->dflt);
		break;
	case K_ENUM:
		buf_printf(out, "`%s`", enum_text(f->en, (int)f->dflt));
		break;
	case K_STR:
		if (f->sdflt != NULL)
			buf_printf(out, "`%s`", f->sdflt);
		else
			buf_adds(out, "empty");
		break;
	default:
		buf_adds(out, "empty");
		break;
	}
}

static void
write_notes(struct buf *out, const struct res *r, const struct field *f)
{
	gen_cell(out, f->doc);
	if ((f->flags & F_REQ) != 0)
		buf_adds(out, " *Required.*");
	if (field_read_only(f))
		buf_adds(out, " *Read-only.*");
	if ((f->flags & F_SECRET) != 0)
		buf_adds(out, " *Write-only.*");
	if ((f->flags & F_KEEP) != 0)
		buf_adds(out, " Stays when it is left out.");
	if (r->xml_root != NULL && strcmp(field_json(f), field_xml(f)) != 0)
		buf_printf(out, " In XML `%s`.", field_xml(f));
	if (r->xml_root != NULL && (f->kind == K_LIST || f->kind == K_STRS || f->kind == K_INTS))
		buf_printf(out, " Items in XML: `%s`.", field_item(f));
	if (f->json_also != NULL && r->family == FAM_BEAN)
		buf_printf(out, " In JSON also `%s`.", f->json_also);
	if (f->alias != NULL) {
		buf_adds(out, " Also understood: `");
		for (const char *c = f->alias; *c != '\0'; c++)
			buf_adds(out, *c == '|' ? "`, `" : (char[]){*c, '\0'});
		buf_adds(out, "`.");
	}
}

static bool
is_shown(const struct field *f)
{
	/* A secret that a client cannot send either is nobody's business. */
	return (f->flags & F_SECRET) == 0 || !field_read_only(f);
}

void
gen_member_table(
    struct buf *out, const struct res *r, const struct rec *record, const struct rec *top)
{
	if (record != top)
		buf_printf(out, "\n`%s`: %s\n", record->name, record->doc);
	buf_adds(out, "\n| Member | Type | Limits | Default | Meaning |\n|---|---|---|---|---|\n");
	for (size_t i = 0; i < record->nf; i++) {
		const struct field *f = &record->f[i];

		if (!is_shown(f))
			continue;
		buf_printf(out, "| `%s` | ", field_json(f));
		write_type(out, f);
		buf_adds(out, " | ");
		write_limits(out, f);
		buf_adds(out, " | ");
		write_default(out, f);
		buf_adds(out, " | ");
		write_notes(out, r, f);
		buf_adds(out, " |\n");
	}
}

enum { RECORDS_MAX = 64 };

/* The record and those in it, each once. */
void
gen_members(struct buf *out, const struct res *r, const struct rec *top)
{
	const struct rec *todo[RECORDS_MAX] = {top};
	size_t n = 1;

	for (size_t at = 0; at < n; at++) {
		gen_member_table(out, r, todo[at], top);
		for (size_t i = 0; i < todo[at]->nf; i++) {
			const struct rec *sub = todo[at]->f[i].sub;
			size_t k = 0;

			while (k < n && todo[k] != sub)
				k++;
			if (sub != NULL && k == n && n < RECORDS_MAX)
				todo[n++] = sub;
		}
	}
}
