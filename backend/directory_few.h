/* SPDX-License-Identifier: ISC */
/* Looking for a text in many others, and what to do when it is in few of them. */
#ifndef BACKEND_DIRECTORY_FEW_H
#define BACKEND_DIRECTORY_FEW_H

#include "backend/directory_parts.h"

/* Where a text that is not empty begins, NULL = nowhere. memmem() would prepare itself anew for
 * each leaf, whose texts are hardly longer than its tables. */
const char *text_search(struct str text, const char *at, const char *end);

/* As directory_filter(). 0, 1 = there is too much to be found, or damage, and nothing was told;
 * -1. Does not move the streams. */
int few_filter(struct merge *g, struct str needle, uint64_t start, uint64_t end, uint64_t *filtered,
    directory_row_fn *row, void *arg);

#endif
