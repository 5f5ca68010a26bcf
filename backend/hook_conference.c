/* SPDX-License-Identifier: ISC */
/* Conference rooms as settings: the list of the caller's own, and one of them by its name. */
#include "backend/hooks.h"

#include "backend/own_room.h"

int
own_room(struct call *c, struct room_ref *ret)
{
	int rc = room_find(&c->m, c->req->key, ret);

	if (rc < 0)
		return -1;
	if (rc == 0)
		return err_set(c->m.e, ERR_NOT_FOUND, "there is no such conference");
	return ret->owner == c->who->id ? 0 : err_set(c->m.e, c->res->foreign, NULL);
}

static int
load(struct call *c, void *obj)
{
	struct room_ref ref;

	if (own_room(c, &ref) != 0)
		return -1;
	*(struct room *)obj = ref.rec;
	return 0;
}

/* An empty text takes a code or a description away. */
static int
check(struct call *c, uint64_t id, const void *old, void *obj)
{
	struct room *room = obj;

	(void)id;
	(void)old;
	if (REC_HAS(room, room, description) && room->description.n == 0)
		REC_UNSET(room, room, description);
	if (REC_HAS(room, room, access_code) && room->access_code.n == 0)
		REC_UNSET(room, room, access_code);
	if (REC_HAS(room, room, moderator_code) && room->moderator_code.n == 0)
		REC_UNSET(room, room, moderator_code);
	return room_check(room, c->m.e);
}

static int
save(struct call *c, const void *obj)
{
	struct room_ref ref;

	if (own_room(c, &ref) != 0)
		return -1;
	return room_put(&c->m, ref.owner, ref.id, &ref.rec, obj);
}

/* What the operator keeps about a room is not among its settings. */
static int
show(struct call *c, void *obj)
{
	struct room *room = obj;

	(void)c;
	room->has &= ~(REC_BIT(room, extension) | REC_BIT(room, did));
	return 0;
}

const struct hooks hooks_conference = {.load = load, .check = check, .save = save, .show = show};

static int
show_in_list(struct call *c, void *obj)
{
	struct room *room = obj;

	(void)c;
	room->has &= REC_BIT(room, enabled) | REC_BIT(room, name) | REC_BIT(room, description) |
	    REC_BIT(room, extension) | REC_BIT(room, access_code);
	return 0;
}

const struct hooks hooks_conferences = {.show = show_in_list};
