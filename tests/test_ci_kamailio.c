/* SPDX-License-Identifier: ISC */
/*
 * A real Kamailio and telephones of SIPp: calls are seen while they last, records of them arrive,
 * and neither datagrams that get lost nor kills of anybody leave a trace.
 */
#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tests/feed_host.h"
#include "tests/kam_rig.h"
#include "tests/puppet.h"

#define ANA "4410:secret99"
#define BEN "4420:secret20"

static struct kam_rig k;

static void
setup(void)
{
	kam_rig_start(&k);
	kam_proxy(&k);
}

static void
teardown(void)
{
	kam_rig_stop(&k);
}

/* Waits until the proxy has written so many records. */
static void
await_records(int want)
{
	long long until = ms_now() + 15000;

	while (kam_records(&k) < want) {
		ck_assert_msg(ms_now() < until, "%d records, not %d", kam_records(&k), want);
		nanosleep(&(struct timespec){0, 20 * 1000000}, NULL);
	}
	ck_assert_int_eq(kam_records(&k), want);
}

START_TEST(a_call_is_seen_while_it_lasts)
{
	struct child caller;
	struct answer a;

	kam_phone(&k, "phone", 200);
	kam_feed(&k);
	kam_call(&k, &caller, "caller", 1, 1, 2500);
	await_calls(&k.rig, ANA, 1);
	ck_assert_int_eq(calls_seen(&k.rig, BEN), 1);
	ck_assert_int_eq(calls_seen(&k.rig, "501:secret501"), 0);
	a = rig_get(&k.rig, ANA, "/my/activecdrs");
	ck_assert_ptr_nonnull(strstr(a.body,
	    "{\"from\":\"Ana Pop - 4410\",\"from-aor\":\"\\\"Ana Pop\\\" "
	    "<sip:4410@pbx.example.net>\",\"to\":\"4420\",\"to-aor\":"
	    "\"<sip:4420@pbx.example.net>\",\"direction\":\"INTERNAL\","
	    "\"recipient\":\"4420\",\"internal\":true,"));
	answer_free(&a);
	await_calls(&k.rig, ANA, 0);
	ck_assert_int_eq(child_end(&caller, 0, 10000), 0);
	await_records(1);
}
END_TEST

/* Refused, cancelled, timed out. */
START_TEST(calls_that_nobody_answers)
{
	struct child caller;

	kam_proxy_end(&k);
	k.ring_ms = 2500;
	kam_proxy(&k);
	kam_feed(&k);
	kam_phone(&k, "phone-busy", 0);
	kam_call(&k, &caller, "caller-refused", 1, 1, 0);
	ck_assert_int_eq(child_end(&caller, 0, 10000), 0);
	await_records(1);
	kam_phone(&k, "phone-rings", 0);
	kam_call(&k, &caller, "caller-cancels", 1, 1, 500);
	ck_assert_int_eq(child_end(&caller, 0, 10000), 0);
	await_records(2);
	kam_phone(&k, "phone-rings", 0);
	kam_call(&k, &caller, "caller-waits", 1, 1, 0);
	ck_assert_int_eq(child_end(&caller, 0, 10000), 0);
	await_records(3);
	ck_assert_int_eq(calls_seen(&k.rig, ANA), 0);
}
END_TEST

/* 300 calls a second with every 20th datagram lost: each event is stored once, in order. */
START_TEST(lost_datagrams_lose_nothing)
{
	struct child callers, waiting;
	long long numbers;

	kam_phone(&k, "phone", 100);
	kam_relay(&k, 20);
	kam_feed(&k);
	kam_await_log(&k, "event=resync text=\"0 calls");
	kam_call(&k, &waiting, "caller", 20, 20, 200000);
	await_calls(&k.rig, ANA, 20);
	kam_call(&k, &callers, "caller", 3000, 300, 500);
	/* On a busy machine a call may fail, and is a record then. */
	ck_assert_int_ge(child_end(&callers, 0, 100000), 0);
	kam_await_quiet(&k);
	await_calls(&k.rig, ANA, kam_live(&k));
	ck_assert_int_ge(kam_live(&k), 20);
	ck_assert_int_ge(kam_events(&k), 9000);
	/* Each event and each record once, and one list of no calls. (A reply that another one has
	 * overtaken in the proxy is none.) */
	numbers = kam_end_feed(&k);
	ck_assert_int_le(numbers, kam_events(&k) + kam_records(&k) + 2);
	ck_assert_int_ge(numbers, kam_events(&k) + kam_records(&k) + 2 - 10);
	child_kill(&waiting);
}
END_TEST

/* What is shown two seconds after the last one has come back is what is. */
START_TEST(kills_under_load)
{
	struct child callers, waiting;

	kam_phone(&k, "phone", 100);
	kam_feed(&k);
	kam_call(&k, &waiting, "caller", 10, 10, 200000);
	await_calls(&k.rig, ANA, 10);
	kam_call(&k, &callers, "caller", 2400, 300, 500);
	for (int i = 0; i < 6; i++) {
		nanosleep(&(struct timespec){0, 700 * 1000000}, NULL);
		if (i % 3 == 2) {
			rig_kill(&k.rig.backend);
			rig_backend(&k.rig);
		} else {
			child_kill(&k.feed);
			kam_feed(&k);
		}
	}
	ck_assert_int_ge(child_end(&callers, 0, 100000), 0);
	kam_await_quiet(&k);
	rig_await_ready(&k.rig, 0);
	await_calls(&k.rig, ANA, kam_live(&k));
	ck_assert_int_ge(kam_live(&k), 10);
	child_kill(&waiting);
}
END_TEST

/* The calls of a proxy that is started anew are no more, those that begin then are. */
START_TEST(another_life_of_the_proxy)
{
	struct child old, new;
	pid_t pid;

	kam_phone(&k, "phone", 100);
	kam_feed(&k);
	kam_call(&k, &old, "caller", 5, 5, 60000);
	await_calls(&k.rig, ANA, 5);
	pid = k.proxy.pid;
	child_kill(&k.proxy);
	kill(-pid, SIGKILL);
	kam_proxy(&k);
	await_calls(&k.rig, ANA, 0);
	kam_call(&k, &new, "caller", 2, 2, 60000);
	await_calls(&k.rig, ANA, 2);
	child_kill(&old);
	child_kill(&new);
}
END_TEST

static void
originate(int64_t id, const char *from, const char *to, struct feed_result *r)
{
	struct feed_command c = {0};

	REC_SET(&c, feed_command, id, id);
	REC_SET(&c, feed_command, deadline, 5000);
	REC_SET(&c, feed_command, verb, feed_verb_ORIGINATE);
	REC_SET(&c, feed_command, from, str_c(from));
	REC_SET(&c, feed_command, to, str_c(to));
	host_send(ENV_FEED_COMMAND, &c);
	host_expect(ENV_FEED_RESULT, r);
	ck_assert_int_eq(r->id, id);
}

/* The first party rings, answers, and is told to call the second. */
START_TEST(click_to_call)
{
	struct feed_result r;
	char endpoint[128];

	snprintf(endpoint, sizeof(endpoint), "ipc://%s/host.sock", k.rig.dir);
	host_open(endpoint);
	kam_phone(&k, "phone-referred -m 1", 0);
	k.backend = endpoint;
	kam_feed(&k);
	ck_assert_uint_ge(host_welcome(0, 65535), 1);
	originate(1, "4410\r\nVia: x", "4420", &r);
	ck_assert(!r.ok);
	ck_assert_int_eq(r.code, ERR_INVALID);
	originate(2, "4410", "4420@pbx.example.net>;x=<", &r);
	ck_assert(!r.ok);
	originate(3, "4410", "4420", &r);
	ck_assert_msg(r.ok, "%.*s", (int)r.text.n, r.text.p);
	/* The scenario ends well when the telephone was referred to the second. */
	ck_assert_int_eq(child_end(&k.phone, 0, 20000), 0);
	/* That the proxy has called the first party is nobody's call. */
	nanosleep(&(struct timespec){1, 0}, NULL);
	ck_assert_int_eq(kam_records(&k), 0);
	kam_proxy_end(&k);
	originate(4, "4410", "4420", &r);
	ck_assert(!r.ok);
	ck_assert_int_eq(r.code, ERR_UNAVAILABLE);
	child_kill(&k.feed);
	host_close();
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("ci_kamailio");
	const struct {
		const char *name;
		const TTest *test[2];
	} cases[] = {{"calls", {a_call_is_seen_while_it_lasts, calls_that_nobody_answers}},
	    {"datagrams", {lost_datagrams_lose_nothing, NULL}}, {"kills", {kills_under_load, NULL}},
	    {"proxy", {another_life_of_the_proxy, NULL}}, {"click", {click_to_call, NULL}}};
	SRunner *r;
	int failed;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		TCase *t = tcase_create(cases[i].name);

		tcase_set_timeout(t, 300);
		tcase_add_checked_fixture(t, setup, teardown);
		for (size_t j = 0; j < 2 && cases[i].test[j] != NULL; j++)
			tcase_add_test(t, cases[i].test[j]);
		suite_add_tcase(s, t);
	}
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
