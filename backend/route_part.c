/* SPDX-License-Identifier: ISC */
#include "backend/route_part.h"

#include <string.h>

#include "common/log.h"
#include "common/sink.h"
#include "ipc/env.h"

enum { SUBJECTS_AT_ONCE = 256, ARENA_FULL = ROUTE_PART_MEMORY / 3, FRAME_MAX = 1536 * 1024 };

/* A part while it is filled. */
struct filling {
	struct model *m;
	struct feed_routes r;
	struct route_common common;
	size_t bytes;
};

static int
filling_init(struct filling *f, struct model *m)
{
	memset(f, 0, sizeof(*f));
	f->m = m;
	f->r.users.v = arena_array(m->a, SUBJECTS_AT_ONCE, sizeof(*f->r.users.v));
	f->r.rooms.v = arena_array(m->a, SUBJECTS_AT_ONCE, sizeof(*f->r.rooms.v));
	f->r.gone.v = arena_array(m->a, SUBJECTS_AT_ONCE, sizeof(*f->r.gone.v));
	if (f->r.users.v == NULL || f->r.rooms.v == NULL || f->r.gone.v == NULL)
		return err_set(m->e, ERR_TOO_LARGE, NULL);
	return route_common_read(m, &f->common);
}

static bool
is_full(const struct filling *f)
{
	return f->bytes >= ROUTE_PART_BYTES || f->m->a->used >= ARENA_FULL;
}

static void
count(struct filling *f, const struct rec *r, const void *obj)
{
	struct buf b;

	buf_init(&b, FRAME_MAX);
	mp_encode(r, obj, &b, 0);
	f->bytes += b.n;
	buf_free(&b);
}

/* 1 = it is in the part, 0 = there is no such thing any more, -1. */
static int
add(struct filling *f, struct route_subject s)
{
	int rc;

	if (s.kind == feed_subject_USER) {
		struct feed_route *to = &f->r.users.v[f->r.users.n];

		if ((rc = route_of_user(f->m, &f->common, s.id, to)) == 1) {
			f->r.users.n++;
			count(f, &rec_feed_route, to);
		}
	} else {
		struct feed_room *to = &f->r.rooms.v[f->r.rooms.n];

		if ((rc = route_of_room(f->m, s.id, to)) == 1) {
			f->r.rooms.n++;
			count(f, &rec_feed_room, to);
		}
	}
	return rc;
}

static void
add_gone(struct filling *f, struct route_subject s)
{
	struct feed_gone *to = &f->r.gone.v[f->r.gone.n++];

	REC_SET(to, feed_gone, subject, (int)s.kind);
	REC_SET(to, feed_gone, id, (int64_t)s.id);
}

static enum feed_subject
subject_of(enum feed_switch kind)
{
	return kind == feed_switch_KAMAILIO ? feed_subject_USER : feed_subject_ROOM;
}

static int
write_part(struct filling *f, struct route_cursor *c, struct buf *out)
{
	REC_SET(&f->r, feed_routes, part, ++c->part);
	if (f->r.users.n > 0)
		f->r.has |= REC_BIT(feed_routes, users);
	if (f->r.rooms.n > 0)
		f->r.has |= REC_BIT(feed_routes, rooms);
	if (f->r.gone.n > 0)
		f->r.has |= REC_BIT(feed_routes, gone);
	env_write(out, ENV_FEED_ROUTES, &f->r);
	return out->failed ? err_set(f->m->e, ERR_TOO_LARGE, NULL) : 1;
}

static bool
keep_name(struct route_cursor *c, struct str name)
{
	if (name.n > sizeof(c->after))
		return false;
	memcpy(c->after, name.p, name.n);
	c->after_n = name.n;
	return true;
}

/* The next part of a list of everything. */
static int
list_part(struct filling *f, struct route_cursor *c, struct buf *out)
{
	struct model *m = f->m;
	struct route_named *v = arena_array(m->a, SUBJECTS_AT_ONCE, sizeof(*v));
	enum feed_subject kind = subject_of(c->kind);
	struct str last = {c->after, c->after_n};
	size_t n, i;
	int more;

	if (v == NULL)
		return err_set(m->e, ERR_TOO_LARGE, NULL);
	more = route_list(m, kind, last, v, SUBJECTS_AT_ONCE, &n, &last);
	if (more < 0)
		return -1;
	for (i = 0; i < n && !is_full(f); i++)
		if (add(f, (struct route_subject){kind, v[i].id}) < 0)
			return -1;
	if (i < n)
		last = v[i - 1].name;
	if (!keep_name(c, last))
		return err_set(m->e, ERR_INTERNAL, "a name is too long");
	REC_SET(&f->r, feed_routes, generation, (int64_t)c->as_of.generation);
	if (more == 0 && i == n) {
		/* What changed while it was made comes behind it. */
		REC_SET(&f->r, feed_routes, end, true);
		REC_SET(&f->r, feed_routes, version, (int64_t)c->as_of.version);
		c->has = c->as_of;
		c->listing = c->blank = false;
	}
	return write_part(f, c, out);
}

static int
changes_part(struct filling *f, struct route_cursor *c, struct buf *out)
{
	struct model *m = f->m;
	struct route_subject *v = arena_array(m->a, SUBJECTS_AT_ONCE, sizeof(*v));
	uint64_t *versions = arena_array(m->a, SUBJECTS_AT_ONCE, sizeof(*versions));
	size_t n, i;

	if (v == NULL || versions == NULL)
		return err_set(m->e, ERR_TOO_LARGE, NULL);
	if (route_log_since(m, c->has.version, v, versions, SUBJECTS_AT_ONCE, &n) != 0)
		return -1;
	for (i = 0; i < n && !is_full(f); i++) {
		int rc = v[i].kind == subject_of(c->kind) ? add(f, v[i]) : 1;

		if (rc < 0)
			return -1;
		if (rc == 0)
			add_gone(f, v[i]);
		c->has.version = versions[i];
	}
	/* Nothing that this switch is told about, but what it has is that far. */
	if (i == 0)
		return 0;
	REC_SET(&f->r, feed_routes, generation, (int64_t)c->has.generation);
	REC_SET(&f->r, feed_routes, version, (int64_t)c->has.version);
	return write_part(f, c, out);
}

int
route_part(struct model *m, struct route_cursor *c, struct buf *out)
{
	struct route_position now;
	struct filling f;

	if (route_log_now(m, &now) != 0)
		return -1;
	if (!c->listing && !c->blank && c->has.generation == now.generation &&
	    c->has.version == now.version)
		return 0;
	if (filling_init(&f, m) != 0)
		return -1;
	if (c->listing
	        ? c->as_of.generation != now.generation
	        : c->blank || c->has.generation != now.generation || c->has.version > now.version) {
		/* A list that is under way begins anew when all of it has changed. */
		c->listing = true;
		c->as_of = now;
		c->after_n = 0;
		REC_SET(&f.r, feed_routes, begin, true);
	}
	return c->listing ? list_part(&f, c, out) : changes_part(&f, c, out);
}
