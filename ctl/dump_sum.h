/* SPDX-License-Identifier: ISC */
/*
 * The first and the last line of a dump, remarks to whoever reads rows alone: the version of the
 * form, and a BLAKE2b-256 sum over everything before, so that a dump that was cut off or changed is
 * not loaded as if it were whole. # tandem-dump 1 0.1.0 # end 1234 rows 5d41…
 */
#ifndef CTL_DUMP_SUM_H
#define CTL_DUMP_SUM_H

#include <sodium.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/err.h"

enum { DUMP_VERSION = 1 };

struct dump_sum {
	crypto_generichash_state state;
	bool begun, ended;
};

/* Writing: the first line; what every row adds to the sum; the last line. */
void dump_sum_begin(struct dump_sum *d, struct buf *line);
void dump_sum_add(struct dump_sum *d, struct str text);
void dump_sum_end(struct dump_sum *d, int64_t rows, struct buf *line);

/* Reading: of each line in turn, `first` for the first one. 0, or -1 with ERR_INVALID when the form
 * is of a later release, or the sum another one. A file that does not begin so has no sum. */
int dump_sum_line(struct dump_sum *d, struct str line, bool first, struct err *e);
/* Behind the last one: -1 when the last line is missing. */
int dump_sum_done(const struct dump_sum *d, struct err *e);

#endif
