/* SPDX-License-Identifier: ISC */
/* Which column of a CSV file is which field. */
#ifndef CTL_IMPORT_MAP_H
#define CTL_IMPORT_MAP_H

#include "common/csv.h"

/* A field that a file may have: its name, and the columns that are it without being told,
 * separated by '|'. ASCII case is ignored in both. `unread`: why it is known, yet not read. */
struct import_field {
	const char *name, *columns, *unread;
};

struct import_map {
	const struct import_field *fields;
	size_t n;
	int column_of[CSV_COLUMNS_MAX]; /* by field: number of the column, -1 = none */
	bool known[CSV_COLUMNS_MAX];    /* by column */
};

/* Starts with the fields that there are, at most CSV_COLUMNS_MAX. */
void import_map_init(struct import_map *m, const struct import_field *fields, size_t n);
/* Finds the columns by the first row, those of `maps` ("FIELD=COLUMN") first: 0, or -1 with *e
 * when one of them names no field or no column. */
int import_map_columns(struct import_map *m, const struct str_list *head, const char *const *maps,
    size_t map_count, struct err *e);
/* The value of a field in a row, without blanks around it; empty when there is none. */
struct str import_map_value(
    const struct import_map *m, size_t field, const struct str_list *values);
/* Whether the file has a column for the field. */
bool import_map_has(const struct import_map *m, struct str name);

#endif
