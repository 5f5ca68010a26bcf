/* SPDX-License-Identifier: ISC */
/* The readers of If-Match, If-None-Match, Idempotency-Key and of the list of origins. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/cors.h"
#include "gateway/preconditions.h"

#define A "0123456789abcdef0123456789abcdef"
#define B "ffffffffffffffffffffffffffffffff"

/* `strong` and `weak`: how many of the tags count in either comparison; -1 = refused, '*' = any. */
static const struct {
	const char *field;
	char letter;
	int strong, weak;
} fields[] = {
    {"*", '\0', '*', '*'},
    {" \t* ", '\0', '*', '*'},
    {"\"" A "j\"", '\0', 1, 1},
    {"\"" A "x\"", '\0', 1, 1},
    {"\"" A "j\"", 'j', 1, 1},
    {"\"" A "x\"", 'j', 0, 0},
    {"W/\"" A "j\"", '\0', 0, 1},
    {"W/\"" A "j\", \"" B "j\"", '\0', 1, 2},
    {"\"" A "j\",\"" B "j\"", '\0', 2, 2},
    {",, \"" A "j\" , ,\"" B "j\",", '\0', 2, 2},
    {"\"a,b\", \"" A "j\"", '\0', 1, 1},
    {"\"\"", '\0', 0, 0},
    {"", '\0', 0, 0},
    {"  ", '\0', 0, 0},
    {",", '\0', 0, 0},
    {"\"" A "\"", '\0', 0, 0},
    {"\"" A "jj\"", '\0', 0, 0},
    {"\"0123456789ABCDEF0123456789abcdefj\"", '\0', 0, 0},
    {"\"g123456789abcdef0123456789abcdefj\"", '\0', 0, 0},
    {"\"!#[]~\x80\xff\"", '\0', 0, 0},
    {"\"a\\\"", '\0', 0, 0}, /* a backslash is a character like any other */
    {"W/\"\"", '\0', 0, 0},
    {"x", '\0', -1, -1},
    {A "j", '\0', -1, -1},
    {"\"x", '\0', -1, -1},
    {"\"", '\0', -1, -1},
    {"x\"", '\0', -1, -1},
    {"W/", '\0', -1, -1},
    {"W/x", '\0', -1, -1},
    {"W/ \"x\"", '\0', -1, -1},
    {"w/\"x\"", '\0', -1, -1},
    {"\"x\"\"y\"", '\0', -1, -1},
    {"\"x\" \"y\"", '\0', -1, -1},
    {"\"x\";\"y\"", '\0', -1, -1},
    {"\"x y\"", '\0', -1, -1},
    {"\"x\ty\"", '\0', -1, -1},
    {"\"x\x7f\"", '\0', -1, -1},
    {"\"x\", y", '\0', -1, -1},
    {"*, \"x\"", '\0', -1, -1},
    {"\"x\", *", '\0', -1, -1},
    {"**", '\0', -1, -1},
};

static void
one(const char *field, bool weak, char letter, int want)
{
	struct err e = {0};
	struct arena a;
	struct str got = {NULL, 0};
	int rc;

	arena_init(&a, 65536);
	rc = tags_parse(str_c(field), weak, letter, &got, &a, &e);
	ck_assert_msg(rc == (want < 0 ? -1 : 0), "%s: %d", field, rc);
	if (want < 0)
		ck_assert_int_eq(e.code, ERR_BAD_REQUEST);
	else if (want == '*')
		ck_assert_msg(str_eqc(got, "*"), "%s", field);
	else
		ck_assert_msg(got.n == (size_t)want * TAG_BYTES, "%s: %zu bytes", field, got.n);
	arena_free(&a);
}

START_TEST(tags)
{
	one(fields[_i].field, false, fields[_i].letter, fields[_i].strong);
	one(fields[_i].field, true, fields[_i].letter, fields[_i].weak);
}
END_TEST

START_TEST(tags_are_counted)
{
	char field[256] = "";

	for (int i = 0; i < TAGS_MAX; i++)
		strcat(field, "\"\",");
	one(field, true, '\0', 0);
	strcat(field, "\"\"");
	one(field, true, '\0', -1);
}
END_TEST

/* What is sent as an ETag is understood, in each format. */
START_TEST(there_and_back)
{
	static const struct accept_choice choices[] = {{FMT_XML, false, NULL}, {FMT_XML, true, NULL},
	    {FMT_JSON, false, NULL}, {FMT_TEXT, false, NULL}, {FMT_NONE, false, NULL},
	    {(enum format)(1 << 3), false, NULL}, {(enum format)(1 << 4), false, NULL}};
	char text[ETAG_TEXT], seen[8] = "";
	struct req r;

	for (size_t i = 0; i < sizeof(choices) / sizeof(choices[0]); i++) {
		struct err e = {0};
		struct str got;
		char letter;

		req_init(&r, NULL);
		r.accept = choices[i];
		for (size_t k = 0; k < sizeof(r.tag); k++)
			r.tag[k] = (unsigned char)(k * 17);
		etag_text(&r, text);
		ck_assert_uint_eq(strlen(text), ETAG_TEXT - 1);
		letter = text[ETAG_TEXT - 3];
		/* Plain text has the letter of what has no format. */
		ck_assert(choices[i].format == FMT_NONE || strchr(seen, letter) == NULL);
		seen[i] = letter;
		ck_assert_int_eq(tags_parse(str_c(text), false, letter, &got, &r.arena, &e), 0);
		ck_assert_uint_eq(got.n, TAG_BYTES);
		ck_assert_int_eq(memcmp(got.p, r.tag, TAG_BYTES), 0);
		req_free(&r);
	}
}
END_TEST

#define TEN "1234567890"
#define TWENTY_FIVE TEN TEN "12345"
#define LONGEST                                                                         \
	TWENTY_FIVE TWENTY_FIVE TWENTY_FIVE TWENTY_FIVE TWENTY_FIVE TWENTY_FIVE TWENTY_FIVE \
	    TWENTY_FIVE TWENTY_FIVE TWENTY_FIVE "12345"

static const struct {
	const char *field, *key; /* NULL = refused */
} keys[] = {
    {"a", "a"},
    {" a\t", "a"},
    {"\"a\"", "a"},
    {"\"a b\"", "a b"},
    {"\"a\\\"b\\\\\"", "a\"b\\"},
    {"a\"b", "a\"b"},
    {"8e03978e-40d5-43dd-bc93-6894a57f9324", "8e03978e-40d5-43dd-bc93-6894a57f9324"},
    {LONGEST, LONGEST},
    {"\"" LONGEST "\"", LONGEST},
    {LONGEST "x", NULL},
    {"\"" LONGEST "x\"", NULL},
    {"", NULL},
    {"  ", NULL},
    {"\"\"", NULL},
    {"\"", NULL},
    {"\"a", NULL},
    {"\"a\"b", NULL},
    {"\"a\";x=1", NULL},
    {"\"a\", \"b\"", NULL},
    {"\"\\a\"", NULL},
    {"\"a\\", NULL},
    {"a b", NULL},
    {"a, b", NULL},
    {"\"\xc3\xa9\"", NULL},
    {"\xc3\xa9", NULL},
    {"\"\x7f\"", NULL},
    {"\x01", NULL},
};

START_TEST(idempotency_keys)
{
	struct err e = {0};
	struct arena a;
	struct str got = {NULL, 0};
	int rc;

	arena_init(&a, 65536);
	rc = idempotency_key_parse(str_c(keys[_i].field), &got, &a, &e);
	ck_assert_msg(rc == (keys[_i].key == NULL ? -1 : 0), "%s", keys[_i].field);
	if (rc == 0)
		ck_assert_msg(str_eqc(got, keys[_i].key), "%s: %.*s", keys[_i].field, (int)got.n, got.p);
	else
		ck_assert_int_eq(e.code, ERR_BAD_REQUEST);
	arena_free(&a);
}
END_TEST

static const struct {
	const char *list;
	int n; /* -1 = refused */
} lists[] = {
    {"", 0},
    {"  ", 0},
    {"https://portal.example", 1},
    {"http://localhost:3000", 1},
    {"https://a.example,https://b.example:8443 , http://10.0.0.1", 3},
    {"https://[2001:db8::1]:8443,https://[::1]", 2},
    {"https://xn--bcher-kva.example", 1},
    {"https://1.ex,https://2.ex,https://3.ex,https://4.ex,https://5.ex,https://6.ex,https://7.ex,"
     "https://8.ex,https://9.ex,https://a.ex,https://b.ex,https://c.ex,https://d.ex,https://e.ex,"
     "https://f.ex,https://g.ex",
        16},
    {"https://1.ex,https://2.ex,https://3.ex,https://4.ex,https://5.ex,https://6.ex,https://7.ex,"
     "https://8.ex,https://9.ex,https://a.ex,https://b.ex,https://c.ex,https://d.ex,https://e.ex,"
     "https://f.ex,https://g.ex,https://h.ex",
        -1},
    {"*", -1},
    {"null", -1},
    {"portal.example", -1},
    {"https://", -1},
    {"https://:8443", -1},
    {"https://portal.example/", -1},
    {"https://portal.example/x", -1},
    {"https://*.example", -1},
    {"https://Portal.example", -1},
    {"HTTPS://portal.example", -1},
    {"https://user@portal.example", -1},
    {"https://portal.example:443", -1},
    {"http://portal.example:80", -1},
    {"https://portal.example:0", -1},
    {"https://portal.example:08443", -1},
    {"https://portal.example:65536", -1},
    {"https://portal.example:x", -1},
    {"https://portal.example:", -1},
    {"https://a.example https://b.example", -1},
    {"https://a.example,,https://b.example", -1},
    {"https://a.example;https://b.example", -1},
    {"https://[::1", -1},
    {"https://::1", -1},
    {"https://[]", -1},
    {"https://.example", -1},
    {"https://-a.example", -1},
    {"https://b\xc3\xbc"
     "cher.example",
        -1},
    {"https://portal.example\r\nx: y", -1},
    {"ftp://portal.example", -1},
    {"file:///x", -1},
};

START_TEST(origins)
{
	struct cors c;
	struct err e = {0};
	int rc = cors_read(&c, lists[_i].list, &e);

	ck_assert_msg(rc == (lists[_i].n < 0 ? -1 : 0), "%s: %s", lists[_i].list, err_text(&e));
	if (rc == 0)
		ck_assert_int_eq((int)c.n, lists[_i].n);
	else
		ck_assert_int_eq(e.code, ERR_INVALID);
}
END_TEST

START_TEST(origins_are_exact)
{
	static const char *const others[] = {"", "*", "null", "https://portal.example.evil.example",
	    "https://portal.exampl", "http://portal.example", "https://portal.example/",
	    "https://portal.example:443", "HTTPS://portal.example", "https://portal.example ",
	    "https://xportal.example", "https://b.example:844"};
	struct cors c, off;
	struct err e = {0};

	ck_assert_int_eq(cors_read(&c, "https://portal.example, https://b.example:8443", &e), 0);
	ck_assert_str_eq(cors_find(&c, "https://portal.example"), "https://portal.example");
	ck_assert_str_eq(cors_find(&c, "https://b.example:8443"), "https://b.example:8443");
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		ck_assert_msg(cors_find(&c, others[i]) == NULL, "%s", others[i]);
	ck_assert_int_eq(cors_read(&off, "", &e), 0);
	ck_assert_ptr_null(cors_find(&off, ""));
}
END_TEST

#define COUNT(table) (int)(sizeof(table) / sizeof((table)[0]))

int
main(void)
{
	Suite *s = suite_create("preconditions");
	TCase *t = tcase_create("all");
	SRunner *sr;
	int failed;

	suite_add_tcase(s, t);
	tcase_add_loop_test(t, tags, 0, COUNT(fields));
	tcase_add_test(t, tags_are_counted);
	tcase_add_test(t, there_and_back);
	tcase_add_loop_test(t, idempotency_keys, 0, COUNT(keys));
	tcase_add_loop_test(t, origins, 0, COUNT(lists));
	tcase_add_test(t, origins_are_exact);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? 0 : 1;
}
