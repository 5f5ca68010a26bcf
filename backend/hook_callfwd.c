/* SPDX-License-Identifier: ISC */
/*
 * Call forwarding: one stored record (struct callfwd), two views of it. The
 * plain view knows no schedules; storing it makes every target ring always.
 */
#include "backend/hooks.h"

/* Number of seconds from the system where the user has set none; who may have voicemail. */
static int
timer_and_voicemail(struct call *c, bool has_timer, int64_t *timer, bool *voicemail)
{
	struct settings s;
	int granted = model_permission(&c->m, &c->who->user, permission_name_VOICEMAIL);

	if (granted < 0 || model_settings(&c->m, &s) != 0)
		return -1;
	if (!has_timer)
		*timer = s.ring_seconds;
	*voicemail = granted == 1;
	return 0;
}

/* Whether the caller may use a schedule: an own one, or one of a group. */
static int
schedule_visible(struct call *c, int64_t id, bool *ret)
{
	struct group_ref groups[GROUPS_MAX];
	uint32_t owner;
	size_t n;
	int rc = model_item_owner(&c->m, &rec_schedule, (uint64_t)id, &owner);

	*ret = rc == 1 && owner == c->who->id;
	if (rc <= 0 || *ret)
		return rc < 0 ? -1 : 0;
	if (model_groups(&c->m, &c->who->user, groups, &n) != 0)
		return -1;
	for (size_t i = 0; i < n && !*ret; i++)
		*ret = groups[i].id == owner;
	return 0;
}

static int
load(struct call *c, void *obj)
{
	return model_get(&c->m, &rec_callfwd, c->who->id, 0, obj) < 0 ? -1 : 0;
}

/* A schedule that has gone, or whose group was left, means "always". */
static int
show(struct call *c, void *obj)
{
	struct callfwd *f = obj;
	bool voicemail;
	int64_t timer = f->expiration;

	if (timer_and_voicemail(c, REC_HAS(f, callfwd, expiration), &timer, &voicemail) != 0)
		return -1;
	REC_SET(f, callfwd, expiration, timer);
	REC_SET(f, callfwd, with_voicemail, voicemail);
	for (size_t i = 0; i < f->rings.n; i++) {
		struct ring *r = &f->rings.v[i];
		bool visible;

		if (!REC_HAS(r, ring, schedule_id))
			continue;
		if (schedule_visible(c, r->schedule_id, &visible) != 0)
			return -1;
		if (!visible)
			REC_UNSET(r, ring, schedule_id);
	}
	return 0;
}

static int
check(struct call *c, uint64_t id, const void *old, void *obj)
{
	struct callfwd *f = obj;

	(void)id;
	(void)old;
	for (size_t i = 0; i < f->rings.n; i++) {
		const struct ring *r = &f->rings.v[i];
		bool visible;

		if (!REC_HAS(r, ring, schedule_id))
			continue;
		if (schedule_visible(c, r->schedule_id, &visible) != 0)
			return -1;
		if (!visible) {
			err_push(c->m.e, rec_callfwd.f[callfwd_F_rings].tag);
			err_push(c->m.e, -1 - (int32_t)i);
			err_push(c->m.e, rec_ring.f[ring_F_schedule_id].tag);
			return err_set(c->m.e, ERR_UNPROCESSABLE, "there is no such schedule");
		}
	}
	return 0;
}

const struct hooks hooks_callfwd = {.load = load, .check = check, .show = show};

static int
forward_load(struct call *c, void *obj)
{
	struct forward *view = obj;
	struct callfwd f;

	if (model_get(&c->m, &rec_callfwd, c->who->id, 0, &f) < 0)
		return -1;
	if (REC_HAS(&f, callfwd, expiration))
		REC_SET(view, forward, expiration, f.expiration);
	view->has |= REC_BIT(forward, rings);
	view->rings.n = f.rings.n;
	view->rings.v = arena_array(c->m.a, f.rings.n, sizeof(*view->rings.v));
	if (view->rings.v == NULL)
		return err_set(c->m.e, ERR_TOO_LARGE, NULL);
	for (size_t i = 0; i < f.rings.n; i++) {
		struct plain_ring *to = &view->rings.v[i];
		const struct ring *from = &f.rings.v[i];

		REC_SET(to, plain_ring, expiration, from->expiration);
		REC_SET(to, plain_ring, type, from->type);
		REC_SET(to, plain_ring, enabled, from->enabled);
		REC_SET(to, plain_ring, number, from->number);
	}
	return 0;
}

static int
forward_save(struct call *c, const void *obj)
{
	const struct forward *view = obj;
	struct callfwd f = {0};

	if (REC_HAS(view, forward, expiration))
		REC_SET(&f, callfwd, expiration, view->expiration);
	f.has |= REC_BIT(callfwd, rings);
	f.rings.n = view->rings.n;
	f.rings.v = arena_array(c->m.a, view->rings.n, sizeof(*f.rings.v));
	if (f.rings.v == NULL)
		return err_set(c->m.e, ERR_TOO_LARGE, NULL);
	for (size_t i = 0; i < view->rings.n; i++) {
		struct ring *to = &f.rings.v[i];
		const struct plain_ring *from = &view->rings.v[i];

		REC_SET(to, ring, expiration, from->expiration);
		REC_SET(to, ring, type, from->type);
		REC_SET(to, ring, enabled, from->enabled);
		REC_SET(to, ring, number, from->number);
	}
	return model_put(&c->m, &rec_callfwd, c->who->id, 0, &f);
}

static int
forward_show(struct call *c, void *obj)
{
	struct forward *view = obj;
	int64_t timer = view->expiration;
	bool voicemail;

	if (timer_and_voicemail(c, REC_HAS(view, forward, expiration), &timer, &voicemail) != 0)
		return -1;
	REC_SET(view, forward, expiration, timer);
	REC_SET(view, forward, with_voicemail, voicemail);
	return 0;
}

const struct hooks hooks_forward = {
    .load = forward_load, .save = forward_save, .show = forward_show};
