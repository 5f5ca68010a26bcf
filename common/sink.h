/* SPDX-License-Identifier: ISC */
/*
 * Where records are written to: the one encoder walks a struct by its table and
 * calls a sink. Sinks append to a buf; a failure sticks there.
 */
#ifndef COMMON_SINK_H
#define COMMON_SINK_H

#include "common/buf.h"
#include "common/rec.h"

enum {
	ENCODE_NULLS = 1 << 0,   /* absent optional fields are written as null (JSON) */
	ENCODE_SECRETS = 1 << 1, /* secret fields too (store, dump) */
	ENCODE_ALSO = 1 << 2     /* second JSON names of fields too */
};

enum { SINK_DEPTH_MAX = 20 };

struct sink;

struct sink_ops {
	void (*map)(struct sink *, size_t members);
	void (*map_end)(struct sink *);
	void (*list)(struct sink *, const struct field *f, size_t items);
	void (*list_end)(struct sink *);
	void (*key)(struct sink *, const struct field *f, bool also);
	void (*null)(struct sink *);
	void (*boolean)(struct sink *, bool);
	void (*integer)(struct sink *, int64_t);
	void (*enumerated)(struct sink *, int value, const char *text);
	void (*text)(struct sink *, struct str);
	void (*bytes)(struct sink *, struct str);
	bool has_nulls; /* whether the format can say null */
};

struct sink {
	const struct sink_ops *ops;
	struct buf *out;
	/* JSON: whether a comma is due; XML: names of the open elements and of the next one. */
	bool comma[SINK_DEPTH_MAX];
	const char *name[SINK_DEPTH_MAX];
	const char *item[SINK_DEPTH_MAX];
	bool is_list[SINK_DEPTH_MAX];
	size_t depth;
	const char *next;
};

void json_sink_init(struct sink *s, struct buf *out);
/* `root`: name of the element that the record becomes. */
void xml_sink_init(struct sink *s, struct buf *out, const char *root);
void mp_sink_init(struct sink *s, struct buf *out);

/* Writes one record as a map. Present fields only, in the table's order. */
void rec_encode(const struct rec *r, const void *obj, struct sink *s, unsigned flags);
/* The value of one field, without its name, whether it is present or not. */
void rec_encode_value(const struct field *f, const void *obj, struct sink *s, unsigned flags);
/* The members alone, for a caller that has opened the map. */
void rec_encode_members(const struct rec *r, const void *obj, struct sink *s, unsigned flags);

/* rec_encode() to msgpack. */
void mp_encode(const struct rec *r, const void *obj, struct buf *out, unsigned flags);
/* msgpack heads for what surrounds records. */
void mp_array_head(struct buf *out, size_t n);
void mp_uint(struct buf *out, uint64_t v);

/* Escaped text on its own, for callers that write a document by hand (errors). */
void json_text(struct buf *out, struct str s);
void xml_text(struct buf *out, struct str s);
/* Bytes as text: hexadecimal digits. */
void hex_text(struct buf *out, struct str s);

#endif
