/* SPDX-License-Identifier: ISC */
/*
 * What has been verified lately, so that it need not be verified again: a
 * bounded table from a keyed hash (16 bytes; nothing else is kept) to a time.
 * Used for capabilities (until they expire) and Basic passwords (sliding).
 * Safe in threads. A full bucket forgets its oldest entry.
 */
#ifndef BACKEND_MEMO_H
#define BACKEND_MEMO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/str.h"

struct memo;

struct memo_key {
	unsigned char bytes[16];
};

/* About `entries` places, and a random hash key of its own. NULL when memory ends. */
struct memo *memo_new(size_t entries);
void memo_free(struct memo *m);

/* Keyed hash over the parts; lengths are part of it. */
struct memo_key memo_hash(const struct memo *m, const struct str *parts, size_t n);

/* Whether the key is known and not past its time. slide_ms > 0 renews it for that long. */
bool memo_known(struct memo *m, const struct memo_key *k, int64_t now_ms, int64_t slide_ms);
void memo_add(struct memo *m, const struct memo_key *k, int64_t until_ms);
/* Forgets everything. What is added meanwhile by others, for reasons from before, must not stay:
 * they take memo_time() first and add with it. */
void memo_clear(struct memo *m);
uint64_t memo_time(struct memo *m);
void memo_add_if(struct memo *m, const struct memo_key *k, int64_t until_ms, uint64_t time);

#endif
