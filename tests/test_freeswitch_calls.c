/* SPDX-License-Identifier: ISC */
/*
 * What a user sees through the gateway of the calls that a FreeSWITCH had: its recorded session,
 * the real feed, the real backend.
 */
#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/tree.h"
#include "tests/child.h"
#include "tests/feeder.h"
#include "tests/freeswitch_server.h"
#include "tests/puppet.h"

static struct rig rig;
static struct server server;
static struct child feed;

static void
add_user(const char *name)
{
	char line[256], out[512];

	snprintf(line, sizeof(line),
	    "{\"type\":\"user\",\"record\":{\"userName\":\"%s\",\"firstName\":\"Number %s\"}}\n", name,
	    name);
	rig_load(&rig, line);
	snprintf(line, sizeof(line), "secret-%s\n", name);
	ck_assert_msg(rig_ctl(&rig, line, out, sizeof(out),
	                  "user password %s --password-stdin --allow-weak", name) == 0,
	    "%s", out);
}

static void
setup(void)
{
	static char set[5][256], log[128], secret[128];
	char *argv[16] = {
	    (char *)(uintptr_t)child_program("tandem-feed-freeswitch"), "-c", "etc/tandem.conf"};
	FILE *f;

	rig = (struct rig){.port = {0}};
	rig_start_fixture(&rig);
	add_user("1001");
	add_user("1002");
	add_user("9180");
	rig_load(&rig,
	    "{\"type\":\"room\",\"user\":\"1001\",\"item\":9,\"record\":{\"name\":\"team\","
	    "\"extension\":\"3001\"}}\n");
	server_start(&server, "esl-plain.raw.gz");
	snprintf(secret, sizeof(secret), "%s/esl.password", rig.dir);
	f = fopen(secret, "w");
	ck_assert_ptr_nonnull(f);
	fputs("ClueCon\n", f);
	fclose(f);
	snprintf(log, sizeof(log), "%s/log", rig.dir);
	snprintf(set[0], 256, "feed.backend=%s", feeder_endpoint(&rig));
	snprintf(set[1], 256, "feed.spool=%s/spool", rig.dir);
	snprintf(set[2], 256, "freeswitch.port=%d", server.port);
	snprintf(set[3], 256, "freeswitch.password_file=%s", secret);
	snprintf(set[4], 256, "freeswitch.domain=pbx.example.net");
	for (int i = 0; i < 5; i++) {
		argv[3 + 2 * i] = "-o";
		argv[4 + 2 * i] = set[i];
	}
	child_start(&feed, log, argv);
	server_await_command(&server, "api show channels as json", 1);
}

static void
teardown(void)
{
	ck_assert_int_eq(child_end(&feed, SIGTERM, 10000), 0);
	server_stop(&server);
	rig_stop(&rig);
}

static void
set_upto(const char *text)
{
	atomic_store(&server.control->upto, server_event(&server, text) + 1);
}

/* Waits until a page has a text for a user. */
static void
await_on(const char *user, const char *path, const char *text)
{
	long long until = ms_now() + 15000;
	struct answer a = rig_get(&rig, user, path);

	while (strstr(a.body, text) == NULL) {
		if (ms_now() > until)
			ck_abort_msg("%s sees %s", user, a.body);
		answer_free(&a);
		nanosleep(&(struct timespec){0, 10 * 1000000}, NULL);
		a = rig_get(&rig, user, path);
	}
	answer_free(&a);
}

static void
await_text(const char *user, const char *text)
{
	await_on(user, "/my/activecdrs", text);
}

#define TEAM "/my/conferencedetails/team"

static int
status_of(const char *user, const char *path)
{
	struct answer a = rig_get(&rig, user, path);
	int status = a.status;

	answer_free(&a);
	return status;
}

static void
await_status(const char *user, const char *path, int want)
{
	long long until = ms_now() + 15000;

	while (status_of(user, path) != want) {
		if (ms_now() > until)
			ck_abort_msg("%s is not answered %d", path, want);
		nanosleep(&(struct timespec){0, 10 * 1000000}, NULL);
	}
}

START_TEST(calls_as_their_users_see_them)
{
	struct answer a;

	/* Alice's and Bob's calls to the room, each twice, since the switch has called itself. */
	set_upto("Event-Sequence: 524\n");
	await_calls(&rig, "1001:secret-1001", 2);
	await_calls(&rig, "1002:secret-1002", 2);
	await_calls(&rig, "9180:secret-9180", 0);
	a = rig_get(&rig, "1001:secret-1001", "/my/activecdrs");
	ck_assert_ptr_nonnull(strstr(a.body,
	    "\"from\":\"Alice - 1001\",\"from-aor\":\"\\\"Alice\\\" <sip:1001@pbx.example.net>\","
	    "\"to\":\"3001\",\"to-aor\":\"<sip:3001@pbx.example.net>\""));
	ck_assert_ptr_nonnull(strstr(a.body, "\"start-time\":1795452737682"));
	/* With what stands beside the number: a duration may have the same digits. */
	ck_assert_ptr_null(strstr(a.body, "1002@"));
	ck_assert_ptr_null(strstr(a.body, "\"1002\""));
	ck_assert_ptr_null(strstr(a.body, "- 1002"));
	answer_free(&a);
	/* A call that the dialplan has led to 9180. */
	set_upto("Event-Sequence: 1026\n");
	await_calls(&rig, "9180:secret-9180", 2);
	await_calls(&rig, "1002:secret-1002", 0);
	/* The second party of a click-to-call. */
	set_upto("Event-Sequence: 1142\n");
	await_text("9180:secret-9180", "\"type\":\"click2call\"");
	atomic_store(&server.control->upto, (int)server.events);
	await_calls(&rig, "1001:secret-1001", 0);
	await_calls(&rig, "9180:secret-9180", 0);
}
END_TEST

/* The room's owner sees who is in it, muted and gone, and nobody else does. */
START_TEST(a_conference_as_its_owner_sees_it)
{
	struct answer a;
	int n = 0;

	ck_assert_int_eq(status_of("1001:secret-1001", TEAM), 406);
	atomic_store(&server.control->rooms, 1);
	set_upto("Event-Sequence: 537\n");
	await_on("1001:secret-1001", TEAM, "\"canSpeak\":false");
	a = rig_get(&rig, "1001:secret-1001", TEAM);
	for (const char *p = a.body; (p = strstr(p, "\"uuid\":")) != NULL; p++)
		n++;
	ck_assert_msg(n == 3, "%s", a.body);
	ck_assert_ptr_nonnull(strstr(a.body, "\"uuid\":\"e6da16de-aa6a-477f-b866-666d96130a5d\""));
	answer_free(&a);
	ck_assert_int_eq(status_of("1002:secret-1002", TEAM), 403);
	/* Volumes, the lock, a kick. */
	set_upto("Event-Sequence: 561\n");
	await_on("1001:secret-1001", TEAM, "\"volumeIn\":2,\"volumeOut\":-1");
	set_upto("Event-Sequence: 580\n");
	await_on("1001:secret-1001", TEAM, "\"locked\":true");
	atomic_store(&server.control->rooms, 0);
	atomic_store(&server.control->upto, (int)server.events);
	await_status("1001:secret-1001", TEAM, 406);
}
END_TEST

/* The backend is killed meanwhile, and the switch goes away with all its calls. */
START_TEST(either_side_goes_away)
{
	set_upto("Event-Sequence: 524\n");
	await_calls(&rig, "1001:secret-1001", 2);
	rig_kill(&rig.backend);
	set_upto("Event-Sequence: 849\n");
	rig_backend(&rig);
	rig_await_ready(&rig, 0);
	await_calls(&rig, "1001:secret-1001", 0);
	set_upto("Event-Sequence: 1026\n");
	await_text("1001:secret-1001", "\"to\":\"b9180\"");
	server_close(&server);
	atomic_store(&server.control->core, 2);
	atomic_store(&server.control->upto, 0);
	atomic_store(&server.control->fault, FAULT_NONE);
	await_calls(&rig, "1001:secret-1001", 0);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("freeswitch_calls");
	TCase *t = tcase_create("all");
	SRunner *r = srunner_create(s);
	int failed;

	text_init();
	suite_add_tcase(s, t);
	tcase_set_timeout(t, 90);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, calls_as_their_users_see_them);
	tcase_add_test(t, a_conference_as_its_owner_sees_it);
	tcase_add_test(t, either_side_goes_away);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
