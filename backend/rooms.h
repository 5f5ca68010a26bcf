/* SPDX-License-Identifier: ISC */
/*
 * Conference rooms in the store. A room's name, extension and direct number share one name space
 * with users' names, aliases and messaging ids: what can be dialled means one thing.
 */
#ifndef BACKEND_ROOMS_H
#define BACKEND_ROOMS_H

#include "backend/model.h"

struct room_ref {
	uint32_t owner; /* OWNER_SYSTEM = nobody's */
	uint64_t id;
	struct room rec;
};

/* By its name alone (not by extension or number): 1, 0, -1. */
int room_find(struct model *m, struct str name, struct room_ref *ret);

/* Rules across fields: codes that go together. 0, or -1 with ERR_INVALID and the field. */
int room_check(const struct room *room, struct err *e);

/* Stores a room under its number (0 = the next one), checked by room_check(); `old` = what was
 * stored, NULL for a new one. -1 with ERR_INVALID when a name belongs to something else. */
int room_put(
    struct model *m, uint32_t owner, uint64_t id, const struct room *old, const struct room *room);

/* From a load: a room of that name is replaced when it is the owner's, else refused. */
int room_load(struct model *m, uint32_t owner, uint64_t id, struct room *room);

/* Gives up the names of the owner's room, from its stored form; the record itself stays. */
int room_forget(struct model *m, uint64_t id, struct str stored);

#endif
