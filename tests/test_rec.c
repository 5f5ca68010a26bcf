/* SPDX-License-Identifier: ISC */
/* Records: tables, defaults, updates, stripping, equality, checks; every format there and back;
 * and what happens when memory ends in the middle. */
#include <check.h>
#include <string.h>

#include "common/checks.h"
#include "common/mp.h"
#include "common/rec_dev.h"
#include "common/records.h"
#include "common/sink.h"
#include "common/text.h"
#include "tests/rec_rig.h"

static struct arena a;
static struct err e;

static void
setup(void)
{
	arena_init(&a, 32 << 20);
	e = (struct err){.depth = 0};
}

static void
teardown(void)
{
	arena_free(&a);
}

/* What a row must say for the code that reads it; a slip here would show far away. */
START_TEST(tables_make_sense)
{
	const struct rec *r = all_records[_i];

	ck_assert_ptr_eq(record_by_name(str_c(r->name)), r);
	if (r->store != 0)
		ck_assert_ptr_eq(record_by_store(r->store), r);
	ck_assert_ptr_nonnull(r->doc);
	for (size_t i = 0; i < r->nf; i++) {
		const struct field *f = &r->f[i];
		size_t index = 99;

		ck_assert_msg(f->doc != NULL, "%s.%s", r->name, f->name);
		ck_assert_uint_gt(f->tag, 0);
		ck_assert_ptr_eq(rec_field_by_tag(r, f->tag, &index), f);
		ck_assert_uint_eq(index, i);
		ck_assert_ptr_eq(rec_field_by_name(r, str_c(field_json(f)), false, &index), f);
		ck_assert_ptr_eq(rec_field_by_name(r, str_c(field_xml(f)), true, &index), f);
		if (f->json_also != NULL)
			ck_assert_ptr_eq(rec_field_by_name(r, str_c(f->json_also), false, &index), f);
		if (f->kind == K_INT)
			ck_assert_msg(f->min < f->max, "%s.%s has no range", r->name, f->name);
		if (f->kind == K_LIST || f->kind == K_STRS || f->kind == K_INTS)
			ck_assert_msg(f->max > 0, "%s.%s has no limit", r->name, f->name);
		if (f->kind == K_INT && (f->flags & F_DFLT) != 0)
			ck_assert(f->dflt >= f->min && f->dflt <= f->max);
		if (f->kind == K_STR && (f->flags & F_DFLT) != 0 && f->check != NULL)
			ck_assert(f->check(str_c(f->sdflt)) == NULL);
		if (f->kind == K_ENUM && (f->flags & F_DFLT) != 0)
			ck_assert_ptr_nonnull(enum_text(f->en, (int)f->dflt));
	}
}
END_TEST

START_TEST(unknown_names_are_unknown)
{
	size_t i;
	int v = 5;

	ck_assert_ptr_null(record_by_name(STR_LIT("nothing")));
	ck_assert_ptr_null(record_by_store(0));
	ck_assert_ptr_null(record_by_store(9999));
	ck_assert_ptr_null(rec_field_by_tag(&rec_ring, 99, &i));
	ck_assert_ptr_null(rec_field_by_name(&rec_ring, STR_LIT("Number"), false, &i));
	ck_assert_ptr_null(rec_field_by_name(&rec_ring, STR_LIT(""), false, &i));
	ck_assert(!enum_value(&enum_ring_type, STR_LIT("if no response"), &v));
	ck_assert_int_eq(v, 5);
	ck_assert_ptr_null(enum_text(&enum_ring_type, 9));
}
END_TEST

START_TEST(aliases_are_input_names)
{
	static const struct field fields[] = {{.name = "first_name",
	    .wire = "first-name",
	    .alias = "firstName|first",
	    .tag = 1,
	    .off = 8,
	    .kind = K_STR,
	    .doc = ""}};
	static const struct rec r = {.name = "r", .f = fields, .nf = 1, .size = 24, .doc = ""};
	static const char *const names[] = {"first-name", "firstName", "first"};
	static const char *const others[] = {"first_name", "firstName|first", "firs", "first|", ""};
	size_t i;

	for (size_t n = 0; n < 3; n++) {
		ck_assert_ptr_nonnull(rec_field_by_name(&r, str_c(names[n]), false, &i));
		ck_assert_ptr_nonnull(rec_field_by_name(&r, str_c(names[n]), true, &i));
	}
	for (size_t n = 0; n < 5; n++)
		ck_assert_ptr_null(rec_field_by_name(&r, str_c(others[n]), false, &i));
}
END_TEST

START_TEST(defaults_fill_what_is_absent)
{
	struct ring rings[2] = {{.has = 0}, {.has = 0}};
	struct callfwd f = {.has = 0};
	struct branch b;
	struct settings s = {.has = 0};

	REC_SET(&rings[1], ring, expiration, 5);
	REC_SET(&rings[1], ring, type, ring_type_SAME_TIME);
	REC_SET(&f, callfwd, rings, ((struct ring_list){rings, 2}));
	rec_defaults(&rec_callfwd, &f);
	ck_assert_int_eq(rings[0].expiration, 30);
	ck_assert_int_eq(rings[0].type, ring_type_NO_RESPONSE);
	ck_assert(REC_HAS(&rings[0], ring, enabled) && !rings[0].enabled);
	ck_assert(REC_HAS(&rings[0], ring, number) && rings[0].number.n == 0);
	ck_assert(!REC_HAS(&rings[0], ring, schedule_id));
	ck_assert_int_eq(rings[1].expiration, 5);
	ck_assert_int_eq(rings[1].type, ring_type_SAME_TIME);
	ck_assert(!REC_HAS(&f, callfwd, expiration));

	/* A record that is absent becomes an empty one, whatever its bytes held. */
	memset(&b, 0xa5, sizeof(b));
	b.has = 0;
	rec_defaults(&rec_branch, &b);
	ck_assert(REC_HAS(&b, branch, address));
	ck_assert_uint_eq(b.address.has, 0);
	ck_assert(!REC_HAS(&b, branch, name));

	rec_defaults(&rec_settings, &s);
	ck_assert(str_eqc(s.realm, "tandem") && str_eqc(s.fqdn, "localhost"));
	ck_assert_int_eq(s.session_seconds, 43200);
	ck_assert_int_eq(rec_validate(&rec_settings, &s, false, &e), 0);
}
END_TEST

START_TEST(updates_merge_or_replace)
{
	struct ring ring = {.has = 0};
	struct callfwd old = {.has = 0}, new = {.has = 0};
	struct contact card = {.has = 0}, put = {.has = 0};

	REC_SET(&old, callfwd, rings, ((struct ring_list){&ring, 1}));
	REC_SET(&old, callfwd, expiration, 25);
	REC_SET(&old, callfwd, with_voicemail, true);
	REC_SET(&new, callfwd, expiration, 18);
	REC_SET(&new, callfwd, with_voicemail, false);
	rec_update(&rec_callfwd, UPDATE_MERGE, &old, &new);
	ck_assert_int_eq(old.expiration, 18);
	ck_assert_uint_eq(old.rings.n, 1);
	ck_assert_msg(old.with_voicemail, "a derived field is not the client's");
	ck_assert_msg(REC_HAS(&ring, ring, expiration), "defaults reach the items");
	/* F_KEEP stays even where updates replace. */
	new.has = 0;
	rec_update(&rec_callfwd, UPDATE_REPLACE, &old, &new);
	ck_assert_int_eq(old.expiration, 18);
	ck_assert_uint_eq(old.rings.n, 1);
	REC_SET(&new, callfwd, rings, ((struct ring_list){NULL, 0}));
	rec_update(&rec_callfwd, UPDATE_MERGE, &old, &new);
	ck_assert_uint_eq(old.rings.n, 0);

	REC_SET(&card, contact, job_title, STR_LIT("CTO"));
	REC_SET(&card, contact, manager, STR_LIT("M"));
	REC_SET(&card, contact, use_branch_address, true);
	REC_SET(&card, contact, enabled, false);
	REC_SET(&card.home_address, address, city, STR_LIT("Rome"));
	card.has |= REC_BIT(contact, home_address);
	REC_SET(&put, contact, first_name, STR_LIT("Ada"));
	REC_SET(&put, contact, manager, STR_LIT("evil"));
	REC_SET(&put, contact, enabled, true);
	rec_update(&rec_contact, UPDATE_REPLACE, &card, &put);
	ck_assert(!REC_HAS(&card, contact, job_title));
	ck_assert(str_eqc(card.manager, "M"));
	ck_assert(!card.enabled);
	ck_assert(!card.use_branch_address);
	ck_assert(REC_HAS(&card, contact, home_address));
	ck_assert(!REC_HAS(&card.home_address, address, city));
	ck_assert(str_eqc(card.first_name, "Ada"));
}
END_TEST

START_TEST(stripping_takes_what_it_is_told)
{
	struct user u = {.has = 0};
	struct callfwd f = {.has = 0};
	struct buf b;

	REC_SET(&u, user, user_name, STR_LIT("4410"));
	REC_SET(&u, user, password_hash, STR_LIT("$argon2id$secret"));
	buf_init(&b, 10000);
	rig_record(FMT_JSON, &rec_user, &u, &b);
	ck_assert_ptr_nonnull(memmem(b.p, b.n, "$argon2id", 9));
	buf_reset(&b);
	for (int fmt = 0; fmt < 3; fmt++) {
		struct sink s;

		if (fmt == 0)
			json_sink_init(&s, &b);
		else if (fmt == 1)
			xml_sink_init(&s, &b, "user");
		else
			mp_sink_init(&s, &b);
		rec_encode(&rec_user, &u, &s, ENCODE_NULLS | ENCODE_ALSO);
		ck_assert_ptr_null(memmem(b.p, b.n, "$argon2id", 9));
		ck_assert_ptr_null(memmem(b.p, b.n, "passwordHash", 12));
		buf_reset(&b);
	}
	buf_free(&b);
	rec_strip(&rec_user, &u, F_SECRET);
	ck_assert(!REC_HAS(&u, user, password_hash) && REC_HAS(&u, user, user_name));
	REC_SET(&f, callfwd, with_voicemail, true);
	REC_SET(&f, callfwd, expiration, 20);
	rec_strip(&rec_callfwd, &f, F_DERIVED);
	ck_assert(!REC_HAS(&f, callfwd, with_voicemail) && REC_HAS(&f, callfwd, expiration));
}
END_TEST

/* One change anywhere makes a record unequal; what an absent field's bytes hold does not. */
START_TEST(equality)
{
	const struct rec *r = all_records[_i];
	void *x = arena_alloc(&a, r->size), *y = arena_alloc(&a, r->size);

	ck_assert_int_eq(rec_random(r, x, 7, RANDOM_FULL, &a), 0);
	ck_assert_int_eq(rec_random(r, y, 7, RANDOM_FULL, &a), 0);
	ck_assert(rec_equal(r, x, y));
	for (size_t i = 0; i < r->nf; i++) {
		const struct field *f = &r->f[i];
		unsigned char saved[1024];
		size_t size = f->kind == K_REC ? f->sub->size
		    : f->kind == K_BOOL        ? 1
		    : f->kind == K_ENUM        ? sizeof(int)
		    : f->kind == K_INT         ? 8
		                               : 16;

		ck_assert_uint_le(size, sizeof(saved));
		rec_set_has(y, rec_has(y) & ~((uint64_t)1 << i));
		ck_assert_msg(!rec_equal(r, x, y), "%s.%s", r->name, f->name);
		rec_set_has(x, rec_has(y));
		memcpy(saved, rec_at(f, y), size);
		memset(rec_at(f, y), 0, size);
		ck_assert_msg(rec_equal(r, x, y), "%s.%s", r->name, f->name);
		memcpy(rec_at(f, y), saved, size);
		rec_set_has(x, rec_has(x) | (uint64_t)1 << i);
		rec_set_has(y, rec_has(x));
		ck_assert(rec_equal(r, x, y));
		if (f->kind == K_BOOL)
			*(bool *)rec_at(f, y) = !*(bool *)rec_at(f, y);
		else if (f->kind == K_INT)
			*(int64_t *)rec_at(f, y) ^= 1;
		else if (f->kind == K_ENUM)
			*(int *)rec_at(f, y) ^= 1;
		else if (f->kind == K_REC)
			rec_set_has(rec_at(f, y), 0);
		else
			rec_set_list(f, y, (struct list){NULL, 0});
		/* An empty text may be what was there. */
		if (rec_list(f, x).n > 0 || f->kind < K_STR)
			ck_assert_msg(!rec_equal(r, x, y), "%s.%s", r->name, f->name);
		memcpy(rec_at(f, y), saved, size);
	}
}
END_TEST

/* decode(encode(x)) = x, in every format, and from JSON through msgpack and XML and back. */
enum { SEEDS = 400 };

START_TEST(every_format_there_and_back)
{
	const struct rec *r = all_records[_i];
	struct buf b;

	buf_init(&b, 1 << 20);
	for (uint64_t seed = 0; seed < SEEDS; seed++) {
		void *x = arena_alloc(&a, r->size), *y = arena_alloc(&a, r->size);

		for (int fmt = 0; fmt < 3; fmt++) {
			static const char *const names[] = {"msgpack", "JSON", "XML"};
			int rc;

			ck_assert_int_eq(rec_random(r, x, seed, fmt == 2 ? RANDOM_XML : 0, &a), 0);
			if (fmt == 0)
				mp_encode(r, x, &b, ENCODE_SECRETS);
			else
				rig_record(fmt == 1 ? FMT_JSON : FMT_XML, r, x, &b);
			ck_assert(!b.failed);
			rc = fmt == 0 ? mp_decode(r, y, buf_str(&b), DECODE_ALL, &a, &e)
			              : rig_decode(fmt == 1 ? FMT_JSON : FMT_XML, r, y, buf_str(&b), &a, &e);
			ck_assert_msg(rc == 0 && rec_equal(r, x, y), "%s, %s, seed %llu: %s\n%.*s", r->name,
			    names[fmt], (unsigned long long)seed, rc != 0 ? err_text(&e) : "differs", (int)b.n,
			    b.p);
			ck_assert_int_eq(rec_validate(r, y, false, &e), 0);
			buf_reset(&b);
		}
		arena_free(&a);
	}
	buf_free(&b);
}
END_TEST

/* Nothing of the copy is left in what the original was made of. */
START_TEST(a_copy_stands_alone)
{
	const struct rec *r = all_records[_i];

	for (uint64_t seed = 0; seed < SEEDS; seed++) {
		struct arena of_original, of_copy;
		void *x = arena_alloc(&a, r->size), *y = arena_alloc(&a, r->size);
		struct buf before, after;

		arena_init(&of_original, 8 << 20);
		arena_init(&of_copy, 8 << 20);
		buf_init(&before, 1 << 20);
		buf_init(&after, 1 << 20);
		ck_assert_int_eq(rec_random(r, x, seed, 0, &of_original), 0);
		mp_encode(r, x, &before, ENCODE_SECRETS);
		ck_assert_int_eq(rec_copy(r, y, x, &of_copy), 0);
		ck_assert(rec_equal(r, x, y));
		ck_assert_int_eq(rec_copy(r, x, x, &of_copy), 0);
		arena_wipe(&of_original);
		ck_assert(rec_equal(r, x, y));
		mp_encode(r, y, &after, ENCODE_SECRETS);
		ck_assert_msg(str_eq(buf_str(&before), buf_str(&after)), "%s, seed %llu", r->name,
		    (unsigned long long)seed);
		arena_free(&of_copy);
		arena_init(&of_copy, 1);
		if (rec_copy(r, y, x, &of_copy) != 0)
			ck_assert_uint_eq(rec_has(y), 0);
		arena_free(&of_copy);
		buf_free(&before);
		buf_free(&after);
	}
}
END_TEST

START_TEST(json_to_msgpack_to_xml_and_back)
{
	const struct rec *r = all_records[_i];
	struct buf json, mp, xml, again;

	buf_init(&json, 1 << 20);
	buf_init(&mp, 1 << 20);
	buf_init(&xml, 1 << 20);
	buf_init(&again, 1 << 20);
	for (uint64_t seed = 0; seed < SEEDS; seed++) {
		void *x = arena_alloc(&a, r->size), *y = arena_alloc(&a, r->size);

		ck_assert_int_eq(rec_random(r, x, seed, RANDOM_XML, &a), 0);
		rig_record(FMT_JSON, r, x, &json);
		ck_assert_int_eq(rig_decode(FMT_JSON, r, y, buf_str(&json), &a, &e), 0);
		mp_encode(r, y, &mp, ENCODE_SECRETS);
		ck_assert_int_eq(mp_decode(r, y, buf_str(&mp), DECODE_ALL, &a, &e), 0);
		rig_record(FMT_XML, r, y, &xml);
		ck_assert_int_eq(rig_decode(FMT_XML, r, y, buf_str(&xml), &a, &e), 0);
		mp_encode(r, y, &again, ENCODE_SECRETS);
		ck_assert(str_eq(buf_str(&mp), buf_str(&again)));
		ck_assert(rec_equal(r, x, y));
		buf_reset(&json);
		buf_reset(&mp);
		buf_reset(&xml);
		buf_reset(&again);
		arena_free(&a);
	}
	buf_free(&json);
	buf_free(&mp);
	buf_free(&xml);
	buf_free(&again);
}
END_TEST

/* Every allocation of the decoder, of the trees and (through the budget) of jansson and libxml2
 * fails once: the answer is 413, nothing leaks (LeakSanitizer), and the next attempt works. */
static void
rich_document(int fmt, struct buf *b)
{
	struct ring rings[20];
	struct callfwd f = {.has = 0};

	for (size_t i = 0; i < 20; i++)
		ck_assert_int_eq(rec_random(&rec_ring, &rings[i], i, RANDOM_FULL | RANDOM_XML, &a), 0);
	REC_SET(&f, callfwd, rings, ((struct ring_list){rings, 20}));
	REC_SET(&f, callfwd, expiration, 20);
	if (fmt == 0)
		mp_encode(&rec_callfwd, &f, b, 0);
	else
		rig_record(fmt == 1 ? FMT_JSON : FMT_XML, &rec_callfwd, &f, b);
}

static int
decode_rich(int fmt, struct buf *b, struct arena *into, struct callfwd *f)
{
	e.depth = 0;
	if (fmt == 0)
		return mp_decode(&rec_callfwd, f, buf_str(b), DECODE_ALL, into, &e);
	return rig_decode(fmt == 1 ? FMT_JSON : FMT_XML, &rec_callfwd, f, buf_str(b), into, &e);
}

/* Names that a closed record lacks are an error from people, JSON or XML; numbers that it lacks may
 * come from a newer program's store. */
START_TEST(closed_records_know_their_members)
{
	struct attendant_menu m;
	struct buf b;

	ck_assert_int_eq(
	    rig_decode(FMT_JSON, &rec_attendant_menu, &m, STR_LIT("{\"1\":\"5\",\"#\":6}"), &a, &e), 0);
	ck_assert(str_eqc(m.key_1, "5") && str_eqc(m.key_hash, "6"));
	ck_assert_int_eq(
	    rig_decode(FMT_JSON, &rec_attendant_menu, &m, STR_LIT("{\"11\":null}"), &a, &e), -1);
	ck_assert_int_eq(e.code, ERR_INVALID);
	buf_init(&b, 100);
	buf_add(&b, "\x82\x63\xa1x\x04\xa1y", 7);
	ck_assert_int_eq(mp_decode(&rec_attendant_menu, &m, buf_str(&b), DECODE_ALL, &a, &e), 0);
	ck_assert(str_eqc(m.key_1, "y"));
	buf_free(&b);
}
END_TEST

START_TEST(sparse_records_have_no_nulls)
{
	struct attendant at = {0};
	struct sink s;
	struct buf b;

	rec_defaults(&rec_attendant, &at);
	REC_SET(&at.menu, attendant_menu, key_0, STR_LIT("7"));
	buf_init(&b, 1000);
	json_sink_init(&s, &b);
	rec_encode(&rec_attendant, &at, &s, ENCODE_NULLS);
	ck_assert_ptr_nonnull(memmem(b.p, b.n, "\"menu\":{\"0\":\"7\"}", 16));
	ck_assert_ptr_nonnull(memmem(b.p, b.n, "\"language\":null", 15));
	buf_free(&b);
}
END_TEST

START_TEST(allocation_failures_are_survived)
{
	struct buf b;
	struct arena into;
	struct callfwd f;
	unsigned long n;

	buf_init(&b, 1 << 20);
	rich_document(_i, &b);
	/* Blocks that cannot be had. */
	for (n = 1; n < 1000; n++) {
		int rc;

		arena_init(&into, 8 << 20);
		arena_fail_after = n;
		rc = decode_rich(_i, &b, &into, &f);
		arena_free(&into);
		if (rc == 0)
			break;
		ck_assert_msg(e.code == ERR_TOO_LARGE, "%lu: %s", n, err_text(&e));
		ck_assert_uint_eq(arena_fail_after, 0);
	}
	arena_fail_after = 0;
	ck_assert_uint_gt(n, 1);
	ck_assert_uint_lt(n, 1000);
	/* A cap that ends after each further stretch of bytes: here the libraries are refused too. */
	for (size_t cap = 0;; cap += cap < 4000 ? 16 : 64) {
		int rc;

		ck_assert_uint_lt(cap, 1 << 20);
		arena_init(&into, cap);
		rc = decode_rich(_i, &b, &into, &f);
		ck_assert_uint_le(into.used, cap);
		arena_free(&into);
		if (rc == 0)
			break;
		ck_assert_msg(e.code == ERR_TOO_LARGE, "cap %zu: %s", cap, err_text(&e));
	}
	buf_free(&b);
}
END_TEST

/* The charge for what the libraries took is given back: only the tree stays. */
START_TEST(libraries_return_what_they_took)
{
	struct node *n;
	size_t used[2];

	for (int round = 0; round < 2; round++) {
		ck_assert_int_eq(json_read(STR_LIT("[\"0123456789\",{\"a\":1}]"), &a, &n, &e), 0);
		ck_assert_int_eq(xml_read(STR_LIT("<a><b>text</b></a>"), &a, &n, &e), 0);
		ck_assert_int_eq(json_read(STR_LIT("[\"0123456789\",{\"a\":1}"), &a, &n, &e), -1);
		ck_assert_int_eq(xml_read(STR_LIT("<a><b>text</b>"), &a, &n, &e), -1);
		used[round] = a.used;
		arena_free(&a);
	}
	ck_assert_uint_lt(used[1], 2500);
	ck_assert_uint_le(used[1], used[0]);
}
END_TEST

static const struct {
	const char *(*check)(struct str);
	const char *text;
	bool ok;
} checks[] = {
    {check_number, "", true},
    {check_number, "5550100", true},
    {check_number, "+1-555_(0100)", true},
    {check_number, "a%20b", true},
    {check_number, "a%2", false},
    {check_number, "a%zz", false},
    {check_number, "bob@a.example", true},
    {check_number, "bob@_x", true},
    {check_number, "@host", true},
    {check_number, "bob@", false},
    {check_number, "bob@.x", false},
    {check_number, "bob@-x", false},
    {check_number, "bob@a@b", false},
    {check_number, "bob@h:5060", false},
    {check_number, "a b", false},
    {check_number, "a<b", false},
    {check_number, "a\"b", false},
    {check_number, "a\nb", false},
    {check_number, "\xc3\xa9", false},
    {check_user_name, "4410", true},
    {check_user_name, "ada.quill", true},
    {check_user_name, "", false},
    {check_user_name, "a/b", false},
    {check_user_name, "a@b", false},
    {check_user_name, "a:b", false},
    {check_user_name, "a b", false},
    {check_realm, "pbx.example.net", true},
    {check_realm, "two words", true},
    {check_realm, "", false},
    {check_realm, "a\"b", false},
    {check_realm, "a\\b", false},
    {check_realm, "a\r\nb", false},
    {check_realm, "\xc3\xa9", false},
    {check_host, "pbx.example.net", true},
    {check_host, "127.0.0.1", true},
    {check_host, "[::1]", true},
    {check_host, "", false},
    {check_host, "a b", false},
    {check_host, "-a", false},
    {check_host, "a/b", false},
    {check_host, "[]", false},
    {check_host, "a:1", false},
};

START_TEST(texts_are_checked)
{
	ck_assert_msg((checks[_i].check(str_c(checks[_i].text)) == NULL) == checks[_i].ok, "\"%s\"",
	    checks[_i].text);
}
END_TEST

/* Schedules: periods as day, from, to (minutes); -9 ends the list. */
static const struct {
	int periods[3][3];
	int status;
	const char *field;
} schedules[] = {
    {{{-1, 540, 1110}, {-9, 0, 0}}, 0, ""},
    {{{2, 480, 720}, {2, 720, 1020}, {-9, 0, 0}}, 0, "touching"},
    {{{-2, 0, 60}, {-1, 0, 60}, {-9, 0, 0}}, 0, ""},
    {{{1, 0, 60}, {7, 0, 60}, {-1, 0, 60}}, 0, ""},
    {{{-1, 540, 720}, {2, 660, 780}, {-9, 0, 0}}, 400, "periods[1]"},
    {{{0, 540, 720}, {7, 0, 541}, {-9, 0, 0}}, 400, "periods[1]"},
    {{{-2, 540, 720}, {1, 0, 1439}, {-9, 0, 0}}, 400, "periods[1]"},
    {{{1, 0, 60}, {2, 0, 60}, {-2, 30, 31}}, 400, "periods[2]"},
    {{{1, 1080, 540}, {-9, 0, 0}}, 400, "periods[0]"},
    {{{1, 540, 540}, {-9, 0, 0}}, 400, "periods[0]"},
    {{{8, 540, 541}, {-9, 0, 0}}, 400, "periods[0].scheduledDay"},
    {{{-3, 540, 541}, {-9, 0, 0}}, 400, "periods[0].scheduledDay"},
    {{{1, 540, 24 * 60}, {-9, 0, 0}}, 400, "periods[0].end.hrs"},
    {{{-9, 0, 0}}, 400, "periods"},
};

START_TEST(periods_are_checked)
{
	struct period p[3];
	struct schedule s = {.has = 0};
	struct buf b;
	size_t n = 0;
	int rc;

	memset(p, 0, sizeof(p));
	for (; n < 3 && schedules[_i].periods[n][0] != -9; n++) {
		const int *v = schedules[_i].periods[n];

		REC_SET(&p[n], period, scheduled_day, v[0]);
		REC_SET(&p[n].start, clock_time, hrs, v[1] / 60);
		REC_SET(&p[n].start, clock_time, min, v[1] % 60);
		REC_SET(&p[n].end, clock_time, hrs, v[2] / 60);
		REC_SET(&p[n].end, clock_time, min, v[2] % 60);
		p[n].has |= REC_BIT(period, start) | REC_BIT(period, end);
	}
	REC_SET(&s, schedule, name, STR_LIT("n"));
	REC_SET(&s, schedule, periods, ((struct period_list){p, n}));
	rc = rec_validate(&rec_schedule, &s, false, &e);
	ck_assert_int_eq(rc, schedules[_i].status == 0 ? 0 : -1);
	if (rc == 0)
		return;
	buf_init(&b, 100);
	rec_path(&rec_schedule, false, e.path, e.depth, &b);
	ck_assert_msg(str_eqc(buf_str(&b), schedules[_i].field), "%.*s", (int)b.n, b.p);
	buf_free(&b);
}
END_TEST

/* A field that is absent has no meaning, whatever its bytes hold. */
START_TEST(rules_across_fields_look_at_presence)
{
	struct schedule s;

	memset(&s, 0xa5, sizeof(s));
	s.has = 0;
	ck_assert_int_eq(rec_validate(&rec_schedule, &s, true, &e), 0);
}
END_TEST

/* Lengths are characters, not bytes. */
START_TEST(lengths_are_characters)
{
	struct group g = {.has = 0};
	char text[2 * 256 + 1];

	for (size_t i = 0; i < 256; i++)
		memcpy(text + 2 * i, "\xc3\xa9", 3);
	REC_SET(&g, group, name, ((struct str){text, 2 * 255}));
	ck_assert_int_eq(rec_validate(&rec_group, &g, false, &e), 0);
	REC_SET(&g, group, name, ((struct str){text, 2 * 256}));
	ck_assert_int_eq(rec_validate(&rec_group, &g, false, &e), -1);
	e.depth = 0;
	REC_SET(&g, group, name, ((struct str){"a\0b", 3}));
	ck_assert_int_eq(rec_validate(&rec_group, &g, false, &e), -1);
	e.depth = 0;
	REC_SET(&g, group, name, ((struct str){"\xff", 1}));
	ck_assert_int_eq(rec_validate(&rec_group, &g, false, &e), -1);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("rec");
	TCase *t = tcase_create("all");
	SRunner *r = srunner_create(s);
	int failed;

	text_init();
	suite_add_tcase(s, t);
	tcase_set_timeout(t, 120);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, tables_make_sense, 0, (int)all_records_count);
	tcase_add_test(t, unknown_names_are_unknown);
	tcase_add_test(t, aliases_are_input_names);
	tcase_add_test(t, defaults_fill_what_is_absent);
	tcase_add_test(t, updates_merge_or_replace);
	tcase_add_test(t, stripping_takes_what_it_is_told);
	tcase_add_loop_test(t, equality, 0, (int)all_records_count);
	tcase_add_test(t, closed_records_know_their_members);
	tcase_add_test(t, sparse_records_have_no_nulls);
	tcase_add_loop_test(t, a_copy_stands_alone, 0, (int)all_records_count);
	tcase_add_loop_test(t, every_format_there_and_back, 0, (int)all_records_count);
	tcase_add_loop_test(t, a_copy_stands_alone, 0, (int)all_records_count);
	tcase_add_loop_test(t, json_to_msgpack_to_xml_and_back, 0, (int)all_records_count);
	tcase_add_loop_test(t, allocation_failures_are_survived, 0, 3);
	tcase_add_test(t, libraries_return_what_they_took);
	tcase_add_loop_test(t, texts_are_checked, 0, sizeof(checks) / sizeof(checks[0]));
	tcase_add_loop_test(t, periods_are_checked, 0, sizeof(schedules) / sizeof(schedules[0]));
	tcase_add_test(t, rules_across_fields_look_at_presence);
	tcase_add_test(t, lengths_are_characters);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
