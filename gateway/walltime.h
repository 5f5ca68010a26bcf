/* SPDX-License-Identifier: ISC */
/*
 * The server's local time as text for people. The time zone is read with
 * tzset() before the processes are confined: they cannot open its file.
 */
#ifndef GATEWAY_WALLTIME_H
#define GATEWAY_WALLTIME_H

#include <time.h>

#include "common/buf.h"

/* "Nov 23, 2026 4:38 PM": always in this style, whatever the locale, and without zone. */
void walltime_text(time_t now, struct buf *out);

#endif
