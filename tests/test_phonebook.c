/* SPDX-License-Identifier: ISC */
/* Who is in a phonebook, as accounts, groups and books change; and what a gateway that is not ours
 * can do there. */
#include <check.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/records.h"
#include "common/res.h"
#include "common/sink.h"
#include "tests/hostile.h"

static struct rig rig;

static void
setup(void)
{
	memset(&rig, 0, sizeof(rig));
	rig_start_fixture(&rig);
}

static void
teardown(void)
{
	rig_stop(&rig);
}

/* The numbers in a phonebook, "502 503 555100", each with its id where it has one: "555100#41". */
static const char *
numbers(const char *user, const char *path)
{
	static char ret[2048];
	struct answer a = rig_ask(&rig,
	    &(struct ask){.method = "GET", .path = path, .user = user, .accept = "application/json"});
	json_t *doc = json_loadb(a.body, a.body_n, 0, NULL), *list, *item;
	size_t i, n = 0;

	ck_assert_msg(a.status == 200 && doc != NULL, "%s %s: %d %s", user, path, a.status, a.body);
	list = json_object_get(doc, "phonebook");
	if (!json_is_array(list))
		list = json_object_get(list, "entries");
	ret[0] = '\0';
	json_array_foreach (list, i, item) {
		const char *id = json_string_value(json_object_get(item, "id"));
		bool is_own = strcmp(id, "-1") != 0;

		n += (size_t)snprintf(ret + n, sizeof(ret) - n, "%s%s%s%s", i == 0 ? "" : " ",
		    json_string_value(json_object_get(item, "number")), is_own ? "#" : "",
		    is_own ? id : "");
		ck_assert_uint_lt(n, sizeof(ret));
	}
	json_decref(doc);
	answer_free(&a);
	return ret;
}

static int
status_of(const char *method, const char *user, const char *path, const char *body)
{
	struct answer a = rig_ask(&rig,
	    &(struct ask){.method = method,
	        .path = path,
	        .user = user,
	        .type = body != NULL ? "application/json" : NULL,
	        .body = body});
	int status = a.status;

	answer_free(&a);
	return status;
}

/* Each of the words is in the list, in that order. The fixture has more users with every resource.
 */
static void
has_all(const char *list, const char *words)
{
	char have[2048], want[2048], *rest = want, *word, *at = have;

	snprintf(have, sizeof(have), " %s ", list);
	snprintf(want, sizeof(want), "%s", words);
	while ((word = strsep(&rest, " ")) != NULL) {
		char sought[128];

		snprintf(sought, sizeof(sought), " %s ", word);
		at = strstr(at, sought);
		ck_assert_msg(at != NULL, "%s is not in its place in \"%s\"", word, have);
		at++;
	}
}

#define ADA "501:secret501"
#define BO "502:secret502"
#define CY "503:secret503"
#define BOOK "/my/phonebook"

START_TEST(users_come_and_go_with_their_groups)
{
	ck_assert_str_eq(numbers(ADA, BOOK), "502 503 555100#41 555200#42");
	/* A member who leaves, one who comes. */
	rig_load(&rig,
	    "{\"type\":\"user\",\"record\":{\"userName\":\"502\",\"firstName\":\"Bo\","
	    "\"groups\":[\"sales\"]}}\n"
	    "{\"type\":\"user\",\"record\":{\"userName\":\"600\",\"firstName\":\"New\","
	    "\"groups\":[\"staff\"]}}\n");
	ck_assert_str_eq(numbers(ADA, BOOK), "503 555100#41 555200#42 600");
	/* One who is both sees the book, and is in it. */
	rig_load(&rig,
	    "{\"type\":\"user\",\"record\":{\"userName\":\"501\",\"firstName\":\"Ada\","
	    "\"groups\":[\"sales\",\"staff\"]}}\n");
	ck_assert_int_eq(
	    rig_ctl(&rig, "secret501\n", NULL, 0, "user password 501 --password-stdin"), 0);
	ck_assert_str_eq(numbers(ADA, BOOK), "501 503 555100#41 555200#42 600");
	/* An account that may not log in is still somebody. */
	ck_assert_int_eq(rig_ctl(&rig, NULL, NULL, 0, "user disable 600"), 0);
	ck_assert_str_eq(numbers(ADA, BOOK), "501 503 555100#41 555200#42 600");
	ck_assert_int_eq(rig_ctl(&rig, NULL, NULL, 0, "user remove 600 --yes"), 0);
	ck_assert_str_eq(numbers(ADA, BOOK), "501 503 555100#41 555200#42");
	ck_assert_str_eq(numbers(ADA, "/my/search/phonebook?query=new"), "");
}
END_TEST

START_TEST(books_follow_their_groups)
{
	rig_load(&rig,
	    "{\"type\":\"phonebook\",\"record\":{\"name\":\"Company\",\"members\":[\"sales\"],"
	    "\"consumers\":[\"staff\"]}}\n");
	ck_assert_str_eq(numbers(ADA, BOOK), "555100#41 555200#42");
	ck_assert_str_eq(numbers(BO, BOOK), "501");
	/* A group that comes after the book. */
	rig_load(&rig,
	    "{\"type\":\"phonebook\",\"record\":{\"name\":\"Company\",\"members\":[\"later\","
	    "\"sales\",\"staff\"],\"consumers\":[\"staff\",\"later\"]}}\n"
	    "{\"type\":\"entry\",\"book\":\"Company\",\"record\":{\"number\":\"0\"}}\n"
	    "{\"type\":\"group\",\"record\":{\"name\":\"later\"}}\n"
	    "{\"type\":\"user\",\"record\":{\"userName\":\"700\",\"groups\":[\"later\"]}}\n");
	ck_assert_str_eq(numbers(BO, BOOK), "0 501 502 503 700");
	ck_assert_int_eq(
	    rig_ctl(&rig, "secret700\n", NULL, 0, "user password 700 --password-stdin"), 0);
	ck_assert_str_eq(numbers("700:secret700", BOOK), "0 501 502 503 700");
	/* Two books with the same people: each once. */
	rig_load(&rig,
	    "{\"type\":\"phonebook\",\"record\":{\"name\":\"Again\",\"members\":[\"sales\","
	    "\"staff\"],\"consumers\":[\"staff\"]}}\n");
	ck_assert_str_eq(numbers(BO, BOOK), "0 501 502 503 700");
	rig_load(&rig, "{\"type\":\"phonebook\",\"record\":{\"name\":\"Company\"}}\n");
	ck_assert_str_eq(numbers(BO, BOOK), "501 502 503");
	ck_assert_str_eq(numbers("admin:secretadmin", "/phonebook/Again"), "501 502 503");
	ck_assert_str_eq(numbers("admin:secretadmin", "/phonebook/Company"), "0");
}
END_TEST

START_TEST(cards_are_found_as_they_are_now)
{
	struct answer a;

	a = rig_put(&rig, BO, "/my/contact-information",
	    "{\"contact-information\":{\"firstName\":\"Zoe\",\"lastName\":\"Tern\","
	    "\"companyName\":\"Gull & Co\"}}");
	ck_assert_int_eq(a.status, 200);
	answer_free(&a);
	ck_assert_str_eq(numbers(ADA, "/my/search/phonebook?query=gull"), "502");
	ck_assert_str_eq(numbers(ADA, "/my/search/phonebook?query=zoe%20t"), "502");
	/* "bo" is still the messaging id; the job title has gone with the PUT. */
	ck_assert_str_eq(numbers(ADA, "/my/search/phonebook?query=bo"), "502");
	ck_assert_str_eq(numbers(ADA, "/my/search/phonebook?query=buyer"), "");
	rig_load(&rig,
	    "{\"type\":\"user\",\"record\":{\"userName\":\"503\",\"firstName\":\"Cy\","
	    "\"aliases\":[\"skipper\"],\"imId\":\"captain\",\"groups\":[\"staff\"]}}\n");
	ck_assert_str_eq(numbers(ADA, "/my/search/phonebook?query=skip"), "503");
	ck_assert_str_eq(numbers(ADA, "/my/search/phonebook?query=CAPT"), "503");
	ck_assert_str_eq(numbers(ADA, "/my/search/phonebook?query=sons"), "");
}
END_TEST

START_TEST(one_row_for_one_name_and_number)
{
	/* The user's own entry stands for the one of the public book, with its id. */
	ck_assert_int_eq(status_of("POST", ADA, BOOK,
	                     "{\"phonebook\":[{\"first-name\":\"Bo\",\"last-name\":\"Tern\",\"number\":"
	                     "\"502\"}]}"),
	    200);
	ck_assert_str_eq(numbers(ADA, BOOK), "502#43 503 555100#41 555200#42");
	ck_assert_int_eq(status_of("DELETE", ADA, "/my/phonebook/entry/43", NULL), 200);
	ck_assert_str_eq(numbers(ADA, BOOK), "502 503 555100#41 555200#42");
	/* Everybody but the caller, before whatever is called the same. */
	rig_load(&rig,
	    "{\"type\":\"settings\",\"record\":{\"realm\":\"ex.example\",\"fqdn\":"
	    "\"pbx.ex.example\",\"everyone\":true,\"googleDomain\":\"mail.example\"}}\n");
	has_all(numbers(ADA, BOOK), "201 4410 4420 4499 502 503 555100#41 555200#42 admin");
	ck_assert_ptr_null(strstr(numbers(ADA, BOOK), " 501"));
	has_all(numbers(CY, BOOK), "201 4410 4420 4499 501 502 admin");
	ck_assert_ptr_null(strstr(numbers(CY, BOOK), " 503"));
	ck_assert_int_eq(status_of("POST", CY, "/my/phonebook/entry/0",
	                     "{\"entry\":{\"first-name\":\"Ada\",\"last-name\":\"Quill\",\"number\":"
	                     "\"501\"}}"),
	    747);
	ck_assert_ptr_nonnull(strchr(numbers(ADA, "/my/pagedphonebook?start=1&end=3"), ' '));
}
END_TEST

START_TEST(a_removed_user_leaves_nothing)
{
	static char dump[65536];

	/* Whole values: three letters also come up in a digest, once in a hundred dumps. */
	ck_assert_int_eq(rig_ctl(&rig, NULL, dump, sizeof(dump), "dump"), 0);
	ck_assert_ptr_nonnull(strstr(dump, "\"number\":\"555100\""));
	ck_assert_int_eq(rig_ctl(&rig, NULL, NULL, 0, "user remove 501 --yes"), 0);
	ck_assert_int_eq(rig_ctl(&rig, NULL, dump, sizeof(dump), "dump"), 0);
	ck_assert_ptr_null(strstr(dump, "\"number\":\"555100\""));
	ck_assert_ptr_null(strstr(dump, "private_book"));
	ck_assert_int_eq(rig_ctl(&rig, "secret501\n", NULL, 0, "user add 501 --password-stdin"), 0);
	ck_assert_str_eq(numbers(ADA, BOOK), "");
}
END_TEST

START_TEST(a_dump_loads_into_the_same)
{
	static char dump[65536], again[65536];
	char before[256];

	rig_load(&rig,
	    "{\"type\":\"entry\",\"book\":\"Company\",\"record\":{\"first-name\":\"Taxi\","
	    "\"number\":\"9\",\"internalId\":\"t\"}}\n");
	snprintf(before, sizeof(before), "%s", numbers(ADA, BOOK));
	ck_assert_int_eq(rig_ctl(&rig, NULL, dump, sizeof(dump), "dump"), 0);
	ck_assert_ptr_nonnull(strstr(dump, "\"book\":\"Company\""));
	/* Over itself: nothing is there twice. */
	rig_load(&rig, dump);
	ck_assert_str_eq(numbers(ADA, BOOK), before);
	rig_stop(&rig);
	memset(&rig, 0, sizeof(rig));
	rig_start(&rig);
	rig_load(&rig, dump);
	ck_assert_int_eq(
	    rig_ctl(&rig, "secret501\n", NULL, 0, "user password 501 --password-stdin"), 0);
	ck_assert_str_eq(numbers(ADA, BOOK), before);
	ck_assert_int_eq(rig_ctl(&rig, NULL, again, sizeof(again), "dump"), 0);
	ck_assert_ptr_nonnull(strstr(again, "\"item\":41"));
}
END_TEST

START_TEST(rows_that_belong_nowhere_are_refused)
{
	static const char *const rows[] = {
	    "{\"type\":\"entry\",\"group\":\"sales\",\"record\":{\"number\":\"1\"}}",
	    "{\"type\":\"entry\",\"book\":\"Nobody\",\"record\":{\"number\":\"1\"}}",
	    "{\"type\":\"entry\",\"record\":{\"number\":\"1\"}}",
	    "{\"type\":\"entry\",\"user\":\"501\",\"book\":\"Company\",\"record\":{\"number\":\"1\"}}",
	    "{\"type\":\"entry\",\"user\":\"501\",\"item\":4294967296,\"record\":{\"number\":\"1\"}}",
	    "{\"type\":\"phonebook\",\"record\":{\"name\":\"\"}}",
	    "{\"type\":\"phonebook\",\"user\":\"501\",\"record\":{\"name\":\"X\"}}",
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		ck_assert_msg(rig_ctl(&rig, rows[i], NULL, 0, "load -") == 1, "%s", rows[i]);
	ck_assert_str_eq(numbers(ADA, BOOK), "502 503 555100#41 555200#42");
}
END_TEST

static void
with_password(struct request *q, int res, enum method m)
{
	memset(q, 0, sizeof(*q));
	REC_SET(q, request, res, res);
	REC_SET(q, request, method, (int64_t)m);
	q->has |= REC_BIT(request, cred);
	REC_SET(&q->cred, credentials, user, STR_LIT("502"));
	REC_SET(&q->cred, credentials, password, STR_LIT("secret502"));
}

/* An entry as a gateway would send it, and as one that checks nothing would. */
static void
entry_body(struct buf *out, struct str first, struct str number)
{
	struct entry e = {0};

	buf_reset(out);
	REC_SET(&e, entry, first_name, first);
	REC_SET(&e, entry, last_name, STR_LIT("X"));
	REC_SET(&e, entry, number, number);
	REC_SET(&e, entry, id, STR_LIT("41"));
	REC_SET(&e, entry, internal_id, STR_LIT("smuggled"));
	mp_encode(&rec_entry, &e, out, 0);
}

START_TEST(a_hostile_gateway_changes_nobody_elses_entries)
{
	static const char *const keys[] = {
	    "41", "0", "-1", "x", "", "4294967337", "99999999999999999999"};
	char longer[256];
	struct hostile h;
	struct request q;
	struct reply r;
	struct buf b;

	memset(longer, 'x', sizeof(longer));
	buf_init(&b, 1 << 20);
	hostile_open(&h, &rig, false);
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		with_password(&q, RES_PHONEBOOK_ENTRY, M_GET);
		REC_SET(&q, request, key, str_c(keys[i]));
		ck_assert_int_eq(hostile_ask(&h, &q, &r), ERR_NOT_FOUND);
		entry_body(&b, STR_LIT("A"), STR_LIT("1"));
		REC_SET(&q, request, method, M_PUT);
		REC_SET(&q, request, body, buf_str(&b));
		ck_assert_int_eq(hostile_ask(&h, &q, &r), ERR_NOT_FOUND);
		REC_SET(&q, request, method, M_DELETE);
		ck_assert_int_eq(hostile_ask(&h, &q, &r), ERR_OK);
	}
	with_password(&q, RES_PHONEBOOK_ENTRY, M_POST);
	ck_assert_int_eq(hostile_ask(&h, &q, &r), ERR_NO_ENTITY);
	REC_SET(&q, request, body, STR_LIT("\xc1"));
	ck_assert_int_ne(hostile_ask(&h, &q, &r), ERR_OK);
	entry_body(&b, (struct str){longer, sizeof(longer)}, STR_LIT("1"));
	REC_SET(&q, request, body, buf_str(&b));
	ck_assert_int_eq(hostile_ask(&h, &q, &r), ERR_INVALID);
	entry_body(&b, STR_LIT("\xed\xa0\x80"), STR_LIT("1"));
	REC_SET(&q, request, body, buf_str(&b));
	ck_assert_int_ne(hostile_ask(&h, &q, &r), ERR_OK);
	entry_body(&b, STR_LIT("A"), STR_LIT(""));
	REC_SET(&q, request, body, buf_str(&b));
	ck_assert_int_eq(hostile_ask(&h, &q, &r), ERR_INVALID);
	/* What is read-only is not taken: neither the id nor the name of another system. */
	entry_body(&b, STR_LIT("A"), STR_LIT("1"));
	REC_SET(&q, request, body, buf_str(&b));
	ck_assert_int_eq(hostile_ask(&h, &q, &r), ERR_OK);
	with_password(&q, RES_PHONEBOOKENTRY, M_DELETE);
	REC_SET(&q, request, key, STR_LIT("smuggled"));
	ck_assert_int_eq(hostile_ask(&h, &q, &r), ERR_NOT_FOUND);
	ck_assert_str_eq(numbers(ADA, BOOK), "502 503 555100#41 555200#42");
	ck_assert_str_eq(numbers(BO, BOOK), "1#43");
	hostile_close(&h);
	buf_free(&b);
}
END_TEST

START_TEST(a_hostile_gateway_is_no_administrator)
{
	static const int all[] = {RES_PHONEBOOKS, RES_PHONEBOOK_NAMED};
	struct hostile h;
	struct request q;
	struct card_sync doc = {0};
	struct buf b;

	buf_init(&b, 1 << 16);
	hostile_open(&h, &rig, false);
	for (size_t i = 0; i < 2; i++) {
		with_password(&q, all[i], M_GET);
		REC_SET(&q, request, key, STR_LIT("Company"));
		ck_assert_int_eq(hostile_ask(&h, &q, NULL), ERR_FORBIDDEN);
	}
	/* A card without an entry, one for another user, one with a name that is too long for a key. */
	with_password(&q, RES_PHONEBOOKENTRY, M_PUT);
	REC_SET(&q, request, key, STR_LIT("k"));
	mp_encode(&rec_card_sync, &doc, &b, 0);
	REC_SET(&q, request, body, buf_str(&b));
	ck_assert_int_eq(hostile_ask(&h, &q, NULL), ERR_MALFORMED);
	doc.has |= REC_BIT(card_sync, entry);
	REC_SET(&doc, card_sync, user_name, STR_LIT("501"));
	buf_reset(&b);
	mp_encode(&rec_card_sync, &doc, &b, 0);
	REC_SET(&q, request, body, buf_str(&b));
	ck_assert_int_eq(hostile_ask(&h, &q, NULL), ERR_FORBIDDEN);
	ck_assert_str_eq(numbers(ADA, BOOK), "502 503 555100#41 555200#42");
	hostile_close(&h);
	buf_free(&b);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("phonebook");
	TCase *tc = tcase_create("books");
	SRunner *sr;
	int failed;

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, users_come_and_go_with_their_groups);
	tcase_add_test(tc, books_follow_their_groups);
	tcase_add_test(tc, cards_are_found_as_they_are_now);
	tcase_add_test(tc, one_row_for_one_name_and_number);
	tcase_add_test(tc, a_removed_user_leaves_nothing);
	tcase_add_test(tc, a_dump_loads_into_the_same);
	tcase_add_test(tc, rows_that_belong_nowhere_are_refused);
	tcase_add_test(tc, a_hostile_gateway_changes_nobody_elses_entries);
	tcase_add_test(tc, a_hostile_gateway_is_no_administrator);
	suite_add_tcase(s, tc);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? 0 : 1;
}
