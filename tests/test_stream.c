/* SPDX-License-Identifier: ISC */
/* A list that is larger than one part: sent on credit, whole, in order, in bounded memory; readers
 * that stall or leave harm nobody. */
#include <check.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "common/res.h"
#include "tests/hostile.h"
#include "tests/raw_tls.h"

enum { SCHEDULES = 256, PERIODS = 100 };

static struct rig rig;

/* 256 schedules with 100 periods each: about 2 MiB of JSON. */
static void
load_schedules(void)
{
	size_t size = (size_t)SCHEDULES * PERIODS * 160, n = 0;
	char *text = malloc(size);

	ck_assert_ptr_nonnull(text);
	for (int s = 0; s < SCHEDULES; s++) {
		n += (size_t)snprintf(text + n, size - n,
		    "{\"type\":\"schedule\",\"user\":\"4410\",\"item\":%d,\"record\":{\"name\":\"s%03d\","
		    "\"periods\":[",
		    s + 1, (s * 37) % SCHEDULES);
		for (int p = 0; p < PERIODS; p++)
			n += (size_t)snprintf(text + n, size - n,
			    "%s{\"scheduledDay\":%d,\"start\":{\"hrs\":%d,\"min\":0},\"end\":{\"hrs\":%d,"
			    "\"min\":30}}",
			    p == 0 ? "" : ",", p % 7 + 1, p / 7, p / 7);
		n += (size_t)snprintf(text + n, size - n, "]}}\n");
	}
	rig_load(&rig, text);
	free(text);
}

static void
setup(void)
{
	memset(&rig, 0, sizeof(rig));
	rig_make(&rig);
	rig_backend(&rig);
	ck_assert_int_eq(rig_ctl(&rig, "secret99\n", NULL, 0, "user add 4410 --password-stdin"), 0);
	load_schedules();
	rig_gateway(&rig, 0);
	rig_await_ready(&rig, 0);
}

static void
teardown(void)
{
	rig_stop(&rig);
}

static void
check_list(const struct answer *a)
{
	json_error_t why;
	json_t *list, *item;
	char last[8] = "";
	size_t i;

	ck_assert_int_eq(a->status, 200);
	ck_assert_uint_gt(a->body_n, 1024 * 1024);
	list = json_loadb(a->body, a->body_n, 0, &why);
	ck_assert_msg(list != NULL, "%s", why.text);
	ck_assert_uint_eq(json_array_size(list), SCHEDULES);
	json_array_foreach (list, i, item) {
		const char *name = json_string_value(json_object_get(item, "name"));

		ck_assert_msg(strcmp(last, name) < 0, "%s behind %s", name, last);
		snprintf(last, sizeof(last), "%s", name);
		ck_assert_uint_eq(json_array_size(json_object_get(item, "periods")), PERIODS);
	}
	json_decref(list);
}

START_TEST(a_large_list_arrives_whole_and_in_order)
{
	struct answer a = rig_get(&rig, "4410:secret99", "/my/callfwdsched");
	const char *te = answer_header(&a, "transfer-encoding");

	ck_assert_msg(te != NULL && strcmp(te, "chunked") == 0, "not in chunks");
	check_list(&a);
	answer_free(&a);
	/* A full collection takes no more. */
	a = rig_ask(&rig,
	    &(struct ask){.method = "POST",
	        .path = "/my/callfwdsched",
	        .user = "4410:secret99",
	        .type = "application/json",
	        .body = "{\"name\":\"one "
	                "more\",\"periods\":[{\"scheduledDay\":1,\"start\":{\"hrs\":1,\"min\":0},"
	                "\"end\":{\"hrs\":2,\"min\":0}}]}"});
	ck_assert_int_eq(a.status, 422);
	answer_free(&a);
}
END_TEST

/* Opens a connection, asks for the list, reads its first bytes only. */
static void
begin_and_stop_reading(struct raw_tls *t)
{
	ck_assert(raw_open(t, (uint16_t)rig.port[0], NULL, NULL, 0, 5000));
	/* 4410:secret99 */
	ck_assert(raw_text(t,
	    "GET /my/callfwdsched HTTP/1.1\r\nHost: localhost\r\n"
	    "Authorization: Basic NDQxMDpzZWNyZXQ5OQ==\r\n\r\n"));
	ck_assert_int_gt(raw_drain(t, 5000), 0);
}

START_TEST(readers_that_stall_or_leave_harm_nobody)
{
	enum { READERS = 24 };
	struct raw_tls t[READERS];
	pid_t before[16], after[16];
	size_t n = children_of(rig.gateway[0], before, 16);
	struct answer a;

	for (int i = 0; i < READERS; i++)
		begin_and_stop_reading(&t[i]);
	for (int round = 0; round < 3; round++) {
		a = rig_get(&rig, "4410:secret99", "/my/callfwd");
		ck_assert_int_eq(a.status, 200);
		ck_assert_msg(a.seconds < 4.5, "%.1f s beside stalled readers", a.seconds);
		answer_free(&a);
		for (int i = round; i < READERS; i += 3)
			raw_close(&t[i]);
	}
	a = rig_get(&rig, "4410:secret99", "/my/callfwdsched");
	check_list(&a);
	answer_free(&a);
	ck_assert_uint_eq(children_of(rig.gateway[0], after, 16), n);
	ck_assert_mem_eq(before, after, n * sizeof(*before));
	ck_assert_int_eq(waitpid(rig.backend, NULL, WNOHANG), 0);
}
END_TEST

START_TEST(a_backend_that_dies_midway_cuts_the_answer)
{
	struct raw_tls t;
	struct raw_answer got;

	begin_and_stop_reading(&t);
	rig_kill(&rig.backend);
	/* What came so far, and then no last chunk. */
	ck_assert_int_ne(raw_next(&t, &got, false, 10000), RAW_TIMEOUT);
	ck_assert(!got.complete);
	raw_answer_free(&got);
	raw_close(&t);
}
END_TEST

/* A gateway decides how fast it is served, not the backend. */
START_TEST(no_credit_no_parts)
{
	struct hostile h;
	struct request q = {0};
	struct reply r;
	struct str frame;
	struct credit c = {0};
	struct buf out;
	int parts = 0;

	hostile_open(&h, &rig, false);
	REC_SET(&q, request, res, RES_CALLFWDSCHED);
	q.has |= REC_BIT(request, cred);
	REC_SET(&q.cred, credentials, user, STR_LIT("4410"));
	REC_SET(&q.cred, credentials, password, STR_LIT("secret99"));
	ck_assert_int_eq(hostile_ask(&h, &q, &r), ERR_OK);
	ck_assert(REC_HAS(&r, reply, more) && r.more);
	ck_assert_uint_le(r.body.n, 64 * 1024);
	ck_assert_msg(!hostile_next(&h, &frame, 300), "a part without credit");
	buf_init(&out, 4096);
	REC_SET(&c, credit, id, q.id);
	REC_SET(&c, credit, parts, 2);
	env_write(&out, ENV_CREDIT, &c);
	hostile_send(&h, buf_str(&out));
	while (parts < 2 && hostile_next(&h, &frame, 15000))
		parts++;
	ck_assert_int_eq(parts, 2);
	ck_assert_msg(!hostile_next(&h, &frame, 500), "a part more than the credit");
	/* Credit for somebody else's answer, or for one that is over, is nothing. */
	REC_SET(&c, credit, id, q.id + 1000);
	buf_reset(&out);
	env_write(&out, ENV_CREDIT, &c);
	hostile_send(&h, buf_str(&out));
	ck_assert(!hostile_next(&h, &frame, 300));
	buf_free(&out);
	hostile_close(&h);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("stream");
	TCase *tc = tcase_create("large lists");
	SRunner *sr;
	int failed;

	tcase_set_timeout(tc, 120);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_large_list_arrives_whole_and_in_order);
	tcase_add_test(tc, readers_that_stall_or_leave_harm_nobody);
	tcase_add_test(tc, a_backend_that_dies_midway_cuts_the_answer);
	tcase_add_test(tc, no_credit_no_parts);
	suite_add_tcase(s, tc);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? 0 : 1;
}
