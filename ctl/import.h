/* SPDX-License-Identifier: ISC */
/*
 * What the imports share: the file, the report by row, and batches of entries. A row that is bad
 * is refused and said; the rest goes on.
 */
#ifndef CTL_IMPORT_H
#define CTL_IMPORT_H

#include "common/csv.h"
#include "ctl/ctl.h"
#include "ctl/import_map.h"

enum { IMPORT_BATCH = 256, IMPORT_BATCH_BYTES = 512 * 1024 };

struct import_row {
	size_t line;     /* of the file */
	struct str what; /* whom it is about, for the report */
};

struct import {
	struct ctl *c;
	const char *file;
	bool connected;
	int fd;
	int64_t taken; /* bytes of the file */
	size_t count[import_outcome_REFUSED + 1];
	/* The batch: rows, what the report says about them, and their memory. */
	struct stored_row rows[IMPORT_BATCH];
	struct import_row about[IMPORT_BATCH];
	size_t n, bytes;
	struct arena arena;
};

/* Opens the file ("-": standard input) and begins the progress bar: EXIT_OK, or an exit code after
 * having said why. */
int import_open(struct import *im, struct ctl *c);
/* Says the summary and closes everything. `rc`: how it went; returns the program's exit code. */
int import_close(struct import *im, int rc);
/* A csv_read_fn of the file; `arg` is the struct import. */
long import_read(void *arg, char *p, size_t n);

/* Says what became of a row. `why`: of a refusal. */
void import_say(struct import *im, const struct import_row *row, enum import_outcome outcome,
    const char *field, const char *why);
/* Says something about the file that refuses nothing. */
void import_note(struct import *im, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Reads rows of CSV, the first of which names the columns (those of the fields `required`,
 * separated by '|', must be there), until `row` returns something else than EXIT_OK. It gets the
 * row's values and its line. */
typedef int import_row_fn(
    struct import *im, const struct import_map *map, const struct str_list *values, size_t line);
int import_csv(struct import *im, struct import_map *map, const char *required, import_row_fn *row);

/* Adds a record of the owner to the batch, which is sent when it is full. The record and the text
 * about it are copied. */
int import_add(struct import *im, int64_t kind, const void *obj, struct import_row about);
/* Sends what is in the batch, each of them one transaction of the backend. */
int import_flush(struct import *im);
/* Connects when that was not done yet. */
int import_connect(struct import *im);

#endif
