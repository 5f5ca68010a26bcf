/* SPDX-License-Identifier: ISC */
/*
 * A growing output buffer on the heap with a cap. The first failure sticks:
 * callers append freely and ask once, at the end, whether all of it went in.
 */
#ifndef COMMON_BUF_H
#define COMMON_BUF_H

#include <stdbool.h>
#include <stddef.h>

#include "common/str.h"

struct buf {
	char *p;
	size_t n, size, cap;
	bool failed; /* out of memory, or over the cap */
};

void buf_init(struct buf *b, size_t cap);
void buf_free(struct buf *b);
/* As buf_free(), with the bytes overwritten first. */
void buf_wipe(struct buf *b);
/* Empties it and forgets a failure; the memory stays. */
void buf_reset(struct buf *b);

void buf_add(struct buf *b, const void *p, size_t n);
void buf_addc(struct buf *b, char c);
void buf_adds(struct buf *b, const char *s);
void buf_addstr(struct buf *b, struct str s);
void buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* What was written; valid until the next append. */
struct str buf_str(const struct buf *b);

#endif
