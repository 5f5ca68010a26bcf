/* SPDX-License-Identifier: ISC */
/*
 * When a target rings, for the proxy: weekly periods of a user's local time become minutes of the
 * week in UTC, which is all that it has to compare while it routes a call.
 */
#ifndef FEEDS_KAMAILIO_WHEN_H
#define FEEDS_KAMAILIO_WHEN_H

#include "common/buf.h"
#include "common/records.h"
#include "feeds/kamailio_zone.h"

enum { WEEK_MINUTES = 7 * 24 * 60 };

/* Minutes since Sunday 00:00, the end excluded. */
struct span {
	int32_t from, to;
};

struct spans {
	struct span *v; /* in order, none touches another */
	size_t n;
};

/* The periods, in a zone that is so many seconds ahead of UTC, in UTC. Memory from the arena: 0, or
 * -1 when it ends. A period that ends at 23:59 ends with the day, since none can name 24:00. */
int validity_spans(
    const struct period_list *periods, int64_t offset, struct arena *a, struct spans *ret);

/* Writes what the proxy reads: "FROM-TO,FROM-TO", and with a change of the clocks ahead
 * "…@TIME@…": from that second on the minutes behind it. Never is "-". 0 or -1. */
int validity_text(
    const struct period_list *periods, const struct zone *z, struct arena *a, struct buf *out);

#endif
