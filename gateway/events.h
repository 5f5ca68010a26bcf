/* SPDX-License-Identifier: ISC */
/* Records of events as Server-Sent Events (WHATWG HTML, 9.2). Nothing of Kore. */
#ifndef GATEWAY_EVENTS_H
#define GATEWAY_EVENTS_H

#include "gateway/req.h"

/* Writes a part of a stream, the first one in REQ_WAIT; one without records is a comment. 0, or -1
 * with *e when a record cannot be read or does not follow the last one. */
int events_write(struct req *r, struct str body, struct err *e);

#endif
