/* SPDX-License-Identifier: ISC */
/*
 * The key file: text of fixed length, a version line and one line of hex per
 * key. Whoever reads it can log in as anybody and unseal every SIP password;
 * it is read by the auth child alone, before that gives up its privileges.
 */
#ifndef BACKEND_AUTH_KEYS_H
#define BACKEND_AUTH_KEYS_H

#include "common/err.h"

enum { AUTH_KEY_LEN = 32 };

struct auth_keys {
	unsigned char signing[AUTH_KEY_LEN]; /* Ed25519 seed for capabilities */
	unsigned char sealing[AUTH_KEY_LEN]; /* seals SIP passwords */
	unsigned char pepper[AUTH_KEY_LEN];  /* goes into every password hash */
	unsigned char audit[AUTH_KEY_LEN];   /* Ed25519 seed for the audit log */
};

/* Reads the file; makes one with new keys when there is none. Refuses a file that is not
 * regular, not this user's, open to others, of another length or of another version: 0, or
 * -1 with *e and the keys wiped. libsodium must be initialised. */
int auth_keys_load(const char *file, struct auth_keys *ret, struct err *e);

#endif
