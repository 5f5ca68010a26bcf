/* SPDX-License-Identifier: ISC */
/* The first byte chooses a record. msgpack-c is the oracle: what we take, it takes. */
#include <msgpack.h>

#include "common/mp.h"
#include "common/records.h"
#include "common/sink.h"
#include "tests/fuzz/fuzz.h"

static bool
oracle_takes(struct str s)
{
	msgpack_unpacked u;
	size_t off = 0;
	bool ok;

	msgpack_unpacked_init(&u);
	ok = msgpack_unpack_next(&u, s.p, s.n, &off) == MSGPACK_UNPACK_SUCCESS && off == s.n;
	msgpack_unpacked_destroy(&u);
	return ok;
}

int
fuzz_mp(const uint8_t *data, size_t size)
{
	struct str s;
	const struct rec *r;
	struct arena a;
	struct err e = {.depth = 0};
	struct buf b;
	struct mp_src m;
	void *x, *y;
	bool taken;

	if (size == 0)
		return 0;
	s = (struct str){(const char *)data + 1, size - 1};
	r = all_records[data[0] % all_records_count];
	arena_init(&a, 1 << 20);
	buf_init(&b, 1 << 20);
	x = arena_alloc(&a, r->size);
	y = arena_alloc(&a, r->size);
	mp_src_init(&m, s);
	taken = m.src.ops->skip(&m.src, &e) == 0 && mp_src_at_end(&m);
	if (taken)
		FUZZ_MUST(oracle_takes(s));
	if (mp_decode(r, x, s, DECODE_ALL, &a, &e) == 0) {
		FUZZ_MUST(taken);
		mp_encode(r, x, &b, ENCODE_SECRETS);
		FUZZ_MUST(oracle_takes(buf_str(&b)));
		if (mp_decode(r, y, buf_str(&b), DECODE_ALL, &a, &e) == 0)
			FUZZ_MUST(rec_equal(r, x, y));
		else
			FUZZ_MUST(e.code == ERR_TOO_LARGE);
		e.depth = 0;
		(void)rec_validate(r, x, false, &e);
		rec_defaults(r, x);
	}
	buf_free(&b);
	arena_free(&a);
	return 0;
}

FUZZ_TARGET(mp)
