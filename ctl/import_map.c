/* SPDX-License-Identifier: ISC */
#include "ctl/import_map.h"

void
import_map_init(struct import_map *m, const struct import_field *fields, size_t n)
{
	*m = (struct import_map){.fields = fields, .n = n};
	for (size_t i = 0; i < CSV_COLUMNS_MAX; i++)
		m->column_of[i] = -1;
}

static bool
same(struct str a, struct str b)
{
	for (size_t i = 0; i < a.n && a.n == b.n; i++) {
		char x = a.p[i], y = b.p[i];

		if (x != y && ((x | 32) != (y | 32) || (x | 32) < 'a' || (x | 32) > 'z'))
			return false;
	}
	return a.n == b.n;
}

static bool
is_among(struct str name, const char *list)
{
	struct str one, rest = str_c(list);

	while (rest.n > 0) {
		str_cut(rest, '|', &one, &rest);
		if (same(name, one))
			return true;
	}
	return false;
}

static int
field_by_name(const struct import_map *m, struct str name)
{
	for (size_t i = 0; i < m->n; i++)
		if (str_caseeqc(name, m->fields[i].name))
			return (int)i;
	return -1;
}

static int
map_one(struct import_map *m, const struct str_list *head, const char *text, struct err *e)
{
	struct str name, column;
	int field;

	if (!str_cut(str_c(text), '=', &name, &column))
		return err_set(e, ERR_INVALID, "--map %s: must be FIELD=COLUMN", text);
	if ((field = field_by_name(m, name)) < 0)
		return err_set(e, ERR_INVALID, "--map %s: there is no such field", text);
	for (size_t i = 0; i < head->n; i++) {
		if (!same(str_trim(head->v[i]), column))
			continue;
		m->column_of[field] = (int)i;
		m->known[i] = true;
		return 0;
	}
	return err_set(e, ERR_INVALID, "--map %s: the file has no such column", text);
}

int
import_map_columns(struct import_map *m, const struct str_list *head, const char *const *maps,
    size_t map_count, struct err *e)
{
	for (size_t i = 0; i < map_count; i++)
		if (map_one(m, head, maps[i], e) != 0)
			return -1;
	for (size_t i = 0; i < head->n; i++) {
		struct str name = str_trim(head->v[i]);

		for (size_t f = 0; f < m->n && !m->known[i]; f++) {
			if (m->column_of[f] >= 0 ||
			    (!str_caseeqc(name, m->fields[f].name) && !is_among(name, m->fields[f].columns)))
				continue;
			m->column_of[f] = (int)i;
			m->known[i] = true;
		}
	}
	return 0;
}

struct str
import_map_value(const struct import_map *m, size_t field, const struct str_list *values)
{
	int column = m->column_of[field];

	return column < 0 || (size_t)column >= values->n ? STR_LIT("") : str_trim(values->v[column]);
}

bool
import_map_has(const struct import_map *m, struct str name)
{
	int field = field_by_name(m, name);

	return field >= 0 && m->column_of[field] >= 0;
}
