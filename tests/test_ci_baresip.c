/* SPDX-License-Identifier: ISC */
/*
 * Telephones as people have them, beside Kamailio with etc/kamailio/kamailio.cfg, the feed, backend
 * and gateway: what users see of their calls, click-to-call to the sound in both directions, and
 * forwarding that they change by REST. In a network of the test's own.
 */
#include <check.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "backend/when.h"
#include "tests/puppet.h"
#include "tests/route_rig.h"
#include "tests/softphone.h"

#define DOMAIN "pbx.example.net"
#define ANN "200:password"
#define BEA "201:password"
#define CAL "202:password"

static struct softphone ann, bea, cal;

/* Between which moments of this test something must have happened, ms since 1970. */
struct moments {
	int64_t dialled, accepting, answered, hanging, ended;
};

static int64_t
clock_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void
add_user(const char *name)
{
	char line[128], before[128];

	snprintf(line, sizeof(line), "{\"type\":\"user\",\"record\":{\"userName\":\"%s\"}}\n", name);
	routes_at(before);
	rig_load(&kam.rig, line);
	routes_await(before);
	ck_assert_int_eq(rig_ctl(&kam.rig, "password\n", NULL, 0,
	                     "user password %s --password-stdin --allow-weak", name),
	    0);
}

static void
setup(void)
{
	char proxy[64];

	softphone_network(3);
	routes_start();
	add_user("200");
	add_user("202");
	snprintf(proxy, sizeof(proxy), "%s:%d", kam.proxy_ip, kam.sip_port);
	softphone_start(&ann, 0, "200", DOMAIN, proxy, kam.rig.dir);
	softphone_start(&bea, 1, "201", DOMAIN, proxy, kam.rig.dir);
	softphone_start(&cal, 2, "202", DOMAIN, proxy, kam.rig.dir);
}

static void
teardown(void)
{
	softphone_stop(&ann);
	softphone_stop(&bea);
	softphone_stop(&cal);
	route_rig_stop();
}

/* The telephone that rings is taken, and both hear each other. */
static void
take_call(struct softphone *called, struct softphone *caller, const char *number, struct moments *m)
{
	m->accepting = clock_ms();
	softphone_do(called, "accept", NULL);
	softphone_await_with(called, "CALL_ESTABLISHED", caller->number);
	softphone_await_with(caller, "CALL_ESTABLISHED", number);
	m->answered = clock_ms();
	/* The first packet of sound has come in. */
	softphone_await_with(called, "CALL_RTPESTAB", caller->number);
	softphone_await_with(caller, "CALL_RTPESTAB", number);
}

static void
hang_up(struct softphone *one, struct softphone *other, struct moments *m)
{
	m->hanging = clock_ms();
	softphone_do(one, "hangup", NULL);
	softphone_await(one, "CALL_CLOSED");
	softphone_await(other, "CALL_CLOSED");
	m->ended = clock_ms();
}

/* The call of 200 to 201 as one of them sees it while it lasts, answered by somebody. */
static void
sees_call(const char *user, const char *recipient)
{
	char answered[64];
	struct answer a;

	await_calls(&kam.rig, user, 1);
	a = rig_get(&kam.rig, user, "/my/activecdrs");
	snprintf(answered, sizeof(answered), ",\"recipient\":\"%s\",", recipient);
	ck_assert_msg(strstr(a.body, answered) != NULL, "%s: %s", user, a.body);
	ck_assert_msg(strstr(a.body,
	                  "{\"cdrs\":[{\"from\":\"200\",\"from-aor\":\"<sip:200@" DOMAIN
	                  ">\",\"to\":\"201\",\"to-aor\":\"<sip:201@" DOMAIN
	                  ">\",\"direction\":\"INTERNAL\",") != NULL,
	    "%s: %s", user, a.body);
	answer_free(&a);
}

/* The user's call records, newest first, once there are so many. */
static json_t *
records(const char *user, size_t want)
{
	long long until = ms_now() + 15000;

	for (;; nanosleep(&(struct timespec){0, 20 * 1000000}, NULL)) {
		struct answer a = rig_get(&kam.rig, user, "/my/cdrs");
		json_t *doc = json_loads(a.body, 0, NULL), *rows = json_object_get(doc, "cdrs");

		ck_assert_int_eq(a.status, 200);
		answer_free(&a);
		if (json_array_size(rows) >= want) {
			json_incref(rows);
			json_decref(doc);
			return rows;
		}
		json_decref(doc);
		ck_assert_msg(ms_now() < until, "%s has not %zu call records", user, want);
	}
}

static int64_t
time_of(const json_t *row, const char *member)
{
	const char *text = json_string_value(json_object_get(row, member));
	int64_t ms;

	ck_assert_msg(text != NULL && when_read(str_c(text), &ms), "%s: %s", member, text);
	return ms;
}

/* Nothing but the one call, at its times. */
static void
has_record(const char *user, const char *direction, const char *recipient, const struct moments *m)
{
	json_t *rows = records(user, 1), *row = json_array_get(rows, 0);
	int64_t start = time_of(row, "start"), answer = time_of(row, "answer"),
	        duration = json_integer_value(json_object_get(row, "duration"));
	char want[128];

	ck_assert_uint_eq(json_array_size(rows), 1);
	ck_assert_str_eq(json_string_value(json_object_get(row, "direction")), direction);
	ck_assert_str_eq(json_string_value(json_object_get(row, "from-aor")), "<sip:200@" DOMAIN ">");
	ck_assert_str_eq(json_string_value(json_object_get(row, "to-aor")), "<sip:201@" DOMAIN ">");
	ck_assert_str_eq(json_string_value(json_object_get(row, "recipient")), recipient);
	ck_assert_str_eq(json_string_value(json_object_get(row, "outcome")), "completed");
	ck_assert_int_eq(json_integer_value(json_object_get(row, "status")), 200);
	snprintf(want, sizeof(want), "%s: start %lld, answer %lld, duration %lld", user,
	    (long long)(start - m->dialled), (long long)(answer - m->dialled), (long long)duration);
	ck_assert_msg(start >= m->dialled && start <= m->accepting, "%s", want);
	ck_assert_msg(answer >= m->accepting && answer <= m->answered, "%s", want);
	/* Its ends may be rounded the other way. */
	ck_assert_msg(duration >= m->hanging - m->answered - 2, "%s", want);
	ck_assert_msg(duration <= m->ended - m->accepting + 2, "%s", want);
	json_decref(rows);
}

static void
all_over(const char *recipient, const struct moments *m)
{
	await_calls(&kam.rig, ANN, 0);
	await_calls(&kam.rig, BEA, 0);
	has_record(ANN, "outgoing", recipient, m);
	has_record(BEA, "incoming", recipient, m);
}

START_TEST(a_call)
{
	struct moments m;

	m.dialled = clock_ms();
	softphone_do(&ann, "dial", "sip:201@" DOMAIN);
	softphone_await_with(&bea, "CALL_INCOMING", "200");
	softphone_await_with(&ann, "CALL_RINGING", "201");
	take_call(&bea, &ann, "201", &m);
	sees_call(ANN, "201");
	sees_call(BEA, "201");
	ck_assert_int_eq(calls_seen(&kam.rig, CAL), 0);
	hang_up(&ann, &bea, &m);
	all_over("201", &m);
	softphone_not(&cal, "CALL_INCOMING");
}
END_TEST

static void
ended(const json_t *row, const char *outcome, int status)
{
	ck_assert_str_eq(json_string_value(json_object_get(row, "outcome")), outcome);
	ck_assert_int_eq(json_integer_value(json_object_get(row, "status")), status);
	ck_assert_ptr_null(json_object_get(row, "answer"));
	ck_assert_ptr_null(json_object_get(row, "recipient"));
}

/* One that is refused, and one whose caller gives up. */
START_TEST(nobody_answers)
{
	struct softphone *const gives_up[] = {&bea, &ann};
	json_t *rows;

	for (int i = 0; i < 2; i++) {
		struct moments m;

		softphone_do(&ann, "dial", "sip:201@" DOMAIN);
		softphone_await_with(&bea, "CALL_INCOMING", "200");
		softphone_await_with(&ann, "CALL_RINGING", "201");
		hang_up(gives_up[i], gives_up[1 - i], &m);
	}
	rows = records(BEA, 2);
	ended(json_array_get(rows, 0), "abandoned", 487);
	ended(json_array_get(rows, 1), "failed", 486);
	json_decref(rows);
}
END_TEST

START_TEST(click_to_call)
{
	struct moments m;
	struct answer a = rig_put(&kam.rig, ANN, "/my/call/201", NULL);

	ck_assert_msg(a.status == 200, "%d %s", a.status, a.body);
	answer_free(&a);
	softphone_await_with(&ann, "CALL_INCOMING", "click");
	/* Nobody else rings before it is taken. */
	softphone_not(&bea, "CALL_INCOMING");
	m.dialled = clock_ms();
	softphone_do(&ann, "accept", NULL);
	softphone_await_with(&ann, "TRANSFER", "click");
	softphone_await_with(&ann, "CALL_CLOSED", "click");
	softphone_await_with(&bea, "CALL_INCOMING", "200");
	softphone_await_with(&ann, "CALL_RINGING", "201");
	take_call(&bea, &ann, "201", &m);
	sees_call(ANN, "201");
	sees_call(BEA, "201");
	hang_up(&bea, &ann, &m);
	all_over("201", &m);
}
END_TEST

START_TEST(forwarding)
{
	struct moments m;

	routes_set(BEA, "PUT", "/my/callfwd",
	    "{\"expiration\":1,\"rings\":[{\"expiration\":30,\"type\":\"If no response\","
	    "\"enabled\":true,\"number\":\"202\"}]}");
	m.dialled = clock_ms();
	softphone_do(&ann, "dial", "sip:201@" DOMAIN);
	softphone_await_with(&bea, "CALL_INCOMING", "200");
	softphone_await_with(&bea, "CALL_CLOSED", "200");
	softphone_await_with(&cal, "CALL_INCOMING", "200");
	take_call(&cal, &ann, "201", &m);
	sees_call(ANN, "202");
	sees_call(BEA, "202");
	hang_up(&cal, &ann, &m);
	all_over("202", &m);
}
END_TEST

/* Each telephone rings by a call of its own inside the proxy; the first that is taken ends them. */
START_TEST(together)
{
	struct moments m;

	routes_set(BEA, "PUT", "/my/callfwd",
	    "{\"expiration\":30,\"rings\":[{\"expiration\":30,\"type\":\"At the same time\","
	    "\"enabled\":true,\"number\":\"202\"}]}");
	m.dialled = clock_ms();
	softphone_do(&ann, "dial", "sip:201@" DOMAIN);
	softphone_await_with(&bea, "CALL_INCOMING", "200");
	softphone_await_with(&cal, "CALL_INCOMING", "200");
	take_call(&bea, &ann, "201", &m);
	softphone_await_with(&cal, "CALL_CLOSED", "200");
	sees_call(ANN, "201");
	sees_call(BEA, "201");
	hang_up(&ann, &bea, &m);
	all_over("201", &m);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("telephones");
	TCase *t = tcase_create("telephones");
	SRunner *r;
	int failed;

	if (!softphone_network_possible()) {
		printf("SKIP baresip: this user can not make a network\n");
		return 0;
	}
	tcase_set_timeout(t, 90);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, a_call);
	tcase_add_test(t, nobody_answers);
	tcase_add_test(t, click_to_call);
	tcase_add_test(t, forwarding);
	tcase_add_test(t, together);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
