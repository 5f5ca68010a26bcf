/* SPDX-License-Identifier: ISC */
#include "backend/retention.h"

#include "backend/when.h"
#include "common/log.h"

enum { MONTHS_MAX = 4096 };

uint32_t
retention_first(struct retention *r, uint32_t newest, int64_t wall_ms, int64_t monotonic_s)
{
	uint32_t now = when_month(wall_ms);

	if (r->months <= 0 || newest == 0 || now <= r->months)
		return 0;
	if (now <= newest + RETENTION_QUIET_MONTHS) {
		r->doubt_since_s = 0;
	} else if (r->doubt_since_s == 0 || r->doubt_month != now) {
		r->doubt_since_s = monotonic_s;
		r->doubt_month = now;
		log_event(LOG_WARN_, "retention",
		    "no call for months, or the clock is wrong: nothing is removed before tomorrow");
		return 0;
	} else if (monotonic_s - r->doubt_since_s < RETENTION_DOUBT_S) {
		return 0;
	}
	return now - (uint32_t)r->months;
}

int
retention_run(
    struct retention *r, struct store *s, int64_t wall_ms, int64_t monotonic_s, struct err *e)
{
	uint32_t months[MONTHS_MAX], first;
	struct store_txn *t;
	size_t n;

	if (r->months <= 0)
		return 0;
	if (store_begin(s, STORE_READ, &t, e) != 0)
		return -1;
	n = store_part_list(t, 0, months, MONTHS_MAX);
	store_abort(t);
	first = retention_first(r, n > 0 ? months[n - 1] : 0, wall_ms, monotonic_s);
	for (size_t i = 0; i < n && months[i] < first; i++) {
		if (store_part_drop(s, months[i], e) < 0)
			return -1;
		log_event(LOG_INFO_, "retention", "the calls of %u-%02u have been removed", months[i] / 12,
		    months[i] % 12 + 1);
	}
	return 0;
}
