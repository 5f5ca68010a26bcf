/* SPDX-License-Identifier: ISC */
/*
 * Entity tags and keys of repeated writes: the header fields If-Match, If-None-Match (RFC
 * 9110 13.1) and Idempotency-Key, and the ETag of an answer. An ETag is the backend's hash in
 * hexadecimal and a letter for the format, in quotes. Nothing of Kore.
 */
#ifndef GATEWAY_PRECONDITIONS_H
#define GATEWAY_PRECONDITIONS_H

#include "gateway/req.h"

enum {
	TAGS_MAX = 32, /* in one field */
	TAG_BYTES = 16,
	ETAG_TEXT = 2 + 2 * TAG_BYTES + 1 + 1 /* with quotes, letter and NUL */
};

/* The values of our own tags in a field, one after the other, in the arena; "*" stays. Tags of
 * others can never match and are left out. A weak comparison ignores the mark of weak tags, a
 * strong one leaves them out. `letter` = only tags of that format count; '\0' = of any. -1 with
 * ERR_BAD_REQUEST. */
int tags_parse(
    struct str field, bool weak, char letter, struct str *ret, struct arena *a, struct err *e);

/* The key: a text in quotes (RFC 8941) or 1 to 255 visible characters without. */
int idempotency_key_parse(struct str field, struct str *ret, struct arena *a, struct err *e);

/* Puts what the fields say into the message; the format of the answer must be known. */
int preconditions_read(struct req *r, const struct req_in *in);

/* The ETag of r->tag in the format of the answer. */
void etag_text(const struct req *r, char ret[ETAG_TEXT]);

#endif
