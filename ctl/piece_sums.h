/* SPDX-License-Identifier: ISC */
/*
 * What the lines of a file were when they were read first, in pieces of so many: a sum of 32 bytes
 * for each, so that a second reading can apply a piece knowing that it is the one that was checked.
 */
#ifndef CTL_PIECE_SUMS_H
#define CTL_PIECE_SUMS_H

#include <sodium.h>
#include <stdbool.h>
#include <stddef.h>

#include "common/str.h"

enum { PIECE_SUM_BYTES = 32 };

struct piece_sums {
	crypto_generichash_state state;
	size_t lines;   /* of the piece that is being read */
	size_t matched; /* pieces, of the second reading */
	unsigned char (*v)[PIECE_SUM_BYTES];
	size_t n, size;
};

/* A line, without its end, of the piece that is being read. How many that has now. */
size_t piece_add(struct piece_sums *p, struct str line);
/* The first time: the piece is over. 0, or -1 when memory has ended. Nothing for one without
 * lines. */
int piece_keep(struct piece_sums *p);
/* The second time: whether it is the next of those that were kept. */
bool piece_matches(struct piece_sums *p);
/* Behind the last one: whether all that were kept have come again. */
bool piece_all_matched(const struct piece_sums *p);
void piece_free(struct piece_sums *p);

#endif
