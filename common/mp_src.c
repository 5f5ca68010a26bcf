/* SPDX-License-Identifier: ISC */
#include <string.h>

#include "common/mp.h"

static struct mp_src *
self(struct src *s)
{
	/* src is the first member. */
	return (struct mp_src *)(void *)s;
}

static int
bad(struct err *e)
{
	return err_set(e, ERR_MALFORMED, "not valid msgpack");
}

static size_t
left(const struct mp_src *m)
{
	return (size_t)(m->end - m->p);
}

static bool
big_endian(struct mp_src *m, size_t bytes, uint64_t *ret)
{
	*ret = 0;
	if (left(m) < bytes)
		return false;
	while (bytes-- > 0)
		*ret = *ret << 8 | *m->p++;
	return true;
}

enum what { W_BAD, W_NULL, W_BOOL, W_INT, W_REAL, W_TEXT, W_BIN, W_MAP, W_LIST };

struct head {
	enum what what;
	uint64_t n; /* length or count */
	int64_t i;
	double d;
};

static void
real_head(struct mp_src *m, size_t bytes, struct head *h)
{
	uint64_t v;

	if (!big_endian(m, bytes, &v))
		return;
	if (bytes == 4) {
		uint32_t half = (uint32_t)v;
		float f;

		memcpy(&f, &half, sizeof(f));
		h->d = (double)f;
	} else {
		memcpy(&h->d, &v, sizeof(h->d));
	}
	h->what = W_REAL;
}

static void
int_head(struct mp_src *m, unsigned char c, struct head *h)
{
	uint64_t v;

	if (!big_endian(m, (size_t)1 << (c & 3), &v))
		return;
	if (c <= 0xcf) {
		if (v > INT64_MAX)
			return;
		h->i = (int64_t)v;
	} else if (c == 0xd0) {
		h->i = (int8_t)v;
	} else if (c == 0xd1) {
		h->i = (int16_t)v;
	} else if (c == 0xd2) {
		h->i = (int32_t)v;
	} else {
		h->i = (int64_t)v;
	}
	h->what = W_INT;
}

/* Reads the first byte of a value and its length; the cursor stands at its content. */
static struct head
read_head(struct mp_src *m)
{
	struct head h = {.what = W_BAD};
	unsigned char c;

	if (left(m) == 0)
		return h;
	c = *m->p++;
	if (c <= 0x7f || c >= 0xe0) {
		h.what = W_INT;
		h.i = (signed char)c;
	} else if (c <= 0x8f) {
		h.what = W_MAP;
		h.n = c & 0x0f;
	} else if (c <= 0x9f) {
		h.what = W_LIST;
		h.n = c & 0x0f;
	} else if (c <= 0xbf) {
		h.what = W_TEXT;
		h.n = c & 0x1f;
	} else if (c == 0xc0) {
		h.what = W_NULL;
	} else if (c == 0xc2 || c == 0xc3) {
		h.what = W_BOOL;
		h.i = c & 1;
	} else if (c >= 0xc4 && c <= 0xc6) {
		h.what = big_endian(m, (size_t)1 << (c - 0xc4), &h.n) ? W_BIN : W_BAD;
	} else if (c == 0xca || c == 0xcb) {
		real_head(m, c == 0xca ? 4 : 8, &h);
	} else if (c >= 0xcc && c <= 0xd3) {
		int_head(m, c, &h);
	} else if (c >= 0xd9 && c <= 0xdb) {
		h.what = big_endian(m, (size_t)1 << (c - 0xd9), &h.n) ? W_TEXT : W_BAD;
	} else if (c == 0xdc || c == 0xdd) {
		h.what = big_endian(m, c == 0xdc ? 2 : 4, &h.n) ? W_LIST : W_BAD;
	} else if (c == 0xde || c == 0xdf) {
		h.what = big_endian(m, c == 0xde ? 2 : 4, &h.n) ? W_MAP : W_BAD;
	}
	/* Every item takes a byte at least: a larger count is a lie. */
	if ((h.what == W_TEXT || h.what == W_BIN || h.what == W_LIST) && h.n > left(m))
		h.what = W_BAD;
	if (h.what == W_MAP && h.n > left(m) / 2)
		h.what = W_BAD;
	return h;
}

static int
mp_scalar(struct src *s, struct scalar *ret, struct err *e)
{
	struct mp_src *m = self(s);
	struct head h = read_head(m);

	*ret = (struct scalar){.tok = TOK_NULL, .i = h.i, .d = h.d, .b = h.i != 0};
	switch (h.what) {
	case W_NULL:
		return 0;
	case W_BOOL:
		ret->tok = TOK_BOOL;
		return 0;
	case W_INT:
		ret->tok = TOK_INT;
		return 0;
	case W_REAL:
		ret->tok = TOK_REAL;
		return 0;
	case W_TEXT:
	case W_BIN:
		ret->tok = h.what == W_TEXT ? TOK_TEXT : TOK_BIN;
		ret->s = (struct str){(const char *)m->p, (size_t)h.n};
		m->p += h.n;
		return 0;
	default:
		return bad(e);
	}
}

static int
enter(struct src *s, enum what what, struct err *e)
{
	struct mp_src *m = self(s);
	struct head h = read_head(m);

	if (h.what != what || m->depth == MP_DEPTH_MAX)
		return bad(e);
	m->frames[m->depth++] = (struct mp_frame){h.n, what == W_MAP};
	return 0;
}

static int
mp_map(struct src *s, struct err *e)
{
	return enter(s, W_MAP, e);
}

static int
mp_list(struct src *s, const char *item, struct err *e)
{
	(void)item;
	return enter(s, W_LIST, e);
}

static int
mp_next(struct src *s, struct member *ret, struct err *e)
{
	struct mp_src *m = self(s);
	struct mp_frame *f = &m->frames[m->depth - 1];
	struct head h;

	if (f->left == 0) {
		m->depth--;
		return 0;
	}
	f->left--;
	*ret = (struct member){.tag = 0};
	if (!f->map)
		return 1;
	h = read_head(m);
	if (h.what != W_INT || h.i < 1 || h.i > UINT16_MAX)
		return bad(e);
	ret->tag = (uint32_t)h.i;
	return 1;
}

/* Without recursion: a count of values still to be passed over stands for the nesting, and is
 * bounded by the bytes left. Depth is refused all the same, since nobody sends it honestly. */
static int
mp_skip(struct src *s, struct err *e)
{
	struct mp_src *m = self(s);
	uint64_t todo[MP_DEPTH_MAX + 1];
	size_t depth = 0;

	todo[depth] = 1;
	for (;;) {
		struct head h;

		while (todo[depth] == 0) {
			if (depth == 0)
				return 0;
			depth--;
		}
		todo[depth]--;
		h = read_head(m);
		if (h.what == W_BAD)
			return bad(e);
		if (h.what == W_TEXT || h.what == W_BIN)
			m->p += h.n;
		if (h.what == W_MAP || h.what == W_LIST) {
			if (++depth + m->depth > MP_DEPTH_MAX)
				return bad(e);
			todo[depth] = h.what == W_MAP ? 2 * h.n : h.n;
		}
	}
}

static bool
mp_is_null(struct src *s)
{
	struct mp_src *m = self(s);

	return left(m) > 0 && *m->p == 0xc0;
}

static const struct src_ops mp_ops = {
    .scalar = mp_scalar,
    .map = mp_map,
    .list = mp_list,
    .next = mp_next,
    .skip = mp_skip,
    .is_null = mp_is_null,
};

void
mp_src_init(struct mp_src *m, struct str bytes)
{
	memset(m, 0, sizeof(*m));
	m->src.ops = &mp_ops;
	m->src.rules = RULES_STRICT;
	m->p = (const unsigned char *)(bytes.p != NULL ? bytes.p : "");
	m->end = m->p + bytes.n;
}

bool
mp_src_at_end(const struct mp_src *m)
{
	return m->p == m->end;
}

struct str
mp_src_rest(const struct mp_src *m)
{
	return (struct str){(const char *)m->p, left(m)};
}

int
mp_decode(const struct rec *r, void *obj, struct str bytes, enum decode_mode mode, struct arena *a,
    struct err *e)
{
	struct mp_src m;

	mp_src_init(&m, bytes);
	if (rec_decode(r, obj, &m.src, mode, a, e) != 0)
		return -1;
	return mp_src_at_end(&m) ? 0 : err_set(e, ERR_MALFORMED, "bytes follow the record");
}
