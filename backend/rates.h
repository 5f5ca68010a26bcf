/* SPDX-License-Identifier: ISC */
/*
 * How much one user may ask for: a token bucket per user and class of request
 * (a row's rate class), filled at so many a second and holding two seconds'
 * worth. Bounded: the user not seen for the longest time is forgotten first.
 * Safe in threads.
 */
#ifndef BACKEND_RATES_H
#define BACKEND_RATES_H

#include <stdint.h>

#include "common/res.h"

enum { RATE_CLASSES = RATE_LOGIN + 1 };

struct rates;

/* Requests per second by class, 0 = as many as one likes. NULL when memory ends. */
struct rates *rates_new(const int64_t per_second[RATE_CLASSES]);
/* NULL is allowed. */
void rates_free(struct rates *b);

/* What a request counts as: the row's class, else by its method. */
enum rate_class rates_class(const struct res *r, enum method m);

/* Takes one: 0, or the seconds until there is one again. `now_us`: monotonic. */
int64_t rates_take(struct rates *b, uint32_t user, enum rate_class class, int64_t now_us);

#endif
