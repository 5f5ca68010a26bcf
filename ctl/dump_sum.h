/* SPDX-License-Identifier: ISC */
/*
 * The first and the last line of a dump, remarks to whoever reads rows alone: the version of the
 * form, and a BLAKE2b-256 sum over everything before, so that a dump that was cut off or changed is
 * not loaded as if it were whole. A signature of the last line may stand behind it.
 *
 *     # tandem-dump 1 0.1.0
 *     # end 1234 rows 5d41…
 *     # signed ed25519 kCmf…
 */
#ifndef CTL_DUMP_SUM_H
#define CTL_DUMP_SUM_H

#include <sodium.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/err.h"
#include "ctl/dump_sign.h"

enum { DUMP_VERSION = 1 };

struct dump_sum {
	crypto_generichash_state state;
	bool begun, ended;
	char last[128];      /* the last line, with its newline, which is what is signed */
	char signature[128]; /* base64; "" = none */
};

/* Writing: the first line; what every row adds to the sum; the last line. */
void dump_sum_begin(struct dump_sum *d, struct buf *line);
void dump_sum_add(struct dump_sum *d, struct str text);
void dump_sum_end(struct dump_sum *d, int64_t rows, struct buf *line);
/* The line behind it, for the key's owner. 0, or -1 with ERR_INTERNAL. */
int dump_sum_sign(
    const struct dump_sum *d, const struct dump_key *k, struct buf *line, struct err *e);

/* Reading: of each line in turn, `first` for the first one. 0, or -1 with ERR_INVALID when the form
 * is of a later release, the sum another one, or rows stand behind the last line. A file that does
 * not begin so has no sum. */
int dump_sum_line(struct dump_sum *d, struct str line, bool first, struct err *e);
/* Behind the last one: -1 when the last line is missing, or with a key when it is not signed by
 * it. */
int dump_sum_done(const struct dump_sum *d, const struct dump_key *k, struct err *e);

#endif
