/* SPDX-License-Identifier: ISC */
/*
 * Running conferences as their rooms' owners see them, told by a feed to a real backend and
 * gateway; and what a feed that is broken or hostile can do to them: nothing.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/feeder.h"

static struct rig rig;
static struct feeder feed;

#define SALES "/my/conferencedetails/sales-room"

static void
start(void)
{
	rig = (struct rig){.port = {0}};
	rig_start_fixture(&rig);
}

static void
stop(void)
{
	rig_stop(&rig);
}

/* Every test begins with a switch that has nothing, and leaves nothing behind. */
static void
connect_feed(void)
{
	char epoch[32];

	snprintf(epoch, sizeof(epoch), "%lld", ms_now());
	feeder_open(&feed, feeder_endpoint(&rig), "fs-1", epoch);
	ck_assert_int_eq(feeder_hello(&feed), 0);
}

static void
clear(struct feeder *f)
{
	feeder_send(f, feed_kind_SNAPSHOT_BEGIN, NULL, NULL);
	feeder_send(f, feed_kind_SNAPSHOT_END, NULL, NULL);
	feeder_settle(f);
	feeder_close(f);
}

static void
disconnect_feed(void)
{
	clear(&feed);
}

static void
begin_in(struct feeder *f, const char *key, const char *room)
{
	struct live_conference c = feeder_conference(room);

	feeder_send(f, feed_kind_CONFERENCE, key, &c);
}

static void
join_as(struct feeder *f, const char *key, int64_t id, const char *number)
{
	struct live_member m = feeder_participant(id, number);

	feeder_member(f, feed_kind_MEMBER, key, id, &m);
}

static void
leave(struct feeder *f, const char *key, int64_t id)
{
	feeder_member(f, feed_kind_MEMBER_END, key, id, NULL);
}

static int
status_of(const char *user, const char *path)
{
	struct answer a = rig_get(&rig, user, path);
	int status = a.status;

	answer_free(&a);
	return status;
}

/* How many members the owner of sales-room sees; 0 when it is said to be idle. */
static int
members(void)
{
	struct answer a = rig_get(&rig, "4410:secret99", SALES);
	int n = 0;

	if (a.status != 200)
		ck_assert_int_eq(a.status, 406);
	for (const char *p = a.body; a.status == 200 && (p = strstr(p, "\"id\":")) != NULL; p++)
		n++;
	answer_free(&a);
	return n;
}

static void
shows(const char *accept, const char *want)
{
	struct ask ask = {.user = "4410:secret99", .path = SALES, .accept = accept};
	struct answer a = rig_ask(&rig, &ask);

	ck_assert_int_eq(a.status, 200);
	ck_assert_str_eq(a.body, want);
	answer_free(&a);
}

static struct live_member
ana(void)
{
	struct live_member m = feeder_participant(3, "4410");

	REC_SET(&m, live_member, uuid, STR_LIT("6f1d7c52-3b0f-4c0e-9a55-0d7d1f2b9a01"));
	REC_SET(&m, live_member, name, STR_LIT("Ana Pop"));
	REC_SET(&m, live_member, muted, true);
	REC_SET(&m, live_member, energy, 100);
	return m;
}

/* Vectors CT-G1, CT-G2. */
START_TEST(who_takes_part)
{
	struct live_conference c = feeder_conference("sales-room");
	struct live_member m = ana();

	feeder_send(&feed, feed_kind_CONFERENCE, "c1", &c);
	feeder_send(&feed, feed_kind_MEMBER, "c1", &m);
	feeder_settle(&feed);
	shows("application/json",
	    "{\"conference\":{\"extension\":\"7001\",\"description\":\"Weekly sales\","
	    "\"locked\":false,\"members\":[{\"id\":3,\"name\":\"4410\",\"imId\":\"ana\","
	    "\"uuid\":\"6f1d7c52-3b0f-4c0e-9a55-0d7d1f2b9a01\",\"volumeIn\":0,\"volumeOut\":0,"
	    "\"energyLevel\":100,\"canHear\":true,\"canSpeak\":false}]}}");
	shows("text/xml",
	    "<conference><extension>7001</extension><description>Weekly sales</description>"
	    "<locked>false</locked><members><member><id>3</id><name>4410</name><imId>ana</imId>"
	    "<uuid>6f1d7c52-3b0f-4c0e-9a55-0d7d1f2b9a01</uuid><volumeIn>0</volumeIn>"
	    "<volumeOut>0</volumeOut><energyLevel>100</energyLevel><canHear>true</canHear>"
	    "<canSpeak>false</canSpeak></member></members></conference>");
	REC_SET(&c, live_conference, locked, true);
	feeder_send(&feed, feed_kind_CONFERENCE, "c1", &c);
	join_as(&feed, "c1", 1, "0015550177");
	feeder_settle(&feed);
	/* By number, whoever came first. */
	shows("application/json",
	    "{\"conference\":{\"extension\":\"7001\",\"description\":\"Weekly sales\","
	    "\"locked\":true,\"members\":[{\"id\":1,\"name\":\"0015550177\",\"volumeIn\":0,"
	    "\"volumeOut\":0,\"energyLevel\":0,\"canHear\":true,\"canSpeak\":true},"
	    "{\"id\":3,\"name\":\"4410\",\"imId\":\"ana\","
	    "\"uuid\":\"6f1d7c52-3b0f-4c0e-9a55-0d7d1f2b9a01\",\"volumeIn\":0,\"volumeOut\":0,"
	    "\"energyLevel\":100,\"canHear\":true,\"canSpeak\":false}]}}");
}
END_TEST

/* A number is never left out; behind ';' stand parameters; a messaging id is no number. */
START_TEST(numbers_of_members)
{
	struct live_member m = feeder_participant(1, "");
	struct answer a;

	begin_in(&feed, "c1", "sales-room");
	REC_UNSET(&m, live_member, number);
	feeder_send(&feed, feed_kind_MEMBER, "c1", &m);
	join_as(&feed, "c1", 2, "ana.pop;phone-context=x");
	join_as(&feed, "c1", 3, "ana");
	join_as(&feed, "c1", 4, ";");
	feeder_settle(&feed);
	a = rig_get(&rig, "4410:secret99", SALES);
	ck_assert_int_eq(a.status, 200);
	ck_assert_ptr_nonnull(strstr(a.body, "{\"id\":1,\"name\":\"\",\"volumeIn\""));
	ck_assert_ptr_nonnull(
	    strstr(a.body, "{\"id\":2,\"name\":\"ana.pop;phone-context=x\",\"imId\":\"ana\","));
	ck_assert_ptr_nonnull(strstr(a.body, "{\"id\":3,\"name\":\"ana\",\"volumeIn\""));
	ck_assert_ptr_nonnull(strstr(a.body, "{\"id\":4,\"name\":\";\",\"volumeIn\""));
	answer_free(&a);
}
END_TEST

/* Vectors CT-G3, CT-G4, CT-G5, CT-P1, CT-P2, CT-P3. */
START_TEST(what_is_refused)
{
	const char *methods[] = {"PUT", "PUT", "POST", "DELETE"};
	const char *types[] = {"application/json", "text/xml", "application/json", NULL};

	ck_assert_int_eq(status_of("4410:secret99", SALES), 406);
	ck_assert_int_eq(status_of("4410:secret99", "/my/conferencedetails/nope"), 404);
	ck_assert_int_eq(status_of("4420:secret20", "/my/conferencedetails/nope"), 404);
	ck_assert_int_eq(status_of("4420:secret20", SALES), 403);
	/* An extension is no name. */
	ck_assert_int_eq(status_of("4410:secret99", "/my/conferencedetails/7001"), 404);
	begin_in(&feed, "c1", "sales-room");
	feeder_settle(&feed);
	ck_assert_int_eq(status_of("4410:secret99", SALES), 406);
	ck_assert_int_eq(status_of("4420:secret20", SALES), 403);
	join_as(&feed, "c1", 1, "4420");
	feeder_settle(&feed);
	ck_assert_int_eq(status_of("4410:secret99", SALES), 200);
	/* Taking part is no reason to be told of the others. */
	ck_assert_int_eq(status_of("4420:secret20", SALES), 403);
	ck_assert_int_eq(status_of("admin:secretadmin", SALES), 403);
	for (int i = 0; i < 4; i++) {
		struct ask ask = {.user = "4410:secret99",
		    .path = SALES,
		    .method = methods[i],
		    .type = types[i],
		    .body = types[i] != NULL ? "{}" : NULL,
		    .body_n = types[i] != NULL ? 2 : 0};
		struct answer a = rig_ask(&rig, &ask);

		ck_assert_int_eq(a.status, 405);
		ck_assert_str_eq(answer_header(&a, "allow"), "GET, HEAD, OPTIONS");
		answer_free(&a);
	}
}
END_TEST

START_TEST(members_come_and_go)
{
	begin_in(&feed, "c1", "sales-room");
	for (int i = 1; i <= 5; i++)
		join_as(&feed, "c1", i, "1");
	feeder_settle(&feed);
	ck_assert_int_eq(members(), 5);
	leave(&feed, "c1", 2);
	leave(&feed, "c1", 2);
	leave(&feed, "c1", 77);
	feeder_settle(&feed);
	ck_assert_int_eq(members(), 4);
	feeder_send(&feed, feed_kind_CONFERENCE_END, "c1", NULL);
	/* Who comes late does not bring it back, nor is there when the next one begins. */
	join_as(&feed, "c1", 6, "1");
	feeder_settle(&feed);
	ck_assert_int_eq(members(), 0);
	begin_in(&feed, "c1", "sales-room");
	feeder_settle(&feed);
	ck_assert_int_eq(members(), 0);
	join_as(&feed, "c1", 1, "1");
	feeder_settle(&feed);
	ck_assert_int_eq(members(), 1);
}
END_TEST

/* A room's name, extension and direct number all mean the room. */
START_TEST(rooms_of_conferences)
{
	begin_in(&feed, "c1", "7001");
	join_as(&feed, "c1", 1, "1");
	begin_in(&feed, "c2", "5557002");
	join_as(&feed, "c2", 1, "1");
	begin_in(&feed, "c3", "another");
	join_as(&feed, "c3", 1, "1");
	feeder_settle(&feed);
	ck_assert_int_eq(members(), 1);
	ck_assert_int_eq(status_of("4410:secret99", "/my/conferencedetails/lab"), 200);
	/* It has been transferred elsewhere. */
	begin_in(&feed, "c1", "bobs");
	feeder_settle(&feed);
	ck_assert_int_eq(members(), 0);
	ck_assert_int_eq(status_of("4420:secret20", "/my/conferencedetails/bobs"), 200);
}
END_TEST

/* Two switches have the same room, with the same names of conferences and members. */
START_TEST(each_source_its_own)
{
	struct feeder other;

	feeder_open(&other, feeder_endpoint(&rig), "fs-2", "x");
	feeder_hello(&other);
	begin_in(&feed, "c1", "sales-room");
	begin_in(&other, "c1", "sales-room");
	join_as(&other, "c1", 1, "1");
	join_as(&other, "c1", 2, "1");
	feeder_settle(&feed);
	feeder_settle(&other);
	/* The one that somebody takes part in is shown. */
	ck_assert_int_eq(members(), 2);
	feeder_send(&feed, feed_kind_CONFERENCE_END, "c1", NULL);
	leave(&feed, "c1", 1);
	feeder_settle(&feed);
	ck_assert_int_eq(members(), 2);
	begin_in(&feed, "c1", "sales-room");
	join_as(&feed, "c1", 9, "1");
	feeder_send(&feed, feed_kind_SNAPSHOT_BEGIN, NULL, NULL);
	feeder_settle(&feed);
	ck_assert_int_eq(members(), 1);
	feeder_send(&feed, feed_kind_SNAPSHOT_END, NULL, NULL);
	feeder_settle(&feed);
	ck_assert_int_eq(members(), 2);
	clear(&other);
}
END_TEST

START_TEST(a_snapshot_replaces_them)
{
	begin_in(&feed, "c1", "sales-room");
	for (int i = 1; i <= 200; i++)
		join_as(&feed, "c1", i, "1");
	feeder_settle(&feed);
	for (int i = 201; i <= 400; i++)
		join_as(&feed, "c1", i, "1");
	begin_in(&feed, "c2", "bobs");
	join_as(&feed, "c2", 1, "1");
	feeder_settle(&feed);
	ck_assert_int_eq(members(), 400);
	feeder_send(&feed, feed_kind_SNAPSHOT_BEGIN, NULL, NULL);
	begin_in(&feed, "c1", "sales-room");
	join_as(&feed, "c1", 7, "1");
	join_as(&feed, "c1", 500, "1");
	feeder_settle(&feed);
	/* It may never end. */
	ck_assert_int_eq(members(), 401);
	feeder_send(&feed, feed_kind_SNAPSHOT_END, NULL, NULL);
	feeder_settle(&feed);
	ck_assert_int_eq(members(), 2);
	ck_assert_int_eq(status_of("4420:secret20", "/my/conferencedetails/bobs"), 406);
}
END_TEST

START_TEST(a_kill_loses_nothing)
{
	char epoch[64];

	begin_in(&feed, "c1", "sales-room");
	feeder_settle(&feed);
	for (int round = 0; round < 3; round++) {
		join_as(&feed, "c1", round, "1");
		feeder_settle(&feed);
		rig_kill(&rig.backend);
		snprintf(epoch, sizeof(epoch), "%s", feed.epoch);
		feeder_close(&feed);
		rig_backend(&rig);
		feeder_open(&feed, feeder_endpoint(&rig), "fs-1", epoch);
		ck_assert_int_eq(feeder_hello(&feed), round + 2);
	}
	rig_await_ready(&rig, 0);
	ck_assert_int_eq(members(), 3);
}
END_TEST

START_TEST(wrong_messages_change_nothing)
{
	struct live_conference c = feeder_conference("sales-room");
	struct live_member m = feeder_participant(INT64_MAX, "1");
	char key[402];

	memset(key, 'k', sizeof(key));
	key[400] = '\0';
	feeder_send(&feed, feed_kind_CONFERENCE, NULL, &c);
	feeder_send(&feed, feed_kind_CONFERENCE, "c1", NULL);
	feeder_send(&feed, feed_kind_CONFERENCE_END, NULL, NULL);
	feeder_send(&feed, feed_kind_MEMBER_END, "c1", NULL);
	c.room = (struct str){"", 0};
	feeder_send(&feed, feed_kind_CONFERENCE, "c1", &c);
	c = feeder_conference("sales-room");
	feeder_send(&feed, feed_kind_MEMBER, "c1", &m);
	/* As long as it may be, and with the greatest number. */
	feeder_send(&feed, feed_kind_CONFERENCE, key, &c);
	feeder_send(&feed, feed_kind_MEMBER, key, &m);
	feeder_member(&feed, feed_kind_MEMBER, key, 5, &m);
	m.id = -1;
	feeder_send(&feed, feed_kind_MEMBER, key, &m);
	m.id = 1;
	m.has |= REC_BIT(live_member, volume_in);
	m.volume_in = 101;
	feeder_send(&feed, feed_kind_MEMBER, key, &m);
	feeder_settle(&feed);
	ck_assert_int_eq(members(), 1);
	leave(&feed, key, INT64_MAX);
	feeder_settle(&feed);
	ck_assert_int_eq(members(), 0);
	/* What fits into a key only as characters. */
	for (int i = 0; i < 400; i += 2)
		memcpy(key + i, "\xc3\xa4", 2);
	key[400] = '\xc3', key[401] = '\0';
	key[400] = '\0';
	feeder_send(&feed, feed_kind_CONFERENCE, key, &c);
	feeder_send(&feed, feed_kind_CONFERENCE_END, key, NULL);
	feeder_settle(&feed);
}
END_TEST

/* An answer in many parts, and what ends with one message. */
START_TEST(thousands_of_members)
{
	begin_in(&feed, "c1", "sales-room");
	for (int i = 1; i <= 3000; i++) {
		join_as(&feed, "c1", i, "1");
		if (i % 200 == 0)
			feeder_settle(&feed);
	}
	ck_assert_int_eq(members(), 3000);
	feeder_send(&feed, feed_kind_CONFERENCE_END, "c1", NULL);
	feeder_settle(&feed);
	ck_assert_int_eq(members(), 0);
	begin_in(&feed, "c1", "sales-room");
	join_as(&feed, "c1", 1, "1");
	feeder_settle(&feed);
	ck_assert_int_eq(members(), 1);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("conference");
	TCase *t = tcase_create("conference");
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 60);
	tcase_add_unchecked_fixture(t, start, stop);
	tcase_add_checked_fixture(t, connect_feed, disconnect_feed);
	tcase_add_test(t, who_takes_part);
	tcase_add_test(t, numbers_of_members);
	tcase_add_test(t, what_is_refused);
	tcase_add_test(t, members_come_and_go);
	tcase_add_test(t, rooms_of_conferences);
	tcase_add_test(t, each_source_its_own);
	tcase_add_test(t, a_snapshot_replaces_them);
	tcase_add_test(t, wrong_messages_change_nothing);
	tcase_add_test(t, thousands_of_members);
	suite_add_tcase(s, t);
	t = tcase_create("kill");
	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, start, stop);
	tcase_add_checked_fixture(t, connect_feed, disconnect_feed);
	tcase_add_test(t, a_kill_loses_nothing);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
