/* SPDX-License-Identifier: ISC */
/*
 * How much of the store is a user's: the bytes of all records that the user owns, as stored. Each
 * owner has a row of STORE_META with the sum, which changes in the transaction of the records, so
 * that no crash makes it wrong. An owner without a row has no records, or they are older than these
 * rows: then they are counted once.
 *
 * What counts are the kinds of record that a dump has. Rows of indexes and of the directory,
 * events, kept answers and the audit log do not: the user cannot choose how large they are.
 */
#ifndef BACKEND_QUOTA_H
#define BACKEND_QUOTA_H

#include "backend/key.h"
#include "backend/model.h"

/* What a write of the API may let its caller's records grow to, and how much it has done so. */
struct quota {
	uint32_t user;
	int64_t entries_max, bytes_max; /* 0 = no limit */
	int64_t entries, bytes;         /* more than before the write; negative = less */
};

/* --- in the writer's thread --- */

/* From here on what is the user's is looked at by way of `m`. */
void quota_begin(
    struct quota *q, struct model *m, uint32_t user, int64_t entries_max, int64_t bytes_max);
/* A record is about to become `after`, or to go (an empty one): 0 or -1. */
int quota_record(
    struct model *m, const struct rec *r, uint32_t owner, struct str key, struct str after);
/* Likewise, for a key of STORE_DATA that goes. */
int quota_key(struct model *m, struct str key);
/* At the end of the write: 0, or -1 with ERR_QUOTA when it made more of something that the user has
 * too much of now, or with a fault of the store. Does nothing without m->quota. */
int quota_end(struct model *m);

/* --- in any thread --- */

/* The bytes of an owner's records. 0 or -1. */
int quota_used(struct model *m, uint32_t owner, uint64_t *ret);

#endif
