/* SPDX-License-Identifier: ISC */
/* Documents that are broken, too long, too deep, or of the wrong types: refused with the right
 * status, and nothing of them stored. */
#include <check.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/res.h"
#include "tests/watch.h"

enum { KIB = 1024, IN_TIME_MS = 3000 };

static struct rig r;
static struct watch w;

static const char user[] = "4410:secret99";
static const char json[] = "{\"call-sequence\":{\"rings\":[{\"expiration\":3,\"enabled\":true,"
                           "\"number\":\"" CANARY_TEXT "\"}],\"expiration\":18}}";
static const char xml[] =
    "<call-sequence><rings><ring><expiration>3</expiration><number>" CANARY_TEXT
    "</number></ring></rings><expiration>18</expiration></call-sequence>";

static void
put(const char *path, const char *type, struct str body, int status, const char *what)
{
	struct answer a = rig_ask(&r,
	    &(struct ask){.method = "PUT",
	        .path = path,
	        .user = user,
	        .type = type,
	        .accept = "application/json",
	        .body = body.n > 0 ? body.p : "",
	        .body_n = body.n});

	ck_assert_msg(
	    a.status == status, "%s: status %d, expected %d: %.300s", what, a.status, status, a.body);
	ck_assert_msg(a.seconds * 1000 < IN_TIME_MS, "%s: %.3f s", what, a.seconds);
	if (status >= 400)
		ck_assert_msg(strstr(a.body, "\"error\":") != NULL, "%s: %s", what, a.body);
	answer_free(&a);
}

/* Cut off before each byte, and with a forbidden character in the place of each. */
static void
break_everywhere(const char *type, const char *document)
{
	size_t n = strlen(document);
	char *copy = malloc(n + 1), what[64];

	ck_assert_ptr_nonnull(copy);
	for (size_t i = 0; i < n; i++) {
		snprintf(what, sizeof(what), "%s cut at %zu", type, i);
		put("/my/forward", type, (struct str){document, i}, 400, what);
		snprintf(what, sizeof(what), "%s with 0x01 at %zu", type, i);
		memcpy(copy, document, n + 1);
		copy[i] = '\x01';
		put("/my/forward", type, (struct str){copy, n}, 400, what);
	}
	free(copy);
}

START_TEST(broken_json)
{
	break_everywhere("application/json", json);
}
END_TEST

START_TEST(broken_xml)
{
	break_everywhere("text/xml", xml);
}
END_TEST

#define BODY(s)          \
	{                    \
		s, sizeof(s) - 1 \
	}

static const struct {
	const char *type;
	struct str body;
} malformed[] = {
    {"application/json", BODY("{\"call-sequence\":{\"rings\":[{\"number\":\"\\ud800\"}]}}")},
    {"application/json", BODY("{\"call-sequence\":{\"rings\":[{\"number\":\"a\\u0000b\"}]}}")},
    {"application/json", BODY("{\"call-sequence\":{\"rings\":[{\"number\":\"a\0b\"}]}}")},
    {"application/json", BODY("{\"call-sequence\":{\"rings\":[{\"number\":\"\xc0\xaf\"}]}}")},
    {"application/json", BODY("{\"call-sequence\":{\"rings\":[{\"number\":\"\xff\"}]}}")},
    {"application/json", BODY("\xff\xfe{\0}\0")},
    {"application/json", BODY("{\"call-sequence\":{\"expiration\":1e999}}")},
    {"application/json", BODY("{\"call-sequence\":{\"expiration\":99999999999999999999}}")},
    {"application/json", BODY("{\"call-sequence\":{\"expiration\":NaN}}")},
    {"application/json", BODY("{\"call-sequence\":{\"expiration\":018}}")},
    {"application/json", BODY("{'call-sequence':{}}")},
    {"application/json", BODY("{\"call-sequence\":{},}")},
    {"application/json", BODY("{\"call-sequence\":{}}{}")},
    {"application/json", BODY("{\"call-sequence\":{}}\0")},
    {"application/json", BODY("{\"call-sequence\":{\"x\":1,\"x\":2}}")},
    {"text/xml", BODY("<!DOCTYPE call-sequence><call-sequence/>")},
    {"text/xml", BODY("<!DOCTYPE x SYSTEM \"http://127.0.0.1:1/x.dtd\"><call-sequence/>")},
    {"text/xml",
        BODY("<?xml version=\"1.0\"?><!DOCTYPE x [<!ENTITY a \"aaaaaaaaaa\">"
             "<!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;\">"
             "<!ENTITY c \"&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;\">"
             "<!ENTITY d \"&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;\">"
             "<!ENTITY e \"&d;&d;&d;&d;&d;&d;&d;&d;&d;&d;\">"
             "<!ENTITY f \"&e;&e;&e;&e;&e;&e;&e;&e;&e;&e;\">]><call-sequence><rings><ring>"
             "<number>&f;</number></ring></rings></call-sequence>")},
    {"text/xml", BODY("<call-sequence><expiration>&undefined;</expiration></call-sequence>")},
    {"text/xml", BODY("<call-sequence><expiration>&#0;</expiration></call-sequence>")},
    {"text/xml", BODY("<call-sequence>\xc0\xaf</call-sequence>")},
    {"text/xml", BODY("<call-sequence/><call-sequence/>")},
    {"text/xml", BODY("<call-sequence></call-sequences>")},
    {"text/xml", BODY("<call-sequence/>text")},
    {"text/xml", BODY("<call-sequence a=1/>")},
    {"text/xml", BODY("<?xml version=\"1.0\" encoding=\"UTF-16\"?>\xff\xfe<")},
    {"text/xml", BODY("\xff\xfe<\0x\0/\0>\0")},
};

START_TEST(not_well_formed)
{
	char what[64];

	snprintf(what, sizeof(what), "malformed[%d]", _i);
	put("/my/forward", malformed[_i].type, malformed[_i].body, 400, what);
}
END_TEST

#define C "/my/callfwd"
#define F "/my/forward"
#define I "/my/contact-information"
/* Members of each kind of field, in bare JSON and in a tree's, with values of other kinds. */
static const struct {
	const char *path, *before, *behind;
	const char *values[9];
} wrong_types[] = {
    {C, "{\"expiration\":", "}", {"true", "\"x\"", "[]", "{}", "[1]", "\"1e3\"", "1e30"}},
    {C, "{\"rings\":", "}", {"true", "1", "\"x\"", "{}", "[1]", "[\"x\"]", "[[]]", "[null]"}},
    {C, "{\"rings\":[{\"enabled\":", "}]}", {"\"yes\"", "\"TRUE\"", "[]", "{}", "1.5", "[true]"}},
    {C, "{\"rings\":[{\"number\":", "}]}", {"[]", "{}", "[\"1\"]"}},
    {C, "{\"rings\":[{\"type\":", "}]}", {"\"x\"", "2", "-1", "true", "[]", "{}", "\"\"", "1.5"}},
    {C, "{\"rings\":[{\"scheduleId\":", "}]}", {"\"x\"", "true", "[]", "{}", "0", "-1", "3e9"}},
    {F, "{\"call-sequence\":", "}", {"1", "true", "[1,2]", "\"x\""}},
    {F, "{\"call-sequence\":{\"expiration\":", "}}", {"true", "\"x\"", "[]", "{}", "1.5", "\"\""}},
    {F, "{\"call-sequence\":{\"rings\":", "}}", {"true", "1", "\"x\"", "[1]", "[null]"}},
    {F, "{\"call-sequence\":{\"rings\":[{\"enabled\":", "}]}}", {"{}", "[]", "[true,true]"}},
    {F, "{\"call-sequence\":{\"rings\":[{\"type\":", "}]}}", {"0", "true", "\"x\"", "{}", "\"\""}},
    {I, "{\"contact-information\":{\"firstName\":", "}}", {"[]", "{}", "[1,2]", "{\"x\":1}"}},
    {I, "{\"contact-information\":{\"homeAddress\":", "}}", {"1", "true", "\"x\"", "[1]"}},
    {I, "{\"contact-information\":{\"homeAddress\":{\"city\":", "}}}", {"[]", "{}", "[1,2]"}},
    {I, "{\"contact-information\":{\"useBranchAddress\":", "}}", {"[]", "{}", "[1,2]"}},
};

START_TEST(wrong_type)
{
	char body[512];

	for (size_t i = 0; wrong_types[_i].values[i] != NULL; i++) {
		snprintf(body, sizeof(body), "%s%s%s", wrong_types[_i].before, wrong_types[_i].values[i],
		    wrong_types[_i].behind);
		put(wrong_types[_i].path, "application/json", str_c(body), 400, body);
	}
}
END_TEST

static void
repeat(struct buf *b, size_t times, const char *s)
{
	while (times-- > 0)
		buf_adds(b, s);
}

/* `depth` containers inside each other, the document itself and its root among them. */
static void
nested(struct buf *b, bool is_xml, size_t depth)
{
	buf_reset(b);
	buf_adds(b, is_xml ? "<call-sequence>" : "{\"call-sequence\":{\"x\":");
	repeat(b, depth - (is_xml ? 1 : 2), is_xml ? "<x>" : "[");
	repeat(b, depth - (is_xml ? 1 : 2), is_xml ? "</x>" : "]");
	buf_adds(b, is_xml ? "</call-sequence>" : "}}");
}

START_TEST(deep)
{
	struct buf b;

	buf_init(&b, RES_BODY_MAX);
	nested(&b, false, 32);
	put(F, "application/json", buf_str(&b), 200, "JSON of depth 32");
	nested(&b, false, 33);
	put(F, "application/json", buf_str(&b), 400, "JSON of depth 33");
	nested(&b, false, 100000);
	put(F, "application/json", buf_str(&b), 400, "JSON of depth 100000");
	nested(&b, true, 32);
	put(F, "text/xml", buf_str(&b), 200, "XML of depth 32");
	nested(&b, true, 33);
	put(F, "text/xml", buf_str(&b), 400, "XML of depth 33");
	nested(&b, true, 100000);
	put(F, "text/xml", buf_str(&b), 400, "XML of depth 100000");
	buf_free(&b);
}
END_TEST

/* A document of exactly n bytes, most of them in a member that nobody knows. */
static void
padded(struct buf *b, bool is_xml, size_t n)
{
	const char *end = is_xml ? "</x></call-sequence>" : "\"}}";

	buf_reset(b);
	buf_adds(b, is_xml ? "<call-sequence><x>" : "{\"call-sequence\":{\"x\":\"");
	while (b->n < n - strlen(end))
		buf_addc(b, 'x');
	buf_adds(b, end);
}

START_TEST(large)
{
	struct buf b;

	buf_init(&b, 2 * RES_BODY_MAX);
	for (int is_xml = 0; is_xml < 2; is_xml++) {
		const char *type = is_xml ? "text/xml" : "application/json";

		padded(&b, is_xml, RES_BODY_MAX);
		put(F, type, buf_str(&b), 200, "1 MiB");
		padded(&b, is_xml, RES_BODY_MAX + 1);
		put(F, type, buf_str(&b), 413, "1 MiB and a byte");
	}
	buf_free(&b);
}
END_TEST

/* Small in bytes, large in memory: what it costs is bounded, whatever the status. */
START_TEST(swelling)
{
	static const char *const pieces[] = {"[],", "{},", "1,", "\"\",", "{\"a\":0},"};
	struct buf b;

	buf_init(&b, RES_BODY_MAX);
	for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
		buf_reset(&b);
		buf_adds(&b, "{\"call-sequence\":{\"x\":[");
		repeat(&b, (RES_BODY_MAX - 64) / strlen(pieces[i]), pieces[i]);
		buf_adds(&b, "0]}}");
		put(F, "application/json", buf_str(&b), 413, pieces[i]);
	}
	buf_reset(&b);
	buf_adds(&b, "<call-sequence>");
	repeat(&b, (RES_BODY_MAX - 64) / 4, "<x/>");
	buf_adds(&b, "</call-sequence>");
	put(F, "text/xml", buf_str(&b), 413, "many elements");
	buf_free(&b);
}
END_TEST

START_TEST(many_rings)
{
	struct buf b;

	buf_init(&b, 64 * KIB);
	buf_adds(&b, "{\"rings\":[");
	repeat(&b, 256, "{\"number\":\"1\"},");
	buf_adds(&b, "{\"number\":\"" CANARY_TEXT "\"}]}");
	put(C, "application/json", buf_str(&b), 400, "257 rings");
	buf_free(&b);
}
END_TEST

START_TEST(types)
{
	static const char *const fields[] = {
	    "Content-Encoding: gzip", "Content-Encoding: identity, br"};
	static const char *const media[] = {
	    "multipart/form-data; boundary=x", "image/png", "text/html"};

	for (size_t i = 0; i < sizeof(media) / sizeof(media[0]); i++)
		put(F, media[i], str_c(json), 415, media[i]);
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		struct answer a = rig_ask(&r,
		    &(struct ask){.method = "PUT",
		        .path = F,
		        .user = user,
		        .type = "application/json",
		        .header = fields[i],
		        .body = json});

		ck_assert_msg(a.status == 415, "%s: %d", fields[i], a.status);
		answer_free(&a);
	}
}
END_TEST

static void
before(void)
{
	watch_begin(&w, &r);
}

static void
after(void)
{
	watch_end(&w);
}

static void
setup(void)
{
	r = (struct rig){.leaks = true};
	rig_start_fixture(&r);
}

static void
teardown(void)
{
	rig_stop(&r);
}

#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))

int
main(void)
{
	Suite *suite = suite_create("bad documents");
	TCase *tc = tcase_create("documents");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tc, 30);
	tcase_add_unchecked_fixture(tc, setup, teardown);
	tcase_add_checked_fixture(tc, before, after);
	tcase_add_test(tc, broken_json);
	tcase_add_test(tc, broken_xml);
	tcase_add_loop_test(tc, not_well_formed, 0, COUNT(malformed));
	tcase_add_loop_test(tc, wrong_type, 0, COUNT(wrong_types));
	tcase_add_test(tc, deep);
	tcase_add_test(tc, large);
	tcase_add_test(tc, swelling);
	tcase_add_test(tc, many_rings);
	tcase_add_test(tc, types);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
