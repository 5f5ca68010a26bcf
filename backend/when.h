/* SPDX-License-Identifier: ISC */
/*
 * Times as text, and months as numbers (year * 12 + month - 1, in UTC). Times are milliseconds
 * since 1970, which POSIX counts without leap seconds.
 */
#ifndef BACKEND_WHEN_H
#define BACKEND_WHEN_H

#include <stdbool.h>
#include <stdint.h>

#include "common/str.h"

#define WHEN_MAX INT64_C(253402300799999) /* the last millisecond of the year 9999 */

enum { WHEN_TEXT = 64 };

uint32_t when_month(int64_t ms);
/* The first millisecond of a month. */
int64_t when_month_start(uint32_t month);

/* A date-time of RFC 3339, section 5.6, from the year 1970 on; a blank for the '+' of an offset is
 * let pass, since that is what a query makes of it. The second 60 is the next minute's first. */
bool when_read(struct str text, int64_t *ret);
/* A day as yyyyMMdd: its first millisecond in UTC. */
bool when_read_day(struct str text, int64_t *ret);

/* RFC 3339 at an offset in seconds east of UTC, of which whole minutes count, "Z" for 0 where `utc`
 * says so; milliseconds where there are any. From 1970 to WHEN_MAX; at UTC where the offset leads
 * into the year 10000. */
struct str when_text(int64_t ms, int offset, bool utc, char buf[WHEN_TEXT]);
/* "2024-05-16 10:42:43.0" in UTC, as Java's Timestamp has it. */
struct str when_timestamp(int64_t ms, char buf[WHEN_TEXT]);
/* "0 years 0 mons 0 days 0 hours 2 mins 5.00 secs", as PostgreSQL's interval has it. */
struct str when_interval(int64_t ms, char buf[2 * WHEN_TEXT]);

#endif
