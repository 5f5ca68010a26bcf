/* SPDX-License-Identifier: ISC */
/* The connection to the backend's control socket: one command at a time, each with its answer. */
#ifndef CTL_LINK_H
#define CTL_LINK_H

#include <stdint.h>

#include "ipc/client.h"
#include "ipc/env.h"

enum {
	LINK_CONNECT_MS = 3000,
	LINK_BUSY_MS = 30000, /* where somebody listens */
	LINK_CALL_MS = 30000,
	LINK_COMMIT_MS = 600000 /* the backend gives up a command after that time too */
};

struct link {
	struct ipc_client *client;
	const char *endpoint;
	int64_t last_id;
	unsigned breaks;    /* how often the connection went, and perhaps came again, since then */
	struct arena arena; /* of the answer */
};

/* Waits until the backend has been reached: 0, or -1 with ERR_INVALID for an endpoint that is
 * none, ERR_UNAVAILABLE otherwise. */
int link_open(struct link *l, const char *endpoint, struct err *e);
void link_close(struct link *l);

/* Sends a command and waits for its answer, which is valid until the next call: 0, whatever the
 * answer says; -1 with ERR_INVALID for a command that the table forbids (and the field's path),
 * ERR_UNAVAILABLE when there is no answer. */
int link_call(
    struct link *l, struct ctl_request *q, struct ctl_reply *r, int timeout_ms, struct err *e);

#endif
