/* SPDX-License-Identifier: ISC */
/*
 * tandem-feed-janus beside a real Janus, whose participants come by plain RTP: what happens in its
 * rooms is said, commands do what they say, and whatever dies or stalls, the feed ends up with what
 * is so.
 */
#include <arpa/inet.h>
#include <check.h>
#include <curl/curl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "tests/freeze.h"
#include "tests/janus_rig.h"
#include "tests/listener.h"
#include "tests/rig.h"

/* State is right again within 2 s where nothing else is done; by the regular check it would be
 * after ten minutes. */
enum { SOON = 10000 };

static struct janus_rig janus;
static struct listener heard;
static char dir[64];
static struct janus_guest ana, ben, cy;
static int snapshots; /* at the beginning of a test */

static void
setup(void)
{
	snprintf(dir, sizeof(dir), "/tmp/tandem-janus-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	ck_assert_int_eq(chmod(dir, 0755), 0);
	janus = (struct janus_rig){.event_password = NULL};
	janus_rig_make(&janus, dir);
	listener_open(&heard, dir);
	janus_rig_start(&janus);
	janus_rig_feed(&janus, heard.endpoint);
	LISTENER_AWAIT(&heard, 10000, heard.snapshots > 0);
}

/* Says what a sanitizer has to say. */
static void
teardown(void)
{
	char command[256];

	janus_rig_stop(&janus);
	listener_close(&heard);
	snprintf(command, sizeof(command),
	    "! grep -E 'ERROR: (Address|Leak)Sanitizer|runtime error' %s/log || exit 1; exec rm -rf %s",
	    dir, dir);
	ck_assert_int_eq(system(command), 0);
}

static void
two_guests(void)
{
	janus_guest_join(&janus, &ana, 7001, "Ana Pop <4410>", false);
	janus_guest_join(&janus, &ben, 7001, "4420", true);
	LISTENER_AWAIT(&heard, SOON, listener_count(&heard, "sales-room") == 2);
	snapshots = heard.snapshots;
}

START_TEST(who_is_in_a_room)
{
	struct heard_member *m;
	int64_t before = (int64_t)time(NULL) * 1000;

	ck_assert_ptr_null(listener_room(&heard, "sales-room"));
	two_guests();
	m = listener_member(&heard, "sales-room", "Ana Pop");
	ck_assert_ptr_nonnull(m);
	ck_assert_str_eq(m->number, "4410");
	ck_assert_int_eq(m->id, ana.id);
	ck_assert(!m->muted);
	/* A list asked for meanwhile may have had them before the event, which has the time. */
	LISTENER_AWAIT(&heard, SOON,
	    (m = listener_member(&heard, "sales-room", "Ana Pop")) != NULL && m->joined != 0 &&
	        listener_room(&heard, "sales-room")->started != 0);
	ck_assert_int_ge(m->joined, before - 1000);
	ck_assert_int_le(m->joined, before + 60000);
	ck_assert_int_eq(listener_room(&heard, "sales-room")->started, m->joined);
	m = listener_member(&heard, "sales-room", "4420");
	ck_assert_ptr_nonnull(m);
	ck_assert_str_eq(m->number, "4420");
	ck_assert(m->muted);
	/* Somebody mutes and renames himself, moves on, leaves. */
	janus_guest_ask(&ana, "{\"request\":\"configure\",\"muted\":true,\"display\":\"A\"}");
	LISTENER_AWAIT(&heard, SOON, (m = listener_member(&heard, "sales-room", "A")) != NULL);
	ck_assert(m->muted);
	janus_guest_ask(&ana, "{\"request\":\"changeroom\",\"room\":7002}");
	LISTENER_AWAIT(&heard, SOON, listener_count(&heard, "weekly") == 1);
	LISTENER_AWAIT(&heard, SOON, listener_count(&heard, "sales-room") == 1);
	janus_guest_leave(&ben);
	LISTENER_AWAIT(&heard, SOON, listener_room(&heard, "sales-room") == NULL);
	/* The room that is not listed is found by the key of the administrator. */
	janus_guest_join(&janus, &cy, 7003, "cy", false);
	LISTENER_AWAIT(&heard, SOON, listener_count(&heard, "board") == 1);
	/* One that is made while everything runs. */
	janus_guest_ask(&cy,
	    "{\"request\":\"create\",\"room\":7004,\"description\":\"new-one\","
	    "\"admin_key\":\"admin-key\",\"secret\":\"others\","
	    "\"allow_rtp_participants\":true}");
	janus_guest_join(&janus, &ben, 7004, "ben", false);
	LISTENER_AWAIT(&heard, SOON, listener_count(&heard, "new-one") == 1);
	janus_guest_ask(&cy,
	    "{\"request\":\"edit\",\"room\":7004,\"new_description\":\"other-one\","
	    "\"secret\":\"others\"}");
	LISTENER_AWAIT(&heard, SOON, listener_count(&heard, "other-one") == 1);
	janus_guest_ask(&cy, "{\"request\":\"destroy\",\"room\":7004,\"secret\":\"others\"}");
	LISTENER_AWAIT(&heard, SOON, listener_room(&heard, "other-one") == NULL);
	ck_assert_int_eq(heard.snapshots, snapshots);
}
END_TEST

START_TEST(mute_and_kick)
{
	int64_t all[] = {
	    feed_verb_MUTE, feed_verb_UNMUTE, feed_verb_KICK, feed_verb_RECORD, feed_verb_PIN};
	int before;

	two_guests();
	ck_assert_uint_eq(heard.verb_count, 5);
	ck_assert_mem_eq(heard.verbs, all, sizeof(all));
	ck_assert(listener_command(&heard, feed_verb_MUTE, "sales-room", ana.id, 0));
	LISTENER_AWAIT(&heard, SOON, listener_member(&heard, "sales-room", "Ana Pop")->muted);
	/* Janus says nothing about what was so before; the feed does. */
	before = heard.messages;
	ck_assert(listener_command(&heard, feed_verb_MUTE, "sales-room", ana.id, 0));
	LISTENER_AWAIT(&heard, SOON, heard.messages > before);
	ck_assert(listener_command(&heard, feed_verb_UNMUTE, "sales-room", -1, 0));
	LISTENER_AWAIT(&heard, SOON,
	    !listener_member(&heard, "sales-room", "Ana Pop")->muted &&
	        !listener_member(&heard, "sales-room", "4420")->muted);
	ck_assert(listener_command(&heard, feed_verb_KICK, "sales-room", ana.id, 0));
	LISTENER_AWAIT(&heard, SOON, listener_member(&heard, "sales-room", "Ana Pop") == NULL);
	ck_assert_int_eq(listener_count(&heard, "sales-room"), 1);
	ck_assert(listener_command(&heard, feed_verb_KICK, "sales-room", -1, 0));
	LISTENER_AWAIT(&heard, SOON, listener_room(&heard, "sales-room") == NULL);
	ck_assert_int_eq(heard.snapshots, snapshots);
}
END_TEST

static int
by_size(const void *a, const void *b)
{
	long long x = *(const long long *)a, y = *(const long long *)b;

	return (x > y) - (x < y);
}

/* From the command to the fact that it has led to, by way of Janus and its event handler. */
START_TEST(how_long_a_mute_takes)
{
	enum { TIMES = 200 };
	long long took[TIMES];
	struct timespec from, to;

	two_guests();
	for (int i = 0; i < TIMES; i++) {
		bool on = i % 2 == 0;

		clock_gettime(CLOCK_MONOTONIC, &from);
		ck_assert(listener_command(
		    &heard, on ? feed_verb_MUTE : feed_verb_UNMUTE, "sales-room", ana.id, 0));
		LISTENER_AWAIT(&heard, SOON, listener_member(&heard, "sales-room", "Ana Pop")->muted == on);
		clock_gettime(CLOCK_MONOTONIC, &to);
		took[i] = (to.tv_sec - from.tv_sec) * 1000000 + (to.tv_nsec - from.tv_nsec) / 1000;
	}
	qsort(took, TIMES, sizeof(took[0]), by_size);
	printf("mute until it is told: p50 %.1f ms, p90 %.1f ms, p99 %.1f ms\n",
	    (double)took[TIMES / 2] / 1000, (double)took[TIMES * 9 / 10] / 1000,
	    (double)took[TIMES * 99 / 100] / 1000);
	ck_assert_int_lt(took[TIMES / 2], 200000);
}
END_TEST

START_TEST(recording)
{
	char command[160];

	two_guests();
	ck_assert(listener_command(&heard, feed_verb_RECORD, "sales-room", -1, 1));
	LISTENER_AWAIT(&heard, SOON, listener_room(&heard, "sales-room")->recording);
	snprintf(command, sizeof(command), "ls %s/recordings/*7001*.wav >/dev/null 2>&1", dir);
	LISTENER_AWAIT(&heard, SOON, system(command) == 0);
	ck_assert(listener_command(&heard, feed_verb_RECORD, "sales-room", -1, 0));
	LISTENER_AWAIT(&heard, SOON, !listener_room(&heard, "sales-room")->recording);
}
END_TEST

START_TEST(commands_that_fail)
{
	two_guests();
	ck_assert(!listener_command(&heard, feed_verb_MUTE, "sales-room", 5, 0));
	ck_assert_int_eq(heard.code, ERR_NOT_FOUND);
	ck_assert_str_eq(heard.text, "No such user 5 in room 7001");
	ck_assert(!listener_command(&heard, feed_verb_KICK, "nowhere", 5, 0));
	ck_assert_int_eq(heard.code, ERR_NOT_FOUND);
	ck_assert_str_eq(heard.text, "Conference nowhere not found");
	ck_assert(!listener_command(&heard, feed_verb_LOCK, "sales-room", -1, 0));
	ck_assert_int_eq(heard.code, ERR_NOT_IMPLEMENTED);
	/* A room whose secret is not in the file. */
	janus_guest_join(&janus, &cy, 7003, "cy", false);
	LISTENER_AWAIT(&heard, SOON, listener_count(&heard, "board") == 1);
	ck_assert(!listener_command(&heard, feed_verb_MUTE, "board", cy.id, 0));
	ck_assert_int_eq(heard.code, ERR_FORBIDDEN);
	ck_assert_str_eq(heard.text, "Unauthorized (wrong secret)");
	ck_assert_int_eq(listener_count(&heard, "sales-room"), 2);
}
END_TEST

/* Its conferences are over; who comes to the next one is seen within 2 s. */
START_TEST(janus_dies)
{
	two_guests();
	for (int round = 0; round < (getenv("TANDEM_LONG") != NULL ? 10 : 2); round++) {
		child_kill(&janus.janus);
		LISTENER_AWAIT(&heard, SOON, listener_room(&heard, "sales-room") == NULL);
		ck_assert(!listener_command(&heard, feed_verb_MUTE, "sales-room", -1, 0));
		janus_guest_leave(&ana);
		janus_guest_leave(&ben);
		janus_rig_start(&janus);
		two_guests();
		ck_assert(listener_command(&heard, feed_verb_MUTE, "sales-room", ana.id, 0));
		LISTENER_AWAIT(&heard, SOON, listener_member(&heard, "sales-room", "Ana Pop")->muted);
	}
}
END_TEST

/* A Janus that hangs answers no command, and is not taken for dead. */
START_TEST(janus_hangs)
{
	two_guests();
	freeze(janus.janus.pid);
	ck_assert(!listener_command(&heard, feed_verb_MUTE, "sales-room", ana.id, 0));
	ck_assert_int_eq(heard.code, ERR_UNAVAILABLE);
	for (int i = 0; i < 20; i++)
		listener_turn(&heard, 50);
	ck_assert_int_eq(listener_count(&heard, "sales-room"), 2);
	kill(janus.janus.pid, SIGCONT);
	janus_guest_join(&janus, &cy, 7001, "cy", false);
	LISTENER_AWAIT(&heard, 5000, listener_count(&heard, "sales-room") == 3);
	/* What was told to be muted may have been, late. */
	ck_assert(listener_command(&heard, feed_verb_MUTE, "sales-room", cy.id, 0));
	LISTENER_AWAIT(&heard, SOON, listener_member(&heard, "sales-room", "cy")->muted);
}
END_TEST

/* What happens while the feed is dead is seen within 2 s of its start. */
START_TEST(the_feed_dies)
{
	int rounds = getenv("TANDEM_LONG") != NULL ? 20 : 3;

	two_guests();
	for (int round = 0; round < rounds; round++) {
		char name[32];

		child_kill(&janus.feed);
		snprintf(name, sizeof(name), "cy-%d", round);
		if (round > 0)
			janus_guest_leave(&cy);
		janus_guest_join(&janus, &cy, 7001, name, round % 2 == 0);
		janus_rig_feed(&janus, heard.endpoint);
		LISTENER_AWAIT(&heard, SOON + 3000 * (getenv("ASAN_OPTIONS") != NULL),
		    listener_member(&heard, "sales-room", name) != NULL &&
		        listener_count(&heard, "sales-room") == 3);
		ck_assert_int_eq(listener_member(&heard, "sales-room", name)->muted, round % 2 == 0);
	}
	ck_assert_int_eq(child_end(&janus.feed, SIGTERM, 10000), 0);
}
END_TEST

START_TEST(the_backend_is_away)
{
	two_guests();
	for (int round = 0; round < (getenv("TANDEM_LONG") != NULL ? 10 : 2); round++) {
		listener_stop(&heard);
		janus_guest_join(&janus, &cy, 7001, "cy", true);
		janus_guest_leave(&ben);
		listener_resume(&heard);
		LISTENER_AWAIT(&heard, SOON + 1000,
		    listener_member(&heard, "sales-room", "cy") != NULL &&
		        listener_member(&heard, "sales-room", "4420") == NULL);
		ck_assert_int_eq(listener_count(&heard, "sales-room"), 2);
		/* Nothing was lost, so nothing was said anew. */
		ck_assert_int_eq(heard.snapshots, snapshots);
		janus_guest_join(&janus, &ben, 7001, "4420", false);
		janus_guest_leave(&cy);
		LISTENER_AWAIT(&heard, SOON,
		    listener_member(&heard, "sales-room", "cy") == NULL &&
		        listener_count(&heard, "sales-room") == 2);
	}
}
END_TEST

/* --- the port of events ---------------------------------------------------------------------- */

static size_t
swallow(char *p, size_t size, size_t n, void *arg)
{
	(void)p;
	(void)arg;
	return size * n;
}

/* Posts as Janus does, or not; the status. */
static long
post(const char *method, const char *user, const char *password, const char *body, size_t n)
{
	CURL *c = curl_easy_init();
	char url[64];
	long status = 0;

	snprintf(url, sizeof(url), "http://127.0.0.1:%d/", janus.event_port);
	curl_easy_setopt(c, CURLOPT_URL, url);
	if (body != NULL) {
		curl_easy_setopt(c, CURLOPT_POSTFIELDS, body);
		curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE, (long)n);
	}
	curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, method);
	curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, swallow);
	curl_easy_setopt(c, CURLOPT_TIMEOUT, 10L);
	if (user != NULL) {
		curl_easy_setopt(c, CURLOPT_USERNAME, user);
		curl_easy_setopt(c, CURLOPT_PASSWORD, password);
	}
	if (curl_easy_perform(c) == CURLE_OK)
		curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_cleanup(c);
	return status;
}

#define RIGHT "tandem", "event \\ password"

START_TEST(strangers_at_the_port)
{
	static char big[(1 << 20) + 100];
	static const char left[] =
	    "{\"type\":64,\"timestamp\":9000000000000000,\"event\":{\"plugin\":"
	    "\"janus.plugin.audiobridge\",\"data\":{\"event\":\"destroyed\",\"room\":7001}}}";
	static const char *const garbage[] = {"", "{", "[[[[", "null", "\xff", "{\"type\":64}"};
	long status;

	two_guests();
	ck_assert_int_eq(post("POST", NULL, NULL, left, sizeof(left) - 1), 401);
	ck_assert_int_eq(post("POST", "tandem", "wrong", left, sizeof(left) - 1), 401);
	ck_assert_int_eq(post("POST", "", "event \\ password", left, sizeof(left) - 1), 401);
	ck_assert_int_eq(post("GET", RIGHT, NULL, 0), 405);
	ck_assert_int_eq(post("DELETE", RIGHT, NULL, 0), 405);
	for (size_t i = 0; i < sizeof(garbage) / sizeof(garbage[0]); i++)
		ck_assert_int_eq(post("POST", RIGHT, garbage[i], strlen(garbage[i])), 200);
	memset(big, '[', sizeof(big));
	ck_assert_int_eq(post("POST", RIGHT, big, 1 << 20), 200);
	/* One that is too long may be cut off. */
	status = post("POST", RIGHT, big, sizeof(big));
	ck_assert_msg(status == 413 || status == 0, "%ld", status);
	/* Nobody was thrown out by what only claimed to be of Janus; and what lies, with the password,
	 * is found out by asking. */
	for (int i = 0; i < 10; i++)
		listener_turn(&heard, 20);
	ck_assert_int_eq(listener_count(&heard, "sales-room"), 2);
	ck_assert_int_eq(post("POST", RIGHT, left, sizeof(left) - 1), 200);
	LISTENER_AWAIT(&heard, SOON, listener_count(&heard, "sales-room") == 2);
	janus_guest_join(&janus, &cy, 7001, "cy", false);
	LISTENER_AWAIT(&heard, SOON, listener_count(&heard, "sales-room") == 3);
}
END_TEST

/* Connections that say nothing hold events up, and not for long. */
START_TEST(idlers_at_the_port)
{
	struct sockaddr_in at = {.sin_family = AF_INET,
	    .sin_port = htons((uint16_t)janus.event_port),
	    .sin_addr = {htonl(INADDR_LOOPBACK)}};
	int fd[60];

	two_guests();
	for (int i = 0; i < 60; i++) {
		fd[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		ck_assert_int_eq(connect(fd[i], (struct sockaddr *)&at, sizeof(at)), 0);
		if (i % 2 == 0)
			ck_assert_int_eq(send(fd[i], "POST / HT", 9, MSG_NOSIGNAL), 9);
	}
	janus_guest_join(&janus, &cy, 7001, "cy", false);
	LISTENER_AWAIT(&heard, 15000, listener_count(&heard, "sales-room") == 3);
	ck_assert(listener_command(&heard, feed_verb_KICK, "sales-room", cy.id, 0));
	LISTENER_AWAIT(&heard, 15000, listener_count(&heard, "sales-room") == 2);
	for (int i = 0; i < 60; i++)
		close(fd[i]);
}
END_TEST

/* Janus takes a refusal for success, so all its events are lost. The feed knows that some are, asks
 * for everything, and the regular check does the rest. */
START_TEST(a_wrong_password_for_events)
{
	janus_rig_stop(&janus);
	listener_stop(&heard);
	janus.event_password = "wrong";
	janus_rig_make(&janus, dir);
	listener_resume(&heard);
	janus_rig_start(&janus);
	janus_rig_feed(&janus, heard.endpoint);
	janus_guest_join(&janus, &ana, 7001, "ana", false);
	janus_guest_join(&janus, &ben, 7001, "ben", false);
	LISTENER_AWAIT(&heard, 5000, listener_count(&heard, "sales-room") == 2);
	ck_assert(listener_command(&heard, feed_verb_KICK, "sales-room", ana.id, 0));
	LISTENER_AWAIT(&heard, 5000, listener_count(&heard, "sales-room") == 1);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("janus");
	TCase *t = tcase_create("janus");
	SRunner *r;
	int failed;

	curl_global_init(CURL_GLOBAL_ALL);
	tcase_set_timeout(t, 180);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, who_is_in_a_room);
	tcase_add_test(t, mute_and_kick);
	tcase_add_test(t, how_long_a_mute_takes);
	tcase_add_test(t, recording);
	tcase_add_test(t, commands_that_fail);
	tcase_add_test(t, janus_dies);
	tcase_add_test(t, janus_hangs);
	tcase_add_test(t, the_feed_dies);
	tcase_add_test(t, the_backend_is_away);
	tcase_add_test(t, strangers_at_the_port);
	tcase_add_test(t, idlers_at_the_port);
	tcase_add_test(t, a_wrong_password_for_events);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
