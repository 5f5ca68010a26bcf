/* SPDX-License-Identifier: ISC */
/* Documents: what the readers refuse, what the writers escape, and what stands around records. */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "common/records.h"
#include "common/sink.h"
#include "common/text.h"
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

#define J FMT_JSON
#define X FMT_XML
/* As STR_LIT(), for tables: a constant. */
#define LIT(s)             \
	{                      \
		(s), sizeof(s) - 1 \
	}

#define OK_ ERR_OK
#define BAD ERR_MALFORMED

/* The documents alone, whatever they mean. */
static const struct {
	enum format fmt;
	struct str text;
	enum err_code want;
} documents[] = {
    {J, LIT("{\"a\":1}"), OK_},
    {J, LIT(" \t\r\n[1,2]\n"), OK_},
    {J, LIT("null"), OK_},
    {J, LIT("\"\\ud83d\\ude00\""), OK_},
    {J, LIT("{"), BAD},
    {J, LIT("{\"a\":1,}"), BAD},
    {J, LIT("{a:1}"), BAD},
    {J, LIT("{'a':1}"), BAD},
    {J, LIT("[1] x"), BAD},
    {J, LIT("{} {}"), BAD},
    {J, LIT("[1]\0"), BAD},
    {J, LIT("{\"a\":1,\"a\":2}"), BAD},
    {J, LIT("{\"a\":1,\"\\u0061\":2}"), BAD},
    {J, LIT("{\"x\":{\"a\":1,\"a\":1}}"), BAD},
    {J, LIT("\"a\0b\""), BAD},
    {J, LIT("\"a\\u0000b\""), BAD},
    {J, LIT("{\"a\\u0000b\":1}"), BAD},
    {J, LIT("\"\xff\""), BAD},
    {J, LIT("\"\xc0\x80\""), BAD},
    {J, LIT("\"\xed\xa0\x80\""), BAD},
    {J, LIT("\"\xe2\x82\""), BAD},
    {J, LIT("\"\\ud800\""), BAD},
    {J, LIT("\"\\udc00\""), BAD},
    {J, LIT("\"\\ud800\\u0041\""), BAD},
    {J, LIT("\"a\nb\""), BAD},
    {J, LIT("\"\\x41\""), BAD},
    {J, LIT("9223372036854775807"), OK_},
    {J, LIT("9223372036854775808"), BAD},
    {J, LIT("1e999"), BAD},
    {J, LIT("01"), BAD},
    {J, LIT("+1"), BAD},
    {J, LIT("NaN"), BAD},
    {J, LIT("// x\n1"), BAD},
    {J, LIT("\xef\xbb\xbf{}"), BAD},
    {J, LIT(""), ERR_NO_ENTITY},
    {X, LIT("<a/>"), OK_},
    {X, LIT("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<a>x</a>\n"), OK_},
    {X, LIT("<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><a>\xe9</a>"), BAD},
    {X, LIT("<?xml version=\"1.0\" encoding=\"KOI8-R\"?><a>\xc3\xa9</a>"), OK_},
    {X, LIT("\xff\xfe<\0a\0/\0>\0"), BAD},
    {X, LIT("\x4c\x6f\xa7\x94"), BAD},
    {X, LIT("<a b=\"1\"><!-- c --><?pi x?><![CDATA[<]]></a>"), OK_},
    {X, LIT("<a>"), BAD},
    {X, LIT("<a></b>"), BAD},
    {X, LIT("<a/><b/>"), BAD},
    {X, LIT("<a/> x"), BAD},
    {X, LIT("x"), BAD},
    {X, LIT("<a>\x01</a>"), BAD},
    {X, LIT("<a>&#1;</a>"), BAD},
    {X, LIT("<a>&#0;</a>"), BAD},
    {X, LIT("<a>&#xd800;</a>"), BAD},
    {X, LIT("<a>x\0y</a>"), BAD},
    {X, LIT("<a>\xff</a>"), BAD},
    {X, LIT("<a>\xed\xa0\x80</a>"), BAD},
    {X, LIT("<a>&nothing;</a>"), BAD},
    {X, LIT("<a b=1/>"), BAD},
    {X, LIT("<!DOCTYPE a><a/>"), BAD},
    {X, LIT("<!DOCTYPE a SYSTEM \"file:///etc/passwd\"><a/>"), BAD},
    {X, LIT("<!DOCTYPE a [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><a>&x;</a>"), BAD},
    {X, LIT("<!DOCTYPE a [<!ENTITY % x SYSTEM \"http://127.0.0.1:1/\">%x;]><a/>"), BAD},
    {X,
        LIT("<!DOCTYPE l [<!ENTITY a \"ha\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;\">"
            "<!ENTITY c \"&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;\">"
            "<!ENTITY d \"&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;\">]><l>&d;&d;&d;&d;</l>"),
        BAD},
    {X, LIT(""), ERR_NO_ENTITY},
};

START_TEST(documents_are_read_or_refused)
{
	struct node *n = NULL;
	int rc = documents[_i].fmt == X ? xml_read(documents[_i].text, &a, &n, &e)
	                                : json_read(documents[_i].text, &a, &n, &e);

	if (documents[_i].want == ERR_OK) {
		ck_assert_msg(rc == 0, "%s: %s", documents[_i].text.p, err_text(&e));
		ck_assert_ptr_nonnull(n);
		return;
	}
	ck_assert_msg(rc == -1, "accepted: %s", documents[_i].text.p);
	ck_assert_msg(e.code == documents[_i].want, "%s: %s", documents[_i].text.p, err_name(e.code));
	ck_assert(str_is_utf8(str_c(err_text(&e))));
	ck_assert_uint_eq(e.depth, 0);
}
END_TEST

/* What a client sent is quoted in the phrase; wherever that is cut, it stays text. */
START_TEST(phrases_about_bad_json_are_text)
{
	char doc[300];
	struct node *n;

	for (size_t pad = 0; pad < 120; pad++) {
		struct buf out;
		size_t at = 0;

		doc[at++] = '[';
		memset(doc + at, ' ', pad % 7);
		at += pad % 7;
		for (size_t i = 0; i < pad; i++)
			doc[at++] = 'x';
		for (int i = 0; i < 20; i++) {
			memcpy(doc + at, "\xf0\x9f\x98\x80", 4);
			at += 4;
		}
		for (size_t cut = at - 5; cut <= at; cut++) {
			ck_assert_int_eq(json_read((struct str){doc, cut}, &a, &n, &e), -1);
			buf_init(&out, 4096);
			text_error(NULL, FMT_JSON, FMT_JSON, &e, &out);
			ck_assert(str_is_utf8(buf_str(&out)));
			buf_free(&out);
		}
	}
	/* jansson itself cuts here. */
	ck_assert_int_eq(json_read(STR_LIT("\"r\\u00\xd5\x95"), &a, &n, &e), -1);
	ck_assert_msg(str_is_utf8(str_c(err_text(&e))), "%s", err_text(&e));
	ck_assert_int_eq(strncmp(err_text(&e), "not valid JSON: ", 16), 0);
}
END_TEST

static struct str
nested(enum format fmt, size_t depth, bool filled)
{
	struct buf b;
	struct str s;

	buf_init(&b, 1 << 20);
	for (size_t i = 0; i < depth; i++)
		buf_adds(&b, fmt == X ? "<a>" : i % 2 == 0 ? "[" : "{\"a\":");
	if (fmt == J && filled)
		buf_adds(&b, "1");
	if (fmt == J && !filled && depth % 2 == 0)
		buf_adds(&b, "null");
	if (fmt == X && filled)
		buf_adds(&b, "1");
	for (size_t i = depth; i-- > 0;)
		buf_adds(&b, fmt == X ? "</a>" : i % 2 == 0 ? "]" : "}");
	s = arena_copy(&a, buf_str(&b));
	buf_free(&b);
	return s;
}

/* Depth counts lists, objects and elements; what stands in the innermost one is free. */
START_TEST(depth_is_bounded)
{
	static const enum format formats[] = {J, X};

	for (int f = 0; f < 2; f++) {
		for (int filled = 0; filled < 2; filled++) {
			for (size_t depth = 30; depth <= 34; depth++) {
				struct str s = nested(formats[f], depth, filled != 0);
				struct node *n;
				int rc = formats[f] == X ? xml_read(s, &a, &n, &e) : json_read(s, &a, &n, &e);

				ck_assert_msg(
				    rc == (depth <= TREE_DEPTH_MAX ? 0 : -1), "%s %zu %d", s.p, depth, filled);
				if (rc != 0)
					ck_assert_int_eq(e.code, ERR_MALFORMED);
			}
			ck_assert_int_eq(formats[f] == X
			        ? xml_read(nested(X, 100000, false), &a, &(struct node *){NULL}, &e)
			        : json_read(nested(J, 100000, false), &a, &(struct node *){NULL}, &e),
			    -1);
		}
	}
}
END_TEST

/* A megabyte that would become many in memory is refused with 413, and nothing is left behind. */
static const struct {
	enum format fmt;
	const char *head, *unit, *tail;
} bombs[] = {
    {J, "[0", ",0", "]"},
    {J, "[\"\"", ",\"\"", "]"},
    {J, "[{}", ",{}", "]"},
    {J, "[[]", ",[]", "]"},
    {X, "<a>", "<b/>", "</a>"},
    {X, "<a>", "x<b/>", "</a>"},
};

START_TEST(memory_is_bounded)
{
	struct buf b;
	struct node *n;
	int rc;

	buf_init(&b, 1 << 20);
	buf_adds(&b, bombs[_i].head);
	while (b.n + strlen(bombs[_i].unit) + strlen(bombs[_i].tail) <= 1 << 20)
		buf_adds(&b, bombs[_i].unit);
	buf_adds(&b, bombs[_i].tail);
	rc =
	    bombs[_i].fmt == X ? xml_read(buf_str(&b), &a, &n, &e) : json_read(buf_str(&b), &a, &n, &e);
	ck_assert_int_eq(rc, -1);
	ck_assert_msg(e.code == ERR_TOO_LARGE, "%s: %s", bombs[_i].unit, err_text(&e));
	ck_assert_uint_le(a.used, a.cap);
	buf_free(&b);
}
END_TEST

/* Blanks between children are layout: a long pretty-printed list must not cost their square. */
START_TEST(layout_costs_nothing)
{
	struct buf b;
	struct node *n;

	buf_init(&b, 1 << 20);
	buf_adds(&b, "<a>");
	for (int i = 0; i < 5000; i++)
		buf_adds(&b, "\n    <b>  </b>");
	buf_adds(&b, "\n</a>");
	ck_assert_msg(xml_read(buf_str(&b), &a, &n, &e) == 0, "%s", err_text(&e));
	ck_assert_str_eq(n->first->text.p, "  ");
	ck_assert_uint_lt(a.used, 4 << 20);
	buf_free(&b);
}
END_TEST

START_TEST(mixed_text_is_kept)
{
	struct node *n = rig_read(X, STR_LIT("<a> x <b/>y<![CDATA[&]]>&amp;<b/></a>"), &a);

	ck_assert_msg(str_eqc(n->text, " x y&&"), "%.*s", (int)n->text.n, n->text.p);
}
END_TEST

static const struct {
	const char *value, *xml, *json;
} escapes[] = {
    {"a&b <c> \"q\" 'x' \\ /", "a&amp;b &lt;c&gt; &quot;q&quot; &apos;x&apos; \\ /",
        "\"a&b <c> \\\"q\\\" 'x' \\\\ /\""},
    {"\t\n", "\t\n", "\"\\t\\n\""},
    {"\r", "&#xd;", "\"\\r\""},
    {"\x01", "", "\"\\u0001\""},
    {"\b\f\x1f", "", "\"\\b\\f\\u001f\""},
    {"\xc3\xa9 \xe2\x82\xac \xe4\xb8\xad \xf0\x9f\x98\x80",
        "\xc3\xa9 \xe2\x82\xac \xe4\xb8\xad \xf0\x9f\x98\x80",
        "\"\xc3\xa9 \xe2\x82\xac \xe4\xb8\xad \xf0\x9f\x98\x80\""},
    {"\xef\xbf\xbe\xef\xbf\xbfz\xef\xbf\xbd", "z\xef\xbf\xbd",
        "\"\xef\xbf\xbe\xef\xbf\xbfz\xef\xbf\xbd\""},
    {"\x7f", "\x7f", "\"\x7f\""},
    {"", "", "\"\""},
};

START_TEST(texts_are_escaped)
{
	struct buf b;

	buf_init(&b, 1000);
	xml_text(&b, str_c(escapes[_i].value));
	ck_assert_msg(str_eqc(buf_str(&b), escapes[_i].xml), "%.*s", (int)b.n, b.p);
	buf_reset(&b);
	json_text(&b, str_c(escapes[_i].value));
	ck_assert_msg(str_eqc(buf_str(&b), escapes[_i].json), "%.*s", (int)b.n, b.p);
	buf_free(&b);
}
END_TEST

/* Documents of resources. `want` is the number of rings, or of the error. */
static const struct {
	enum res_id res;
	enum format fmt;
	const char *text;
	int status;
	int rings;         /* -1 = absent */
	const char *field; /* of the error, "" = none */
} reads[] = {
    {RES_FORWARD, J, "{\"call-sequence\":{\"rings\":[],\"expiration\":18}}", 200, 0, ""},
    {RES_FORWARD, J, "{\"call-sequence\":{\"rings\":{\"number\":\"1\"}}}", 200, 1, ""},
    {RES_FORWARD, J, "{\"call-sequence\":{\"rings\":{\"ring\":{\"number\":\"1\"}}}}", 200, 1, ""},
    {RES_FORWARD, J, "{\"call-sequence\":{\"rings\":{\"ring\":[{},{}]}}}", 200, 2, ""},
    {RES_FORWARD, J, "{\"call-sequence\":{\"rings\":[{},{}]}}", 200, 2, ""},
    {RES_FORWARD, J, "{\"call-sequence\":{\"rings\":\"\"}}", 200, 0, ""},
    {RES_FORWARD, J, "{\"call-sequence\":{\"rings\":{\"ring\":{}}}}", 200, 1, ""},
    {RES_FORWARD, J, "{\"call-sequence\":{\"rings\":null}}", 200, -1, ""},
    {RES_FORWARD, J, "{\"call-sequence\":{}}", 200, -1, ""},
    {RES_FORWARD, J, "{\"call-sequence\":\"\"}", 200, -1, ""},
    {RES_FORWARD, J, "{\"call-sequence\":{\"rings\":[null]}}", 400, 0, "rings[0]"},
    {RES_FORWARD, J, "{\"call-sequence\":{\"rings\":[{},{\"expiration\":\"\"}]}}", 400, 0,
        "rings[1].expiration"},
    {RES_FORWARD, J, "{\"call-sequence\":{\"rings\":[{\"type\":0}]}}", 400, 0, "rings[0].type"},
    {RES_FORWARD, J, "{\"rings\":[],\"expiration\":18}", 400, 0, ""},
    {RES_FORWARD, J, "{\"callsequence\":{\"rings\":[]}}", 400, 0, ""},
    {RES_FORWARD, J, "{}", 400, 0, ""},
    {RES_FORWARD, J, "[]", 400, 0, ""},
    {RES_FORWARD, J, "null", 400, 0, ""},
    {RES_FORWARD, J, "", 400, 0, ""},
    {RES_FORWARD, J, " \n", 400, 0, ""},
    {RES_FORWARD, J, "{\"call-sequence\":{\"expiration\":1000}}", 400, 0, "expiration"},
    {RES_FORWARD, J, "{\"call-sequence\":{\"expiration\":20.5}}", 400, 0, "expiration"},
    {RES_FORWARD, X, "<call-sequence><rings/><expiration>20</expiration></call-sequence>", 200, 0,
        ""},
    {RES_FORWARD, X, "<call-sequence> <rings> <ring> </ring> <other/> </rings> </call-sequence>",
        200, 1, ""},
    {RES_FORWARD, X, "<call-sequence><expiration> 20 </expiration></call-sequence>", 200, -1, ""},
    {RES_FORWARD, X, "<call-sequence><expiration>0x10</expiration></call-sequence>", 400, 0,
        "expiration"},
    {RES_FORWARD, X, "<call-sequence><expiration/></call-sequence>", 400, 0, "expiration"},
    {RES_FORWARD, X, "<call-sequence><rings>x</rings></call-sequence>", 400, 0, "rings"},
    {RES_FORWARD, X, "<call-sequence><rings><ring>x</ring></rings></call-sequence>", 400, 0,
        "rings[0]"},
    {RES_FORWARD, X, "<call-sequence><rings/><rings/></call-sequence>", 400, 0, "rings"},
    {RES_FORWARD, X,
        "<call-sequence><rings><ring><type>Sometimes</type></ring></rings></call-sequence>", 400, 0,
        "rings[0].type"},
    {RES_FORWARD, X, "<callsequence/>", 400, 0, ""},
    {RES_CALLFWD, X, "<callsequence/>", 200, -1, ""},
    {RES_CALLFWD, X, "<call-sequence/>", 200, -1, ""},
    {RES_CALLFWD, J, "{\"expiration\":22,\"rings\":[]}", 200, 0, ""},
    {RES_CALLFWD, J, "{\"callsequence\":{\"rings\":[{}]}}", 200, 1, ""},
    {RES_CALLFWD, J, "{\"call-sequence\":{\"rings\":[{}]}}", 200, 1, ""},
    {RES_CALLFWD, J, "{\"callsequence\":{\"rings\":[{}]},\"rings\":[{},{}]}", 200, 2, ""},
    {RES_CALLFWD, J, "{\"rings\":[{},{}],\"callsequence\":{\"rings\":[{}]}}", 200, 2, ""},
    {RES_CALLFWD, J, "{\"withVM\":false,\"withVoicemail\":[],\"other\":{}}", 200, -1, ""},
    {RES_CALLFWD, J, "{\"rings\":null}", 200, -1, ""},
    {RES_CALLFWD, J, "{\"expiration\":\"\"}", 200, -1, ""},
    {RES_CALLFWD, J, "{\"expiration\":\"abc\"}", 400, 0, "expiration"},
    {RES_CALLFWD, J, "{\"rings\":{}}", 400, 0, "rings"},
    {RES_CALLFWD, J, "{\"rings\":[null]}", 400, 0, "rings[0]"},
    {RES_CALLFWD, J, "{\"rings\":[[]]}", 400, 0, "rings[0]"},
    {RES_CALLFWD, J, "{\"rings\":[{\"enabled\":\"yes\"}]}", 400, 0, "rings[0].enabled"},
    {RES_CALLFWD, J, "{\"rings\":[{\"type\":\"later\"}]}", 400, 0, "rings[0].type"},
    {RES_CALLFWD, J, "{\"rings\":[{\"type\":2}]}", 400, 0, "rings[0].type"},
    {RES_CALLFWD, J, "{\"rings\":[{\"number\":{}}]}", 400, 0, "rings[0].number"},
    {RES_CALLFWD, J, "{\"callsequence\":{\"rings\":[{\"number\":\"a b\"}]}}", 400, 0,
        "rings[0].number"},
    {RES_CALLFWD, J, "[]", 400, 0, ""},
    {RES_CALLFWD, J, "null", 400, 0, ""},
    {RES_CALLFWD, J, "5", 400, 0, ""},
};

START_TEST(resources_are_read)
{
	const struct res *r = res_by_number(reads[_i].res);
	struct callfwd f;
	struct buf field;
	int rc;

	/* Both records have the same members in front. */
	ck_assert_uint_eq(sizeof(f), r->record->size);
	memset(&f, 0xa5, sizeof(f));
	rc = text_read(r, reads[_i].fmt, str_c(reads[_i].text), &f, &a, &e);
	if (rc == 0)
		rc = rec_validate(r->record, &f, true, &e);
	ck_assert_msg(rc == (reads[_i].status == 200 ? 0 : -1), "%s: %s", reads[_i].text, err_text(&e));
	if (rc == 0) {
		ck_assert_int_eq(REC_HAS(&f, callfwd, rings) ? (int)f.rings.n : -1, reads[_i].rings);
		ck_assert_msg(f.rings.n < 1000, "the record was not cleared");
		return;
	}
	ck_assert_int_eq(err_status(e.code), reads[_i].status);
	buf_init(&field, 512);
	rec_path(r->record, reads[_i].fmt == X, e.path, e.depth, &field);
	ck_assert_msg(str_eqc(buf_str(&field), reads[_i].field), "%s: field \"%.*s\"", reads[_i].text,
	    (int)field.n, field.p);
	buf_free(&field);
}
END_TEST

/* Coercions: one ring each; BEAN (callfwd) and TREE (forward). */
static const struct {
	enum res_id res;
	const char *member; /* of a ring */
	int status;
	struct plain_ring want; /* has: which of the members count */
} coercions[] = {
#define HAS(m) .has = (uint64_t)1 << plain_ring_F_##m
    {RES_CALLFWD, "\"expiration\":\"15\"", 200, {HAS(expiration), .expiration = 15}},
    {RES_CALLFWD, "\"expiration\":\"08\"", 200, {HAS(expiration), .expiration = 8}},
    {RES_CALLFWD, "\"expiration\":\" 15 \"", 200, {HAS(expiration), .expiration = 15}},
    {RES_CALLFWD, "\"expiration\":20.7", 200, {HAS(expiration), .expiration = 20}},
    {RES_CALLFWD, "\"expiration\":1e2", 200, {HAS(expiration), .expiration = 100}},
    {RES_CALLFWD, "\"expiration\":1e300", 400, {.has = 0}},
    {RES_CALLFWD, "\"expiration\":\"20.7\"", 400, {.has = 0}},
    {RES_CALLFWD, "\"expiration\":true", 400, {.has = 0}},
    {RES_CALLFWD, "\"expiration\":\"\"", 200, {.has = 0}},
    {RES_CALLFWD, "\"expiration\":null", 200, {.has = 0}},
    {RES_CALLFWD, "\"enabled\":true", 200, {HAS(enabled), .enabled = true}},
    {RES_CALLFWD, "\"enabled\":\"true\"", 200, {HAS(enabled), .enabled = true}},
    {RES_CALLFWD, "\"enabled\":\"false\"", 200, {HAS(enabled), .enabled = false}},
    {RES_CALLFWD, "\"enabled\":\"True\"", 400, {.has = 0}},
    {RES_CALLFWD, "\"enabled\":0", 200, {HAS(enabled), .enabled = false}},
    {RES_CALLFWD, "\"enabled\":1", 200, {HAS(enabled), .enabled = true}},
    {RES_CALLFWD, "\"enabled\":-7", 200, {HAS(enabled), .enabled = true}},
    {RES_CALLFWD, "\"enabled\":\"\"", 200, {.has = 0}},
    {RES_CALLFWD, "\"enabled\":null", 200, {.has = 0}},
    {RES_CALLFWD, "\"number\":4420", 200, {HAS(number), .number = {"4420", 4}}},
    {RES_CALLFWD, "\"number\":true", 200, {HAS(number), .number = {"true", 4}}},
    {RES_CALLFWD, "\"number\":0.1", 200, {HAS(number), .number = {"0.1", 3}}},
    {RES_CALLFWD, "\"number\":5.0", 200, {HAS(number), .number = {"5", 1}}},
    {RES_CALLFWD, "\"number\":\"\"", 200, {HAS(number), .number = {"", 0}}},
    {RES_CALLFWD, "\"number\":null", 200, {.has = 0}},
    {RES_CALLFWD, "\"number\":[\"1\"]", 400, {.has = 0}},
    {RES_CALLFWD, "\"type\":1", 200, {HAS(type), .type = ring_type_SAME_TIME}},
    {RES_CALLFWD, "\"type\":\"At the same time\"", 200, {HAS(type), .type = ring_type_SAME_TIME}},
    {RES_CALLFWD, "\"type\":\"at the same time\"", 400, {.has = 0}},
    {RES_CALLFWD, "\"type\":\"\"", 400, {.has = 0}},
    {RES_CALLFWD, "\"type\":null", 200, {.has = 0}},
    {RES_FORWARD, "\"number\":200", 200, {HAS(number), .number = {"200", 3}}},
    {RES_FORWARD, "\"number\":\"200\"", 200, {HAS(number), .number = {"200", 3}}},
    {RES_FORWARD, "\"number\":[\"200\"]", 200, {HAS(number), .number = {"200", 3}}},
    {RES_FORWARD, "\"number\":[\"2\",\"3\"]", 400, {.has = 0}},
    {RES_FORWARD, "\"number\":[]", 400, {.has = 0}},
    {RES_FORWARD, "\"number\":null", 200, {.has = 0}},
    {RES_FORWARD, "\"expiration\":\"12\"", 200, {HAS(expiration), .expiration = 12}},
    {RES_FORWARD, "\"expiration\":null", 200, {.has = 0}},
    {RES_FORWARD, "\"enabled\":\"TRUE\"", 200, {HAS(enabled), .enabled = true}},
    {RES_FORWARD, "\"enabled\":\"yes\"", 200, {HAS(enabled), .enabled = false}},
    {RES_FORWARD, "\"enabled\":\"\"", 200, {HAS(enabled), .enabled = false}},
    {RES_FORWARD, "\"enabled\":1", 200, {HAS(enabled), .enabled = false}},
    {RES_FORWARD, "\"enabled\":1.5", 200, {HAS(enabled), .enabled = false}},
    {RES_FORWARD, "\"enabled\":null", 200, {.has = 0}},
#undef HAS
};

START_TEST(values_are_coerced)
{
	const struct res *r = res_by_number(coercions[_i].res);
	char doc[300];
	struct forward f;
	const struct plain_ring *want = &coercions[_i].want, *got;
	struct plain_ring copy;
	int rc;

	snprintf(doc, sizeof(doc), "{\"call-sequence\":{\"rings\":[{%s}]}}", coercions[_i].member);
	if (coercions[_i].res == RES_CALLFWD) {
		struct callfwd c;

		rc = text_read(r, J, str_c(doc), &c, &a, &e);
		if (rc == 0) {
			struct ring *x = c.rings.v;

			copy = (struct plain_ring){x->has, x->expiration, x->type, x->enabled, x->number};
		}
	} else {
		rc = text_read(r, J, str_c(doc), &f, &a, &e);
		if (rc == 0)
			copy = f.rings.v[0];
	}
	ck_assert_msg(rc == (coercions[_i].status == 200 ? 0 : -1), "%s: %s", doc, err_text(&e));
	if (rc != 0) {
		ck_assert_int_eq(err_status(e.code), coercions[_i].status);
		ck_assert_uint_eq(e.depth, 3);
		return;
	}
	got = &copy;
	ck_assert_msg(rec_equal(&rec_plain_ring, got, want), "%s: has %llx number %.*s", doc,
	    (unsigned long long)got->has, (int)got->number.n, got->number.p);
}
END_TEST

/* Schedules: blank for a number that must be there is 0, as the legacy reader has it. */
START_TEST(required_numbers_may_be_blank)
{
	const struct res *r = res_by_number(RES_CALLFWDSCHED);
	struct schedule s;

	ck_assert_int_eq(text_read(r, J,
	                     STR_LIT("{\"name\":\"n\",\"scheduleId\":\"\",\"periods\":[{"
	                             "\"scheduledDay\":\"\",\"start\":{\"hrs\":null,\"min\":\"\"},"
	                             "\"end\":{\"hrs\":\"23\",\"min\":\"59\"}}]}"),
	                     &s, &a, &e),
	    0);
	ck_assert_int_eq(rec_validate(&rec_schedule, &s, false, &e), 0);
	ck_assert_int_eq(s.periods.v[0].start.hrs, 0);
	ck_assert_int_eq(s.periods.v[0].end.min, 59);
	ck_assert(!REC_HAS(&s, schedule, schedule_id));
	/* JSON is the only form of this resource, whatever the document claims to be. */
	ck_assert_int_eq(text_read(r, X, STR_LIT("{\"name\":\"n\"}"), &s, &a, &e), 0);
	ck_assert(str_eqc(s.name, "n"));
}
END_TEST

static void
expect(struct buf *b, const char *want)
{
	ck_assert_msg(str_eqc(buf_str(b), want), "%.*s\ninstead of\n%s", (int)b->n, b->p, want);
	buf_reset(b);
}

START_TEST(answers_are_written)
{
	const struct res *fw = res_by_number(RES_FORWARD), *cf = res_by_number(RES_CALLFWD),
	                 *cs = res_by_number(RES_CALLFWDSCHED);
	struct plain_ring pr = {.has = 0};
	struct ring ring = {.has = 0};
	struct forward f = {.has = 0};
	struct callfwd c = {.has = 0};
	struct schedule s = {.has = 0};
	struct buf b;

	buf_init(&b, 10000);
	REC_SET(&f, forward, rings, ((struct plain_ring_list){NULL, 0}));
	REC_SET(&f, forward, expiration, 20);
	REC_SET(&f, forward, with_voicemail, true);
	text_write(fw, X, &f, &b);
	expect(&b,
	    "<call-sequence><rings/><expiration>20</expiration><withVoicemail>true</withVoicemail>"
	    "</call-sequence>");
	text_write(fw, J, &f, &b);
	expect(&b, "{\"call-sequence\":{\"rings\":[],\"expiration\":20,\"withVoicemail\":true}}");
	REC_SET(&pr, plain_ring, number, STR_LIT("bob@a&b.example"));
	REC_SET(&f, forward, rings, ((struct plain_ring_list){&pr, 1}));
	text_write(fw, X, &f, &b);
	expect(&b,
	    "<call-sequence><rings><ring><number>bob@a&amp;b.example</number></ring></rings>"
	    "<expiration>20</expiration><withVoicemail>true</withVoicemail></call-sequence>");
	REC_SET(&pr, plain_ring, number, STR_LIT(""));
	text_write(fw, X, &f, &b);
	expect(&b,
	    "<call-sequence><rings><ring><number></number></ring></rings>"
	    "<expiration>20</expiration><withVoicemail>true</withVoicemail></call-sequence>");
	pr.has = 0;
	text_write(fw, X, &f, &b);
	expect(&b,
	    "<call-sequence><rings><ring/></rings>"
	    "<expiration>20</expiration><withVoicemail>true</withVoicemail></call-sequence>");

	REC_SET(&c, callfwd, rings, ((struct ring_list){&ring, 1}));
	REC_SET(&c, callfwd, expiration, 20);
	REC_SET(&c, callfwd, with_voicemail, true);
	REC_SET(&ring, ring, enabled, false);
	text_write(cf, J, &c, &b);
	expect(&b,
	    "{\"callsequence\":{\"rings\":[{\"expiration\":null,\"type\":null,\"enabled\":false,"
	    "\"number\":null,\"scheduleId\":null}],\"expiration\":20,\"withVoicemail\":true},"
	    "\"rings\":[{\"expiration\":null,\"type\":null,\"enabled\":false,"
	    "\"number\":null,\"scheduleId\":null}],\"expiration\":20,\"withVoicemail\":true,"
	    "\"withVM\":true}");

	text_list_begin(cs, J, true, &b);
	text_list_end(cs, J, true, &b);
	expect(&b, "[]");
	REC_SET(&s, schedule, name, STR_LIT("n"));
	text_list_begin(cs, J, false, &b);
	text_list_item(cs, J, 0, &s, &b);
	text_list_item(cs, J, 1, &s, &b);
	text_list_end(cs, J, false, &b);
	expect(&b,
	    "[{\"scheduleId\":null,\"name\":\"n\",\"description\":null,\"periods\":null},"
	    "{\"scheduleId\":null,\"name\":\"n\",\"description\":null,\"periods\":null}]");
	/* A tree's collection: none of the built ones, so one of our own. */
	struct res tree = {
	    .family = FAM_TREE, .record = &rec_plain_ring, .json_root = "rings", .xml_root = "rings"};
	text_list_begin(&tree, X, true, &b);
	text_list_end(&tree, X, true, &b);
	expect(&b, "<rings/>");
	text_list_begin(&tree, J, true, &b);
	text_list_end(&tree, J, true, &b);
	expect(&b, "{\"rings\":[]}");
	for (int i = 0; i < 2; i++) {
		enum format fmt = i == 0 ? X : J;

		text_list_begin(&tree, fmt, false, &b);
		text_list_item(&tree, fmt, 0, &pr, &b);
		text_list_item(&tree, fmt, 1, &pr, &b);
		text_list_end(&tree, fmt, false, &b);
		expect(&b, i == 0 ? "<rings><ring/><ring/></rings>" : "{\"rings\":[{},{}]}");
	}
	buf_free(&b);
}
END_TEST

START_TEST(errors_are_written)
{
	const struct res *r = res_by_number(RES_CALLFWD);
	struct buf b;

	buf_init(&b, 10000);
	err_push(&e, 1);
	err_push(&e, -2);
	err_push(&e, 4);
	err_set(&e, ERR_INVALID, "is <bad> & \"worse\"");
	text_error(r, J, J, &e, &b);
	expect(&b,
	    "{\"error\":\"is <bad> & "
	    "\\\"worse\\\"\",\"type\":\"invalid\",\"field\":\"rings[1].number\"}");
	text_error(r, X, X, &e, &b);
	expect(&b,
	    "<error><message>is &lt;bad&gt; &amp; &quot;worse&quot;</message><type>invalid</type>"
	    "<field>rings[1].number</field></error>");
	e.path[2] = 99;
	text_error(r, J, J, &e, &b);
	expect(
	    &b, "{\"error\":\"is <bad> & \\\"worse\\\"\",\"type\":\"invalid\",\"field\":\"rings[1]\"}");
	err_clear(&e);
	err_set(&e, ERR_NOT_FOUND, NULL);
	text_error(NULL, FMT_NONE, FMT_NONE, &e, &b);
	expect(&b, "{\"error\":\"no such resource\",\"type\":\"not-found\"}");
	buf_free(&b);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("text");
	TCase *t = tcase_create("all");
	SRunner *r = srunner_create(s);
	int failed;

	text_init();
	suite_add_tcase(s, t);
	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(
	    t, documents_are_read_or_refused, 0, sizeof(documents) / sizeof(documents[0]));
	tcase_add_test(t, phrases_about_bad_json_are_text);
	tcase_add_test(t, depth_is_bounded);
	tcase_add_loop_test(t, memory_is_bounded, 0, sizeof(bombs) / sizeof(bombs[0]));
	tcase_add_test(t, layout_costs_nothing);
	tcase_add_test(t, mixed_text_is_kept);
	tcase_add_loop_test(t, texts_are_escaped, 0, sizeof(escapes) / sizeof(escapes[0]));
	tcase_add_loop_test(t, resources_are_read, 0, sizeof(reads) / sizeof(reads[0]));
	tcase_add_loop_test(t, values_are_coerced, 0, sizeof(coercions) / sizeof(coercions[0]));
	tcase_add_test(t, required_numbers_may_be_blank);
	tcase_add_test(t, answers_are_written);
	tcase_add_test(t, errors_are_written);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
