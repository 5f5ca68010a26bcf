/* SPDX-License-Identifier: ISC */
/*
 * Room on the file system of the store. A disk that is quite full stops more than writes: recovery
 * after the next crash would need room as well. So changes that make the store larger are refused
 * while less than a reserve is free, and a file of ballast is kept, which is given up at a start
 * that finds less than the reserve.
 */
#ifndef BACKEND_SPACE_H
#define BACKEND_SPACE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"

struct space;

/* Before the store in this directory is opened, which is made when it is missing. Both sizes are
 * bytes, 0 = none. 0, or -1 with *e when the directory cannot be looked at. */
int space_open(
    struct space **ret, const char *dir, uint64_t reserve, uint64_t ballast, struct err *e);
void space_close(struct space *s);

/* Whether less than the reserve is free, and then until up to 32 MiB more than it are. Any thread;
 * looks at most every 100 ms. NULL is allowed: there is always room. */
bool space_is_low(struct space *s);
/* Makes the ballast when there is room enough for it beside the reserve, a part at a time, and logs
 * when room has become short and when it is there again. For the maintenance thread, every few
 * seconds. */
void space_tend(struct space *s);

#endif
