/* SPDX-License-Identifier: ISC */
/*
 * Writes that a client may send twice (draft-ietf-httpapi-idempotency-key-header): what came with
 * an Idempotency-Key is kept for a day with its answer, in the transaction of the write itself, so
 * that a repetition after a crash or a lost answer does nothing again. A user has a queue of such
 * writes; the oldest go when it is full or their time is over.
 */
#ifndef BACKEND_REPEAT_H
#define BACKEND_REPEAT_H

#include "backend/call.h"
#include "backend/digest.h"

enum { REPEAT_KEYS_MAX = 1000, REPEAT_BODY_MAX = 65536, REPEAT_MS = 24 * 60 * 60 * 1000 };

/* 1 = done before: its answer is in c->body; 0 = not yet; -1 with *c->m.e, ERR_UNPROCESSABLE when
 * the key was used for another request. */
int repeat_find(struct call *c, const struct digest_keys *k);
/* Keeps what has just been done, with the answer in c->body. Answers with secrets and very large
 * ones are not kept, and their requests not remembered. 0 or -1. */
int repeat_keep(struct call *c, const struct digest_keys *k);

/* Of users behind *after (start with 0): forgets what is over, some hundred writes at most. The
 * last user seen goes into *after; 0 = that was the last. 0 or -1. */
int repeat_sweep(struct model *m, int64_t now_ms, uint32_t *after);
/* With everything of a user. */
int repeat_forget(struct model *m, uint32_t user);

#endif
