/* SPDX-License-Identifier: ISC */
/* msgpack: what our cursor refuses, and msgpack-c as the oracle for both directions. Our reader
 * may be stricter than msgpack-c and never laxer: whatever it takes, msgpack-c must take as well,
 * to the last byte. */
#include <check.h>
#include <msgpack.h>
#include <string.h>

#include "common/mp.h"
#include "common/rec_dev.h"
#include "common/records.h"
#include "common/sink.h"
#include "tests/rec_rig.h"

static struct arena a;
static struct err e;

static void
setup(void)
{
	arena_init(&a, 8 << 20);
	e = (struct err){.depth = 0};
}

static void
teardown(void)
{
	arena_free(&a);
}

/* As STR_LIT(), for tables: a constant. */
#define LIT(s)             \
	{                      \
		(s), sizeof(s) - 1 \
	}

/* Documents of `group`: 1 name (text), 2 weight (int), 3 permissions (list of {1 enum, 2 bool}). */
static const struct {
	struct str bytes;
	enum err_code want;
	size_t depth; /* of the error's path */
} vectors[] = {
    {LIT("\x80"), ERR_OK, 0},
    {LIT("\x81\x01\xa1g"), ERR_OK, 0},
    {LIT("\xde\x00\x01\x01\xa1g"), ERR_OK, 0},
    {LIT("\xdf\x00\x00\x00\x01\x01\xd9\x01g"), ERR_OK, 0},
    {LIT("\x81\x01\xda\x00\x01g"), ERR_OK, 0},
    {LIT("\x81\x01\xdb\x00\x00\x00\x01g"), ERR_OK, 0},
    {LIT("\x81\xcd\x00\x01\xa1g"), ERR_OK, 0},
    {LIT("\x81\x01\xc0"), ERR_OK, 0},
    {LIT("\x81\x02\x7f"), ERR_OK, 0},
    {LIT("\x81\x02\xe0"), ERR_OK, 0},
    {LIT("\x81\x02\xcf\x7f\xff\xff\xff\xff\xff\xff\xff"), ERR_OK, 0},
    {LIT("\x81\x02\xd3\x80\x00\x00\x00\x00\x00\x00\x00"), ERR_OK, 0},
    {LIT("\x81\x03\x90"), ERR_OK, 0},
    {LIT("\x81\x03\xdd\x00\x00\x00\x01\x82\x01\x04\x02\xc3"), ERR_OK, 0},
    /* Unknown members are passed over, whatever they hold. */
    {LIT("\x81\x63\xcb\x7f\xf0\x00\x00\x00\x00\x00\x00"), ERR_OK, 0},
    {LIT("\x81\x63\x82\xa1x\x91\x01\x90\xc4\x01z"), ERR_OK, 0},
    {LIT("\x82\x63\x01\x63\x02"), ERR_OK, 0},
    /* Wrong types. */
    {LIT("\x81\x01\x05"), ERR_INVALID, 1},
    {LIT("\x81\x01\xc4\x01g"), ERR_INVALID, 1},
    {LIT("\x81\x02\xa1"
         "5"),
        ERR_INVALID, 1},
    {LIT("\x81\x02\xca\x3f\x80\x00\x00"), ERR_INVALID, 1},
    {LIT("\x81\x02\xc3"), ERR_INVALID, 1},
    {LIT("\x81\x03\x91\x82\x01\xa9voicemail\x02\xc3"), ERR_INVALID, 3},
    {LIT("\x81\x03\x91\x82\x01\x63\x02\xc3"), ERR_INVALID, 3},
    {LIT("\x81\x03\x91\x82\x01\x00\x02\x01"), ERR_INVALID, 3},
    {LIT("\x81\x03\x91\xc0"), ERR_INVALID, 2},
    {LIT("\x81\x03\x80"), ERR_MALFORMED, 1},
    {LIT("\x81\x03\x91\x90"), ERR_MALFORMED, 2},
    {LIT("\x81\x01\x80"), ERR_MALFORMED, 1},
    {LIT("\x90"), ERR_MALFORMED, 0},
    {LIT("\xc0"), ERR_MALFORMED, 0},
    {LIT("\x05"), ERR_MALFORMED, 0},
    {LIT(""), ERR_MALFORMED, 0},
    /* Broken. */
    {LIT("\x81"), ERR_MALFORMED, 0},
    {LIT("\x81\x01"), ERR_MALFORMED, 0},
    {LIT("\x81\x01\xa2g"), ERR_MALFORMED, 1},
    {LIT("\x81\x01\xd9"), ERR_MALFORMED, 1},
    {LIT("\x81\x02\xd3\x00"), ERR_MALFORMED, 1},
    {LIT("\x81\x01\xa1g\x00"), ERR_MALFORMED, 0},
    {LIT("\x80\x80"), ERR_MALFORMED, 0},
    {LIT("\x82\x01\xa1g\x01\xa1h"), ERR_MALFORMED, 1},
    {LIT("\x82\x01\xc0\x01\xa1h"), ERR_MALFORMED, 1},
    {LIT("\x81\x00\xc0"), ERR_MALFORMED, 0},
    {LIT("\x81\xff\xc0"), ERR_MALFORMED, 0},
    {LIT("\x81\xce\x00\x01\x00\x00\xc0"), ERR_MALFORMED, 0},
    {LIT("\x81\xa1x\xc0"), ERR_MALFORMED, 0},
    {LIT("\x81\x02\xcf\x80\x00\x00\x00\x00\x00\x00\x00"), ERR_MALFORMED, 1},
    {LIT("\x81\x63\xcf\xff\xff\xff\xff\xff\xff\xff\xff"), ERR_MALFORMED, 0},
    {LIT("\xc1"), ERR_MALFORMED, 0},
    {LIT("\x81\x63\xc1"), ERR_MALFORMED, 0},
    /* Extension types: fixext 1, 16, ext 8, 16, 32, also where they would be passed over. */
    {LIT("\x81\x63\xd4\x01x"), ERR_MALFORMED, 0},
    {LIT("\x81\x02\xd8\x01xxxxxxxxxxxxxxxx"), ERR_MALFORMED, 1},
    {LIT("\x81\x63\xc7\x01\x01x"), ERR_MALFORMED, 0},
    {LIT("\x81\x63\xc8\x00\x01\x01x"), ERR_MALFORMED, 0},
    {LIT("\x81\x63\xc9\x00\x00\x00\x01\x01x"), ERR_MALFORMED, 0},
    /* Five bytes that announce gigabytes. */
    {LIT("\xdf\xff\xff\xff\xff"), ERR_MALFORMED, 0},
    {LIT("\xdd\xff\xff\xff\xff"), ERR_MALFORMED, 0},
    {LIT("\x81\x03\xdd\xff\xff\xff\xff"), ERR_MALFORMED, 1},
    {LIT("\x81\x03\xdd\x00\x00\x00\x05\x80\x80\x80\x80"), ERR_MALFORMED, 1},
    {LIT("\x81\x01\xdb\xff\xff\xff\xff"), ERR_MALFORMED, 1},
    {LIT("\x81\x01\xc6\xff\xff\xff\xff"), ERR_MALFORMED, 1},
    {LIT("\x81\x63\xdd\xff\xff\xff\xff"), ERR_MALFORMED, 0},
    {LIT("\x81\x63\xdf\x80\x00\x00\x00"), ERR_MALFORMED, 0},
};

START_TEST(vectors_are_read_or_refused)
{
	struct group g;
	int rc = mp_decode(&rec_group, &g, vectors[_i].bytes, DECODE_ALL, &a, &e);

	ck_assert_int_eq(rc, vectors[_i].want == ERR_OK ? 0 : -1);
	if (rc != 0) {
		ck_assert_msg(e.code == vectors[_i].want, "%s", err_name(e.code));
		ck_assert_uint_eq(e.depth, vectors[_i].depth);
	}
	/* Nothing is allocated because of a count: four items are the first step of a list. */
	ck_assert_uint_le(a.used, 4 * sizeof(struct permission));
}
END_TEST

/* Depth counts maps and lists, known or passed over: 16 are read, 17 refused. */
START_TEST(depth_is_bounded)
{
	for (size_t depth = 2; depth < 40; depth++) {
		unsigned char doc[64];
		size_t n = 0;
		struct group g;
		int rc;

		doc[n++] = 0x81;
		doc[n++] = 99;
		for (size_t i = 1; i < depth; i++)
			doc[n++] = 0x91;
		doc[n++] = 0xc0;
		rc = mp_decode(&rec_group, &g, (struct str){(char *)doc, n}, DECODE_ALL, &a, &e);
		ck_assert_msg(rc == (depth <= MP_DEPTH_MAX ? 0 : -1), "%zu", depth);
	}
	/* A cursor that passes over everything, from outside the first container. */
	for (size_t depth = 1; depth < 40; depth++) {
		unsigned char doc[64];
		struct mp_src m;
		int rc;

		memset(doc, 0x91, sizeof(doc));
		doc[depth] = 0xc0;
		mp_src_init(&m, (struct str){(char *)doc, depth + 1});
		rc = m.src.ops->skip(&m.src, &e);
		ck_assert_msg(rc == (depth <= MP_DEPTH_MAX ? 0 : -1), "%zu", depth);
	}
}
END_TEST

/* A record that contains itself goes as deep as one likes. */
static const struct rec rec_deep;
static const struct field deep_fields[] = {
    {.name = "sub", .tag = 1, .off = 16, .kind = K_LIST, .max = 4, .sub = &rec_deep, .doc = ""}};
static const struct rec rec_deep = {
    .name = "deep", .f = deep_fields, .nf = 1, .size = 32, .doc = ""};

START_TEST(depth_of_known_members_is_bounded)
{
	for (size_t depth = 1; depth < 30; depth++) {
		unsigned char doc[256], obj[32];
		size_t n = 0;
		int rc;

		/* A map, a list, a map, a list, ... and an empty one innermost. */
		for (size_t i = 1; i <= depth; i++) {
			bool last = i == depth;

			if (i % 2 == 1) {
				doc[n++] = last ? 0x80 : 0x81;
				if (!last)
					doc[n++] = 1;
			} else {
				doc[n++] = last ? 0x90 : 0x91;
			}
		}
		rc = mp_decode(&rec_deep, obj, (struct str){(char *)doc, n}, DECODE_ALL, &a, &e);
		ck_assert_msg(rc == (depth <= MP_DEPTH_MAX ? 0 : -1), "%zu", depth);
	}
}
END_TEST

/* The table's limit holds while reading, before memory is taken for more. */
START_TEST(lists_are_bounded)
{
	for (size_t n = 32; n <= 33; n++) {
		char doc[64] = "\x81\x03\xdc\x00";
		struct group g;

		doc[4] = (char)n;
		memset(doc + 5, 0x80, n);
		e.depth = 0;
		ck_assert_int_eq(mp_decode(&rec_group, &g, (struct str){doc, 5 + n}, DECODE_ALL, &a, &e),
		    n == 32 ? 0 : -1);
	}
	ck_assert_int_eq(e.code, ERR_INVALID);
	ck_assert_uint_eq(e.depth, 1);
}
END_TEST

START_TEST(an_empty_source_is_at_its_end)
{
	struct mp_src m;

	mp_src_init(&m, (struct str){NULL, 0});
	ck_assert(mp_src_at_end(&m));
	ck_assert_int_eq(m.src.ops->skip(&m.src, &e), -1);
	mp_src_init(&m, STR_LIT("\x01\x02"));
	ck_assert_int_eq(m.src.ops->skip(&m.src, &e), 0);
	ck_assert_uint_eq(mp_src_rest(&m).n, 1);
}
END_TEST

static bool agree(const struct rec *r, const void *obj, const msgpack_object *o);

static bool
agree_value(const struct field *f, const void *at, const msgpack_object *o)
{
	switch (f->kind) {
	case K_BOOL:
		return o->type == MSGPACK_OBJECT_BOOLEAN && o->via.boolean == *(const bool *)at;
	case K_INT:
	case K_INTS:
	case K_ENUM: {
		int64_t v = f->kind == K_ENUM ? *(const int *)at : *(const int64_t *)at;

		return v >= 0 ? o->type == MSGPACK_OBJECT_POSITIVE_INTEGER && o->via.u64 == (uint64_t)v
		              : o->type == MSGPACK_OBJECT_NEGATIVE_INTEGER && o->via.i64 == v;
	}
	case K_STR:
	case K_STRS:
		return o->type == MSGPACK_OBJECT_STR &&
		    str_eq(*(const struct str *)at, (struct str){o->via.str.ptr, o->via.str.size});
	case K_BIN:
		return o->type == MSGPACK_OBJECT_BIN &&
		    str_eq(*(const struct str *)at, (struct str){o->via.bin.ptr, o->via.bin.size});
	default:
		return agree(f->sub, at, o);
	}
}

static bool
agree(const struct rec *r, const void *obj, const msgpack_object *o)
{
	uint32_t k = 0;

	if (o->type != MSGPACK_OBJECT_MAP)
		return false;
	for (size_t i = 0; i < r->nf; i++) {
		const struct field *f = &r->f[i];
		const msgpack_object_kv *kv;

		if ((rec_has(obj) >> i & 1) == 0)
			continue;
		if (k == o->via.map.size)
			return false;
		kv = &o->via.map.ptr[k++];
		if (kv->key.type != MSGPACK_OBJECT_POSITIVE_INTEGER || kv->key.via.u64 != f->tag)
			return false;
		if (f->kind == K_LIST || f->kind == K_STRS || f->kind == K_INTS) {
			struct list l = rec_list(f, obj);

			if (kv->val.type != MSGPACK_OBJECT_ARRAY || kv->val.via.array.size != l.n)
				return false;
			for (size_t n = 0; n < l.n; n++)
				if (!agree_value(
				        f, (const char *)l.v + n * rec_item_size(f), &kv->val.via.array.ptr[n]))
					return false;
		} else if (!agree_value(f, rec_at(f, obj), &kv->val)) {
			return false;
		}
	}
	return k == o->via.map.size;
}

START_TEST(the_oracle_reads_what_we_write)
{
	const struct rec *r = all_records[_i];
	struct buf b;

	buf_init(&b, 1 << 20);
	for (uint64_t seed = 0; seed < 300; seed++) {
		void *obj = arena_alloc(&a, r->size);
		msgpack_unpacked u;
		size_t off = 0;

		ck_assert_int_eq(rec_random(r, obj, seed, 0, &a), 0);
		mp_encode(r, obj, &b, ENCODE_SECRETS);
		ck_assert(!b.failed);
		msgpack_unpacked_init(&u);
		ck_assert_int_eq(msgpack_unpack_next(&u, b.p, b.n, &off), MSGPACK_UNPACK_SUCCESS);
		ck_assert_uint_eq(off, b.n);
		ck_assert_msg(agree(r, obj, &u.data), "%s, seed %llu", r->name, (unsigned long long)seed);
		msgpack_unpacked_destroy(&u);
		buf_reset(&b);
		arena_free(&a);
	}
	buf_free(&b);
}
END_TEST

static uint64_t
draw(uint64_t *state)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return *state >> 33;
}

static bool
oracle_takes(const unsigned char *p, size_t n)
{
	msgpack_unpacked u;
	size_t off = 0;
	bool ok;

	msgpack_unpacked_init(&u);
	ok = msgpack_unpack_next(&u, (const char *)p, n, &off) == MSGPACK_UNPACK_SUCCESS && off == n;
	msgpack_unpacked_destroy(&u);
	return ok;
}

/* Flips, cuts and inserts bytes of good records; also pure noise, in which tags are rarely right.
 */
START_TEST(we_are_never_laxer_than_the_oracle)
{
	const struct rec *r = all_records[_i];
	uint64_t state = (uint64_t)_i + 1;
	size_t taken = 0;

	for (uint64_t seed = 0; seed < 60; seed++) {
		void *obj = arena_alloc(&a, r->size), *got = arena_alloc(&a, r->size);
		struct buf b;

		buf_init(&b, 1 << 20);
		ck_assert_int_eq(rec_random(r, obj, seed, 0, &a), 0);
		mp_encode(r, obj, &b, ENCODE_SECRETS);
		for (int round = 0; round < 100; round++) {
			unsigned char *p = arena_alloc(&a, b.n + 1);
			size_t n = b.n;
			struct mp_src m;
			bool skipped, decoded;

			ck_assert_ptr_nonnull(p);
			memcpy(p, b.p, b.n);
			for (uint64_t k = draw(&state) % 3; k > 0; k--)
				p[draw(&state) % n] = (unsigned char)draw(&state);
			if (draw(&state) % 4 == 0)
				n = draw(&state) % (n + 1);
			if (draw(&state) % 8 == 0)
				p[n++] = (unsigned char)draw(&state);
			mp_src_init(&m, (struct str){(char *)p, n});
			skipped = m.src.ops->skip(&m.src, &e) == 0 && mp_src_at_end(&m);
			decoded = mp_decode(r, got, (struct str){(char *)p, n}, DECODE_ALL, &a, &e) == 0;
			e.depth = 0;
			if (skipped || decoded)
				ck_assert(oracle_takes(p, n));
			if (decoded)
				ck_assert_msg(skipped, "what is read can be passed over");
			taken += decoded;
		}
		buf_free(&b);
		arena_free(&a);
	}
	ck_assert_msg(taken > 0, "every document was refused: the test shows nothing");
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("mp");
	TCase *t = tcase_create("all");
	SRunner *r = srunner_create(s);
	int failed;

	suite_add_tcase(s, t);
	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, vectors_are_read_or_refused, 0, sizeof(vectors) / sizeof(vectors[0]));
	tcase_add_test(t, depth_is_bounded);
	tcase_add_test(t, depth_of_known_members_is_bounded);
	tcase_add_test(t, lists_are_bounded);
	tcase_add_test(t, an_empty_source_is_at_its_end);
	tcase_add_loop_test(t, the_oracle_reads_what_we_write, 0, (int)all_records_count);
	tcase_add_loop_test(t, we_are_never_laxer_than_the_oracle, 0, (int)all_records_count);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
