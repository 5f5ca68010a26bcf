/* SPDX-License-Identifier: ISC */
/* The first byte says how large the pieces are in which the text arrives. Rows that are read must
 * survive being written and read again. */
#include <stdlib.h>
#include <string.h>

#include "common/csv.h"
#include "common/csv_write.h"
#include "tests/fuzz/fuzz.h"

struct pieces {
	struct str rest;
	size_t size;
};

static long
read_piece(void *arg, char *p, size_t n)
{
	struct pieces *s = arg;

	return csv_read_str(&s->rest, p, n < s->size ? n : s->size);
}

static void
again(const struct str_list *row)
{
	struct csv *c = malloc(sizeof(*c));
	struct str_list got;
	struct buf out;
	struct str text;
	struct err e = {0};

	FUZZ_MUST(c != NULL);
	buf_init(&out, 2 * CSV_ROW_MAX);
	for (size_t i = 0; i < row->n; i++) {
		if (i > 0)
			buf_addc(&out, ',');
		csv_write_value(&out, row->v[i]);
	}
	text = buf_str(&out);
	FUZZ_MUST(csv_open(c, csv_read_str, &text, &e) == 0);
	c->separator = ',';
	FUZZ_MUST(csv_next(c, &got, &e) == 1 && got.n == row->n);
	for (size_t i = 0; i < row->n; i++)
		FUZZ_MUST(str_eq(got.v[i], row->v[i]));
	FUZZ_MUST(csv_next(c, &got, &e) == 0);
	csv_close(c);
	free(c);
	buf_free(&out);
}

int
fuzz_csv(const uint8_t *data, size_t size)
{
	struct csv *c;
	struct pieces text;
	struct str_list row;
	struct err e = {0};
	size_t line = 0;
	int rc;

	if (size == 0 || (c = malloc(sizeof(*c))) == NULL)
		return 0;
	text = (struct pieces){{(const char *)data + 1, size - 1}, data[0] == 0 ? CSV_CHUNK : data[0]};
	FUZZ_MUST(csv_open(c, read_piece, &text, &e) == 0);
	while ((rc = csv_next(c, &row, &e)) != 0) {
		FUZZ_MUST(rc == 1 || e.code == ERR_MALFORMED);
		FUZZ_MUST(c->line > line);
		line = c->line;
		for (size_t i = 0; rc == 1 && i < row.n; i++)
			FUZZ_MUST(str_is_utf8(row.v[i]));
		if (rc == 1)
			again(&row);
	}
	csv_close(c);
	free(c);
	return 0;
}

FUZZ_TARGET(csv)
