/* SPDX-License-Identifier: ISC */
/*
 * Time zones by their names in the tz database, as the system's tzdata has them; GLib reads the
 * files, here alone. Safe in threads.
 */
#ifndef BACKEND_ZONE_H
#define BACKEND_ZONE_H

#include <stdint.h>

#include "common/str.h"

enum { ZONE_NAME_MAX = 64 };

struct zone;

/* NULL when there is no such zone. */
struct zone *zone_open(struct str name);
void zone_close(struct zone *z);
/* Seconds east of UTC at a time, ms since 1970. */
int zone_offset(struct zone *z, int64_t ms);

#endif
