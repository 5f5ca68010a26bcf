/* SPDX-License-Identifier: ISC */
/*
 * Who a dump is from: an Ed25519 signature (RFC 8032) over its last line, which has the sum of
 * everything before. Keys are the PEM files of `openssl genpkey -algorithm ed25519` (RFC 8410), so
 * that tools an operator has make them and can check the signature without Tandem.
 */
#ifndef CTL_DUMP_SIGN_H
#define CTL_DUMP_SIGN_H

#include "common/buf.h"
#include "common/err.h"
#include "common/str.h"

/* A key of either half; released by dump_key_free(). */
struct dump_key;

/* The secret key of a file, or with `is_public` the public one. Asks at the terminal for the
 * passphrase of a secret key that has one. NULL with ERR_INVALID. */
struct dump_key *dump_key_read(const char *file, bool is_public, struct err *e);
void dump_key_free(struct dump_key *k);

/* The signature of a text, appended in base64 (RFC 4648). 0, or -1 with ERR_INTERNAL. */
int dump_sign(const struct dump_key *k, struct str text, struct buf *to, struct err *e);
/* Whether `signature`, in base64, is the key's of the text. */
bool dump_signed(const struct dump_key *k, struct str text, struct str signature);

#endif
