/* SPDX-License-Identifier: ISC */
/* For hooks whose path names a conference room. */
#ifndef BACKEND_OWN_ROOM_H
#define BACKEND_OWN_ROOM_H

#include "backend/call.h"
#include "backend/rooms.h"

/* The room that the path names, when it is the caller's: 0, or -1 with ERR_NOT_FOUND, or with the
 * row's error for what is another's. */
int own_room(struct call *c, struct room_ref *ret);

#endif
