/* SPDX-License-Identifier: ISC */
/* How clients see the parties of a call; the same in lists and in events. */
#ifndef BACKEND_CALL_SHOW_H
#define BACKEND_CALL_SHOW_H

#include "common/arena.h"
#include "common/records.h"

/* "Name - user", or the user part alone where the name says nothing more. */
struct str call_show_party(struct str address, struct arena *a);
/* `calls` = seen from the caller. */
struct str call_show_direction(const struct live_call *c, bool calls);

#endif
