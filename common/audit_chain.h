/* SPDX-License-Identifier: ISC */
/*
 * The chain of the audit log, and the seals over it: what the backend makes and tandemctl verifies.
 * The hash of a row is BLAKE2b (RFC 7693) of the hash before it and the row's bytes, so that no row
 * can be changed, left out or put in without changing all that follow. A seal is an Ed25519
 * signature (RFC 8032) by the audit key over the number and the hash of a row: it vouches for that
 * row and all before it.
 */
#ifndef COMMON_AUDIT_CHAIN_H
#define COMMON_AUDIT_CHAIN_H

#include <stdbool.h>
#include <stdint.h>

#include "common/str.h"

enum {
	AUDIT_HASH = 32,
	AUDIT_SIGNATURE = 64,
	AUDIT_PUBLIC_KEY = 32,
	AUDIT_SEAL_TEXT = 8 + 8 + AUDIT_HASH
};

/* What a signature of the audit key begins with, its NUL included: it can be taken for no other. */
#define AUDIT_DOMAIN STR_LIT("tandem-audit-1\0")

/* The action of a row, by right of the system, that says which rows were removed for their age: its
 * `item` is the number of the last of them, its `before` that one's hash. The newest such row says
 * where the log begins. */
#define AUDIT_SWEEP STR_LIT("audit-sweep")

struct audit_seal {
	uint64_t number; /* of the last row that it is about */
	int64_t time;    /* ms since 1970 */
	unsigned char hash[AUDIT_HASH];
	unsigned char signature[AUDIT_SIGNATURE];
};

/* Goes on from the hash of the row before to that of the row with these bytes. The first row
 * follows on zeros. */
void audit_chain(unsigned char hash[AUDIT_HASH], struct str row);
/* What is signed, behind the domain. */
void audit_seal_text(const struct audit_seal *s, unsigned char ret[AUDIT_SEAL_TEXT]);
/* Whether the key of that public key has signed it. libsodium must be initialised. */
bool audit_seal_ok(const struct audit_seal *s, const unsigned char public_key[AUDIT_PUBLIC_KEY]);

#endif
