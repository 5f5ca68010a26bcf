/* SPDX-License-Identifier: ISC */
/*
 * Keyed hashes that leave the backend or lie in its store: of answers, for ETags (SipHash-2-4 with
 * 128 bits, which costs each read next to nothing), and of writes, for repeated ones (BLAKE2b).
 * Without the key nobody can try out what was hashed, which may be a PIN. The key is random, made
 * once and kept in the store: ETags survive a restart, and are the same for all gateways.
 */
#ifndef BACKEND_DIGEST_H
#define BACKEND_DIGEST_H

#include "backend/store.h"
#include "common/res.h"
#include "ipc/env.h"

enum { DIGEST_KEY = 32, DIGEST_ETAG = 16, DIGEST_WRITE = 32, DIGEST_RECORD = 16 };

struct digest_keys {
	unsigned char answers[DIGEST_KEY]; /* another one for each release: it may render otherwise */
	unsigned char writes[DIGEST_KEY];
	unsigned char records[DIGEST_KEY];
};

/* Reads the key, or makes it. Once, before there are threads. 0, or -1 with *e. */
int digest_open(struct digest_keys *k, struct store *s, uint32_t tenant, struct err *e);

/* Of what a row has answered: records in msgpack, derived fields included. */
void digest_answer(const struct digest_keys *k, const struct res *r, struct str body,
    unsigned char ret[DIGEST_ETAG]);
/* Of everything that makes a write what it is, for its user: row, method, parameters, document. */
void digest_write(const struct digest_keys *k, uint32_t user, const struct request *q,
    unsigned char ret[DIGEST_WRITE]);
/* Of a stored record, for the audit log: the same bytes in another place have another digest. */
void digest_record(const struct digest_keys *k, uint32_t owner, uint16_t kind, uint64_t item,
    struct str stored, unsigned char ret[DIGEST_RECORD]);
/* Of a digest and one more. */
void digest_more(const struct digest_keys *k, unsigned char all[DIGEST_RECORD],
    const unsigned char more[DIGEST_RECORD]);
/* A user's Idempotency-Key as the number of an item; never 0. */
uint64_t digest_name(const struct digest_keys *k, uint32_t user, struct str name);

#endif
