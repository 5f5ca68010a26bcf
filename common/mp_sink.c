/* SPDX-License-Identifier: ISC */
#include <msgpack.h>

#include "common/sink.h"

static int
append(void *arg, const char *p, size_t n)
{
	struct buf *b = arg;

	buf_add(b, p, n);
	return b->failed ? -1 : 0;
}

static msgpack_packer
packer(struct buf *out)
{
	msgpack_packer pk;

	msgpack_packer_init(&pk, out, append);
	return pk;
}

void
mp_array_head(struct buf *out, size_t n)
{
	msgpack_packer pk = packer(out);

	msgpack_pack_array(&pk, n);
}

void
mp_uint(struct buf *out, uint64_t v)
{
	msgpack_packer pk = packer(out);

	msgpack_pack_uint64(&pk, v);
}

static void
mp_map(struct sink *s, size_t members)
{
	msgpack_packer pk = packer(s->out);

	msgpack_pack_map(&pk, members);
}

static void
mp_list(struct sink *s, const struct field *f, size_t items)
{
	(void)f;
	mp_array_head(s->out, items);
}

static void
mp_end(struct sink *s)
{
	(void)s;
}

static void
mp_key(struct sink *s, const struct field *f, bool also)
{
	(void)also;
	mp_uint(s->out, f->tag);
}

static void
mp_null(struct sink *s)
{
	msgpack_packer pk = packer(s->out);

	msgpack_pack_nil(&pk);
}

static void
mp_boolean(struct sink *s, bool v)
{
	msgpack_packer pk = packer(s->out);

	if (v)
		msgpack_pack_true(&pk);
	else
		msgpack_pack_false(&pk);
}

static void
mp_integer(struct sink *s, int64_t v)
{
	msgpack_packer pk = packer(s->out);

	msgpack_pack_int64(&pk, v);
}

static void
mp_enumerated(struct sink *s, int value, const char *text)
{
	(void)text;
	mp_integer(s, value);
}

static void
mp_string(struct sink *s, struct str v)
{
	msgpack_packer pk = packer(s->out);

	msgpack_pack_str(&pk, v.n);
	msgpack_pack_str_body(&pk, v.p, v.n);
}

static void
mp_bytes(struct sink *s, struct str v)
{
	msgpack_packer pk = packer(s->out);

	msgpack_pack_bin(&pk, v.n);
	msgpack_pack_bin_body(&pk, v.p, v.n);
}

static const struct sink_ops mp_ops = {
    .map = mp_map,
    .map_end = mp_end,
    .list = mp_list,
    .list_end = mp_end,
    .key = mp_key,
    .null = mp_null,
    .boolean = mp_boolean,
    .integer = mp_integer,
    .enumerated = mp_enumerated,
    .text = mp_string,
    .bytes = mp_bytes,
    .has_nulls = false,
};

void
mp_sink_init(struct sink *s, struct buf *out)
{
	*s = (struct sink){.ops = &mp_ops, .out = out};
}

void
mp_encode(const struct rec *r, const void *obj, struct buf *out, unsigned flags)
{
	struct sink s;

	mp_sink_init(&s, out);
	rec_encode(r, obj, &s, flags);
}
