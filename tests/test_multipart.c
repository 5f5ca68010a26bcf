/* SPDX-License-Identifier: ISC */
/* Uploads: what is one file, and what is not. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/buf.h"
#include "gateway/multipart.h"

#define FORM "multipart/form-data; boundary=xx"
#define FIELD "Content-Disposition: form-data; name=\"file\"\r\n"

static const struct {
	const char *type, *body;
	enum err_code code;
	const char *file;
} cases[] = {
    {FORM, "--xx\r\n" FIELD "\r\nhello\r\n--xx--\r\n", ERR_OK, "hello"},
    {FORM, "--xx\r\n" FIELD "\r\nhello\r\n--xx--", ERR_OK, "hello"},
    {FORM, "--xx\r\n" FIELD "\r\n\r\n--xx--", ERR_OK, ""},
    {FORM, "--xx \t\r\n" FIELD "\r\na\r\n--xx-- \r\nepilogue\r\n--xx\r\n", ERR_OK, "a"},
    {FORM, "preamble\r\n--xx\r\n" FIELD "\r\na\r\n--xx--", ERR_OK, "a"},
    {FORM, "\r\n--xx\r\n" FIELD "\r\na\r\n--xx--", ERR_OK, "a"},
    {FORM, "--xxx\r\n--xx\r\n" FIELD "\r\na\r\n--xx--", ERR_OK, "a"},
    {FORM, "--xx\r\n" FIELD "\r\n\r\n\r\n\r\n--xx--", ERR_OK, "\r\n\r\n"},
    {FORM, "--xx\r\n" FIELD "\r\n--xx\r\n--xxy\r\n--xx-\r\n\n--xx--\r\n--xx--", ERR_MALFORMED,
        NULL},
    {FORM, "--xx\r\n" FIELD "\r\na--xx\n--xx--\r\n--xxy\r\n--xx-\r\n--xx--", ERR_OK,
        "a--xx\n--xx--\r\n--xxy\r\n--xx-"},
    {FORM, "--xx\r\n" FIELD "Content-Type: image/png\r\nX-Any: y\r\n\r\na\r\n--xx--", ERR_OK, "a"},
    {FORM, "--xx\r\ncontent-disposition:FORM-DATA\r\n\r\na\r\n--xx--", ERR_OK, "a"},
    {FORM, "--xx\r\n" FIELD " ; more=1\r\n\r\na\r\n--xx--", ERR_OK, "a"},
    {FORM, "--xx\r\n" FIELD "Content-Transfer-Encoding: BINARY\r\n\r\na\r\n--xx--", ERR_OK, "a"},
    {"Multipart/Form-Data;BOUNDARY=\"xx\"", "--xx\r\n" FIELD "\r\na\r\n--xx--", ERR_OK, "a"},
    {"multipart/form-data ; charset=utf-8 ; boundary=xx ", "--xx\r\n" FIELD "\r\na\r\n--xx--",
        ERR_OK, "a"},
    {"multipart/form-data; boundary=\"x x'()+_,-./:=?\"",
        "--x x'()+_,-./:=?\r\n" FIELD "\r\na\r\n--x x'()+_,-./:=?--", ERR_OK, "a"},
    {FORM, "--xx\r\n" FIELD "\tfolded\r\n\r\na\r\n--xx--", ERR_OK, "a"},
    {FORM, "--xx\r\n" FIELD "Content-Transfer-Encoding: 7bit\r\n\r\na\r\n--xx--", ERR_OK, "a"},
    {FORM, "--xx\r\n" FIELD "Content-Transfer-Encoding: 8bit\r\n\r\na\r\n--xx--", ERR_OK, "a"},
    {"multipart/form-data; boundary=AZaz09", "--AZaz09\r\n" FIELD "\r\na\r\n--AZaz09--", ERR_OK,
        "a"},
    /* How many. */
    {FORM, "--xx--", ERR_EXPECTATION, NULL},
    {FORM, "--xx--\r\n", ERR_EXPECTATION, NULL},
    {FORM, "nothing\r\n--xx--\r\n", ERR_EXPECTATION, NULL},
    /* Lines end with CR LF: this one begins no part. */
    {FORM, "--xx\n" FIELD "\r\na\r\n--xx--", ERR_EXPECTATION, NULL},
    {FORM, "--xx\r\n" FIELD "\r\na\r\n--xx\r\n" FIELD "\r\nb\r\n--xx--", ERR_EXPECTATION, NULL},
    {FORM, "--xx\r\n" FIELD "\r\n\r\n--xx\r\n" FIELD "\r\n\r\n--xx\r\n" FIELD "\r\n\r\n--xx--",
        ERR_EXPECTATION, NULL},
    /* Not of that form. */
    {FORM, "", ERR_MALFORMED, NULL},
    {FORM, "-", ERR_MALFORMED, NULL},
    {FORM, "--xx", ERR_MALFORMED, NULL},
    {FORM, "--xx\r\n", ERR_MALFORMED, NULL},
    {FORM, "--xx\r\n--xx--", ERR_MALFORMED, NULL},
    {FORM, "--xx\r\n" FIELD "\r\na\n--xx--", ERR_MALFORMED, NULL},
    {FORM, "--xx\r\n" FIELD "\r\na\r\n--xx", ERR_MALFORMED, NULL},
    {FORM, "--xx\r\n" FIELD "\r\na\r\n--xx-", ERR_MALFORMED, NULL},
    {FORM, "--xx\r\n" FIELD "\r\na\r\n--xx--x", ERR_MALFORMED, NULL},
    {FORM, "--xx\r\n" FIELD "\r\na\r\n", ERR_MALFORMED, NULL},
    {FORM, "--xx\r\n" FIELD "a\r\n--xx--", ERR_MALFORMED, NULL},
    {FORM, "--xx\r\n\r\na\r\n--xx--", ERR_MALFORMED, NULL},
    {FORM, "--xx\r\nContent-Type: image/png\r\n\r\na\r\n--xx--", ERR_MALFORMED, NULL},
    {FORM, "--xx\r\nContent-Disposition: attachment\r\n\r\na\r\n--xx--", ERR_MALFORMED, NULL},
    {FORM, "--xx\r\n" FIELD FIELD "\r\na\r\n--xx--", ERR_MALFORMED, NULL},
    {FORM, "--xx\r\n" FIELD "no colon\r\n\r\na\r\n--xx--", ERR_MALFORMED, NULL},
    {FORM, "--xx\r\n" FIELD ": no name\r\n\r\na\r\n--xx--", ERR_MALFORMED, NULL},
    {FORM, "--xx\r\n" FIELD "blank : x\r\n\r\na\r\n--xx--", ERR_MALFORMED, NULL},
    {FORM, "--xx\r\n" FIELD "Content-Transfer-Encoding: base64\r\n\r\nYQ==\r\n--xx--",
        ERR_MALFORMED, NULL},
    /* A broken one behind a good one counts. */
    {FORM, "--xx\r\n" FIELD "\r\na\r\n--xx\r\nb\r\n--xx--", ERR_MALFORMED, NULL},
    {FORM, "--xx\r\r" FIELD "\r\na\r\n--xx\r", ERR_MALFORMED, NULL},
    /* Types. */
    {"multipart/form-data; boundary=[", "--[--", ERR_MALFORMED, NULL},
    {"multipart/form-data; boundary=x{", "--x{--", ERR_MALFORMED, NULL},
    {"", "--xx--", ERR_MALFORMED, NULL},
    {"multipart/form-data", "--xx--", ERR_MALFORMED, NULL},
    {"multipart/form-data;", "--xx--", ERR_MALFORMED, NULL},
    {"multipart/form-data; boundary", "--xx--", ERR_MALFORMED, NULL},
    {"multipart/form-data; boundary=", "--xx--", ERR_MALFORMED, NULL},
    {"multipart/form-data; boundary=\"\"", "----", ERR_MALFORMED, NULL},
    {"multipart/form-data; boundary=\"xx", "--xx--", ERR_MALFORMED, NULL},
    {"multipart/form-data; boundary=\"xx \"", "--xx --", ERR_MALFORMED, NULL},
    {"multipart/form-data; boundary=x\"x", "--x\"x--", ERR_MALFORMED, NULL},
    {"multipart/form-data; boundary=\xc3\xa9", "--\xc3\xa9--", ERR_MALFORMED, NULL},
    {"multipart/form-data; boundary=xx; boundary=xx", "--xx--", ERR_MALFORMED, NULL},
    {"multipart/form-data; boundary=xx; boundary=yy", "--xx--", ERR_MALFORMED, NULL},
    {"multipart/form-data boundary=xx", "--xx--", ERR_MALFORMED, NULL},
    {"multipart/form-datax; boundary=xx", "--xx--", ERR_MALFORMED, NULL},
    {"multipart/mixed; boundary=xx", "--xx--", ERR_MALFORMED, NULL},
    {"image/png", "--xx--", ERR_MALFORMED, NULL},
    {"application/json", "{}", ERR_MALFORMED, NULL},
};

START_TEST(table)
{
	struct err e = {0};
	struct str file;
	/* Of exactly that size, so that a byte read behind it is seen. */
	size_t n = strlen(cases[_i].body);
	char *body = malloc(n + 1);
	int rc;

	memcpy(body, cases[_i].body, n);
	body = realloc(body, n > 0 ? n : 1);
	rc = multipart_file(str_c(cases[_i].type), (struct str){body, n}, &file, &e);
	ck_assert_msg(
	    e.code == cases[_i].code, "%s | %s: %s", cases[_i].type, cases[_i].body, err_name(e.code));
	ck_assert_int_eq(rc, e.code == ERR_OK ? 0 : -1);
	if (rc == 0)
		ck_assert_msg(str_eqc(file, cases[_i].file), "%.*s", (int)file.n, file.p);
	free(body);
}
END_TEST

static enum err_code
with_boundary(size_t n, size_t header)
{
	struct buf type, body;
	struct err e = {0};
	struct str file;

	buf_init(&type, 1000);
	buf_init(&body, 100000);
	buf_adds(&type, "multipart/form-data; boundary=");
	buf_adds(&body, "--");
	for (size_t i = 0; i < n; i++) {
		buf_addc(&type, 'y');
		buf_addc(&body, 'y');
	}
	buf_adds(&body, "\r\n" FIELD "X: ");
	for (size_t i = 0; i < header; i++)
		buf_addc(&body, 'z');
	buf_adds(&body, "\r\n\r\na\r\n--");
	for (size_t i = 0; i < n; i++)
		buf_addc(&body, 'y');
	buf_adds(&body, "--");
	multipart_file(buf_str(&type), buf_str(&body), &file, &e);
	buf_free(&type);
	buf_free(&body);
	return e.code;
}

START_TEST(limits)
{
	const size_t room = MULTIPART_HEAD_MAX - strlen(FIELD "X: \r\n");

	ck_assert_int_eq(with_boundary(MULTIPART_BOUNDARY_MAX, 1), ERR_OK);
	ck_assert_int_eq(with_boundary(MULTIPART_BOUNDARY_MAX + 1, 1), ERR_MALFORMED);
	ck_assert_int_eq(with_boundary(1, room), ERR_OK);
	ck_assert_int_eq(with_boundary(1, room + 1), ERR_MALFORMED);
}
END_TEST

/* A megabyte of what nearly is a delimiter costs no more than a megabyte of anything else. */
START_TEST(hostile_documents_are_read_once)
{
	static const char *const pieces[] = {
	    "\r\n--xxy", "\r\n--xx   y", "\r\n--x", "\r\n\r\n--", "--xx--\n"};

	for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
		struct err e = {0};
		struct str file;
		struct buf b;
		clock_t from;

		buf_init(&b, 2 << 20);
		buf_adds(&b, "--xx\r\n" FIELD "\r\n");
		while (b.n < 1 << 20)
			buf_adds(&b, pieces[i]);
		buf_adds(&b, "\r\n--xx--");
		from = clock();
		multipart_file(STR_LIT(FORM), buf_str(&b), &file, &e);
		ck_assert_int_eq(e.code, ERR_OK);
		ck_assert_int_lt((int)((clock() - from) * 1000 / CLOCKS_PER_SEC), 5000);
		buf_free(&b);
	}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("multipart");
	TCase *t = tcase_create("all");
	SRunner *r;
	int failed;

	suite_add_tcase(s, t);
	tcase_add_loop_test(t, table, 0, (int)(sizeof(cases) / sizeof(cases[0])));
	tcase_add_test(t, limits);
	tcase_add_test(t, hostile_documents_are_read_once);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
