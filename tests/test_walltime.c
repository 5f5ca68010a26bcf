/* SPDX-License-Identifier: ISC */
/* The time of day as text: style, zone, and that a confined worker still knows the zone. */
#include <check.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/walltime.h"
#include "tests/rig.h"

static const struct {
	const char *zone;
	time_t at;
	const char *text;
} times[] = {
    {"UTC0", 0, "Jan 1, 1970 12:00 AM"},
    {"UTC0", 1795451880, "Nov 23, 2026 4:38 PM"},
    {"UTC0", 1795451939, "Nov 23, 2026 4:38 PM"},
    {"UTC0", 1795451940, "Nov 23, 2026 4:39 PM"},
    {"UTC0", 43199, "Jan 1, 1970 11:59 AM"},
    {"UTC0", 43200, "Jan 1, 1970 12:00 PM"},
    {"UTC0", 46805, "Jan 1, 1970 1:00 PM"},
    {"UTC0", 86340, "Jan 1, 1970 11:59 PM"},
    {"UTC0", 951782400, "Feb 29, 2000 12:00 AM"},
    {"UTC0", 4102444800, "Jan 1, 2100 12:00 AM"},
    {"XXX5", 1795451880, "Nov 23, 2026 11:38 AM"},
    {"XXX-14", 1795451880, "Nov 24, 2026 6:38 AM"},
    {"CET-1CEST,M3.5.0,M10.5.0/3", 1783086000, "Jul 3, 2026 3:40 PM"},
    {"CET-1CEST,M3.5.0,M10.5.0/3", 1795451880, "Nov 23, 2026 5:38 PM"},
};

START_TEST(style_is_always_the_same)
{
	struct buf b;

	setenv("TZ", times[_i].zone, 1);
	/* The style is no locale's. */
	setenv("LC_ALL", "de_DE.UTF-8", 1);
	tzset();
	buf_init(&b, 100);
	walltime_text(times[_i].at, &b);
	ck_assert_msg(
	    str_eqc(buf_str(&b), times[_i].text), "%.*s instead of %s", (int)b.n, b.p, times[_i].text);
	buf_free(&b);
}
END_TEST

START_TEST(a_year_beyond_all_reason_is_no_text)
{
	struct buf b;

	buf_init(&b, 100);
	walltime_text((time_t)INT64_MAX, &b);
	ck_assert_uint_eq(b.n, 0);
	buf_free(&b);
}
END_TEST

static void
expect_now(const char *body)
{
	char want[2][64];
	bool same = false;
	regex_t re;

	ck_assert_int_eq(regcomp(&re, "^[A-Z][a-z]{2} [0-9]{1,2}, [0-9]{4} [0-9]{1,2}:[0-9]{2} [AP]M$",
	                     REG_EXTENDED | REG_NOSUB),
	    0);
	ck_assert_msg(regexec(&re, body, 0, NULL, 0) == 0, "%s", body);
	regfree(&re);
	/* The minute may have ended meanwhile. */
	for (int i = 0; i < 2; i++) {
		struct buf b;

		buf_init(&b, 64);
		walltime_text(time(NULL) - 60 * i, &b);
		snprintf(want[i], sizeof(want[i]), "%.*s", (int)b.n, b.p);
		buf_free(&b);
		same = same || strcmp(body, want[i]) == 0;
	}
	ck_assert_msg(same, "%s instead of %s", body, want[0]);
}

/* T1: the zone is a file's, which the workers cannot open. */
START_TEST(workers_know_the_zone)
{
	static const char *const zones[] = {"Asia/Kathmandu", "America/St_Johns", "XXX-3:30"};
	struct rig r = {0};
	struct answer a;

	setenv("TZ", zones[_i], 1);
	tzset();
	rig_start_fixture(&r);
	a = rig_ask(
	    &r, &(struct ask){.path = "/my/time", .user = "501:secret501", .accept = "text/plain"});
	ck_assert_int_eq(a.status, 200);
	expect_now(a.body);
	answer_free(&a);
	rig_stop(&r);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("walltime");
	TCase *tc = tcase_create("all");
	SRunner *sr = srunner_create(s);
	int failed;

	suite_add_tcase(s, tc);
	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, style_is_always_the_same, 0, sizeof(times) / sizeof(times[0]));
	tcase_add_test(tc, a_year_beyond_all_reason_is_no_text);
	tcase_add_loop_test(tc, workers_know_the_zone, 0, 3);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? 0 : 1;
}
