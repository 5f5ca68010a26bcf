/* SPDX-License-Identifier: ISC */
#include "tests/book_large.h"

#include <check.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/book_rig.h"
#include "tests/raw_tls.h"

/* A reader that stalls has four parts on their way, as msgpack and as text. The sanitizers keep
 * what was freed, so the release build is measured alone. */
#ifdef __SANITIZE_ADDRESS__
enum { IS_MEASURED = 0 };
#else
enum { IS_MEASURED = 1 };
#endif
enum { READERS = 24, GROWTH_MAX_KIB = READERS * 4096 };

#define USER "4410:secret99"

static struct rig rig;
static int entries;

static void
setup(void)
{
	memset(&rig, 0, sizeof(rig));
	rig_start(&rig);
	ck_assert_int_eq(rig_ctl(&rig, "secret99\n", NULL, 0, "user add 4410 --password-stdin"), 0);
	book_load(&rig, "4410", 1, entries);
}

static void
teardown(void)
{
	rig_stop(&rig);
}

static struct answer
get(const char *path, const char *accept)
{
	return rig_ask(&rig,
	    &(struct ask){
	        .method = "GET", .path = path, .user = USER, .accept = accept, .timeout_ms = 120000});
}

/* Entries of a JSON answer, from the first expected one, without a gap. */
static void
check_entries(const struct answer *a, bool is_page, int first, int count)
{
	json_t *doc = json_loadb(a->body, a->body_n, 0, NULL), *list, *item;
	char want[32];
	size_t i;

	ck_assert_int_eq(a->status, 200);
	ck_assert_msg(doc != NULL, "not JSON after %zu bytes", a->body_n);
	list = json_object_get(doc, "phonebook");
	if (is_page)
		list = json_object_get(list, "entries");
	ck_assert_uint_eq(json_array_size(list), (size_t)count);
	json_array_foreach (list, i, item) {
		snprintf(want, sizeof(want), "%07d", first + (int)i);
		ck_assert_str_eq(json_string_value(json_object_get(item, "number")), want);
		snprintf(want, sizeof(want), "%d", first + (int)i);
		ck_assert_str_eq(json_string_value(json_object_get(item, "id")), want);
	}
	json_decref(doc);
}

START_TEST(it_arrives_whole_in_every_format)
{
	struct answer a = get("/my/phonebook", "application/json");
	const char *te = answer_header(&a, "transfer-encoding");

	ck_assert_msg(te != NULL && strcmp(te, "chunked") == 0, "not in chunks");
	check_entries(&a, false, 1, entries);
	printf("%d entries as JSON: %zu bytes in %.2f s\n", entries, a.body_n, a.seconds);
	answer_free(&a);
	a = get("/my/phonebook", "text/xml");
	ck_assert_uint_eq(occurrences_of("<entry>", a.body), (size_t)entries);
	answer_free(&a);
	a = get("/my/phonebook", "text/plain");
	ck_assert_uint_eq(occurrences_of("\n", a.body), (size_t)entries + 1);
	answer_free(&a);
	a = get("/my/phonebook", "text/x-vcard");
	ck_assert_uint_eq(occurrences_of("END:VCARD", a.body), (size_t)entries);
	answer_free(&a);
	a = get("/my/phonebook/entry", "application/json");
	check_entries(&a, false, 1, entries);
	answer_free(&a);
}
END_TEST

START_TEST(pages_of_any_size)
{
	char path[128];
	struct answer a;

	snprintf(path, sizeof(path), "/my/pagedphonebook?start=0&end=%d", entries + 5);
	a = get(path, "application/json");
	check_entries(&a, true, 1, entries);
	answer_free(&a);
	snprintf(path, sizeof(path), "/my/pagedphonebook?start=%d&end=%d", entries - 3, entries + 5);
	a = get(path, "application/json");
	check_entries(&a, true, entries - 2, 3);
	answer_free(&a);
	/* More rows than one part holds, through a filter. */
	snprintf(path, sizeof(path), "/my/pagedphonebook?start=10&end=2010&filter=%%40EX.org");
	a = get(path, "application/json");
	check_entries(&a, true, 11, 2000);
	answer_free(&a);
	a = get("/my/pagedphonebook?start=0&end=500&filter=last000123", "application/json");
	check_entries(&a, true, 123, 1);
	answer_free(&a);
}
END_TEST

START_TEST(searches_with_few_hits_and_with_many)
{
	struct answer a = get("/my/search/phonebook?query=last000777", "application/json");
	int all = entries < 20000 ? entries : 20000;

	check_entries(&a, false, 777, 1);
	answer_free(&a);
	a = get("/my/search/phonebook?query=title", "application/json");
	ck_assert_int_eq(a.status, 200);
	ck_assert_uint_eq(occurrences_of("\"number\"", a.body), (size_t)all);
	answer_free(&a);
}
END_TEST

static void
begin_and_stop_reading(struct raw_tls *t)
{
	ck_assert(raw_open(t, (uint16_t)rig.port[0], NULL, NULL, 0, 5000));
	ck_assert(raw_text(t,
	    "GET /my/phonebook HTTP/1.1\r\nHost: localhost\r\n"
	    "Authorization: Basic NDQxMDpzZWNyZXQ5OQ==\r\n\r\n"));
	ck_assert_int_gt(raw_drain(t, 5000), 0);
}

START_TEST(readers_that_stall_or_leave_cost_little)
{
	struct raw_tls t[READERS];
	struct answer a = get("/my/phonebook", "application/json");
	long gateway, backend;

	/* What is needed once has been taken now. */
	answer_free(&a);
	gateway = book_pss(rig.gateway[0]);
	backend = book_pss(rig.backend);
	for (int i = 0; i < READERS; i++)
		begin_and_stop_reading(&t[i]);
	for (int round = 0; round < 3; round++) {
		a = get("/my/search/phonebook?query=last000777", "application/json");
		check_entries(&a, false, 777, 1);
		ck_assert_msg(a.seconds < 4.5, "%.1f s beside stalled readers", a.seconds);
		answer_free(&a);
		if (round == 1) {
			long g = book_pss(rig.gateway[0]) - gateway, b = book_pss(rig.backend) - backend;

			printf("%d stalled readers: gateway %ld KiB more than %ld, backend %ld more than %ld\n",
			    READERS, g, gateway, b, backend);
			fflush(stdout);
			ck_assert(!IS_MEASURED || (g < GROWTH_MAX_KIB && b < GROWTH_MAX_KIB));
		}
		for (int i = round; i < READERS; i += 3)
			raw_close(&t[i]);
	}
	a = get("/my/phonebook", "application/json");
	check_entries(&a, false, 1, entries);
	answer_free(&a);
}
END_TEST

static struct answer
add_one(void)
{
	return rig_ask(&rig,
	    &(struct ask){.method = "POST",
	        .path = "/my/phonebook/entry/0",
	        .user = USER,
	        .type = "application/json",
	        .body = "{\"entry\":{\"first-name\":\"A\",\"last-name\":\"B\",\"number\":\"1\"}}"});
}

START_TEST(the_whole_book_is_removed_at_once)
{
	static char dump[65536];
	struct answer a = rig_ask(&rig,
	    &(struct ask){
	        .method = "DELETE", .path = "/my/phonebook", .user = USER, .timeout_ms = 60000});

	printf("DELETE of %d entries: status %d in %.2f s\n", entries, a.status, a.seconds);
	fflush(stdout);
	ck_assert_int_eq(a.status, 200);
	/* One by one they would take far longer than whatever else this machine may do. */
	ck_assert_msg(a.seconds < 4.5, "%.1f s", a.seconds);
	answer_free(&a);
	/* Nobody sees them from now on, though they go one by one. */
	ck_assert_int_eq(rig_ctl(&rig, NULL, dump, sizeof(dump), "dump"), 0);
	ck_assert_ptr_null(strstr(dump, "Last000"));
	a = get("/my/phonebook/entry/7", "text/xml");
	ck_assert_int_eq(a.status, 404);
	answer_free(&a);
	a = get("/my/phonebook", "text/xml");
	ck_assert_str_eq(a.body, "<phonebook/>");
	answer_free(&a);
	a = add_one();
	ck_assert_msg(a.status == 200 || a.status == 503, "status %d", a.status);
	for (long long until = ms_now() + 240000; a.status == 503; a = add_one()) {
		answer_free(&a);
		ck_assert_msg(ms_now() < until, "the old entries never go");
		usleep(200000);
	}
	ck_assert_int_eq(a.status, 200);
	answer_free(&a);
	a = get("/my/phonebook", "text/xml");
	ck_assert_uint_eq(occurrences_of("<entry>", a.body), 1);
	answer_free(&a);
}
END_TEST

START_TEST(the_user_is_removed_with_it)
{
	struct answer a;

	/* More than is removed at once. */
	book_load(&rig, "4410", 1, 3000);
	ck_assert_int_eq(rig_ctl(&rig, NULL, NULL, 0, "user remove 4410 --yes"), 0);
	a = get("/my/phonebook", "text/xml");
	ck_assert_int_eq(a.status, 401);
	answer_free(&a);
}
END_TEST

int
book_large(int n, int timeout_s)
{
	Suite *s = suite_create("large phonebook");
	TCase *tc = tcase_create("one of many entries");
	SRunner *sr;
	int failed;

	entries = n;
	tcase_set_timeout(tc, timeout_s);
	tcase_add_unchecked_fixture(tc, setup, teardown);
	tcase_add_test(tc, it_arrives_whole_in_every_format);
	tcase_add_test(tc, pages_of_any_size);
	tcase_add_test(tc, searches_with_few_hits_and_with_many);
	tcase_add_test(tc, readers_that_stall_or_leave_cost_little);
	tcase_add_test(tc, the_whole_book_is_removed_at_once);
	tcase_add_test(tc, the_user_is_removed_with_it);
	suite_add_tcase(s, tc);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? 0 : 1;
}
