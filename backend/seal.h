/* SPDX-License-Identifier: ISC */
/*
 * Sealed SIP passwords: anybody who has the public sealing key can seal, only
 * the auth child can open (X25519 and XSalsa20-Poly1305, libsodium's sealed
 * box). Inside, a digest of the user's name stands before the password, so that
 * a sealed text that was moved to another user does not open there. What is
 * stored is text: "sealed:" and base64url without padding.
 */
#ifndef BACKEND_SEAL_H
#define BACKEND_SEAL_H

#include <stdbool.h>

#include "backend/auth.h"
#include "common/arena.h"
#include "common/buf.h"

#define SEAL_PREFIX "sealed:"

enum {
	SEAL_OWNER_LEN = 32, /* digest of the user's name */
	SEAL_BOX_MIN = SEAL_OWNER_LEN + AUTH_SEAL_OVERHEAD,
	SEAL_BOX_MAX = SEAL_BOX_MIN + AUTH_SIP_PASSWORD_MAX
};

/* Whether a stored value claims to be sealed. */
bool seal_is(struct str value);
/* The bytes of a sealed text: true, or false when it does not have the form of one. */
bool seal_bytes(struct str value, struct str *ret, struct arena *a);
/* Appends the sealed text of a password of at most AUTH_SIP_PASSWORD_MAX bytes. -1 when it is
 * longer or the key is none. Any thread may call it. */
int seal_text(const unsigned char public_key[AUTH_PUBLIC_KEY_LEN], struct str user,
    struct str password, struct buf *out);

/* The auth child's half: opens a box into ret[AUTH_SIP_PASSWORD_MAX]; -1 when it is damaged, of
 * another key or of another user. */
int seal_open(const unsigned char public_key[AUTH_PUBLIC_KEY_LEN],
    const unsigned char secret_key[AUTH_PUBLIC_KEY_LEN], struct str box, struct str user, char *ret,
    size_t *n);

#endif
