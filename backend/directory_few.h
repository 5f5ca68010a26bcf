/* SPDX-License-Identifier: ISC */
/* Looking for a text in many others, and what to do when it is in few of them. */
#ifndef BACKEND_DIRECTORY_FEW_H
#define BACKEND_DIRECTORY_FEW_H

#include <limits.h>

#include "backend/directory_parts.h"

/* A text to look for. memmem() would prepare itself anew for each leaf, whose texts are hardly
 * longer than its tables. */
struct needle {
	struct str text; /* not empty */
	/* How far the window may move on by its last byte (R. N. Horspool, 1980). */
	size_t shift[UCHAR_MAX + 1];
};

void needle_init(struct needle *n, struct str text);
/* Where the text begins, NULL = nowhere. */
const char *needle_search(const struct needle *n, const char *at, const char *end);

/* As directory_filter(). 0, 1 = there is too much to be found, or damage, and nothing was told;
 * -1. Does not move the streams. */
int few_filter(struct merge *g, const struct needle *needle, uint64_t start, uint64_t end,
    uint64_t *filtered, directory_row_fn *row, void *arg);

#endif
