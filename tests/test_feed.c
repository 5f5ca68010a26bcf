/* SPDX-License-Identifier: ISC */
/*
 * Messages of feeds against a real backend and gateway: calls in progress as users see them, each
 * message exactly once, snapshots, and what a feed that is broken or hostile can do: nothing.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/feeder.h"

static struct rig rig;
static struct feeder feed;

#define ANA "\"Ana Pop\" <sip:4410@pbx.example.net>"
#define BEN "<sip:4420@pbx.example.net>"

static void
setup(void)
{
	rig = (struct rig){.port = {0}};
	rig_start_fixture(&rig);
	feeder_open(&feed, feeder_endpoint(&rig), "kam-1", "e1");
	ck_assert_int_eq(feeder_hello(&feed), 0);
}

static void
teardown(void)
{
	if (feed.client != NULL)
		feeder_close(&feed);
	rig_stop(&rig);
}

static void
call(const char *key, const char *caller, const char *callee)
{
	struct live_call c = feeder_call(caller, callee, 1700000000000);

	feeder_send(&feed, feed_kind_CALL, key, &c);
}

static void
shows(const char *user, const char *path, const char *want)
{
	struct answer a = rig_get(&rig, user, path);

	ck_assert_int_eq(a.status, 200);
	ck_assert_str_eq(a.body, want);
	answer_free(&a);
}

/* How many calls a user sees. */
static int
calls_of(const char *user)
{
	struct answer a = rig_get(&rig, user, "/my/activecdrs");
	int n = 0;

	ck_assert_int_eq(a.status, 200);
	for (const char *p = a.body; (p = strstr(p, "\"from\"")) != NULL; p++)
		n++;
	answer_free(&a);
	return n;
}

/* Vectors AC-G1, AC-G4, AC-P1, AC-P2, AC-P3, AC-G5. */
START_TEST(nothing_is_going_on)
{
	struct ask ask = {.user = "4410:secret99", .path = "/my/activecdrs", .accept = "text/xml"};
	struct answer a = rig_ask(&rig, &ask);

	ck_assert_int_eq(a.status, 200);
	ck_assert_ptr_nonnull(strstr(a.body, "<cdrs/>"));
	answer_free(&a);
	shows("4410:secret99", "/my/activecdrs", "{\"cdrs\":[]}");
	call("c1", BEN, "<sip:4430@pbx.example.net>");
	feeder_settle(&feed);
	shows("4410:secret99", "/my/activecdrs", "{\"cdrs\":[]}");
	a = rig_put(&rig, "4410:secret99", "/my/activecdrs", "{}");
	ck_assert_int_eq(a.status, 405);
	answer_free(&a);
	ask.method = "DELETE";
	a = rig_ask(&rig, &ask);
	ck_assert_int_eq(a.status, 405);
	answer_free(&a);
	a = rig_get(&rig, "4410:secret99", "/activecdrs/4420");
	ck_assert_int_eq(a.status, 403);
	answer_free(&a);
}
END_TEST

/* Vectors AC-G2, AC-G3; the duration is cut off, since it grows. */
START_TEST(a_call_as_both_sides_see_it)
{
	struct live_call c = feeder_call(ANA, BEN, 1700000000000);
	static const char want[] =
	    "{\"cdrs\":[{\"from\":\"Ana Pop - 4410\",\"from-aor\":\"\\\"Ana Pop\\\" "
	    "<sip:4410@pbx.example.net>\",\"to\":\"4420\",\"to-aor\":\"<sip:4420@pbx.example.net>\","
	    "\"direction\":\"INCOMING\",\"recipient\":\"4420\",\"internal\":false,\"type\":\"Unknown\","
	    "\"start-time\":1700000000000,\"duration\":";
	const char *users[] = {"4410:secret99", "4420:secret20"};
	struct answer a;

	REC_SET(&c, live_call, recipient, STR_LIT("4420"));
	feeder_send(&feed, feed_kind_CALL, "c1", &c);
	feeder_settle(&feed);
	for (int i = 0; i < 2; i++) {
		a = rig_get(&rig, users[i], "/my/activecdrs");
		ck_assert_int_eq(a.status, 200);
		ck_assert_msg(strncmp(a.body, want, sizeof(want) - 1) == 0, "%s", a.body);
		ck_assert_int_gt(atoll(a.body + sizeof(want) - 1), 1000000);
		answer_free(&a);
	}
	REC_UNSET(&c, live_call, recipient);
	REC_SET(&c, live_call, caller, STR_LIT("\"4410\" <sip:4410@pbx.example.net>"));
	REC_SET(&c, live_call, internal, true);
	feeder_send(&feed, feed_kind_CALL, "c1", &c);
	feeder_settle(&feed);
	a = rig_get(&rig, users[0], "/my/activecdrs");
	ck_assert_ptr_nonnull(strstr(a.body, "{\"from\":\"4410\","));
	ck_assert_ptr_nonnull(strstr(a.body, "\"direction\":\"INTERNAL\",\"internal\":true"));
	answer_free(&a);
	a = rig_get(&rig, "admin:secretadmin", "/activecdrs/4420");
	ck_assert_int_eq(a.status, 200);
	ck_assert_ptr_nonnull(strstr(a.body, "\"to\":\"4420\""));
	answer_free(&a);
	shows("admin:secretadmin", "/activecdrs/nobody", "{\"cdrs\":[]}");
	feeder_send(&feed, feed_kind_CALL_END, "c1", NULL);
	feeder_settle(&feed);
	ck_assert_int_eq(calls_of(users[0]), 0);
	ck_assert_int_eq(calls_of(users[1]), 0);
}
END_TEST

/* Whoever has the name of a user elsewhere, or only says so, is not that user. */
START_TEST(another_system_s_user_of_that_name)
{
	struct live_call c = feeder_call("<sip:4410@elsewhere.example>", "<sip:9@far.example>", 1);

	feeder_send(&feed, feed_kind_CALL, "c1", &c);
	REC_SET(&c, live_call, caller, str_c(ANA));
	REC_SET(&c, live_call, caller_aor, STR_LIT("4420@pbx.example.net"));
	feeder_send(&feed, feed_kind_CALL, "c2", &c);
	REC_SET(&c, live_call, caller_aor, STR_LIT("4410"));
	feeder_send(&feed, feed_kind_CALL, "c3", &c);
	feeder_settle(&feed);
	ck_assert_int_eq(calls_of("4410:secret99"), 0);
	ck_assert_int_eq(calls_of("4420:secret20"), 1);
}
END_TEST

START_TEST(what_rings_is_not_going_on)
{
	struct live_call c = feeder_call(ANA, BEN, 1700000000000);

	REC_SET(&c, live_call, state, call_state_RINGING);
	feeder_send(&feed, feed_kind_CALL, "c1", &c);
	feeder_settle(&feed);
	ck_assert_int_eq(calls_of("4410:secret99"), 0);
}
END_TEST

/* The same numbers again, numbers that are too high, and another epoch. */
START_TEST(each_number_once)
{
	struct live_call c = feeder_call(ANA, BEN, 1700000000000);
	struct feed_want w;
	struct feed_ack a;

	call("c1", ANA, BEN);
	feeder_send(&feed, feed_kind_CALL_END, "c1", NULL);
	feeder_settle(&feed);
	feeder_send_as(&feed, 1, feed_kind_CALL, "c1", &c);
	feeder_expect(&feed, ENV_FEED_ACK, &a);
	ck_assert_int_eq(a.seq, 2);
	ck_assert_int_eq(calls_of("4410:secret99"), 0);
	feeder_send_as(&feed, 5, feed_kind_CALL, "c5", &c);
	feeder_expect(&feed, ENV_FEED_WANT, &w);
	ck_assert_int_eq(w.seq, 3);
	ck_assert_int_eq(calls_of("4410:secret99"), 0);
	call("c3", ANA, BEN);
	feeder_settle(&feed);
	ck_assert_int_eq(calls_of("4410:secret99"), 1);
	snprintf(feed.epoch, sizeof(feed.epoch), "e2");
	ck_assert_int_eq(feeder_hello(&feed), 0);
	ck_assert_int_eq(calls_of("4410:secret99"), 1);
	call("c4", ANA, BEN);
	feeder_settle(&feed);
	ck_assert_int_eq(calls_of("4410:secret99"), 2);
	/* What is still said for the first life is of no use. */
	snprintf(feed.epoch, sizeof(feed.epoch), "e1");
	feeder_send_as(&feed, 2, feed_kind_CALL, "c9", &c);
	ck_assert(feeder_silent(&feed, 200));
	ck_assert_int_eq(calls_of("4410:secret99"), 2);
}
END_TEST

START_TEST(a_snapshot_replaces_the_source_s_calls)
{
	struct feeder other;
	struct live_call c = feeder_call(ANA, BEN, 1700000000000);

	feeder_open(&other, feeder_endpoint(&rig), "kam", "x");
	feeder_hello(&other);
	feeder_send(&other, feed_kind_CALL, "c1", &c);
	feeder_settle(&other);
	for (int i = 0; i < 600; i++) {
		char key[16];

		snprintf(key, sizeof(key), "old%d", i);
		call(key, ANA, BEN);
		if (i % 200 == 199)
			feeder_settle(&feed);
	}
	ck_assert_int_eq(calls_of("4410:secret99"), 601);
	feeder_send(&feed, feed_kind_SNAPSHOT_BEGIN, NULL, NULL);
	call("old7", ANA, BEN);
	call("new", ANA, BEN);
	feeder_settle(&feed);
	/* It may never end. */
	ck_assert_int_eq(calls_of("4410:secret99"), 602);
	feeder_send(&feed, feed_kind_SNAPSHOT_END, NULL, NULL);
	feeder_settle(&feed);
	ck_assert_int_eq(calls_of("4410:secret99"), 3);
	feeder_send(&feed, feed_kind_SNAPSHOT_END, NULL, NULL);
	feeder_settle(&feed);
	ck_assert_int_eq(calls_of("4410:secret99"), 3);
	feeder_close(&other);
}
END_TEST

/* What was acknowledged is there after a kill, and nothing has to be said again. */
START_TEST(a_kill_loses_nothing)
{
	for (int round = 0; round < 3; round++) {
		char key[16];

		snprintf(key, sizeof(key), "r%d", round);
		call(key, ANA, BEN);
		feeder_settle(&feed);
		rig_kill(&rig.backend);
		feeder_close(&feed);
		rig_backend(&rig);
		feeder_open(&feed, feeder_endpoint(&rig), "kam-1", "e1");
		ck_assert_int_eq(feeder_hello(&feed), round + 1);
	}
	rig_await_ready(&rig, 0);
	ck_assert_int_eq(calls_of("4410:secret99"), 3);
}
END_TEST

/* Messages that are wrong are passed over, and the next one counts. */
START_TEST(wrong_messages_hold_nothing_up)
{
	struct live_call c = feeder_call(ANA, BEN, 1700000000000);

	feeder_send(&feed, feed_kind_CALL, "c1", NULL);
	feeder_send(&feed, feed_kind_CALL, NULL, &c);
	feeder_send(&feed, feed_kind_CALL_END, NULL, NULL);
	feeder_send(&feed, (enum feed_kind)77, "c1", NULL);
	REC_SET(&c, live_call, state, 9);
	feeder_send(&feed, feed_kind_CALL, "c1", &c);
	REC_SET(&c, live_call, state, call_state_ANSWERED);
	REC_SET(&c, live_call, started, -1);
	feeder_send(&feed, feed_kind_CALL, "c1", &c);
	feeder_send(&feed, feed_kind_SNAPSHOT_END, NULL, NULL);
	feeder_settle(&feed);
	ck_assert_int_eq(calls_of("4410:secret99"), 0);
	call("good", ANA, BEN);
	feeder_settle(&feed);
	ck_assert_int_eq(calls_of("4410:secret99"), 1);
}
END_TEST

/* The socket of feeds understands feeds, that of gateways gateways. */
START_TEST(each_socket_its_own_language)
{
	struct request q = {0};
	struct ctl_request ctl = {0};
	struct hello h;
	unsigned char tables[8];
	struct feeder gateway;
	struct feed_hello fh;
	char endpoint[160];

	REC_SET(&q, request, id, 1);
	REC_SET(&q, request, deadline, 5000);
	REC_SET(&q, request, res, 3);
	REC_SET(&q, request, method, 1);
	REC_SET(&ctl, ctl_request, id, 1);
	REC_SET(&ctl, ctl_request, command, ctl_command_USER_LIST);
	env_hello(&h, tables, "gateway");
	feeder_frame(&feed, ENV_HELLO, &h);
	feeder_frame(&feed, ENV_REQUEST, &q);
	feeder_frame(&feed, ENV_CTL_REQUEST, &ctl);
	ck_assert(feeder_silent(&feed, 300));

	snprintf(endpoint, sizeof(endpoint), "ipc://%s/gateway/backend.sock", rig.dir);
	feeder_open(&gateway, endpoint, "kam-1", "e9");
	feed_hello_init(&fh, "kam-1", "e9", feed_switch_KAMAILIO);
	feeder_frame(&gateway, ENV_FEED_HELLO, &fh);
	ck_assert(feeder_silent(&gateway, 300));
	feeder_close(&gateway);
	call("c1", ANA, BEN);
	feeder_settle(&feed);
}
END_TEST

START_TEST(who_has_not_said_hello_is_asked_to)
{
	struct feeder stranger;
	struct feed_hello h;
	struct feed_welcome w;

	feeder_open(&stranger, feeder_endpoint(&rig), "kam-2", "e1");
	feeder_send(&stranger, feed_kind_CALL_END, "c1", NULL);
	feeder_expect(&stranger, ENV_UNKNOWN, NULL);
	/* Another version is told which one is spoken here. */
	feed_hello_init(&h, "kam-2", "e1", feed_switch_KAMAILIO);
	h.major = 99;
	feeder_frame(&stranger, ENV_FEED_HELLO, &h);
	feeder_expect(&stranger, ENV_FEED_WELCOME, &w);
	ck_assert(REC_HAS(&w, feed_welcome, refused));
	ck_assert_int_eq(w.major, FEED_MAJOR);
	/* A source speaks for itself. */
	feeder_hello(&stranger);
	snprintf(stranger.source, sizeof(stranger.source), "kam-1");
	feeder_send(&stranger, feed_kind_CALL_END, "c1", NULL);
	ck_assert(feeder_silent(&stranger, 300));
	feeder_close(&stranger);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("feed");
	TCase *t = tcase_create("feed");
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, nothing_is_going_on);
	tcase_add_test(t, a_call_as_both_sides_see_it);
	tcase_add_test(t, another_system_s_user_of_that_name);
	tcase_add_test(t, what_rings_is_not_going_on);
	tcase_add_test(t, each_number_once);
	tcase_add_test(t, a_snapshot_replaces_the_source_s_calls);
	tcase_add_test(t, a_kill_loses_nothing);
	tcase_add_test(t, wrong_messages_hold_nothing_up);
	tcase_add_test(t, each_socket_its_own_language);
	tcase_add_test(t, who_has_not_said_hello_is_asked_to);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
