/* SPDX-License-Identifier: ISC */
/* From a reply of the backend to the text of the answer. Nothing of Kore. */
#ifndef GATEWAY_RENDER_H
#define GATEWAY_RENDER_H

#include "gateway/req.h"

enum { RENDER_LOCATION_MAX = 1024 };

/* Takes a reply for a request in REQ_WAIT or REQ_STREAM. Nothing of the reply is kept. */
void render_reply(struct req *r, const struct reply *reply);
/* The text of r->err in place of whatever was written. */
void render_error(struct req *r);
/* Content-Type of what r->out holds, NULL when there is none. */
const char *render_type(const struct req *r);
/* Whether another Accept might have had another answer. */
bool render_varies(const struct req *r);

#endif
