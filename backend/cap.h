/* SPDX-License-Identifier: ISC */
/*
 * Capabilities: the only thing from which the backend learns who asks. The
 * auth child signs them, the backend verifies them with the public key, the
 * gateway carries them without understanding.
 */
#ifndef BACKEND_CAP_H
#define BACKEND_CAP_H

#include "common/buf.h"
#include "common/rec.h"

#define REC_FILE "backend/cap.def"
#include "common/rec_decl.h"
#undef REC_FILE

enum scope { SCOPE_SELF = 1 << 0, SCOPE_ADMIN = 1 << 1 };

/* The bytes to be signed. */
void cap_write(const struct cap *c, struct buf *out);
/* Splits a token into payload and signature and reads the payload. Says nothing about the
 * signature. -1 when it has not the form. */
int cap_read(struct str token, struct cap *ret, struct str *payload, const unsigned char **sig,
    struct arena *a);
/* Names the key in capabilities. */
int64_t cap_key_id(const unsigned char public_key[32]);
/* base64url without padding (RFC 4648 section 5), as Bearer tokens are written. */
void cap_text(struct str token, struct buf *out);

#endif
