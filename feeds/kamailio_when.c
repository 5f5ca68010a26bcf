/* SPDX-License-Identifier: ISC */
#include "feeds/kamailio_when.h"

#include <stdlib.h>
#include <string.h>

enum {
	DAY_MINUTES = 24 * 60,
	LAST_MINUTE = DAY_MINUTES - 1,
	EVERY_DAY = 0,
	WEEKDAYS = -1,
	WEEKEND = -2
};

/* Days count from 1, Sunday, as in records. */
static bool
is_on(int64_t scheduled, int day)
{
	switch (scheduled) {
	case EVERY_DAY:
		return true;
	case WEEKDAYS:
		return day >= 2 && day <= 6;
	case WEEKEND:
		return day == 1 || day == 7;
	default:
		return scheduled == day;
	}
}

static int
by_start(const void *pa, const void *pb)
{
	const struct span *a = pa, *b = pb;

	return (a->from > b->from) - (a->from < b->from);
}

/* What touches or overlaps becomes one. */
static void
join(struct spans *s)
{
	size_t n = 0;

	qsort(s->v, s->n, sizeof(*s->v), by_start);
	for (size_t i = 0; i < s->n; i++) {
		if (n > 0 && s->v[i].from <= s->v[n - 1].to) {
			if (s->v[i].to > s->v[n - 1].to)
				s->v[n - 1].to = s->v[i].to;
		} else {
			s->v[n++] = s->v[i];
		}
	}
	s->n = n;
}

static void
add(struct spans *s, int32_t from, int32_t to)
{
	if (from < to)
		s->v[s->n++] = (struct span){from, to};
}

/* The week goes round: what reaches over its end begins it anew. */
static void
add_shifted(struct spans *s, int32_t from, int32_t to, int32_t shift)
{
	int32_t start = ((from - shift) % WEEK_MINUTES + WEEK_MINUTES) % WEEK_MINUTES;
	int32_t end = start + (to - from);

	add(s, start, end < WEEK_MINUTES ? end : WEEK_MINUTES);
	add(s, 0, end - WEEK_MINUTES);
}

int
validity_spans(
    const struct period_list *periods, int64_t offset, struct arena *a, struct spans *ret)
{
	*ret = (struct spans){.n = 0};
	if ((ret->v = arena_array(a, periods->n * 14 + 1, sizeof(*ret->v))) == NULL)
		return -1;
	for (size_t i = 0; i < periods->n; i++) {
		const struct period *p = &periods->v[i];
		int32_t from = (int32_t)(p->start.hrs * 60 + p->start.min);
		int32_t to = (int32_t)(p->end.hrs * 60 + p->end.min);

		if (to == LAST_MINUTE)
			to = DAY_MINUTES;
		for (int day = 1; day <= 7 && from < to; day++)
			if (is_on(p->scheduled_day, day))
				add_shifted(ret, from + (day - 1) * DAY_MINUTES, to + (day - 1) * DAY_MINUTES,
				    (int32_t)(offset / 60));
	}
	join(ret);
	return 0;
}

static int
write_spans(const struct period_list *periods, int64_t offset, struct arena *a, struct buf *out)
{
	struct spans s;

	if (validity_spans(periods, offset, a, &s) != 0)
		return -1;
	for (size_t i = 0; i < s.n; i++)
		buf_printf(out, "%s%d-%d", i > 0 ? "," : "", (int)s.v[i].from, (int)s.v[i].to);
	if (s.n == 0)
		buf_addc(out, '-');
	return 0;
}

int
validity_text(
    const struct period_list *periods, const struct zone *z, struct arena *a, struct buf *out)
{
	if (write_spans(periods, z->offset, a, out) != 0)
		return -1;
	if (z->changes != 0) {
		buf_printf(out, "@%lld@", (long long)z->changes);
		if (write_spans(periods, z->after, a, out) != 0)
			return -1;
	}
	return out->failed ? -1 : 0;
}
