/* SPDX-License-Identifier: ISC */
/*
 * The parts of a SIP address that call records show: of a name-addr, a SIP URI or a bare user part
 * (RFC 3261, sections 20.10 and 25.1). Lenient, since switches pass on what phones have written:
 * every text has parts, which may be empty. Nothing is unescaped but a quoted display name.
 */
#ifndef COMMON_SIPADDR_H
#define COMMON_SIPADDR_H

#include "common/arena.h"
#include "common/str.h"

struct sipaddr {
	struct str name; /* display name, still with its backslashes when it was quoted */
	struct str user; /* up to '@' or ';' */
	struct str host; /* without port and parameters; empty when there is none */
};

/* All parts point into `text`. */
void sipaddr_read(struct sipaddr *ret, struct str text);

/* The display name as a person reads it; in the arena when something had to be unescaped, as it
 * stands when memory ends. */
struct str sipaddr_name(const struct sipaddr *s, struct arena *a);

#endif
