/* SPDX-License-Identifier: ISC */
/* A switch is told to call somebody and connect whoever answers with somebody else. */
#ifndef BACKEND_CALL_MAKE_H
#define BACKEND_CALL_MAKE_H

#include "backend/call.h"

/* Has the request run again once the switch has answered. Addresses from dial.h. */
void call_make(struct call *c, struct str from, struct str to);
/* What became of it (c->commanded): 0, or -1 with the error for the client. */
int call_made(struct call *c);

#endif
