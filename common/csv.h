/* SPDX-License-Identifier: ISC */
/*
 * Comma-separated values (RFC 4180) row by row, in bounded memory. Beyond the RFC: lines end with
 * LF or CR LF, a byte order mark is passed over, the separator is a comma, semicolon or tab
 * (whichever the first line has most of), and within quotes a backslash escapes a quote or another
 * backslash, as legacy exports write it, besides the doubled quote.
 */
#ifndef COMMON_CSV_H
#define COMMON_CSV_H

#include "common/buf.h"
#include "common/err.h"

enum {
	CSV_COLUMNS_MAX = 256,
	CSV_ROW_MAX = 256 * 1024, /* bytes of a row's values */
	CSV_CHUNK = 64 * 1024
};

/* Gives at most n further bytes of the text: how many, 0 at the end, -1 on failure. */
typedef long csv_read_fn(void *arg, char *p, size_t n);

struct csv {
	csv_read_fn *read;
	void *arg;
	char separator;
	size_t line; /* of the row that was just read, where it begins */
	/* The rest is the reader's own. */
	size_t now, at, n;
	size_t ends[CSV_COLUMNS_MAX], columns;
	const char *wrong;
	struct buf values;
	struct str fields[CSV_COLUMNS_MAX];
	char chunk[CSV_CHUNK];
};

/* Starts to read and finds out the separator: 0, or -1 with ERR_UNAVAILABLE when there is nothing
 * to be had from `read`. csv_close() is due in either case. */
int csv_open(struct csv *c, csv_read_fn *read, void *arg, struct err *e);
void csv_close(struct csv *c);

/* The next row that is not empty: 1 with *ret, valid until the next call; 0 at the end; -1 with
 * ERR_MALFORMED ("line N: …") for a bad row, behind which the next call goes on, or
 * ERR_UNAVAILABLE when reading failed. */
int csv_next(struct csv *c, struct str_list *ret, struct err *e);

/* A csv_read_fn for a text in memory; `arg` is a struct str that becomes what is left. */
long csv_read_str(void *arg, char *p, size_t n);

#endif
