/* SPDX-License-Identifier: ISC */
/*
 * The codecs called directly, for what no document of a client can bring about: a sink or a source
 * used beyond its depth, records that were never validated, texts that no record may hold.
 */
#include <check.h>
#include <string.h>

#include "common/card.h"
#include "common/csv_write.h"
#include "common/records.h"
#include "common/sink.h"
#include "common/text.h"
#include "common/vcard_write.h"
#include "gateway/accept.h"
#include "gateway/query.h"
#include "ipc/env.h"
#include "tests/rec_rig.h"

static struct arena a;
static struct err e;
static struct buf out;

static void
setup(void)
{
	text_init();
	arena_init(&a, 1 << 20);
	buf_init(&out, 1 << 20);
	e = (struct err){.depth = 0};
}

static void
teardown(void)
{
	arena_free(&a);
	buf_free(&out);
}

static void
expect(const char *want)
{
	buf_addc(&out, '\0');
	ck_assert_str_eq(out.p, want);
	buf_reset(&out);
}

START_TEST(sinks_end_at_their_depth)
{
	void (*const init[])(struct sink *, struct buf *) = {json_sink_init, mp_sink_init};
	static const struct field f = {.name = "f", .item = "i"};
	struct sink s;

	for (size_t kind = 0; kind < 3; kind++) {
		if (kind < 2)
			init[kind](&s, &out);
		else
			xml_sink_init(&s, &out, "root");
		for (int i = 0; i < SINK_DEPTH_MAX; i++)
			s.ops->list(&s, &f, 1);
		ck_assert(!out.failed);
		s.ops->list(&s, &f, 1);
		/* msgpack has no ends, so no depth either. */
		ck_assert_int_eq(out.failed, kind != 1);
		for (int i = 0; i <= SINK_DEPTH_MAX; i++)
			s.ops->list_end(&s);
		buf_reset(&out);
	}
}
END_TEST

START_TEST(a_key_outside_everything)
{
	static const struct field f = {.name = "f"};
	struct sink s;

	json_sink_init(&s, &out);
	s.ops->key(&s, &f, false);
	s.ops->integer(&s, 1);
	expect("\"f\":1");
}
END_TEST

START_TEST(a_sink_that_is_full)
{
	struct reply r = {.id = 1};
	struct buf little;

	buf_init(&little, 2);
	rec_set_has(&r, REC_BIT(reply, id) | REC_BIT(reply, message));
	r.message = str_c("more than there is room for");
	mp_encode(&rec_reply, &r, &little, 0);
	ck_assert(little.failed);
	buf_free(&little);
}
END_TEST

START_TEST(odd_characters)
{
	json_text(&out, (struct str){"a\0b", 3});
	expect("\"a\\u0000b\"");
	/* Beginnings of a noncharacter that go on otherwise. */
	xml_text(&out, str_c("\xef\x80\x80 \xef\xbf\xbd \xef\xbf\xbe!"));
	expect("\xef\x80\x80 \xef\xbf\xbd !");
}
END_TEST

START_TEST(a_source_ends_at_its_depth)
{
	struct node n = {.kind = NODE_MAP, .name = STR_LIT("n")};
	struct tree_src t;
	int depth = 0;

	tree_src_init(&t, &n, RULES_TREE);
	while (t.src.ops->map(&t.src, &e) == 0)
		ck_assert_int_le(++depth, 100);
	ck_assert_int_eq(e.code, ERR_MALFORMED);
	ck_assert_int_ge(depth, 8);
	ck_assert_ptr_null(node_get(&n, str_c("other")));
}
END_TEST

/* What a tree's reader takes for an object or a list. */
START_TEST(shapes_of_trees)
{
	static const struct {
		const char *json;
		int map, list;
	} shapes[] = {
	    {"[null]", 0, 0},
	    {"[\" \"]", 0, 0},
	    {"{}", 0, 0},
	    {"{\"other\":1}", 0, 0},
	    {"{\"item\":1,\"other\":2}", 0, 0},
	    {"{\"item\":[1]}", 0, 0},
	    {"\"x\"", -1, -1},
	    {"\" \"", 0, 0},
	    {"null", 0, -1},
	    {"5", -1, -1},
	};

	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
		struct node *n = rig_read(FMT_JSON, str_c(shapes[i].json), &a);
		struct tree_src t;

		tree_src_init(&t, n, RULES_TREE);
		ck_assert_msg(t.src.ops->map(&t.src, &e) == shapes[i].map, "%s", shapes[i].json);
		tree_src_init(&t, n, RULES_TREE);
		ck_assert_msg(t.src.ops->list(&t.src, "item", &e) == shapes[i].list, "%s", shapes[i].json);
	}
}
END_TEST

/* Members of a message between our processes, as JSON would have them. */
static const struct {
	const char *json;
	bool good;
} messages[] = {
    {"{\"message\":true}", true},
    {"{\"message\":false}", true},
    {"{\"message\":0.1}", true},
    {"{\"message\":0.1234567890123456}", true},
    {"{\"message\":0.30000000000000004}", true},
    {"{\"body\":\"0a9f\"}", true},
    {"{\"body\":\"0a9\"}", false},
    {"{\"body\":\"0A\"}", false},
    {"{\"body\":\"0z\"}", false},
    {"{\"body\":\"0!\"}", false},
    {"{\"body\":\"!0\"}", false},
    {"{\"path\":[1,-2]}", true},
    {"{\"path\":[1,null]}", false},
    {"{\"path\":[1,\"x\"]}", false},
};

START_TEST(members_of_messages)
{
	struct reply r;
	int rc = rig_decode(FMT_JSON, &rec_reply, &r, str_c(messages[_i].json), &a, &e);

	ck_assert_msg(rc == (messages[_i].good ? 0 : -1), "%s", messages[_i].json);
}
END_TEST

/* Within a budget the reader of JSON takes more than what is left to the decoder. */
START_TEST(no_room_behind_the_tree)
{
	static const char *const texts[] = {
	    "{\"message\":1}", "{\"message\":0.5}", "{\"body\":\"00\"}", "{\"path\":[1]}"};
	struct arena none;
	struct tree_src src;
	struct reply r;

	arena_init(&none, 0);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		tree_src_init(&src, rig_read(FMT_JSON, str_c(texts[i]), &a), RULES_BEAN);
		ck_assert_int_eq(rec_decode(&rec_reply, &r, &src.src, DECODE_ALL, &none, &e), -1);
		ck_assert_int_eq(e.code, ERR_TOO_LARGE);
		err_clear(&e);
	}
	arena_free(&none);
}
END_TEST

START_TEST(lists_of_numbers)
{
	int64_t path[] = {3, -1};
	struct reply r = {.path = {path, 2}};

	rec_set_has(&r, REC_BIT(reply, path));
	rig_record(FMT_JSON, &rec_reply, &r, &out);
	expect("{\"path\":[3,-1]}");
}
END_TEST

START_TEST(numbers_of_enums)
{
	static const char *const bad[] = {"2147483648", "-2147483649", "99999"};
	size_t met = 0;

	for (size_t i = 0; i < all_records_count; i++) {
		const struct rec *r = all_records[i];
		void *obj = arena_alloc(&a, r->size);

		for (size_t j = 0; j < r->nf; j++) {
			if (r->f[j].kind != K_ENUM)
				continue;
			met++;
			for (size_t k = 0; k < sizeof(bad) / sizeof(bad[0]); k++) {
				const char *name = field_json(&r->f[j]);

				ck_assert_int_eq(rig_decode(FMT_JSON, r, obj,
				                     arena_printf(&a, "{\"%s\":%s}", name, bad[k]), &a, &e),
				    -1);
				e.depth = 0;
			}
			/* Never read, and so never refused: written as no text, and not valid. */
			memset(obj, 0, r->size);
			*(int *)rec_at(&r->f[j], obj) = 99999;
			rec_set_has(obj, (uint64_t)1 << j);
			rig_record(FMT_JSON, r, obj, &out);
			expect(arena_printf(&a, "{\"%s\":\"\"}", field_json(&r->f[j])).p);
			ck_assert_int_eq(rec_validate(r, obj, true, &e), -1);
			e.depth = 0;
		}
	}
	ck_assert_uint_gt(met, 2);
}
END_TEST

START_TEST(too_short_or_too_long)
{
	struct reply r = {.id = 1};
	int64_t path[17] = {0};

	REC_SET(&r, reply, id, 1);
	REC_SET(&r, reply, code, 0);
	REC_SET(&r, reply, etag, str_c("0123456789abcdef"));
	ck_assert_int_eq(rec_validate(&rec_reply, &r, false, &e), 0);
	r.etag = str_c("0123456789abcde");
	ck_assert_int_eq(rec_validate(&rec_reply, &r, false, &e), -1);
	ck_assert_str_eq(err_text(&e), "must have at least 16 characters");
	REC_UNSET(&r, reply, etag);
	e.depth = 0;
	REC_SET(&r, reply, path, ((struct int_list){path, 16}));
	ck_assert_int_eq(rec_validate(&rec_reply, &r, false, &e), 0);
	r.path.n = 17;
	ck_assert_int_eq(rec_validate(&rec_reply, &r, false, &e), -1);
	ck_assert_str_eq(err_text(&e), "must not have more than 16 items");
}
END_TEST

static const struct res *
row(const char *path)
{
	for (size_t i = 0; i < all_resources_count; i++)
		if (strcmp(all_resources[i].path, path) == 0)
			return &all_resources[i];
	ck_abort_msg("%s is no resource", path);
	return NULL;
}

START_TEST(errors_of_rows_without_a_document)
{
	struct err why = {.code = ERR_INVALID, .text = "no", .depth = 1, .path = {1}};

	text_error(row("/my/keepalive"), FMT_JSON, FMT_JSON, &why, &out);
	expect("{\"error\":\"no\",\"type\":\"invalid\"}");
}
END_TEST

/* Without its name a document of these could not be found. */
START_TEST(roots_have_names)
{
	size_t met = 0;

	for (size_t i = 0; i < all_resources_count; i++) {
		const struct res *r = &all_resources[i];

		if (r->record == NULL && r->input == NULL)
			continue;
		met++;
		ck_assert_msg((r->family != FAM_TREE && r->json_style != ROOT_BOTH) || r->json_root != NULL,
		    "%s", r->path);
	}
	ck_assert_uint_gt(met, 20);
}
END_TEST

/* UTF-16 without a mark is text of ASCII and zero bytes, and would grow when it is converted. */
START_TEST(other_encodings_are_not_looked_for)
{
	enum { CHARACTERS = 4000 };
	static const char head[] =
	    "<\0?\0x\0m\0l\0 \0v\0e\0r\0s\0i\0o\0n\0=\0'\0001\0.\0000\0'\0?\0>\0<\0a\0>\0";
	struct buf doc;
	struct node *n;

	buf_init(&doc, 64 * 1024);
	buf_add(&doc, head, sizeof(head) - 1);
	for (int i = 0; i < CHARACTERS; i++)
		buf_adds(&doc, "ab");
	buf_add(&doc, "<\0/\0a\0>\0", 8);
	ck_assert_int_eq(xml_read(buf_str(&doc), &a, &n, &e), -1);
	buf_free(&doc);
}
END_TEST

/* Bare JSON with its root name twice: only an object there is looked into. */
START_TEST(a_root_that_is_no_object)
{
	struct callfwd c;

	ck_assert_int_eq(text_read(row("/my/callfwd"), FMT_JSON,
	                     str_c("{\"callsequence\":5,\"expiration\":20}"), &c, &a, &e),
	    0);
	ck_assert_int_eq(c.expiration, 20);
}
END_TEST

/* Every format of a list of entries, and how it begins and ends. */
START_TEST(lists_in_each_format)
{
	const struct res *r = row("/my/phonebook");
	struct entry entry = {0};
	static const struct {
		enum format fmt;
		const char *begin, *end;
	} want[] = {
	    {FMT_XML, "<phonebook>", "</phonebook>"},
	    {FMT_JSON, "{\"phonebook\":[", "]}"},
	    {FMT_VCARD, "", ""},
	};

	REC_SET(&entry, entry, first_name, str_c("Dee"));
	REC_SET(&entry, entry, number, str_c("7"));
	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		text_list_begin(r, want[i].fmt, false, &out);
		expect(want[i].begin);
		text_list_item(r, want[i].fmt, 0, &entry, &out);
		ck_assert_uint_gt(out.n, 10);
		buf_reset(&out);
		text_list_end(r, want[i].fmt, false, &out);
		expect(want[i].end);
	}
	text_list_begin(r, FMT_CSV, false, &out);
	ck_assert_uint_gt(out.n, 100);
	ck_assert_int_eq(out.p[out.n - 1], '\n');
	buf_reset(&out);
	text_list_item(r, FMT_CSV, 0, &entry, &out);
	ck_assert_ptr_nonnull(memmem(out.p, out.n, "\"Dee\"", 5));
	buf_reset(&out);
	text_list_end(r, FMT_CSV, false, &out);
	ck_assert_uint_eq(out.n, 0);
	/* A page of which nothing is known. */
	text_list_head(row("/my/pagedphonebook"), FMT_JSON, arena_alloc(&a, 4096), false, &out);
	ck_assert_int_eq(out.p[out.n - 1], '[');
	ck_assert_int_ne(out.p[out.n - 3], ',');
}
END_TEST

/* Texts come from whoever calls: no formula for a spreadsheet, no quote that ends the field. */
START_TEST(calls_as_csv)
{
	const struct res *r = row("/my/cdrs");
	struct ended_call c = {0};

	text_list_begin(r, FMT_CSV, false, &out);
	expect("id,direction,from,from-aor,to,to-aor,recipient,internal,type,start,answer,duration,"
	       "outcome,status,route\r\n");
	REC_SET(&c, ended_call, id, str_c("=1+1"));
	REC_SET(&c, ended_call, from, str_c("+4930"));
	REC_SET(&c, ended_call, to, str_c("a\"b"));
	REC_SET(&c, ended_call, internal, true);
	REC_SET(&c, ended_call, duration, 1500);
	text_list_item(r, FMT_CSV, 0, &c, &out);
	expect("\"'=1+1\",,\"+4930\",,\"a\"\"b\",,,true,,,,1500,,,\r\n");
}
END_TEST

START_TEST(attributes_of_elements)
{
	struct rec bare = rec_phonebook_name;
	struct res r = *row("/phonebook");
	struct phonebook_name name = {0};

	bare.xml = NULL;
	r.record = &bare;
	text_list_item(&r, FMT_XML, 0, &name, &out);
	expect("<phonebook_name/>");
	REC_SET(&name, phonebook_name, name, str_c("a<b"));
	text_list_item(&r, FMT_XML, 0, &name, &out);
	expect("<phonebook_name name=\"a&lt;b\"/>");
}
END_TEST

START_TEST(cards_that_no_entry_gives)
{
	struct card c = {.has_contact = true};
	size_t n = 70000;
	char *title = arena_alloc(&a, n);

	/* Without a name there is no line in the legacy server's CSV. */
	csv_write_card(&out, &c);
	ck_assert_uint_eq(out.n, 0);
	c.last_name = str_c("Fox");
	csv_write_card(&out, &c);
	ck_assert_uint_gt(out.n, 10);
	buf_reset(&out);
	/* No UTF-8, so no character to keep whole: every line has something all the same. */
	memset(title, 0x80, n);
	c.job_title = (struct str){title, 200};
	vcard_write(&out, &c);
	ck_assert(!out.failed);
	buf_reset(&out);
	c.job_title.n = n;
	vcard_write(&out, &c);
	ck_assert(out.failed);
	/* The failure is not forgotten behind the line that failed. */
	vcard_write(&out, &(struct card){.last_name = STR_LIT("Fox")});
	ck_assert(out.failed);
}
END_TEST

START_TEST(names_of_media_types)
{
	struct accept_choice c;

	ck_assert(accept_choose(str_c("text/vcard"), FMT_CSV | FMT_VCARD, FMT_CSV, &c));
	ck_assert_int_eq(c.format, FMT_VCARD);
	ck_assert_str_eq(c.named, "vcard");
	c.named = NULL;
	ck_assert(accept_choose(str_c("text/*"), FMT_CSV | FMT_VCARD, FMT_CSV, &c));
	ck_assert_ptr_null(c.named);
	ck_assert(!accept_choose(str_c("text/csv;q=.1234"), FMT_CSV, FMT_CSV, &c));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("codec edges");
	TCase *t = tcase_create("all");
	SRunner *r = srunner_create(s);
	int failed;

	suite_add_tcase(s, t);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, sinks_end_at_their_depth);
	tcase_add_test(t, a_key_outside_everything);
	tcase_add_test(t, a_sink_that_is_full);
	tcase_add_test(t, odd_characters);
	tcase_add_test(t, a_source_ends_at_its_depth);
	tcase_add_test(t, shapes_of_trees);
	tcase_add_loop_test(t, members_of_messages, 0, sizeof(messages) / sizeof(messages[0]));
	tcase_add_test(t, no_room_behind_the_tree);
	tcase_add_test(t, lists_of_numbers);
	tcase_add_test(t, numbers_of_enums);
	tcase_add_test(t, too_short_or_too_long);
	tcase_add_test(t, errors_of_rows_without_a_document);
	tcase_add_test(t, roots_have_names);
	tcase_add_test(t, other_encodings_are_not_looked_for);
	tcase_add_test(t, a_root_that_is_no_object);
	tcase_add_test(t, lists_in_each_format);
	tcase_add_test(t, calls_as_csv);
	tcase_add_test(t, attributes_of_elements);
	tcase_add_test(t, cards_that_no_entry_gives);
	tcase_add_test(t, names_of_media_types);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
