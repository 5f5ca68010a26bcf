/* SPDX-License-Identifier: ISC */
#include "feeds/kamailio_route.h"

#include "common/log.h"
#include "feeds/kamailio_when.h"

enum { MEMORY = 1 << 20 };

static bool
may(const struct feed_route *r, enum permission_name p)
{
	for (size_t i = 0; i < r->permissions.n; i++)
		if (r->permissions.v[i] == (int64_t)p)
			return true;
	return false;
}

/* Schedules mean the user's clock; one of a zone that is not known here, the system's. */
static void
find_zone(const struct feed_route *r, int64_t now, struct zone *z)
{
	struct str name = REC_HAS(r, feed_route, time_zone) ? r->time_zone : (struct str){"", 0};

	if (!zone_at(name, now, z)) {
		log_event(LOG_WARN_, "time-zone", "%.*s: there is no zone %.*s here", (int)r->name.n,
		    r->name.p, (int)name.n, name.p);
		zone_at((struct str){"", 0}, now, z);
	}
}

static bool
is_scheduled(const struct feed_ring *g)
{
	return REC_HAS(g, feed_ring, scheduled) && g->scheduled;
}

static int
write_ring(const struct feed_ring *g, int stage, const struct zone *z, struct buf *out)
{
	struct arena a;
	int rc = 0;

	buf_printf(out, "|%d:%lld:", stage, (long long)g->seconds);
	if (is_scheduled(g)) {
		arena_init(&a, MEMORY);
		rc = validity_text(&g->periods, z, &a, out);
		arena_free(&a);
	} else {
		buf_addc(out, '*');
	}
	buf_addc(out, ':');
	buf_addstr(out, g->number);
	return rc;
}

int
route_text(const struct feed_route *r, int64_t now, struct buf *out, int64_t *until)
{
	struct zone z = {0};
	bool zoned = false;
	int stage = 0, left_out = 0;

	*until = 0;
	buf_printf(out, "%lld:%lld:%d:%d", (long long)r->id, (long long)r->seconds, r->enabled ? 1 : 0,
	    may(r, permission_name_VOICEMAIL) ? 1 : 0);
	for (size_t i = 0; i < r->rings.n; i++) {
		const struct feed_ring *g = &r->rings.v[i];
		size_t before = out->n;

		/* With the target before it, even when that one does not ring just now. */
		if (g->type != ring_type_SAME_TIME)
			stage++;
		if (g->seconds == 0)
			continue;
		if (is_scheduled(g) && !zoned) {
			find_zone(r, now, &z);
			zoned = true;
			*until = z.changes;
		}
		if (write_ring(g, stage, &z, out) != 0)
			return -1;
		if (out->n > ROUTE_TEXT_MAX && !out->failed) {
			out->n = before;
			left_out++;
		}
	}
	return out->failed ? -1 : left_out;
}
