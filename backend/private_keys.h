/* SPDX-License-Identifier: ISC */
/*
 * Private keys: what stands in /private/KEY/… in place of credentials. A key is
 * 32 letters and digits from the system's random source (190 bits), so a plain
 * digest of it is kept; the key itself is told once, to whoever has it made.
 */
#ifndef BACKEND_PRIVATE_KEYS_H
#define BACKEND_PRIVATE_KEYS_H

#include "backend/model.h"
#include "common/res.h"

enum { PRIVATE_KEYS_MAX = 16 }; /* of one user */

/* Whose key it is: 1 with *user, 0 when there is no such key, when it has ended, or when it is for
 * reading and the method is not; -1. */
int private_key_user(
    struct model *m, struct str key, enum method method, int64_t now_ms, uint32_t *user);

/* Makes one: 0 with its number and the key, or -1; ERR_CONFLICT when the user has too many.
 * `made` says when and for how long; its digest is filled in. */
int private_key_make(struct model *m, uint32_t user, struct private_key *made, uint64_t *id,
    char key[PRIVATE_KEY_LEN + 1]);
/* Stores one with its digest, as a load brings it. */
int private_key_put(struct model *m, uint32_t user, uint64_t id, const struct private_key *k);
/* 1 = revoked, 0 = there is none of that number, -1. */
int private_key_revoke(struct model *m, uint64_t id);
/* Before a user is removed: the digests of the user's keys mean nothing any more. */
int private_keys_forget(struct model *m, uint32_t user);

struct private_keys {
	uint64_t id[PRIVATE_KEYS_MAX];
	struct private_key key[PRIVATE_KEYS_MAX];
	size_t n;
};
/* All of a user's, by number. */
int private_keys_of(struct model *m, uint32_t user, struct private_keys *ret);

#endif
