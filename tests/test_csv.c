/* SPDX-License-Identifier: ISC */
/* CSV: what is read, in whatever pieces it arrives, what is refused, and the legacy export. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/csv.h"
#include "common/csv_write.h"

static struct csv c;
static struct err e;

struct pieces {
	struct str rest;
	size_t size;
	bool fails; /* at the end */
};

static long
read_piece(void *arg, char *p, size_t n)
{
	struct pieces *s = arg;

	if (s->fails && s->rest.n == 0)
		return -1;
	return csv_read_str(&s->rest, p, n < s->size ? n : s->size);
}

/* All rows as one text: values between bars, rows ended by a slash, bad ones as "!". */
static void
read_all(struct str text, size_t size, struct buf *out)
{
	struct pieces in = {text, size, false};
	struct str_list row;
	int rc;

	ck_assert_int_eq(csv_open(&c, read_piece, &in, &e), 0);
	while ((rc = csv_next(&c, &row, &e)) != 0) {
		for (size_t i = 0; rc == 1 && i < row.n; i++) {
			buf_adds(out, i > 0 ? "|" : "");
			buf_addstr(out, row.v[i]);
		}
		buf_adds(out, rc == 1 ? "/" : "!/");
	}
	csv_close(&c);
}

static const struct {
	const char *text, *want;
} texts[] = {
    {"", ""},
    {"\n\r\n\n", ""},
    {"a,b\n1,2\n", "a|b/1|2/"},
    {"a,b\r\n1,2\r\n", "a|b/1|2/"},
    {"a,b\n1,2", "a|b/1|2/"},
    {"a,b\n\n\n1,2\n", "a|b/1|2/"},
    {"a,b\n,\n", "a|b/|/"},
    {"a,b\n1,\n", "a|b/1|/"},
    {"\xef\xbb\xbf"
     "a,b\n",
        "a|b/"},
    {"a;b;c,d\n1;2,3;4\n", "a|b|c,d/1|2,3|4/"},
    {"a\tb\n1,2\t3\n", "a|b/1,2|3/"},
    {"\"a;b;c\",d\n", "a;b;c|d/"},
    {"a\n1\n", "a/1/"},
    {"\"a\",\"b\"\n", "a|b/"},
    {"\"a\"\"b\",\"\"\"\"\n", "a\"b|\"/"},
    {"\"a\\\"b\",\"\\\"\"\n", "a\"b|\"/"},
    {"\"a\\\\\",\"b\"\n", "a\\|b/"},
    {"\"a\\b\",c\\d\n", "a\\b|c\\d/"},
    {"a\"b,c\n", "a\"b|c/"},
    {"\"a\nb\",c\n", "a\nb|c/"},
    {"\"a\r\nb\",c\n", "a\nb|c/"},
    {"\"a,b\",c\n", "a,b|c/"},
    {" \"a\",b\n", " \"a\"|b/"},
    {"a,b\n\"\",\"\"\n", "a|b/|/"},
    {"M\xc3\xbcller,\xf0\x9f\x98\x80\n", "M\xc3\xbcller|\xf0\x9f\x98\x80/"},
    {"a,b\n\"x\"y,1\n2,3\n", "a|b/!/2|3/"},
    {"a,b\n\"x\" ,1\n2,3\n", "a|b/!/2|3/"},
    {"a,b\n\xff,1\n2,3\n", "a|b/!/2|3/"},
    {"a,b\n\x01,1\n2,3\n", "a|b/!/2|3/"},
    {"a,b\n\x7f,1\n2,3\n", "a|b/!/2|3/"},
    {"a,b\n1\r2,1\n2,3\n", "a|b/!/2|3/"},
    {"a,b\n1,\"2\n3,4\n", "a|b/!/"},
    {"a,b\n\"1\\\",2\n", "a|b/!/"},
    {"\xc3,\xbc\n", "!/"},
    {"a,b\n\"x\"yz,1\n2,3\n", "a|b/!/2|3/"},
    {"a,b\n\"1\r2\",1\n2,3\n", "a|b/!/2|3/"},
};

START_TEST(is_read)
{
	struct buf b;

	buf_init(&b, 4096);
	for (size_t size = 1; size < 9; size++) {
		buf_reset(&b);
		/* The line with the separators comes whole in real life. */
		read_all(str_c(texts[_i].text), size == 8 ? CSV_CHUNK : size + 8, &b);
		ck_assert_msg(str_eqc(buf_str(&b), texts[_i].want), "%s: %.*s", texts[_i].text, (int)b.n,
		    b.n > 0 ? b.p : "");
	}
	buf_free(&b);
}
END_TEST

START_TEST(a_zero_byte_is_refused)
{
	struct buf b;

	buf_init(&b, 4096);
	read_all(STR_LIT("a,b\n1\0,2\n3,4\n"), CSV_CHUNK, &b);
	ck_assert(str_eqc(buf_str(&b), "a|b/!/3|4/"));
	buf_reset(&b);
	read_all(STR_LIT("a\0,b\n3,4\n"), CSV_CHUNK, &b);
	ck_assert(str_eqc(buf_str(&b), "!/3|4/"));
	buf_free(&b);
}
END_TEST

START_TEST(errors_say_the_line)
{
	static const struct {
		const char *text, *want;
	} t[] = {
	    {"a,b\n\n\"x\"y,1\n", "line 3: text behind a closing quote"},
	    {"a,\"b\nc\"\n\xff,1\n", "line 3: is not UTF-8 text, or has control characters"},
	    {"a,b\n1,\"2\n3,4\n", "line 2: a quoted value is not closed"},
	};
	struct str_list row;

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct str text = str_c(t[i].text);

		ck_assert_int_eq(csv_open(&c, csv_read_str, &text, &e), 0);
		ck_assert_int_eq(csv_next(&c, &row, &e), 1);
		ck_assert_uint_eq(c.line, 1);
		ck_assert_int_eq(csv_next(&c, &row, &e), -1);
		ck_assert_int_eq(e.code, ERR_MALFORMED);
		ck_assert_str_eq(err_text(&e), t[i].want);
		ck_assert_int_eq(csv_next(&c, &row, &e), 0);
		csv_close(&c);
	}
}
END_TEST

START_TEST(a_failure_to_read_is_no_end)
{
	struct pieces in = {STR_LIT("a,b\n1,"), CSV_CHUNK, true};
	struct str_list row;

	ck_assert_int_eq(csv_open(&c, read_piece, &in, &e), 0);
	ck_assert_int_eq(csv_next(&c, &row, &e), 1);
	ck_assert_int_eq(csv_next(&c, &row, &e), -1);
	ck_assert_int_eq(e.code, ERR_UNAVAILABLE);
	csv_close(&c);
	in = (struct pieces){STR_LIT(""), CSV_CHUNK, true};
	ck_assert_int_eq(csv_open(&c, read_piece, &in, &e), -1);
	ck_assert_int_eq(e.code, ERR_UNAVAILABLE);
	csv_close(&c);
}
END_TEST

/* Limits: at them and past them, and what comes behind is read all the same. */
START_TEST(columns_are_bounded)
{
	struct str_list row;

	for (size_t n = CSV_COLUMNS_MAX; n <= CSV_COLUMNS_MAX + 1; n++) {
		struct buf b;
		struct str text;

		buf_init(&b, 4096);
		for (size_t i = 0; i < n; i++)
			buf_adds(&b, i > 0 ? ",x" : "x");
		buf_adds(&b, "\n1,2\n");
		text = buf_str(&b);
		ck_assert_int_eq(csv_open(&c, csv_read_str, &text, &e), 0);
		ck_assert_int_eq(csv_next(&c, &row, &e), n == CSV_COLUMNS_MAX ? 1 : -1);
		ck_assert(n != CSV_COLUMNS_MAX || row.n == n);
		ck_assert_int_eq(csv_next(&c, &row, &e), 1);
		ck_assert_uint_eq(row.n, 2);
		csv_close(&c);
		buf_free(&b);
	}
	ck_assert_str_eq(err_text(&e), "line 1: the row has too many columns");
}
END_TEST

START_TEST(rows_are_bounded)
{
	struct str_list row;

	for (size_t n = CSV_ROW_MAX; n <= CSV_ROW_MAX + 1; n++) {
		struct buf b;
		struct str text;

		buf_init(&b, 2 * CSV_ROW_MAX);
		buf_adds(&b, "a,b\n\"");
		for (size_t i = 0; i < n; i++)
			buf_addc(&b, 'x');
		buf_adds(&b, "\",\n1,2\n");
		text = buf_str(&b);
		ck_assert_int_eq(csv_open(&c, csv_read_str, &text, &e), 0);
		ck_assert_int_eq(csv_next(&c, &row, &e), 1);
		ck_assert_int_eq(csv_next(&c, &row, &e), n == CSV_ROW_MAX ? 1 : -1);
		ck_assert_int_eq(csv_next(&c, &row, &e), 1);
		csv_close(&c);
		buf_free(&b);
	}
	ck_assert_str_eq(err_text(&e), "line 2: the row is too long");
}
END_TEST

START_TEST(export_of_the_reference)
{
	static const char head[] =
	    "\"First Name\",\"Last Name\",\"Number\",\"Job Title\",\"Job Department\","
	    "\"Company Name\",\"Assistant Name\",\"Cell Phone Number\",\"Home Phone Number\","
	    "\"Assistant Phone Number\",\"Fax Number\",\"Im Id\",\"Alternate Im Id\",\"Location\","
	    "\"Home city\",\"Home country\",\"Home state\",\"Home street\",\"Home Zip/Postal code\","
	    "\"Office city\",\"Office country\",\"Office State\",\"Office Street\","
	    "\"Office Zip/Postal code\",\"Office designation\",\"Office Mail\","
	    "\"Alternate Office Mail\"\n";
	struct card card = {
	    .first_name = STR_LIT("Dee"), .last_name = STR_LIT("Fox"), .number = STR_LIT("555100")};
	struct buf b;

	buf_init(&b, 8192);
	csv_write_head(&b);
	ck_assert(str_eqc(buf_str(&b), head));
	buf_reset(&b);
	card.email_address = STR_LIT("say \"hi\", C:\\");
	csv_write_card(&b, &card);
	ck_assert_msg(str_eqc(buf_str(&b),
	                  "\"Dee\",\"Fox\",\"555100\",\"\",\"\",\"\",\"\",\"\",\"\",\"\",\"\",\"\","
	                  "\"\",\"\",\"\",\"\",\"\",\"\",\"\",\"\",\"\",\"\",\"\",\"\",\"\","
	                  "\"say \\\"hi\\\", C:\\\\\",\"\"\n"),
	    "%.*s", (int)b.n, b.p);
	/* Entries without any name are left out. */
	buf_reset(&b);
	card.first_name = card.last_name = STR_LIT("");
	csv_write_card(&b, &card);
	ck_assert_uint_eq(b.n, 0);
	buf_free(&b);
}
END_TEST

/* Every column comes back under its own name, whatever is in it. */
START_TEST(round_trip)
{
	static const char *const parts[] = {
	    "\"", "\\", ",", ";", "\n", "\t", "'", "\xc3\xbc", "x", " "};
	struct card card = {.number = STR_LIT("1")};
	struct str_list row;
	struct str text;
	struct buf b, v[64];
	size_t n = 0;

	srand((unsigned)_i + 1);
	buf_init(&b, 1 << 20);
	csv_write_head(&b);
	for (; n < card_fields_count && card_fields[n].column != NULL; n++) {
		buf_init(&v[n], 4096);
		for (int i = rand() % 20; i >= 0; i--)
			buf_adds(&v[n], parts[(size_t)rand() % (sizeof(parts) / sizeof(parts[0]))]);
		*card_at(&card, &card_fields[n]) = buf_str(&v[n]);
	}
	ck_assert_uint_eq(n, 27);
	csv_write_card(&b, &card);
	text = buf_str(&b);
	ck_assert_int_eq(csv_open(&c, csv_read_str, &text, &e), 0);
	ck_assert_int_eq(csv_next(&c, &row, &e), 1);
	ck_assert_int_eq(csv_next(&c, &row, &e), 1);
	ck_assert_uint_eq(row.n, n);
	for (size_t i = 0; i < n; i++) {
		ck_assert(str_eq(row.v[i], card_get(&card, &card_fields[i])));
		buf_free(&v[i]);
	}
	csv_close(&c);
	buf_free(&b);
}
END_TEST

START_TEST(fields_have_names)
{
	ck_assert_ptr_nonnull(card_field_by_name(STR_LIT("HOMEADDRESS.CITY")));
	ck_assert_ptr_null(card_field_by_name(STR_LIT("homeAddress")));
	ck_assert_ptr_null(card_field_by_name(STR_LIT("")));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("csv");
	TCase *t = tcase_create("all");
	SRunner *r = srunner_create(s);
	int failed;

	suite_add_tcase(s, t);
	tcase_add_loop_test(t, is_read, 0, sizeof(texts) / sizeof(texts[0]));
	tcase_add_test(t, a_zero_byte_is_refused);
	tcase_add_test(t, errors_say_the_line);
	tcase_add_test(t, a_failure_to_read_is_no_end);
	tcase_add_test(t, columns_are_bounded);
	tcase_add_test(t, rows_are_bounded);
	tcase_add_test(t, export_of_the_reference);
	tcase_add_loop_test(t, round_trip, 0, 30);
	tcase_add_test(t, fields_have_names);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
