/* SPDX-License-Identifier: ISC */
/* Rooms and speed dials where users come and go: names given up, names taken, events in order. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "tests/rig.h"

static struct rig rig;

#define ctl(input, ...) rig_ctl(&rig, input, out, sizeof(out), __VA_ARGS__)

static void
start(void)
{
	rig_start_fixture(&rig);
}

static void
stop(void)
{
	rig_stop(&rig);
}

static int
put(const char *user, const char *path, const char *body)
{
	struct answer a = rig_ask(&rig,
	    &(struct ask){
	        .method = "PUT", .path = path, .user = user, .type = "application/json", .body = body});
	int status = a.status;

	answer_free(&a);
	return status;
}

START_TEST(a_removed_user_leaves_no_names)
{
	char out[4096];

	ck_assert_int_eq(
	    put("4410:secret99", "/my/conferences/lab", "{\"setting\":{\"name\":\"bobs\"}}"), 400);
	ck_assert_int_eq(ctl(NULL, "user remove 4420 --yes"), 0);
	ck_assert_int_eq(
	    put("4410:secret99", "/my/conferences/lab", "{\"setting\":{\"name\":\"bobs\"}}"), 200);
	/* And a lamp for somebody who has gone is not shown. */
	ck_assert_int_eq(
	    put("4410:secret99", "/my/speeddial", "{\"buttons\":[{\"number\":\"4420\",\"blf\":true}]}"),
	    400);
}
END_TEST

START_TEST(a_lamp_goes_with_whom_it_was_for)
{
	char out[4096];
	struct answer a;

	ck_assert_int_eq(put("4410:secret99", "/my/speeddial",
	                     "{\"buttons\":[{\"number\":\"4420\",\"blf\":true},{\"number\":\"9\"}]}"),
	    200);
	ck_assert_int_eq(ctl(NULL, "user remove 4420 --yes"), 0);
	a = rig_get(&rig, "4410:secret99", "/my/speeddial");
	ck_assert_int_eq(a.status, 200);
	ck_assert_ptr_null(strstr(a.body, "4420"));
	ck_assert_ptr_nonnull(strstr(a.body, "\"number\":\"9\""));
	answer_free(&a);
}
END_TEST

START_TEST(a_room_takes_no_name_of_a_user_and_no_user_that_of_a_room)
{
	char out[4096];

	ck_assert_int_ne(ctl(NULL, "user add sales-room --no-password"), 0);
	ck_assert_int_ne(ctl(NULL, "user add 7001 --no-password"), 0);
	ck_assert_int_ne(
	    ctl("{\"type\":\"room\",\"user\":\"4420\",\"record\":{\"name\":\"4410\"}}\n", "load -"), 0);
	ck_assert_int_ne(
	    ctl("{\"type\":\"room\",\"user\":\"4420\",\"record\":{\"name\":\"lab\"}}\n", "load -"), 0);
	ck_assert_int_ne(ctl("{\"type\":\"room\",\"user\":\"4420\",\"record\":{\"name\":\"b2\","
	                     "\"extension\":\"7001\"}}\n",
	                     "load -"),
	    0);
	/* The operator's rows are held to the rules for codes as well. */
	ck_assert_int_ne(ctl("{\"type\":\"room\",\"user\":\"4420\",\"record\":{\"name\":\"b2\","
	                     "\"quickstart\":false}}\n",
	                     "load -"),
	    0);
	ck_assert_int_eq(ctl("{\"type\":\"room\",\"user\":\"4420\",\"record\":{\"name\":\"b2\","
	                     "\"extension\":\"7009\"}}\n",
	                     "load -"),
	    0);
}
END_TEST

START_TEST(phones_to_be_told_are_queued_in_order)
{
	char out[4096];

	ck_assert_int_eq(ctl(NULL, "events"), 0);
	ck_assert_str_eq(out, "");
	ck_assert_int_eq(
	    put("4410:secret99", "/my/speeddial", "{\"buttons\":[],\"updatePhones\":true}"), 200);
	ck_assert_int_eq(put("4420:secret20", "/my/speeddial", "{\"buttons\":[]}"), 200);
	ck_assert_int_eq(
	    put("501:secret501", "/my/speeddial", "{\"groupSpeedDial\":true,\"updatePhones\":true}"),
	    200);
	/* Refused as a whole. */
	ck_assert_int_eq(
	    put("501:secret501", "/my/speeddial",
	        "{\"buttons\":[{\"number\":\"nosuch\",\"blf\":true}],\"updatePhones\":true}"),
	    400);
	ck_assert_int_eq(ctl(NULL, "events"), 0);
	ck_assert_ptr_nonnull(strstr(out, "\"item\":1"));
	ck_assert_ptr_nonnull(strstr(out, "\"user\":\"4410\""));
	ck_assert_ptr_nonnull(strstr(out, "\"item\":2"));
	ck_assert_ptr_nonnull(strstr(out, "\"user\":\"501\""));
	ck_assert_ptr_null(strstr(out, "\"item\":3"));
	ck_assert_int_eq(ctl(NULL, "events 1"), 0);
	ck_assert_ptr_null(strstr(out, "\"user\":\"4410\""));
	ck_assert_ptr_nonnull(strstr(out, "update-phones"));
	ck_assert_int_eq(ctl(NULL, "events 2"), 0);
	ck_assert_str_eq(out, "");
	ck_assert_int_ne(ctl(NULL, "events x"), 0);
	/* They are nobody's to load. */
	ck_assert_int_ne(ctl("{\"type\":\"device_event\",\"item\":9,\"record\":{}}\n", "load -"), 0);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("rooms");
	TCase *tc = tcase_create("all");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, start, stop);
	tcase_add_test(tc, a_removed_user_leaves_no_names);
	tcase_add_test(tc, a_lamp_goes_with_whom_it_was_for);
	tcase_add_test(tc, a_room_takes_no_name_of_a_user_and_no_user_that_of_a_room);
	tcase_add_test(tc, phones_to_be_told_are_queued_in_order);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
