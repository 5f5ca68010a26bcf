/* SPDX-License-Identifier: ISC */
/* Folding of text in many scripts, and what a search finds it by. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/fold.h"

static struct arena mem;

static const char *
fold(const char *s)
{
	struct str ret;
	struct err e;

	ck_assert_int_eq(fold_text(&mem, str_c(s), &ret, &e), 0);
	ck_assert(ret.n == 0 || str_is_utf8(ret));
	return arena_cstr(&mem, ret);
}

static const char *const same[][2] = {
    {"", ""}, {"  Dee FOX\t", "dee fox"}, {"O'Neil & Sons_2", "o'neil & sons_2"},
    {"Jos\xc3\xa9", "jose"}, {"Jose\xcc\x81", "jose"}, /* combining acute */
    {"STRASSE", "strasse"},
    {"Stra\xc3\x9f"
     "e",
        "strasse"},
    {"STRA\xe1\xba\x9e"
     "E",
        "strasse"},                                              /* capital sharp s */
    {"\xef\xac\x81sh", "fish"},                                  /* fi ligature */
    {"\xef\xbc\x91\xef\xbc\x92\xef\xbc\xa1", "12a"},             /* full width */
    {"I\xc4\xb0\xc4\xb1i", "iiii"},                              /* dots and no dots */
    {"\xce\xa3\xce\xaf\xcf\x83\xcf\x85\xcf\x86\xce\xbf\xcf\x82", /* Greek, final sigma */
        "\xcf\x83\xce\xb9\xcf\x83\xcf\x85\xcf\x86\xce\xbf\xcf\x83"},
    {"\xd0\x81\xd0\x96", "\xd0\xb5\xd0\xb6"}, /* Cyrillic io: e */
    {"\xe2\x80\xae"
     "abc\xe2\x80\xac\xe2\x81\xa6x\xe2\x81\xa9",
        "abcx"}, /* direction marks */
    {"a\xc2\xad"
     "b\xe2\x80\x8b"
     "c\xef\xbb\xbf",
        "abc"}, /* soft hyphen, zero width */
    {"a\xc2\xa0"
     "b\xe3\x80\x80"
     "c\xe2\x80\xa8",
        "a b c"}, /* blanks of all kinds */
    {"a\x01\x7f"
     "b",
        "ab"},
    {"\xd7\xa9\xd6\xb8\xd7\x9c\xd7\x95\xd6\xb9\xd7\x9d", /* Hebrew without points */
        "\xd7\xa9\xd7\x9c\xd7\x95\xd7\x9d"},
    {"\xd9\x85\xd9\x8f\xd8\xad\xd9\x8e\xd9\x85\xd9\x91\xd8\xaf", /* Arabic without harakat */
        "\xd9\x85\xd8\xad\xd9\x85\xd8\xaf"},
    {"\xe0\xa4\xb0\xe0\xa4\xbe\xe0\xa4\xae", /* Devanagari keeps vowels */
        "\xe0\xa4\xb0\xe0\xa4\xbe\xe0\xa4\xae"},
    {"\xe3\x81\x8c", "\xe3\x81\x8b\xe3\x82\x99"},             /* ga is not ka */
    {"\xea\xb0\x81", "\xe1\x84\x80\xe1\x85\xa1\xe1\x86\xa8"}, /* Hangul in letters */
    {"\xe1\x84\x80\xe1\x85\xa1\xe1\x86\xa8", "\xe1\x84\x80\xe1\x85\xa1\xe1\x86\xa8"},
    {"\xe5\xb1\xb1\xe7\x94\xb0", "\xe5\xb1\xb1\xe7\x94\xb0"},
    {"\xf0\x90\x90\x80", "\xf0\x90\x90\xa8"},                             /* Deseret has case */
    {"\xf0\x9f\x93\x9e", "\xf0\x9f\x93\x9e"}, {"\xcd\xb8x", "\xcd\xb8x"}, /* unassigned */
    {"\xff\xc3(", "\xef\xbf\xbd\xef\xbf\xbd("},                           /* not UTF-8 */
    {"\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},             /* a surrogate */
};

START_TEST(folds)
{
	ck_assert_str_eq(fold(same[_i][0]), same[_i][1]);
	ck_assert_str_eq(fold(same[_i][1]), same[_i][1]);
}
END_TEST

/* Every code point that is or may be assigned: bounded, valid, without NUL, and the same when
 * folded again. */
START_TEST(all_code_points)
{
	/* Between the planes that are in use, samples. */
	for (unsigned c = 1; c < 0x110000; c += c >= 0x32000 && c / 0x1000 != 0xe0 ? 251 : 1) {
		char s[8] = "";
		struct str once, twice;
		struct arena a;
		struct err e;
		size_t n = 0;

		if (c >= 0xd800 && c <= 0xdfff)
			continue;
		if (c < 0x80) {
			s[n++] = (char)c;
		} else if (c < 0x800) {
			s[n++] = (char)(0xc0 | c >> 6);
			s[n++] = (char)(0x80 | (c & 0x3f));
		} else if (c < 0x10000) {
			s[n++] = (char)(0xe0 | c >> 12);
			s[n++] = (char)(0x80 | (c >> 6 & 0x3f));
			s[n++] = (char)(0x80 | (c & 0x3f));
		} else {
			s[n++] = (char)(0xf0 | c >> 18);
			s[n++] = (char)(0x80 | (c >> 12 & 0x3f));
			s[n++] = (char)(0x80 | (c >> 6 & 0x3f));
			s[n++] = (char)(0x80 | (c & 0x3f));
		}
		arena_init(&a, 1 << 16);
		ck_assert_int_eq(fold_text(&a, (struct str){s, n}, &once, &e), 0);
		ck_assert_int_eq(fold_text(&a, once, &twice, &e), 0);
		ck_assert_msg(str_eq(once, twice), "U+%04X", c);
		ck_assert_msg(once.n <= 64 && (once.n == 0 || str_is_utf8(once)), "U+%04X", c);
		arena_free(&a);
	}
}
END_TEST

/* Characters that become 18 fill what there is and no more. */
START_TEST(expansion_is_bounded)
{
	char s[3 * 4000];
	struct str ret;
	struct err e;

	for (size_t i = 0; i < sizeof(s); i += 3)
		memcpy(s + i, "\xef\xb7\xba", 3);
	ck_assert_int_eq(fold_text(&mem, (struct str){s, sizeof(s)}, &ret, &e), 0);
	ck_assert_uint_gt(ret.n, FOLD_MAX - 64);
	ck_assert_uint_le(ret.n, FOLD_MAX);
	ck_assert(str_is_utf8(ret));
	memset(s, 'x', sizeof(s));
	ck_assert_int_eq(fold_text(&mem, (struct str){s, sizeof(s)}, &ret, &e), 0);
	ck_assert_uint_eq(ret.n, FOLD_MAX);
}
END_TEST

/* A heap of marks is put in order without taking long. */
START_TEST(marks_in_order)
{
	ck_assert_str_eq(
	    fold("\xe0\xa4\x95\xe0\xa5\x8d\xe0\xa4\xbc"), fold("\xe0\xa4\x95\xe0\xa4\xbc\xe0\xa5\x8d"));
}
END_TEST

START_TEST(memory_ends)
{
	struct arena small;
	struct str ret, in = STR_LIT("\xc3\xa9");
	struct str_list l;
	struct err e;

	for (size_t cap = 0, failed = 1; failed > 0; cap += 16) {
		arena_init(&small, cap);
		failed = fold_text(&small, in, &ret, &e) != 0;
		ck_assert(failed ? e.code == ERR_TOO_LARGE : cap > 16 && str_eqc(ret, "e"));
		arena_free(&small);
	}
	arena_init(&small, 0);
	ck_assert_int_eq(fold_tokens(&small, &in, 1, &l, &e), -1);
	arena_free(&small);
}
END_TEST

static const char *const words[][2] = {
    {"", ""},
    {"   ", ""},
    {"-", "-"},
    {"dee", "dee"},
    {"dee|fox|dee fox", "dee fox|fox"},
    {"o'neil j.r a_b", "a_b|j.r|o'neil j.r a_b"},
    {"john.doe@example.com", "example.com|john.doe@example.com"},
    {"+1 (212) 555-1212", "+1 (212) 555-1212|1212|212|555"},
    {"x [y] {z} <w>", "w|x [y] {z} <w>|y|z"},
    {"a|a|a b|b a", "a b|b a"},
};

/* The words between bars, folded as fields. */
static size_t
split(const char *s, struct str *v)
{
	struct str rest = str_c(s), head;
	size_t n = 0;
	bool more;

	do {
		more = str_cut(rest, '|', &head, &rest);
		ck_assert_int_eq(fold_text(&mem, head, &v[n++], &(struct err){0}), 0);
	} while (more);
	return n;
}

START_TEST(tokens)
{
	struct str v[8];
	struct str_list l;
	struct err e;
	char text[256] = "";
	size_t n = split(words[_i][0], v);

	ck_assert_int_eq(fold_tokens(&mem, v, n, &l, &e), 0);
	for (size_t i = 0; i < l.n; i++) {
		strcat(text, i > 0 ? "|" : "");
		strncat(text, l.v[i].p, l.v[i].n);
	}

	ck_assert_str_eq(text, words[_i][1]);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("fold");
	TCase *tc = tcase_create("fold");
	SRunner *runner = srunner_create(suite);
	int failed;

	arena_init(&mem, 8 << 20);
	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, folds, 0, (int)(sizeof(same) / sizeof(same[0])));
	tcase_add_test(tc, all_code_points);
	tcase_add_test(tc, expansion_is_bounded);
	tcase_add_test(tc, marks_in_order);
	tcase_add_test(tc, memory_ends);
	tcase_add_loop_test(tc, tokens, 0, (int)(sizeof(words) / sizeof(words[0])));
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	arena_free(&mem);
	return failed != 0;
}
