/* SPDX-License-Identifier: ISC */
/*
 * Times as text and back, months as numbers, and zones: leap days, both ends of daylight saving,
 * offsets that are no whole hours, and what is no time and no zone.
 */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "backend/when.h"
#include "backend/zone.h"

#define DAY_MS INT64_C(86400000)

static int64_t
ms_of(const char *text)
{
	int64_t ms = -1;

	ck_assert_msg(when_read(str_c(text), &ms), "%s", text);
	return ms;
}

/* --- months ----------------------------------------------------------------------------------- */

/* Each month begins where the one before ends, up to the year 9999. */
START_TEST(months_have_no_gaps)
{
	int64_t start = 0, next;

	for (uint32_t month = 1970 * 12; month < 9999 * 12 + 12; month++, start = next) {
		next = when_month_start(month + 1);
		ck_assert_int_eq(when_month_start(month), start);
		ck_assert_uint_eq(when_month(start), month);
		ck_assert_uint_eq(when_month(next - 1), month);
		ck_assert(next - start >= 28 * DAY_MS && next - start <= 31 * DAY_MS);
	}
	ck_assert_int_eq(start - 1, WHEN_MAX);
	ck_assert_int_eq(
	    when_month_start(2024 * 12 + 2) - when_month_start(2024 * 12 + 1), 29 * DAY_MS);
	ck_assert_int_eq(
	    when_month_start(2100 * 12 + 2) - when_month_start(2100 * 12 + 1), 28 * DAY_MS);
	ck_assert_int_eq(
	    when_month_start(2000 * 12 + 2) - when_month_start(2000 * 12 + 1), 29 * DAY_MS);
}
END_TEST

/* --- reading ------------------------------------------------------------------------------------
 */

static const struct {
	const char *text;
	int64_t ms; /* -1 = no time */
} times[] = {
    {"1970-01-01T00:00:00Z", 0},
    {"1970-01-01T01:00:00+01:00", 0},
    {"1970-01-01T00:59:59.999+01:00", -1},
    {"1969-12-31T23:59:59Z", -1},
    /* The year is the text's, though the moment is the first of 1970. */
    {"1969-12-31T23:00:00-01:00", -1},
    {"9999-12-31T23:59:59.999Z", WHEN_MAX},
    {"10000-01-01T00:00:00Z", -1},
    {"0000-01-01T00:00:00Z", -1},
    {"2024-05-16T10:42:43Z", INT64_C(1715856163000)},
    {"2024-05-16t10:42:43z", INT64_C(1715856163000)},
    {"2024-05-16 10:42:43Z", INT64_C(1715856163000)},
    {"2024-05-16T10:42:43-00:00", INT64_C(1715856163000)},
    {"2024-05-16T13:42:43+03:00", INT64_C(1715856163000)},
    {"2024-05-16T13:42:43 03:00", INT64_C(1715856163000)},
    {"2024-05-15T10:43:43-23:59", INT64_C(1715856163000)},
    {"2024-05-17T10:41:43+23:59", INT64_C(1715856163000)},
    /* Of a fraction three digits count. */
    {"2024-05-16T10:42:43.2Z", INT64_C(1715856163200)},
    {"2024-05-16T10:42:43.02Z", INT64_C(1715856163020)},
    {"2024-05-16T10:42:43.0029999999999999999999Z", INT64_C(1715856163002)},
    {"2024-05-16T10:42:43.Z", -1},
    {"2024-05-16T10:42:43,5Z", -1},
    {"2024-05-16T10:42:43.-5Z", -1},
    /* Leap days. */
    {"2024-02-29T23:59:59.999Z", INT64_C(1709251199999)},
    {"2023-02-29T00:00:00Z", -1},
    {"2100-02-29T00:00:00Z", -1},
    {"2000-02-29T00:00:00Z", INT64_C(951782400000)},
    {"2024-03-01T00:30:00+01:00", INT64_C(1709249400000)},
    {"2024-02-30T00:00:00Z", -1},
    {"2024-04-31T00:00:00Z", -1},
    {"2024-00-01T00:00:00Z", -1},
    {"2024-13-01T00:00:00Z", -1},
    {"2024-01-00T00:00:00Z", -1},
    {"2024-01-32T00:00:00Z", -1},
    /* A leap second. */
    {"2016-12-31T23:59:60Z", INT64_C(1483228800000)},
    {"2017-01-01T00:59:60.5+01:00", INT64_C(1483228800500)},
    {"2016-12-31T23:59:61Z", -1},
    {"2016-12-31T24:00:00Z", -1},
    {"2016-12-31T23:60:00Z", -1},
    {"2024-05-16T10:42:43", -1},
    {"2024-05-16T10:42Z", -1},
    {"2024-05-16", -1},
    {"", -1},
    {"2024-05-16T10:42:43Zz", -1},
    {"2024-05-16T10:42:43Z ", -1},
    {" 2024-05-16T10:42:43Z", -1},
    {"2024-05-16T10:42:43+3:00", -1},
    {"2024-05-16T10:42:43+0300", -1},
    {"2024-05-16T10:42:43+24:00", -1},
    {"2024-05-16T10:42:43+03:60", -1},
    {"2024-05-16T10:42:43*03:00", -1},
    {"+024-05-16T10:42:43Z", -1},
    {"2024-5-16T10:42:43Z", -1},
    {"2024-05-16T-1:42:43Z", -1},
};

START_TEST(times_are_read)
{
	int64_t ms = 0;
	bool is = when_read(str_c(times[_i].text), &ms);

	ck_assert_msg(is == (times[_i].ms >= 0) && (!is || ms == times[_i].ms), "%s: %d, %lld",
	    times[_i].text, is, (long long)ms);
}
END_TEST

/* A text that is cut off anywhere is no time, and nobody reads behind its end. */
START_TEST(cut_off_anywhere)
{
	static const char text[] = "2024-05-16T10:42:43.250+03:00", day[] = "20240516";
	int64_t ms;

	for (size_t n = 0; n < sizeof(text) - 1; n++)
		ck_assert_msg(!when_read((struct str){text, n}, &ms), "%.*s", (int)n, text);
	ck_assert(when_read((struct str){text, sizeof(text) - 1}, &ms));
	ck_assert(!when_read((struct str){text, sizeof(text)}, &ms));
	for (size_t n = 0; n < sizeof(day) - 1; n++)
		ck_assert(!when_read_day((struct str){day, n}, &ms));
	ck_assert(!when_read_day((struct str){day, sizeof(day)}, &ms));
}
END_TEST

START_TEST(days_are_read)
{
	static const char *const bad[] = {"19691231", "20230229", "20240230", "20241301", "20240100",
	    "2024-5-1", "202405160", "2024051a", "-0240516", "00000101", ""};
	int64_t ms;

	ck_assert(when_read_day(STR_LIT("19700101"), &ms) && ms == 0);
	ck_assert(when_read_day(STR_LIT("20240229"), &ms) && ms == INT64_C(1709164800000));
	ck_assert(when_read_day(STR_LIT("99991231"), &ms) && ms == WHEN_MAX + 1 - DAY_MS);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_msg(!when_read_day(str_c(bad[i]), &ms), "%s", bad[i]);
}
END_TEST

/* --- writing -------------------------------------------------------------------------------------
 */

static const struct {
	int64_t ms;
	int offset;
	bool utc;
	const char *text;
} texts[] = {
    {0, 0, true, "1970-01-01T00:00:00Z"},
    {0, 0, false, "1970-01-01T00:00:00+00:00"},
    {1, 0, true, "1970-01-01T00:00:00.001Z"},
    {INT64_C(1715856163000), 3 * 3600, false, "2024-05-16T13:42:43+03:00"},
    {INT64_C(1715856163250), -(2 * 3600 + 1800), false, "2024-05-16T08:12:43.250-02:30"},
    {INT64_C(1715856163020), -1800, false, "2024-05-16T10:12:43.020-00:30"},
    {INT64_C(1709251199999), 3600, false, "2024-03-01T00:59:59.999+01:00"},
    {INT64_C(1709251200000), -3600, false, "2024-02-29T23:00:00-01:00"},
    {WHEN_MAX, 0, true, "9999-12-31T23:59:59.999Z"},
    {WHEN_MAX, -3600, false, "9999-12-31T22:59:59.999-01:00"},
    /* There is no year of five digits. */
    {WHEN_MAX, 3600, false, "9999-12-31T23:59:59.999+00:00"},
    {WHEN_MAX - 3600000, 3600, false, "9999-12-31T23:59:59.999+01:00"},
    /* West of Greenwich it is 1969 still. */
    {0, -3600, false, "1969-12-31T23:00:00-01:00"},
    {500, -3600, false, "1969-12-31T23:00:00.500-01:00"},
    /* An offset has no seconds: Monrovia until 1972. */
    {0, -2670, false, "1969-12-31T23:16:00-00:44"},
    {INT64_C(86400000), -2670, false, "1970-01-01T23:16:00-00:44"},
};

START_TEST(times_are_written)
{
	char buf[WHEN_TEXT];
	struct str s = when_text(texts[_i].ms, texts[_i].offset, texts[_i].utc, buf);

	ck_assert(str_eqc(s, buf));
	ck_assert_str_eq(buf, texts[_i].text);
}
END_TEST

/* What is written is the same moment when it is read, at each offset there is. */
START_TEST(written_and_read)
{
	for (int offset = -12 * 3600; offset <= 14 * 3600; offset += 450) {
		for (int64_t ms = DAY_MS; ms < WHEN_MAX; ms += WHEN_MAX / 97 + 1) {
			char buf[WHEN_TEXT];

			when_text(ms, offset, false, buf);
			ck_assert_int_eq(ms_of(buf), ms);
		}
	}
}
END_TEST

START_TEST(legacy_texts)
{
	static const struct {
		int64_t ms;
		const char *timestamp, *interval;
	} cases[] = {{0, "1970-01-01 00:00:00.0", "0 years 0 mons 0 days 0 hours 0 mins 0.00 secs"},
	    {1, "1970-01-01 00:00:00.001", "0 years 0 mons 0 days 0 hours 0 mins 0.001 secs"},
	    {20, "1970-01-01 00:00:00.02", "0 years 0 mons 0 days 0 hours 0 mins 0.02 secs"},
	    {100, "1970-01-01 00:00:00.1", "0 years 0 mons 0 days 0 hours 0 mins 0.10 secs"},
	    {59999, "1970-01-01 00:00:59.999", "0 years 0 mons 0 days 0 hours 0 mins 59.999 secs"},
	    {60000, "1970-01-01 00:01:00.0", "0 years 0 mons 0 days 0 hours 1 mins 0.00 secs"},
	    {DAY_MS - 1, "1970-01-01 23:59:59.999",
	        "0 years 0 mons 0 days 23 hours 59 mins 59.999 secs"},
	    {DAY_MS, "1970-01-02 00:00:00.0", "0 years 0 mons 1 days 0 hours 0 mins 0.00 secs"},
	    {INT64_C(1709251199990), "2024-02-29 23:59:59.99",
	        "0 years 0 mons 19782 days 23 hours 59 mins 59.99 secs"}};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char buf[2 * WHEN_TEXT];

		ck_assert(str_eqc(when_timestamp(cases[i].ms, buf), cases[i].timestamp));
		ck_assert(str_eqc(when_interval(cases[i].ms, buf), cases[i].interval));
	}
}
END_TEST

/* --- zones ---------------------------------------------------------------------------------------
 */

/* At a second, and at the one before. */
static const struct {
	const char *zone, *at;
	int before, then;
} changes[] = {
    {"Europe/Berlin", "2024-03-31T01:00:00Z", 3600, 7200},
    {"Europe/Berlin", "2024-10-27T01:00:00Z", 7200, 3600},
    {"America/New_York", "2024-03-10T07:00:00Z", -18000, -14400},
    {"America/New_York", "2024-11-03T06:00:00Z", -14400, -18000},
    {"America/St_Johns", "2024-03-10T05:30:00Z", -12600, -9000},
    /* The south, and half an hour. */
    {"Australia/Lord_Howe", "2024-04-06T15:00:00Z", 39600, 37800},
    {"Australia/Lord_Howe", "2024-10-05T15:30:00Z", 37800, 39600},
    {"Europe/Dublin", "2024-03-31T01:00:00Z", 0, 3600},
    {"America/Sao_Paulo", "2019-02-17T02:00:00Z", -7200, -10800},
    /* A day that Samoa did not have. */
    {"Pacific/Apia", "2011-12-30T10:00:00Z", -36000, 50400},
    /* Behind the last change that the file lists. */
    {"Europe/Berlin", "2040-03-25T01:00:00Z", 3600, 7200},
    {"Europe/Berlin", "2040-10-28T01:00:00Z", 7200, 3600},
    {"America/New_York", "2099-11-01T06:00:00Z", -14400, -18000},
    /* None there. */
    {"Asia/Kolkata", "2024-03-31T01:00:00Z", 19800, 19800},
    {"Asia/Kathmandu", "2024-10-27T01:00:00Z", 20700, 20700},
    {"Pacific/Kiritimati", "2024-10-27T01:00:00Z", 50400, 50400},
    {"Etc/GMT+5", "2024-10-27T01:00:00Z", -18000, -18000},
    {"UTC", "2024-10-27T01:00:00Z", 0, 0},
    {"Etc/UTC", "9999-12-31T23:59:59Z", 0, 0},
    {"EST5EDT", "2024-03-10T07:00:00Z", -18000, -14400},
};

START_TEST(zones_change)
{
	struct zone *z = zone_open(str_c(changes[_i].zone));
	int64_t at = ms_of(changes[_i].at);

	ck_assert_msg(z != NULL, "%s", changes[_i].zone);
	ck_assert_int_eq(zone_offset(z, at - 1000), changes[_i].before);
	ck_assert_int_eq(zone_offset(z, at - 1), changes[_i].before);
	ck_assert_int_eq(zone_offset(z, at), changes[_i].then);
	ck_assert_int_eq(zone_offset(z, at + 999), changes[_i].then);
	zone_close(z);
}
END_TEST

/* The hour that is there twice is two hours, the one that is not there has no name. */
START_TEST(hours_of_a_change)
{
	struct zone *z = zone_open(STR_LIT("Europe/Berlin"));
	int64_t back = ms_of("2024-10-27T00:00:00Z"), forward = ms_of("2024-03-31T00:59:59Z");
	char first[WHEN_TEXT], second[WHEN_TEXT];

	when_text(back + 1800000, zone_offset(z, back + 1800000), false, first);
	when_text(back + 5400000, zone_offset(z, back + 5400000), false, second);
	ck_assert_str_eq(first, "2024-10-27T02:30:00+02:00");
	ck_assert_str_eq(second, "2024-10-27T02:30:00+01:00");
	ck_assert_int_eq(ms_of(second) - ms_of(first), 3600000);
	when_text(forward, zone_offset(z, forward), false, first);
	when_text(forward + 1000, zone_offset(z, forward + 1000), false, second);
	ck_assert_str_eq(first, "2024-03-31T01:59:59+01:00");
	ck_assert_str_eq(second, "2024-03-31T03:00:00+02:00");
	zone_close(z);
}
END_TEST

START_TEST(no_zones)
{
	static const char *const names[] = {"", "Mars/Base", "Europe", "Europe/", "/Europe/Berlin",
	    "Europe//Berlin", "Europe/Berlin/", "europe/berlin", "Europe/Berlin ", " Europe/Berlin",
	    "../zoneinfo/UTC", "Europe/../UTC", "./UTC", "right/UTC", "posix/UTC", "zone.tab",
	    "leapseconds", "tzdata.zi", "UTC\n", "EST5EDT,M3.2.0,M11.1.0", "+01:00", "-05", "UTC+1",
	    "Europe/Berl\xc3\xadn", "Etc/GMT+99",
	    /* The machine's own, which are nobody's to know. */
	    "localtime", "posixrules",
	    "Aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
	    "Aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		ck_assert_msg(zone_open(str_c(names[i])) == NULL, "%s", names[i]);
	ck_assert_ptr_null(zone_open((struct str){"UTC\0", 4}));
	ck_assert_ptr_null(zone_open((struct str){"Europe/Berlin", 12}));
	zone_close(NULL);
}
END_TEST

#define COUNT(v) ((int)(sizeof(v) / sizeof((v)[0])))

int
main(void)
{
	Suite *s = suite_create("when");
	TCase *t = tcase_create("when");
	SRunner *r;
	int failed;

	tcase_add_test(t, months_have_no_gaps);
	tcase_add_loop_test(t, times_are_read, 0, COUNT(times));
	tcase_add_test(t, cut_off_anywhere);
	tcase_add_test(t, days_are_read);
	tcase_add_loop_test(t, times_are_written, 0, COUNT(texts));
	tcase_add_test(t, written_and_read);
	tcase_add_test(t, legacy_texts);
	tcase_add_loop_test(t, zones_change, 0, COUNT(changes));
	tcase_add_test(t, hours_of_a_change);
	tcase_add_test(t, no_zones);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
