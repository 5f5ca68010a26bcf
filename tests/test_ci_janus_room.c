/* SPDX-License-Identifier: ISC */
/*
 * A conference in a real Janus as its owner sees it: Janus, tandem-feed-janus, backend, gateway,
 * and a client, while each of them but the client dies.
 */
#include <check.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/feeder.h"
#include "tests/janus_rig.h"

#define OWNER "4410:secret99"
#define DETAILS "/my/conferencedetails/sales-room"

/* State is right again within 2 s where nothing else is done; by the regular check it would be
 * after ten minutes. */
enum { SOON = 10000 };

static struct rig rig;
static struct janus_rig janus;
static struct janus_guest ana, ben, cy;

static void
setup(void)
{
	rig = (struct rig){.port = {0}};
	rig_start_fixture(&rig);
	rig_load(&rig,
	    "{\"type\":\"room\",\"user\":\"4410\",\"item\":1,\"record\":{\"name\":\"sales-room\","
	    "\"description\":\"Weekly sales\",\"extension\":\"7001\"}}\n");
	janus = (struct janus_rig){.event_password = NULL};
	janus_rig_make(&janus, rig.dir);
	janus_rig_start(&janus);
	janus_rig_feed(&janus, feeder_endpoint(&rig));
}

static void
teardown(void)
{
	janus_rig_stop(&janus);
	rig_stop(&rig);
}

static int
status_of(const char *user, const char *path)
{
	struct answer a = rig_get(&rig, user, path);
	int status = (int)a.status;

	answer_free(&a);
	return status;
}

/* What the owner sees, "" when the room is not in use. */
static const char *
details(void)
{
	static char text[8192];
	struct answer a = rig_get(&rig, OWNER, DETAILS);

	ck_assert_msg(a.status == 200 || a.status == 406, "%d: %s", (int)a.status, a.body);
	snprintf(text, sizeof(text), "%s", a.status == 200 ? a.body : "");
	answer_free(&a);
	return text;
}

static int
members(void)
{
	int n = 0;

	for (const char *p = details(); (p = strstr(p, "\"id\":")) != NULL; p++)
		n++;
	return n;
}

/* Part of what is said about a participant, by number. */
static bool
has(const char *number, const char *what)
{
	char name[64];
	const char *text = details(), *at, *end;

	snprintf(name, sizeof(name), "\"name\":\"%s\"", number);
	at = strstr(text, name);
	end = at != NULL ? strchr(at, '}') : NULL;
	return end != NULL && memmem(at, (size_t)(end - at), what, strlen(what)) != NULL;
}

static bool
says(const char *words, const char *what)
{
	char path[160];
	struct answer a;
	bool ok;

	snprintf(path, sizeof(path), "/my/conference/sales-room/%s", words);
	a = rig_put(&rig, OWNER, path, "");
	ok = a.status == 200 && strstr(a.body, what) != NULL;
	answer_free(&a);
	return ok;
}

#define AWAIT(ms, condition)                                                                 \
	do {                                                                                     \
		long long until_ = ms_now() + (ms);                                                  \
		while (!(condition)) {                                                               \
			ck_assert_msg(                                                                   \
			    ms_now() < until_, "not within %d ms: %s; %s", (ms), #condition, details()); \
			nanosleep(&(struct timespec){0, 10 * 1000000}, NULL);                            \
		}                                                                                    \
	} while (0)

static void
two_guests(void)
{
	janus_guest_join(&janus, &ana, 7001, "Ana Pop <4410>", false);
	janus_guest_join(&janus, &ben, 7001, "4420", false);
	AWAIT(SOON, members() == 2);
}

START_TEST(a_conference)
{
	ck_assert_str_eq(details(), "");
	two_guests();
	ck_assert(has("4410", "\"canSpeak\":true"));
	ck_assert(has("4420", "\"canHear\":true"));
	/* Only the owner's. */
	ck_assert_int_eq(status_of("4420:secret20", DETAILS), 403);
	/* Somebody mutes himself. */
	janus_guest_ask(&ben, "{\"request\":\"configure\",\"muted\":true}");
	AWAIT(SOON, has("4420", "\"canSpeak\":false"));
	janus_guest_leave(&ana);
	AWAIT(SOON, members() == 1);
	janus_guest_leave(&ben);
	AWAIT(SOON, members() == 0);
	ck_assert_str_eq(details(), "");
}
END_TEST

/* By the number, which is the extension here. */
START_TEST(a_room_by_its_extension)
{
	child_kill(&janus.feed);
	janus.rooms = "number";
	janus_rig_feed(&janus, feeder_endpoint(&rig));
	two_guests();
	janus_guest_leave(&ana);
	AWAIT(SOON, members() == 1);
	/* Rooms that are not listed are found as well: 7003 is another user's. */
	ck_assert_int_eq(status_of("4420:secret20", "/my/conferencedetails/bobs"), 406);
	janus_guest_join(&janus, &cy, 7003, "cy", false);
	AWAIT(SOON, status_of("4420:secret20", "/my/conferencedetails/bobs") == 200);
	ck_assert_int_eq(status_of(OWNER, "/my/conferencedetails/bobs"), 403);
}
END_TEST

/* A command of the owner's; what is answered must begin so. */
static void
command(const char *words, const char *begin)
{
	char path[160], want[160];
	struct answer a;

	snprintf(path, sizeof(path), "/my/conference/sales-room/%s", words);
	snprintf(want, sizeof(want), "<command-response>%s", begin);
	a = rig_put(&rig, OWNER, path, "");
	ck_assert_int_eq(a.status, 200);
	ck_assert_msg(strncmp(a.body, want, strlen(want)) == 0, "%s: %s", words, a.body);
	answer_free(&a);
}

START_TEST(mute_and_kick_by_the_api)
{
	char words[64];
	struct janus_guest other;

	two_guests();
	snprintf(words, sizeof(words), "mute&%" PRId64, ana.id);
	command(words, "OK mute");
	AWAIT(SOON, has("4410", "\"canSpeak\":false"));
	/* Once more, which Janus says nothing about. */
	command(words, "OK mute");
	command("unmute&all", "OK");
	AWAIT(SOON, has("4410", "\"canSpeak\":true"));
	command("mute&99", "Non-Existent ID 99");
	command("lock", "");
	AWAIT(SOON, strstr(details(), "\"locked\":false") != NULL);
	snprintf(words, sizeof(words), "kick&%" PRId64, ana.id);
	command(words, "OK kick");
	AWAIT(SOON, members() == 1);
	ck_assert(has("4420", "\"canSpeak\":true"));
	command("record&status", "NO_RECORDING");
	command("record", "");
	AWAIT(SOON, says("record&status", "IN_PROGRESS"));
	command("record&stop", "");
	AWAIT(SOON, says("record&status", "NO_RECORDING"));
	/* From now on Janus asks for a code. */
	command("pin&2468", "");
	janus_guest_open(&janus, &other);
	ck_assert(strstr(janus_guest_ask(&other, "{\"request\":\"join\",\"room\":7001}"),
	              "Missing mandatory element (pin)") != NULL);
	command("nopin", "");
	janus_guest_join(&janus, &cy, 7001, "cy", false);
	AWAIT(SOON, members() == 2);
}
END_TEST

static bool
asks_for_a_code(int room)
{
	char ask[96];
	bool asks;

	snprintf(ask, sizeof(ask), "{\"request\":\"join\",\"room\":%d}", room);
	janus_guest_open(&janus, &cy);
	asks = strstr(janus_guest_ask(&cy, ask), "Missing mandatory element (pin)") != NULL;
	janus_guest_leave(&cy);
	return asks;
}

static void
set_code(const char *json)
{
	struct answer a = rig_put(&rig, OWNER, "/my/conferences/sales-room", json);

	ck_assert_msg(a.status == 200, "%d: %s", (int)a.status, a.body);
	answer_free(&a);
}

/* What the owner sets by REST holds in Janus, also when either side has been away. */
START_TEST(the_code_of_the_room)
{
	ck_assert(!asks_for_a_code(7001));
	set_code("{\"setting\":{\"accessCode\":\"2468\"}}");
	AWAIT(SOON, asks_for_a_code(7001));
	janus_guest_open(&janus, &cy);
	ck_assert_ptr_nonnull(strstr(
	    janus_guest_ask(&cy, "{\"request\":\"join\",\"room\":7001,\"pin\":\"2468\"}"), "joined"));
	janus_guest_leave(&cy);
	/* Rooms that Tandem does not have are Janus's own. */
	ck_assert(!asks_for_a_code(7002));
	child_kill(&janus.janus);
	janus_rig_start(&janus);
	AWAIT(SOON, asks_for_a_code(7001));
	child_kill(&janus.feed);
	set_code("{\"setting\":{\"accessCode\":\"\"}}");
	ck_assert(asks_for_a_code(7001));
	janus_rig_feed(&janus, feeder_endpoint(&rig));
	AWAIT(SOON + 3000, !asks_for_a_code(7001));
}
END_TEST

START_TEST(whatever_dies)
{
	int rounds = getenv("TANDEM_LONG") != NULL ? 10 : 1;

	two_guests();
	for (int i = 0; i < rounds; i++) {
		child_kill(&janus.janus);
		AWAIT(SOON, members() == 0);
		janus_guest_leave(&ana);
		janus_guest_leave(&ben);
		janus_rig_start(&janus);
		two_guests();

		child_kill(&janus.feed);
		janus_guest_join(&janus, &cy, 7001, "cy", false);
		janus_rig_feed(&janus, feeder_endpoint(&rig));
		AWAIT(SOON + 3000, members() == 3);

		rig_kill(&rig.backend);
		janus_guest_leave(&cy);
		rig_backend(&rig);
		rig_await_ready(&rig, 0);
		AWAIT(SOON, members() == 2);
	}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("janus room");
	TCase *t = tcase_create("janus room");
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 300);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, a_conference);
	tcase_add_test(t, mute_and_kick_by_the_api);
	tcase_add_test(t, a_room_by_its_extension);
	tcase_add_test(t, the_code_of_the_room);
	tcase_add_test(t, whatever_dies);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
