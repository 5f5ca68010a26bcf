/* SPDX-License-Identifier: ISC */
/* How the client of a long answer keeps up. */
#ifndef GATEWAY_STREAM_H
#define GATEWAY_STREAM_H

#include "gateway/req.h"

/* Whether little enough waits for the client that more may be produced. */
bool stream_has_room(const struct req *r);
/* Whether the client has taken nothing for too long although something waits; notes what it
 * took since the last call. */
bool stream_is_stalled(struct req *r);

#endif
