/* SPDX-License-Identifier: ISC */
/*
 * Documents of a resource in JSON and XML: what stands around its records
 * (roots, lists, both styles at once) as its row says. Linked only by processes
 * that meet text.
 */
#ifndef COMMON_TEXT_H
#define COMMON_TEXT_H

#include "common/buf.h"
#include "common/res.h"

/* Reads a client's document into *obj (zeroed first; types checked, not validated). */
int text_read(const struct res *r, enum format fmt, struct str body, void *obj, struct arena *a,
    struct err *e);

/* Writes the whole answer for one record. */
void text_write(const struct res *r, enum format fmt, const void *obj, struct buf *out);

/* Writes a collection piece by piece: begin, item…, end. `count` = items written so far. */
void text_list_begin(const struct res *r, enum format fmt, bool empty, struct buf *out);
/* Begins a list whose row has a head: its members, then the items. The head's own list is absent.
 */
void text_list_head(
    const struct res *r, enum format fmt, const void *head, bool empty, struct buf *out);
void text_list_item(
    const struct res *r, enum format fmt, size_t count, const void *obj, struct buf *out);
void text_list_end(const struct res *r, enum format fmt, bool empty, struct buf *out);

/* The error document: JSON {"error","type","field"} or XML <error> (XML only when fmt says so).
 * `r` (may be NULL) spells the field; fields are named as in `input`, the client's format. */
void text_error(
    const struct res *r, enum format fmt, enum format input, const struct err *e, struct buf *out);

#endif
