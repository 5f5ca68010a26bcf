/* SPDX-License-Identifier: ISC */
/* The header fields of answers, from one place: caching, formats, other origins, browsers. */
#ifndef GATEWAY_FIELDS_H
#define GATEWAY_FIELDS_H

#include "gateway/req.h"

/* In the parent, before it forks: the fields that all answers have, Kore's own included. */
void fields_start(void);
/* Those of one answer that has been decided. */
void fields_add(struct req *r);

#endif
