/* SPDX-License-Identifier: ISC */
/*
 * A gateway that is not ours: speaks to a rig's backend directly, over the real
 * socket, and may send any bytes. It can also sign capabilities as the auth
 * child would, which needs the key file (for tests of what a signature alone
 * is worth).
 */
#ifndef TESTS_HOSTILE_H
#define TESTS_HOSTILE_H

#include "backend/auth.h"
#include "backend/auth_keys.h"
#include "backend/cap.h"
#include "ipc/client.h"
#include "ipc/env.h"
#include "tests/rig.h"

struct hostile {
	struct ipc_client *c;
	struct arena arena;
	int64_t next_id;
};

/* Connects and, unless `mute`, says hello and waits for the backend's. */
void hostile_open(struct hostile *h, struct rig *r, bool mute);
void hostile_close(struct hostile *h);

/* Any frame. */
void hostile_send(struct hostile *h, struct str frame);
/* The next frame within ms; false when none comes. It points into the connection's memory. */
bool hostile_next(struct hostile *h, struct str *frame, int ms);

/* Sends a request (id and deadline are filled in) and waits for its reply. -1 when none comes
 * within 5 s, else its error code. *reply may be NULL; what it points to lives until the next. */
int hostile_ask(struct hostile *h, struct request *q, struct reply *reply);

/* A capability signed with the rig's own key. */
void hostile_capability(struct rig *r, const struct cap *c, struct buf *token);
/* One that is right for that user number, to be altered by the test. */
struct cap hostile_good_cap(struct rig *r, int64_t user);

#endif
