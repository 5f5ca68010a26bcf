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

static int
drop(struct store *s, uint32_t month, const char *why, struct err *e)
{
	if (store_part_drop(s, month, e) < 0)
		return -1;
	log_event(LOG_INFO_, "retention", "the calls of %u-%02u have been removed: %s", month / 12,
	    month % 12 + 1, why);
	return 0;
}

static int
sizes(struct store *s, const uint32_t *months, size_t n, uint64_t *bytes, struct err *e)
{
	struct store_txn *t;
	int rc = 0;

	if (store_begin(s, STORE_READ, &t, e) != 0)
		return -1;
	for (size_t i = 0; i < n && rc >= 0; i++)
		rc = store_part_size(t, months[i], &bytes[i], e);
	store_abort(t);
	return rc < 0 ? -1 : 0;
}

/* Once each time that it becomes so. */
static void
tell_over(struct retention *r, bool over)
{
	if (over && !r->told_over)
		log_event(LOG_WARN_, "retention",
		    "the calls of the latest months alone take more than backend.cdr_quota_mb: they are "
		    "kept");
	r->told_over = over;
}

/* Whole months, so that what is left is all there was of its time. The latest ones by the calls and
 * by the clock: a switch whose clock is ahead begins a month that has hardly a call yet, and a
 * clock of ours that has jumped must not make room for what is recorded by it. */
static int
keep_within(struct retention *r, struct store *s, const uint32_t *months, size_t n, int64_t wall_ms,
    struct err *e)
{
	uint64_t bytes[MONTHS_MAX], all = 0;
	uint32_t now = when_month(wall_ms);

	if (r->bytes == 0)
		return 0;
	if (sizes(s, months, n, bytes, e) != 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		all += bytes[i];
	for (size_t i = 0;
	     i + RETENTION_LATEST < n && months[i] + RETENTION_LATEST <= now && all > r->bytes; i++) {
		if (drop(s, months[i], "they take more than backend.cdr_quota_mb", e) != 0)
			return -1;
		all -= bytes[i];
	}
	tell_over(r, all > r->bytes);
	return 0;
}

int
retention_run(
    struct retention *r, struct store *s, int64_t wall_ms, int64_t monotonic_s, struct err *e)
{
	uint32_t months[MONTHS_MAX], first;
	struct store_txn *t;
	size_t n, gone = 0;

	if (r->months <= 0 && r->bytes == 0)
		return 0;
	if (store_begin(s, STORE_READ, &t, e) != 0)
		return -1;
	n = store_part_list(t, 0, months, MONTHS_MAX);
	store_abort(t);
	first = retention_first(r, n > 0 ? months[n - 1] : 0, wall_ms, monotonic_s);
	for (; gone < n && months[gone] < first; gone++)
		if (drop(s, months[gone], "their time is over", e) != 0)
			return -1;
	return keep_within(r, s, months + gone, n - gone, wall_ms, e);
}

int
retention_size(struct store_txn *t, size_t *months, uint64_t *bytes, struct err *e)
{
	uint32_t v[MONTHS_MAX];
	uint64_t one;

	*bytes = 0;
	*months = store_part_list(t, 0, v, MONTHS_MAX);
	for (size_t i = 0; i < *months; i++) {
		if (store_part_size(t, v[i], &one, e) < 0)
			return -1;
		*bytes += one;
	}
	return 0;
}
