/* SPDX-License-Identifier: ISC */
/* The one body of fuzz_json and fuzz_xml: the first byte is the number of the resource, the rest a
 * client's document. What is accepted must survive being written and read again. In a header,
 * since each target is one file. */
#ifndef TESTS_FUZZ_TEXT_TARGET_H
#define TESTS_FUZZ_TEXT_TARGET_H

#include "common/mp.h"
#include "common/sink.h"
#include "common/text.h"
#include "common/tree.h"
#include "tests/fuzz/fuzz.h"

/* Bodies are a megabyte at most in real life; a smaller arena is met sooner. */
enum { ARENA = 256 * 1024 };

static void
must_be_text(const struct res *r, enum format fmt, struct err *e)
{
	struct buf b;

	buf_init(&b, 64 * 1024);
	text_error(r, fmt, fmt, e, &b);
	FUZZ_MUST(!b.failed && str_is_utf8(buf_str(&b)));
	buf_free(&b);
}

static void
fuzz_text(enum format fmt, const uint8_t *data, size_t size)
{
	static bool ready;
	struct arena a;
	struct err e = {.depth = 0};
	const struct res *r;
	struct buf text, mp;
	void *x, *y;

	if (!ready)
		text_init();
	ready = true;
	if (size == 0)
		return;
	r = res_by_number(data[0]);
	if (r == NULL || r->record == NULL || (r->formats & (unsigned)fmt) == 0)
		return;
	/* A bare list is only ever an answer: no reader takes it, so nothing can come back. */
	if (r->json_style == ROOT_ITEMS)
		return;
	arena_init(&a, ARENA);
	x = arena_alloc(&a, r->record->size);
	y = arena_alloc(&a, r->record->size);
	if (text_read(r, fmt, (struct str){(const char *)data + 1, size - 1}, x, &a, &e) != 0 ||
	    rec_validate(r->record, x, false, &e) != 0) {
		must_be_text(r, fmt, &e);
		arena_free(&a);
		return;
	}
	buf_init(&text, 8 << 20);
	buf_init(&mp, 8 << 20);
	mp_encode(r->record, x, &mp, ENCODE_SECRETS);
	FUZZ_MUST(
	    mp_decode(r->record, y, buf_str(&mp), DECODE_ALL, &a, &e) == 0 || e.code == ERR_TOO_LARGE);
	if (e.code == ERR_OK)
		FUZZ_MUST(rec_equal(r->record, x, y));
	text_write(r, fmt, x, &text);
	FUZZ_MUST(!text.failed && str_is_utf8(buf_str(&text)));
	arena_free(&a);
	arena_init(&a, 64 << 20);
	y = arena_alloc(&a, r->record->size);
	FUZZ_MUST(text_read(r, fmt, buf_str(&text), y, &a, &e) == 0);
	buf_reset(&text);
	mp_encode(r->record, y, &text, ENCODE_SECRETS);
	/* Characters that XML cannot carry are no way in, so nothing may be lost on the way out. */
	FUZZ_MUST(str_eq(buf_str(&text), buf_str(&mp)));
	buf_free(&text);
	buf_free(&mp);
	arena_free(&a);
}

#endif
