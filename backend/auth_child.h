/* SPDX-License-Identifier: ISC */
/*
 * The auth child itself, and what it and the backend say to each other: one
 * message per request and reply on a SOCK_SEQPACKET pair. Both ends are the
 * same program, so messages are plain structs, cut behind the bytes in use;
 * lengths are still checked at both ends.
 */
#ifndef BACKEND_AUTH_CHILD_H
#define BACKEND_AUTH_CHILD_H

#include <stdint.h>
#include <sys/types.h>

#include "backend/auth.h"

enum auth_op {
	AUTH_OP_HASH,   /* first = password */
	AUTH_OP_VERIFY, /* first = password, second = hash */
	AUTH_OP_SIGN,   /* first = payload */
	AUTH_OP_OPEN,   /* first = sealed box, second = user name */
	AUTH_OP_SEAL    /* first = what an audit seal is over */
};

struct auth_request {
	uint32_t op;
	uint32_t id;
	uint32_t first, second; /* lengths of two strings in data[], one behind the other */
	char data[AUTH_PAYLOAD_MAX];
};

/* The very first one tells how the start went: id 0, the public keys for signatures, for
 * sealing and of the audit log, or an error's text. */
enum { AUTH_HELLO_LEN = 3 * AUTH_PUBLIC_KEY_LEN };

struct auth_reply {
	uint32_t id;
	uint32_t ok; /* 0 or 1 */
	uint32_t n;
	char data[ERR_TEXT_MAX];
};

_Static_assert(AUTH_PASSWORD_MAX + AUTH_HASH_MAX <= AUTH_PAYLOAD_MAX, "a verify fits");
_Static_assert(AUTH_SIP_PASSWORD_MAX <= sizeof(((struct auth_reply *)0)->data), "a password fits");
_Static_assert(AUTH_HASH_MAX <= sizeof(((struct auth_reply *)0)->data), "a hash fits");

/* The life of the child, right after fork(); `fd` is its end of the pair. */
_Noreturn void auth_child_run(int fd, pid_t parent, const struct auth_conf *conf);

#endif
