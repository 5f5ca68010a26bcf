/* SPDX-License-Identifier: ISC */
/*
 * Time zones by the system's tz database, as the C library reads it: how far a zone is from UTC,
 * and when its clocks are changed next. For one thread, since the library knows one zone at a time.
 */
#ifndef FEEDS_KAMAILIO_ZONE_H
#define FEEDS_KAMAILIO_ZONE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/str.h"

struct zone {
	int64_t offset;  /* seconds that local time is ahead of UTC */
	int64_t changes; /* when that changes, s since 1970; 0 = not within 400 days */
	int64_t after;   /* seconds ahead from then on */
};

/* The zone of that name in the tz database at a time (s since 1970); an empty name is the system's.
 * False = there is no such zone. */
bool zone_at(struct str name, int64_t when, struct zone *ret);

#endif
