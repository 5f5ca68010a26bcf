/* SPDX-License-Identifier: ISC */
#include "common/csv_write.h"

void
csv_write_value(struct buf *out, struct str s)
{
	buf_addc(out, '"');
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '"' || s.p[i] == '\\')
			buf_addc(out, '\\');
		buf_addc(out, s.p[i]);
	}
	buf_addc(out, '"');
}

static void
write_line(struct buf *out, const struct card *c)
{
	for (size_t i = 0; i < card_fields_count && card_fields[i].column != NULL; i++) {
		const struct card_field *f = &card_fields[i];

		if (i > 0)
			buf_addc(out, ',');
		csv_write_value(out, c != NULL ? card_get(c, f) : str_c(f->column));
	}
	buf_addc(out, '\n');
}

void
csv_write_head(struct buf *out)
{
	write_line(out, NULL);
}

void
csv_write_card(struct buf *out, const struct card *c)
{
	if (c->first_name.n > 0 || c->last_name.n > 0)
		write_line(out, c);
}
