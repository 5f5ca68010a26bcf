/* SPDX-License-Identifier: ISC */
/* Sessions that were ended before their time, kept until no token of theirs can be valid. */
#ifndef BACKEND_REVOKED_H
#define BACKEND_REVOKED_H

#include "backend/model.h"

/* Longest life that settings.session_seconds allows. */
enum { SESSION_SECONDS_MAX = 2592000 };

/* 1 = revoked, 0 = not, -1. */
int revoked_is(struct model *m, uint32_t user, int64_t token);
/* Adds one, and forgets those of the user that are too old to matter. */
int revoked_add(struct model *m, uint32_t user, int64_t token, int64_t now_ms);

#endif
