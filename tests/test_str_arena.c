/* SPDX-License-Identifier: ISC */
/* Strings, arenas, buffers, errors and log lines. */
#include <check.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/arena.h"
#include "common/budget.h"
#include "common/buf.h"
#include "common/err.h"
#include "common/log.h"
#include "common/str.h"

static const struct {
	const char *text;
	bool ok;
	int64_t value;
} numbers[] = {
    {"0", true, 0},
    {"-0", true, 0},
    {"08", true, 8},
    {"-1", true, -1},
    {"9223372036854775807", true, INT64_MAX},
    {"-9223372036854775808", true, INT64_MIN},
    {"9223372036854775808", false, 0},
    {"-9223372036854775809", false, 0},
    {"92233720368547758070", false, 0},
    {"", false, 0},
    {"-", false, 0},
    {"+1", false, 0},
    {" 1", false, 0},
    {"1 ", false, 0},
    {"1.0", false, 0},
    {"0x10", false, 0},
    {"--1", false, 0},
    {"1-", false, 0},
    {"\xd9\xa1", false, 0},
};

START_TEST(integers)
{
	int64_t v = 77;

	ck_assert_msg(
	    str_to_i64(str_c(numbers[_i].text), &v) == numbers[_i].ok, "%s", numbers[_i].text);
	ck_assert_int_eq(v, numbers[_i].ok ? numbers[_i].value : 77);
}
END_TEST

static const struct {
	struct str s;
	bool ok;
} texts[] = {
    {{"", 0}, true},
    {{NULL, 0}, true},
    {{"az~\x7f", 4}, true},
    {{"a\0b", 3}, false},
    {{"\xc2\x80", 2}, true},
    {{"\xdf\xbf", 2}, true},
    {{"\xe0\xa0\x80", 3}, true},
    {{"\xed\x9f\xbf", 3}, true},
    {{"\xee\x80\x80", 3}, true},
    {{"\xf0\x90\x80\x80", 4}, true},
    {{"\xf4\x8f\xbf\xbf", 4}, true},
    {{"\x80", 1}, false},
    {{"\xc0\x80", 2}, false},
    {{"\xc1\xbf", 2}, false},
    {{"\xe0\x9f\xbf", 3}, false},
    {{"\xed\xa0\x80", 3}, false},
    {{"\xed\xbf\xbf", 3}, false},
    {{"\xf0\x8f\xbf\xbf", 4}, false},
    {{"\xf4\x90\x80\x80", 4}, false},
    {{"\xf5\x80\x80\x80", 4}, false},
    {{"\xff", 1}, false},
    {{"\xc3", 1}, false},
    {{"\xe2\x82", 2}, false},
    {{"\xf0\x9f\x98", 3}, false},
    {{"\xc3(", 2}, false},
    {{"\xe2(\xac", 3}, false},
};

START_TEST(utf8)
{
	ck_assert_int_eq(str_is_utf8(texts[_i].s), texts[_i].ok);
}
END_TEST

START_TEST(comparing)
{
	struct str none = {NULL, 0};

	ck_assert(str_eq(none, STR_LIT("")));
	ck_assert(str_eq(str_c(NULL), none));
	ck_assert(!str_eq(STR_LIT("a"), STR_LIT("ab")));
	ck_assert(str_caseeqc(STR_LIT("TrUe"), "true"));
	ck_assert(!str_caseeqc(STR_LIT("\xc3\x89"), "\xc3\xa9"));
	ck_assert(!str_caseeqc(STR_LIT("["), "{"));
	ck_assert_int_lt(str_cmp(STR_LIT("a"), STR_LIT("ab")), 0);
	ck_assert_int_gt(str_cmp(STR_LIT("\xff"), STR_LIT("a")), 0);
	ck_assert_int_eq(str_cmp(none, STR_LIT("")), 0);
	ck_assert(str_starts(STR_LIT("abc"), "ab"));
	ck_assert(!str_starts(STR_LIT("a"), "ab"));
	ck_assert(str_starts(none, ""));
	ck_assert(str_eq_secret(STR_LIT("abc"), STR_LIT("abc")));
	ck_assert(!str_eq_secret(STR_LIT("abc"), STR_LIT("abd")));
	ck_assert(!str_eq_secret(STR_LIT("abc"), STR_LIT("ab")));
	ck_assert(!str_eq_secret(none, STR_LIT("a")));
}
END_TEST

START_TEST(cutting)
{
	struct str head, rest;

	ck_assert(str_cut(STR_LIT("a=b=c"), '=', &head, &rest));
	ck_assert(str_eqc(head, "a") && str_eqc(rest, "b=c"));
	ck_assert(str_cut(STR_LIT("="), '=', &head, &rest));
	ck_assert(head.n == 0 && rest.n == 0);
	ck_assert(!str_cut(STR_LIT("abc"), '=', &head, &rest));
	ck_assert(str_eqc(head, "abc") && rest.n == 0);
	ck_assert(!str_cut((struct str){NULL, 0}, '=', &head, &rest));
	rest = STR_LIT("x|y");
	ck_assert(str_cut(rest, '|', &head, &rest));
	ck_assert(str_eqc(head, "x") && str_eqc(rest, "y"));
	ck_assert(str_eqc(str_trim(STR_LIT(" \t\r\na b\n ")), "a b"));
	ck_assert_uint_eq(str_trim(STR_LIT(" \n")).n, 0);
	ck_assert_uint_eq(str_trim((struct str){NULL, 0}).n, 0);
}
END_TEST

START_TEST(arena_gives_zeroed_aligned_memory)
{
	struct arena a;

	arena_init(&a, 1 << 20);
	for (size_t n = 0; n < 300; n++) {
		unsigned char *p = arena_alloc(&a, n);

		ck_assert_ptr_nonnull(p);
		ck_assert_uint_eq((uintptr_t)p % _Alignof(max_align_t), 0);
		for (size_t i = 0; i < n; i++)
			ck_assert_uint_eq(p[i], 0);
		memset(p, 0xff, n);
	}
	ck_assert_ptr_nonnull(arena_alloc(&a, 100000));
	ck_assert(str_eqc(arena_printf(&a, "%d-%s", 7, "x"), "7-x"));
	ck_assert_str_eq(arena_cstr(&a, STR_LIT("abc")), "abc");
	ck_assert_str_eq(arena_copy(&a, (struct str){NULL, 0}).p, "");
	arena_wipe(&a);
	ck_assert_uint_eq(a.used, 0);
	ck_assert_ptr_nonnull(arena_alloc(&a, 1));
	arena_free(&a);
}
END_TEST

START_TEST(arena_keeps_its_cap)
{
	struct arena a;
	size_t got = 0;

	arena_init(&a, 10000);
	ck_assert_ptr_null(arena_alloc(&a, 10001));
	ck_assert_ptr_null(arena_alloc(&a, SIZE_MAX));
	ck_assert_ptr_null(arena_array(&a, SIZE_MAX / 2, 3));
	ck_assert_uint_eq(a.used, 0);
	while (arena_alloc(&a, 1000) != NULL)
		got++;
	ck_assert_uint_eq(got, 9);
	ck_assert_int_eq(arena_charge(&a, 10000), -1);
	ck_assert_ptr_null(arena_printf(&a, "%2000d", 1).p);
	arena_free(&a);
	ck_assert_int_eq(arena_charge(&a, 10000), 0);
	ck_assert_ptr_null(arena_alloc(&a, 1));
	arena_uncharge(&a, 10000);
	ck_assert_ptr_nonnull(arena_alloc(&a, 1));
	arena_free(&a);
}
END_TEST

/* What was taken once is taken again without asking the system, zeroed, and the cap counts anew. */
START_TEST(arena_starts_anew)
{
	struct arena a;

	arena_init(&a, 100000);
	arena_reset(&a);
	for (int i = 0; i < 9; i++)
		memset(arena_alloc(&a, 10000), 0xff, 10000);
	ck_assert_ptr_null(arena_alloc(&a, 10001));
	arena_reset(&a);
	ck_assert_uint_eq(a.used, 0);
	/* As much as all of it, in one block. */
	arena_fail_after = 2;
	for (int i = 0; i < 9; i++)
		memset(arena_alloc(&a, 10000), 0xff, 10000);
	ck_assert_ptr_null(arena_alloc(&a, 10001));
	ck_assert_uint_eq(arena_fail_after, 1);
	arena_reset(&a);
	ck_assert_uint_eq(a.used, 0);
	for (int i = 0; i < 3; i++) {
		unsigned char *p = arena_alloc(&a, 10000);

		ck_assert_ptr_nonnull(p);
		for (int k = 0; k < 10000; k++)
			ck_assert_uint_eq(p[k], 0);
	}
	ck_assert_uint_eq(arena_fail_after, 1);
	arena_fail_after = 0;
	ck_assert_ptr_nonnull(arena_alloc(&a, 70000));
	ck_assert_ptr_null(arena_alloc(&a, 1));
	arena_free(&a);
}
END_TEST

START_TEST(arena_fails_when_told)
{
	struct arena a;

	arena_init(&a, 1 << 20);
	arena_fail_after = 2;
	ck_assert_ptr_nonnull(arena_alloc(&a, 4000));
	ck_assert_ptr_null(arena_alloc(&a, 4000));
	ck_assert_uint_eq(a.used, 4000);
	ck_assert_ptr_nonnull(arena_alloc(&a, 4000));
	ck_assert_uint_eq(arena_fail_after, 0);
	arena_free(&a);
}
END_TEST

static struct arena payer;
static void *kept;
static int steps;

static void
spend(void *arg)
{
	char *p = budget_malloc(400), *q;

	(void)arg;
	ck_assert_uint_ge(payer.used, 400);
	memset(p, 'x', 400);
	q = budget_realloc(p, 100);
	ck_assert_int_eq(q[99], 'x');
	ck_assert_uint_lt(payer.used, 200);
	budget_free(q);
	budget_free(NULL);
	ck_assert_uint_eq(payer.used, 0);
	kept = budget_strdup("abc");
	steps++;
}

static void
spend_too_much(void *arg)
{
	budget_malloc(500);
	kept = budget_realloc(budget_strdup("abc"), 10);
	budget_free(arg);
	steps++;
	budget_malloc(500);
	steps++;
}

static void
look(void)
{
	ck_assert_msg(memcmp(kept, "abc", 4) == 0, "nothing may be freed yet");
	budget_free(kept);
	steps += 10;
}

/* What is left over in the middle is freed: LeakSanitizer would say otherwise. */
START_TEST(budget_charges_the_arena)
{
	arena_init(&payer, 1000);
	steps = 0;
	ck_assert_int_eq(budget_run(&payer, spend, NULL, look), 0);
	ck_assert_int_eq(steps, 1);
	ck_assert_uint_eq(payer.used, 0);
	ck_assert_str_eq(kept, "abc");
	/* A block from outside may be freed inside, and the other way round. */
	ck_assert_int_eq(budget_run(&payer, spend_too_much, kept, look), -1);
	ck_assert_int_eq(steps, 12);
	ck_assert_uint_eq(payer.used, 0);
	ck_assert_int_eq(budget_run(&payer, spend_too_much, budget_malloc(5), NULL), -1);
	ck_assert_uint_eq(payer.used, 0);
	ck_assert_ptr_null(budget_malloc(SIZE_MAX));
	kept = budget_malloc(5000);
	ck_assert_ptr_nonnull(kept);
	ck_assert_uint_eq((uintptr_t)kept % _Alignof(max_align_t), 0);
	budget_free(kept);
}
END_TEST

START_TEST(buffer_grows_to_its_cap)
{
	struct buf b;
	char big[400];

	memset(big, 'x', sizeof(big));
	buf_init(&b, 300);
	ck_assert_uint_eq(buf_str(&b).n, 0);
	buf_add(&b, NULL, 0);
	buf_adds(&b, "abc");
	buf_printf(&b, "%d", -5);
	ck_assert(str_eqc(buf_str(&b), "abc-5"));
	buf_add(&b, big, 296);
	ck_assert(b.failed);
	ck_assert_uint_eq(b.n, 5);
	buf_addc(&b, 'x');
	ck_assert_msg(b.n == 5, "a failure sticks");
	buf_reset(&b);
	buf_add(&b, big, 300);
	ck_assert(!b.failed);
	buf_addc(&b, 'x');
	ck_assert(b.failed);
	buf_wipe(&b);
	ck_assert(!b.failed);
	buf_printf(&b, "%299d", 1);
	ck_assert(!b.failed);
	ck_assert_uint_eq(b.n, 299);
	buf_free(&b);
	/* The NUL that vsnprintf() writes behind a text takes no room. */
	buf_printf(&b, "%300d", 1);
	ck_assert(!b.failed);
	ck_assert_uint_eq(b.n, 300);
	buf_free(&b);
}
END_TEST

START_TEST(errors)
{
	struct err e = {.depth = 0};
	char longer[400];

	ck_assert_int_eq(err_set(&e, ERR_NOT_FOUND, NULL), -1);
	ck_assert_str_eq(err_text(&e), "no such resource");
	ck_assert_str_eq(err_name(e.code), "not-found");
	ck_assert_int_eq(err_status(e.code), 404);
	ck_assert_int_eq(err_status((enum err_code)9999), 500);
	ck_assert_int_eq(err_of_status(422), ERR_UNPROCESSABLE);
	ck_assert_int_eq(err_of_status(418), ERR_INTERNAL);
	ck_assert_str_eq(http_reason(413), "Content Too Large");
	ck_assert_str_eq(http_reason(299), "Unknown");
	for (int i = 0; i < 40; i++)
		err_push(&e, i + 1);
	for (int i = 0; i < 39; i++)
		err_pop(&e);
	ck_assert_uint_eq(e.depth, 1);
	ck_assert_int_eq(e.path[0], 1);
	for (size_t i = 0; i < ERR_COUNT; i++)
		ck_assert_msg(strcmp(http_reason(err_status((enum err_code)i)), "Unknown") != 0, "%s",
		    err_name((enum err_code)i));
	/* A phrase is shown to clients: it may be cut, but between characters. */
	for (size_t pad = 0; pad < 4; pad++) {
		memset(longer, 'x', pad);
		for (size_t i = pad; i + 4 < sizeof(longer); i += 4)
			memcpy(longer + i, "\xf0\x9f\x98\x80", 5);
		err_set(&e, ERR_INVALID, "%s", longer);
		ck_assert_uint_gt(strlen(e.text), ERR_TEXT_MAX - 6);
		ck_assert(str_is_utf8(str_c(e.text)));
	}
}
END_TEST

/* The line that log_end() writes, in `out`. */
static void
logged(struct log_line *l, char *out, size_t size)
{
	int fds[2], saved = dup(STDERR_FILENO);
	ssize_t n;

	ck_assert_int_eq(pipe(fds), 0);
	dup2(fds[1], STDERR_FILENO);
	log_end(l);
	dup2(saved, STDERR_FILENO);
	close(saved);
	close(fds[1]);
	n = read(fds[0], out, size - 1);
	close(fds[0]);
	ck_assert_int_ge(n, 0);
	out[n] = '\0';
}

static const struct {
	const char *value, *want;
} log_values[] = {
    {"plain", " k=plain n=7\n"},
    {"", " k=\"\" n=7\n"},
    {"two words", " k=\"two words\" n=7\n"},
    {"a\nlevel=error", " k=\"a\\x0alevel=error\" n=7\n"},
    {"q\"b\\", " k=\"q\\\"b\\\\\" n=7\n"},
    {"\x1b[31m\x7f", " k=\"\\x1b[31m\\x7f\" n=7\n"},
    {"a=b", " k=\"a=b\" n=7\n"},
    {"\xc3\xa9", " k=\"\xc3\xa9\" n=7\n"},
};

START_TEST(log_lines)
{
	struct log_line l;
	char out[4096], *at;

	log_init("test", LOG_INFO_);
	log_begin(&l, LOG_INFO_, "event");
	log_str(&l, "k", str_c(log_values[_i].value));
	log_num(&l, "n", 7);
	logged(&l, out, sizeof(out));
	at = strstr(out, " program=test event=event");
	ck_assert_ptr_nonnull(at);
	ck_assert_str_eq(at + strlen(" program=test event=event"), log_values[_i].want);
	log_begin(&l, LOG_DEBUG_, "event");
	logged(&l, out, sizeof(out));
	ck_assert_str_eq(out, "");
}
END_TEST

/* Counts quotes that no backslash escapes. */
static size_t
quotes(const char *s)
{
	size_t n = 0;

	for (; *s != '\0'; s++) {
		if (*s == '\\' && s[1] != '\0')
			s++;
		else
			n += *s == '"';
	}
	return n;
}

/* However long the values are, a line ends in a newline and closes its quotes. */
START_TEST(log_lines_are_cut_whole)
{
	static const char *const fill[] = {"x", "\"", "\n", " ", "\xf0\x9f\x98\x80"};
	struct log_line l;
	char out[4096], value[4000];

	log_init("test", LOG_INFO_);
	for (size_t f = 0; f < sizeof(fill) / sizeof(fill[0]); f++) {
		for (size_t n = 300; n < 2100; n++) {
			size_t len = 0, piece = strlen(fill[f]);

			value[len++] = ' ';
			while (len + piece < n)
				for (size_t i = 0; i < piece; i++)
					value[len++] = fill[f][i];
			log_begin(&l, LOG_INFO_, "event");
			log_str(&l, "k", (struct str){value, len});
			log_str(&l, "another", (struct str){value, 17});
			log_num(&l, "number", 1234567);
			logged(&l, out, sizeof(out));
			ck_assert_uint_le(strlen(out), sizeof(l.text));
			ck_assert_msg(strchr(out, '\n') == out + strlen(out) - 1, "%zu: %s", n, out);
			ck_assert_msg(quotes(out) % 2 == 0, "%zu: %s", n, out);
			ck_assert_msg(str_is_utf8(str_c(out)), "%zu: %s", n, out);
		}
	}
}
END_TEST

START_TEST(log_levels)
{
	enum log_level l;

	ck_assert(log_level_by_name(STR_LIT("warn"), &l));
	ck_assert_int_eq(l, LOG_WARN_);
	ck_assert(!log_level_by_name(STR_LIT("Warn"), &l));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("str_arena");
	TCase *t = tcase_create("all");
	SRunner *r = srunner_create(s);
	int failed;

	suite_add_tcase(s, t);
	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, integers, 0, sizeof(numbers) / sizeof(numbers[0]));
	tcase_add_loop_test(t, utf8, 0, sizeof(texts) / sizeof(texts[0]));
	tcase_add_test(t, comparing);
	tcase_add_test(t, cutting);
	tcase_add_test(t, arena_gives_zeroed_aligned_memory);
	tcase_add_test(t, arena_keeps_its_cap);
	tcase_add_test(t, arena_starts_anew);
	tcase_add_test(t, arena_fails_when_told);
	tcase_add_test(t, budget_charges_the_arena);
	tcase_add_test(t, buffer_grows_to_its_cap);
	tcase_add_test(t, errors);
	tcase_add_loop_test(t, log_lines, 0, sizeof(log_values) / sizeof(log_values[0]));
	tcase_add_test(t, log_lines_are_cut_whole);
	tcase_add_test(t, log_levels);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
