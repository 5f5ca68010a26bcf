/* SPDX-License-Identifier: ISC */
#include "backend/route_make.h"

#include "backend/key.h"

int
route_common_read(struct model *m, struct route_common *ret)
{
	if (model_get(m, &rec_settings, OWNER_SYSTEM, 0, &ret->settings) < 0)
		return -1;
	rec_defaults(&rec_settings, &ret->settings);
	return 0;
}

/* A schedule that the user cannot see means "always", as in answers to the user: 1 = *ret is it,
 * 0 = always, -1. */
static int
find_schedule(struct model *m, uint32_t user, const struct group_ref *groups, size_t n, int64_t id,
    struct schedule *ret)
{
	uint32_t owner;
	int rc = model_item_owner(m, &rec_schedule, (uint64_t)id, &owner);
	bool visible;

	if (rc != 1)
		return rc;
	visible = owner == user;
	for (size_t i = 0; i < n && !visible; i++)
		visible = groups[i].id == owner;
	return visible ? model_get(m, &rec_schedule, owner, (uint64_t)id, ret) : 0;
}

/* What is disabled or has no number is never called, and nobody needs to know. */
static bool
can_ring(const struct ring *r)
{
	return r->enabled && r->number.n > 0;
}

static int
make_ring(struct model *m, uint32_t user, const struct group_ref *groups, size_t n,
    const struct ring *from, struct feed_ring *to)
{
	struct schedule s;
	int rc;

	REC_SET(to, feed_ring, number, from->number);
	REC_SET(to, feed_ring, seconds, from->expiration);
	REC_SET(to, feed_ring, type, from->type);
	if (!REC_HAS(from, ring, schedule_id))
		return 0;
	if ((rc = find_schedule(m, user, groups, n, from->schedule_id, &s)) != 1)
		return rc;
	REC_SET(to, feed_ring, scheduled, true);
	REC_SET(to, feed_ring, periods, s.periods);
	return 0;
}

static int
make_rings(struct model *m, uint32_t user, const struct group_ref *groups, size_t n,
    const struct callfwd *f, struct feed_route *ret)
{
	ret->rings.v = arena_array(m->a, f->rings.n, sizeof(*ret->rings.v));
	if (ret->rings.v == NULL)
		return err_set(m->e, ERR_TOO_LARGE, NULL);
	ret->has |= REC_BIT(feed_route, rings);
	for (size_t i = 0; i < f->rings.n; i++)
		if (can_ring(&f->rings.v[i]) &&
		    make_ring(m, user, groups, n, &f->rings.v[i], &ret->rings.v[ret->rings.n++]) != 0)
			return -1;
	return 0;
}

static int
make_permissions(struct model *m, const struct user *u, struct feed_route *ret)
{
	ret->permissions.v = arena_array(m->a, enum_permission_name.n, sizeof(*ret->permissions.v));
	if (ret->permissions.v == NULL)
		return err_set(m->e, ERR_TOO_LARGE, NULL);
	ret->has |= REC_BIT(feed_route, permissions);
	for (size_t i = 0; i < enum_permission_name.n; i++) {
		int value = enum_permission_name.v[i].value;
		int rc = model_permission(m, u, (enum permission_name)value);

		if (rc < 0)
			return -1;
		if (rc == 1)
			ret->permissions.v[ret->permissions.n++] = value;
	}
	return 0;
}

int
route_of_user(
    struct model *m, const struct route_common *common, uint64_t id, struct feed_route *ret)
{
	struct group_ref *groups = arena_array(m->a, GROUPS_MAX, sizeof(*groups));
	struct callfwd f;
	struct user u;
	size_t n;
	int rc = model_get(m, &rec_user, (uint32_t)id, 0, &u);

	if (rc != 1)
		return rc;
	*ret = (struct feed_route){.has = 0};
	rec_defaults(&rec_user, &u);
	if (groups == NULL)
		return err_set(m->e, ERR_TOO_LARGE, NULL);
	if (model_groups(m, &u, groups, &n) != 0 || model_get(m, &rec_callfwd, (uint32_t)id, 0, &f) < 0)
		return -1;
	rec_defaults(&rec_callfwd, &f);
	REC_SET(ret, feed_route, id, (int64_t)id);
	REC_SET(ret, feed_route, name, u.user_name);
	REC_SET(ret, feed_route, aliases, u.aliases);
	REC_SET(ret, feed_route, enabled, u.enabled);
	REC_SET(ret, feed_route, seconds,
	    REC_HAS(&f, callfwd, expiration) ? f.expiration : common->settings.ring_seconds);
	if (REC_HAS(&u, user, time_zone) && u.time_zone.n > 0)
		REC_SET(ret, feed_route, time_zone, u.time_zone);
	return make_rings(m, (uint32_t)id, groups, n, &f, ret) != 0 || make_permissions(m, &u, ret) != 0
	    ? -1
	    : 1;
}

int
route_of_room(struct model *m, uint64_t id, struct feed_room *ret)
{
	uint32_t owner;
	int rc = model_item_owner(m, &rec_room, id, &owner);

	*ret = (struct feed_room){.has = 0};
	if (rc == 1)
		rc = model_get(m, &rec_room, owner, id, &ret->room);
	if (rc != 1)
		return rc;
	rec_defaults(&rec_room, &ret->room);
	REC_SET(ret, feed_room, id, (int64_t)id);
	ret->has |= REC_BIT(feed_room, room);
	return 1;
}

struct listing {
	struct model *m;
	struct route_named *v;
	size_t n, max;
	bool failed;
};

static int
list_row(void *arg, struct str key, struct str val)
{
	struct listing *l = arg;
	struct route_named *to = &l->v[l->n];

	to->id = 0;
	for (size_t i = 0; i < val.n; i++)
		to->id = to->id << 8 | (unsigned char)val.p[i];
	to->name = arena_copy(l->m->a, (struct str){key.p + KEY_HEAD, key.n - KEY_HEAD});
	l->failed = to->name.p == NULL;
	return l->failed || ++l->n == l->max;
}

/* Whether a name is the first one of what it stands for: 1, 0, -1. */
static int
is_first(struct model *m, enum feed_subject kind, const struct route_named *named)
{
	struct feed_room room;
	struct user u;
	int rc;

	if (kind == feed_subject_ROOM) {
		rc = route_of_room(m, named->id, &room);
		return rc == 1 ? str_eq(room.room.name, named->name) : rc;
	}
	rc = model_get(m, &rec_user, (uint32_t)named->id, 0, &u);
	return rc == 1 ? str_eq(u.user_name, named->name) : rc;
}

int
route_list(struct model *m, enum feed_subject kind, struct str after, struct route_named *ret,
    size_t max, size_t *n, struct str *last)
{
	uint16_t index = kind == feed_subject_ROOM ? INDEX_ROOM : INDEX_LOGIN;
	struct listing l = {.m = m, .v = ret, .max = max};
	struct key prefix, from;

	*n = 0;
	key_kind(&prefix, m->tenant, OWNER_SYSTEM, index);
	key_text(&from, m->tenant, OWNER_SYSTEM, index, after);
	if (store_scan(m->t, STORE_INDEX, key_str(&prefix),
	        after.n > 0 ? key_str(&from) : (struct str){"", 0}, list_row, &l, m->e) != 0)
		return -1;
	if (l.failed)
		return err_set(m->e, ERR_TOO_LARGE, NULL);
	if (l.n > 0)
		*last = ret[l.n - 1].name;
	for (size_t i = 0; i < l.n; i++) {
		int rc = is_first(m, kind, &ret[i]);

		if (rc < 0)
			return -1;
		/* In place: what is kept never overtakes what is looked at. */
		if (rc == 1)
			ret[(*n)++] = ret[i];
	}
	return l.n == max;
}
