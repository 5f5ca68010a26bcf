/* SPDX-License-Identifier: ISC */
/* The records that feeds are told about routes, made of what the store has. */
#ifndef BACKEND_ROUTE_MAKE_H
#define BACKEND_ROUTE_MAKE_H

#include "backend/route_log.h"

/* What is the same for all users. Read from the transaction, not from memory, which follows a
 * change of the settings later. */
struct route_common {
	struct settings settings;
};

int route_common_read(struct model *m, struct route_common *ret);

/* 1 = *ret is the route, 0 = there is no such user or room, -1. Memory from m->a. */
int route_of_user(
    struct model *m, const struct route_common *common, uint64_t id, struct feed_route *ret);
int route_of_room(struct model *m, uint64_t id, struct feed_room *ret);

struct route_named {
	uint64_t id;
	struct str name;
};

/* Users or rooms by their first names, behind `after` (empty = from the first): *n of them in
 * ret[max]. *last is the name to go on behind, for when all of them have been taken. 1 = there may
 * be more, 0 = that was all, -1. Each comes once, unless renamed meanwhile. */
int route_list(struct model *m, enum feed_subject kind, struct str after, struct route_named *ret,
    size_t max, size_t *n, struct str *last);

#endif
