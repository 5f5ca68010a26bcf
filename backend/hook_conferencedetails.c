/* SPDX-License-Identifier: ISC */
/* Who takes part in the conference that runs in one of the caller's rooms. */
#include <string.h>

#include "backend/hooks.h"
#include "backend/list.h"
#include "backend/live_conference.h"
#include "backend/own_room.h"
#include "common/sink.h"

static bool
is_name_of(const struct user *u, struct str name)
{
	if (str_eq(u->user_name, name))
		return true;
	for (size_t i = 0; i < u->aliases.n; i++)
		if (str_eq(u->aliases.v[i], name))
			return true;
	return false;
}

/* The messaging id of the user whom a number is a name or an alias of. */
static int
find_im_id(struct call *c, struct str number, struct conference_member *ret)
{
	struct str name, parameters;
	struct user u;
	uint32_t user;
	int rc;

	str_cut(number, ';', &name, &parameters);
	if (name.n == 0 || (rc = model_name(&c->m, INDEX_LOGIN, name, &user)) == 0)
		return 0;
	if (rc == 1)
		rc = model_get(&c->m, &rec_user, user, 0, &u);
	if (rc != 1)
		return rc;
	rec_defaults(&rec_user, &u);
	if (is_name_of(&u, name) && REC_HAS(&u, user, im_id))
		REC_SET(ret, conference_member, im_id, u.im_id);
	return 0;
}

static int
fill(struct call *c, const struct live_member *l, struct conference_member *r)
{
	struct str number = REC_HAS(l, live_member, number) ? l->number : (struct str){"", 0};

	memset(r, 0, sizeof(*r));
	REC_SET(r, conference_member, id, l->id);
	REC_SET(r, conference_member, name, number);
	if (REC_HAS(l, live_member, uuid))
		REC_SET(r, conference_member, uuid, l->uuid);
	REC_SET(r, conference_member, volume_in, l->volume_in);
	REC_SET(r, conference_member, volume_out, l->volume_out);
	REC_SET(r, conference_member, energy_level, l->energy);
	REC_SET(r, conference_member, can_hear, !l->deaf);
	REC_SET(r, conference_member, can_speak, !l->muted);
	return find_im_id(c, number, r);
}

struct part {
	struct call *c;
	bool full, failed;
};

static int
add(void *arg, const struct live_member *member)
{
	struct part *p = arg;
	struct call *c = p->c;
	size_t before = c->body->n;
	struct conference_member r;

	if (fill(c, member, &r) != 0)
		return p->failed = true;
	mp_encode(&rec_conference_member, &r, c->body, 0);
	if (before > 0 && c->body->n > LIST_PART_MAX) {
		c->body->n = before;
		p->full = true;
		return 1;
	}
	c->mark->id = (uint64_t)member->id;
	return 0;
}

/* The head, and in the mark what the members are looked for under. */
static int
begin(struct call *c)
{
	struct conference_details d = {0};
	struct live_running run;
	struct room_ref room;
	bool empty;
	int rc;

	if (own_room(c, &room) != 0)
		return -1;
	if ((rc = live_conference_in(&c->m, room.id, &run)) == 1)
		rc = live_conference_is_empty(&c->m, run.name, &empty) != 0 ? -1 : !empty;
	if (rc <= 0)
		return rc < 0 ? -1
		              : err_set(c->m.e, ERR_NOT_ACCEPTABLE, "nobody takes part in the conference");
	if (REC_HAS(&room.rec, room, extension))
		REC_SET(&d, conference_details, extension, room.rec.extension);
	if (REC_HAS(&room.rec, room, description))
		REC_SET(&d, conference_details, description, room.rec.description);
	REC_SET(&d, conference_details, locked, run.rec.conference.locked);
	mp_encode(&rec_conference_details, &d, c->body, 0);
	memcpy(c->mark->name, run.name.p, run.name.n);
	c->mark->name_n = run.name.n;
	return 0;
}

static int
details(struct call *c)
{
	struct part p = {.c = c};
	struct mark *mark = c->mark;
	int rc;

	if (!mark->set && begin(c) != 0)
		return -1;
	do {
		struct str name = {mark->name, mark->name_n};
		int64_t after = mark->set ? (int64_t)mark->id : -1;

		rc = live_members_of(&c->m, name, after, add, &p);
		mark->set = true;
	} while (rc == 1 && !p.full && !p.failed && !c->body->failed);
	c->more = p.full;
	if (rc < 0 || p.failed)
		return -1;
	return c->body->failed ? err_set(c->m.e, ERR_TOO_LARGE, NULL) : 0;
}

const struct hooks hooks_conferencedetails = {.custom = details};
