/* SPDX-License-Identifier: ISC */
/*
 * The Authorization header field: Basic (RFC 7617) and Bearer (RFC 6750),
 * strictly read. What is found is secret; it lies in the arena, which the
 * caller wipes. Nothing of Kore.
 */
#ifndef GATEWAY_CRED_H
#define GATEWAY_CRED_H

#include "common/arena.h"
#include "common/str.h"

enum {
	CRED_USER_MAX = 255,      /* characters, as struct credentials has it */
	CRED_PASSWORD_MAX = 1024, /* characters */
	CRED_CAP_MAX = 2048       /* bytes of a capability */
};

enum cred_kind {
	CRED_BASIC,
	CRED_BEARER,
	CRED_BAD,       /* no known scheme, or not what the scheme wants */
	CRED_BAD_BEARER /* meant to be a bearer token */
};

struct cred {
	enum cred_kind kind;
	struct str user, password; /* CRED_BASIC */
	struct str cap;            /* CRED_BEARER: the bytes of the capability */
};

void cred_parse(struct str field, struct cred *ret, struct arena *a);

#endif
