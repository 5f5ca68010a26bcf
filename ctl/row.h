/* SPDX-License-Identifier: ISC */
/*
 * A stored record as a line of text:
 *   {"type":"schedule","user":"201","item":7,"record":{...}}
 */
#ifndef CTL_ROW_H
#define CTL_ROW_H

#include "ipc/env.h"

/* What is wrong with a line. */
struct row_fault {
	struct err err;
	char field[256]; /* as it is spelled in the line, "" = none */
};

/* Reads and checks a line. The row's texts and body are in the arena. 0 or -1. */
int row_read(struct str line, struct stored_row *row, struct arena *a, struct row_fault *fault);
/* Writes a line without its end: 0, or -1 for a row that this release does not know. */
int row_write(const struct stored_row *row, struct buf *out, struct arena *a, struct err *e);

/* Spells the path of an error in a record of that kind. */
void row_path(int64_t kind, const int32_t *path, size_t depth, char *ret, size_t size);

#endif
