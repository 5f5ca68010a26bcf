/* SPDX-License-Identifier: ISC */
#include "backend/rooms.h"

#include "backend/key.h"

enum { NAMES = 3 };

/* The fields by which a room can be dialled, in the order of their mention in errors. */
static const int name_fields[NAMES] = {room_F_name, room_F_extension, room_F_did};

static struct str
name_of(const struct room *room, int field)
{
	if ((room->has >> field & 1) == 0)
		return (struct str){"", 0};
	return *(const struct str *)rec_at(&rec_room.f[field], room);
}

int
room_find(struct model *m, struct str name, struct room_ref *ret)
{
	uint32_t id;
	int rc = model_name(m, INDEX_ROOM, name, &id);

	if (rc == 1)
		rc = model_item_owner(m, &rec_room, id, &ret->owner);
	if (rc == 1)
		rc = model_get(m, &rec_room, ret->owner, id, &ret->rec);
	if (rc != 1)
		return rc;
	ret->id = id;
	/* An extension stands in the index too, but it is no name. */
	return str_eq(ret->rec.name, name);
}

static int
refuse(struct err *e, int field, const char *text)
{
	err_push(e, rec_room.f[field].tag);
	return err_set(e, ERR_INVALID, "%s", text);
}

int
room_check(const struct room *room, struct err *e)
{
	bool access = REC_HAS(room, room, access_code), moderator = REC_HAS(room, room, moderator_code);

	if (moderator && !access)
		return refuse(e, room_F_moderator_code, "needs a participants' code beside it");
	if (!room->quickstart && !moderator)
		return refuse(e, room_F_quickstart, "cannot be false without a moderator's code");
	if (!room->quickstart && str_eq(room->access_code, room->moderator_code))
		return refuse(e, room_F_moderator_code, "must differ from the participants' code");
	return 0;
}

static int
forget_names(struct model *m, const struct room *room)
{
	for (size_t i = 0; i < NAMES; i++) {
		struct str name = name_of(room, name_fields[i]);

		if (name.n > 0 && model_name_del(m, INDEX_ROOM, name) != 0)
			return -1;
	}
	return 0;
}

static int
take_names(struct model *m, uint64_t id, const struct room *room)
{
	for (size_t i = 0; i < NAMES; i++) {
		struct str name = name_of(room, name_fields[i]);
		uint32_t other;
		int rc;

		if (name.n == 0)
			continue;
		if ((rc = model_name(m, INDEX_LOGIN, name, &other)) == 0) {
			rc = model_name(m, INDEX_ROOM, name, &other);
			if (rc == 1 && other == id)
				rc = 0;
		}
		if (rc < 0)
			return -1;
		if (rc == 1)
			return refuse(m->e, name_fields[i], "is in use");
		if (model_name_set(m, INDEX_ROOM, name, (uint32_t)id) != 0)
			return -1;
	}
	return 0;
}

int
room_put(
    struct model *m, uint32_t owner, uint64_t id, const struct room *old, const struct room *room)
{
	if (room_check(room, m->e) != 0)
		return -1;
	if (id == 0 && (id = model_next_number(m, rec_room.store)) == 0)
		return -1;
	if ((old != NULL && forget_names(m, old) != 0) || take_names(m, id, room) != 0)
		return -1;
	return model_number_used(m, rec_room.store, id) != 0 ||
	        model_item_index(m, &rec_room, id, owner) != 0
	    ? -1
	    : model_put(m, &rec_room, owner, id, room);
}

int
room_load(struct model *m, uint32_t owner, uint64_t id, struct room *room)
{
	struct room_ref there;
	uint32_t other;
	int rc = room_find(m, room->name, &there);

	if (rc < 0)
		return -1;
	if (rc == 1) {
		if (there.owner != owner || (id != 0 && id != there.id))
			return refuse(m->e, room_F_name, "is in use");
		return room_put(m, owner, there.id, &there.rec, room);
	}
	if (id == 0)
		return room_put(m, owner, 0, NULL, room);
	if ((rc = model_item_owner(m, &rec_room, id, &other)) < 0)
		return -1;
	if (rc == 0)
		return room_put(m, owner, id, NULL, room);
	if (other != owner || model_get(m, &rec_room, owner, id, &there.rec) != 1)
		return err_set(m->e, ERR_CONFLICT, "the number is in use by another owner");
	return room_put(m, owner, id, &there.rec, room);
}

int
room_forget(struct model *m, uint64_t id, struct str stored)
{
	struct room room;

	return model_decode(m, &rec_room, stored, &room) != 0 || forget_names(m, &room) != 0 ||
	        model_item_unindex(m, &rec_room, id) != 0
	    ? -1
	    : 0;
}
