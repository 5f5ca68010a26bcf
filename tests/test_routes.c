/* SPDX-License-Identifier: ISC */
/*
 * What feeds are told about how calls are routed, by a real backend: everything at first, then each
 * change within the transaction that made it, never more than a slow feed can hold.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/feeder.h"

enum { ROUTES_WINDOW = 8 };

static struct rig rig;
static struct feeder feed;
static struct feed_routes part; /* the last one */

static const char fixture[] =
    "{\"type\":\"group\",\"record\":{\"name\":\"sales\",\"weight\":1}}\n"
    "{\"type\":\"group\",\"record\":{\"name\":\"staff\",\"weight\":2}}\n"
    "{\"type\":\"user\",\"record\":{\"userName\":\"4410\",\"aliases\":[\"ana.pop\"]}}\n"
    "{\"type\":\"user\",\"record\":{\"userName\":\"4420\","
    "\"permissions\":[{\"name\":\"voicemail\",\"enabled\":false}]}}\n"
    "{\"type\":\"user\",\"record\":{\"userName\":\"501\",\"groups\":[\"sales\"]}}\n"
    "{\"type\":\"user\",\"record\":{\"userName\":\"4499\",\"enabled\":false}}\n"
    "{\"type\":\"schedule\",\"user\":\"4410\",\"item\":7,\"record\":{\"name\":\"Office\","
    "\"periods\":[{\"scheduledDay\":-1,\"start\":{\"hrs\":9,\"min\":0},\"end\":{\"hrs\":18,\"min\":"
    "30}}]}}\n"
    "{\"type\":\"schedule\",\"group\":\"sales\",\"item\":9,\"record\":{\"name\":\"Alpha\","
    "\"periods\":[{\"scheduledDay\":-1,\"start\":{\"hrs\":9,\"min\":0},\"end\":{\"hrs\":18,\"min\":"
    "0}}]}}\n"
    "{\"type\":\"callfwd\",\"user\":\"4420\",\"record\":{\"rings\":[{\"expiration\":30,"
    "\"type\":\"If no response\",\"enabled\":true,\"number\":\"5550100\"}],\"expiration\":25}}\n"
    "{\"type\":\"room\",\"user\":\"4410\",\"item\":1,\"record\":{\"name\":\"sales-room\","
    "\"extension\":\"7001\",\"accessCode\":\"2468\",\"moderatorCode\":\"13579\"}}\n"
    "{\"type\":\"room\",\"user\":\"4410\",\"item\":2,\"record\":{\"enabled\":false,\"name\":"
    "\"lab\","
    "\"extension\":\"7002\",\"did\":\"5557002\"}}\n"
    "{\"type\":\"room\",\"user\":\"4420\",\"item\":3,\"record\":{\"name\":\"bobs\",\"extension\":"
    "\"7003\"}}\n";

enum { FIXTURE_USERS = 4 };

static void
setup(void)
{
	static const char *const users[][2] = {
	    {"4410", "secret99\n"}, {"4420", "secret20\n"}, {"501", "secret501\n"}};
	char out[256];

	rig = (struct rig){.port = {0}};
	rig_start(&rig);
	rig_load(&rig, fixture);
	for (size_t i = 0; i < sizeof(users) / sizeof(users[0]); i++)
		ck_assert_int_eq(rig_ctl(&rig, users[i][1], out, sizeof(out),
		                     "user password %s --password-stdin --allow-weak", users[i][0]),
		    0);
}

static void
teardown(void)
{
	if (feed.client != NULL)
		feeder_close(&feed);
	rig_stop(&rig);
}

static void
acknowledge(int64_t number)
{
	struct feed_routes_ack a = {0};

	REC_SET(&a, feed_routes_ack, part, number);
	feeder_frame(&feed, ENV_FEED_ROUTES_ACK, &a);
}

/* Connects as a switch of that kind; `generation` 0 = it has nothing. */
static void
come(enum feed_switch kind, int64_t generation, int64_t version)
{
	struct feed_hello h;

	feeder_open(&feed, feeder_endpoint(&rig), "sw-1", "e1");
	feed_hello_init(&h, "sw-1", "e1", (int)kind);
	REC_SET(&h, feed_hello, routes, true);
	if (generation != 0) {
		REC_SET(&h, feed_hello, route_generation, generation);
		REC_SET(&h, feed_hello, route_version, version);
	}
	feeder_frame(&feed, ENV_FEED_HELLO, &h);
	feeder_expect(&feed, ENV_FEED_WELCOME, NULL);
}

static void
next_part(void)
{
	feeder_expect(&feed, ENV_FEED_ROUTES, &part);
	acknowledge(part.part);
}

/* Takes a whole list in, and what follows it at once. */
static void
take_list(void)
{
	next_part();
	ck_assert(part.begin);
	while (!part.end)
		next_part();
	ck_assert(feeder_silent(&feed, 100));
}

static const struct feed_route *
route_of(const char *name)
{
	for (size_t i = 0; i < part.users.n; i++)
		if (str_eqc(part.users.v[i].name, name))
			return &part.users.v[i];
	return NULL;
}

static void
put(const char *user, const char *path, const char *json)
{
	struct answer a = rig_put(&rig, user, path, json);

	ck_assert_msg(a.status == 200, "%d %s", a.status, a.body);
	answer_free(&a);
}

/* A change of one user follows. */
static const struct feed_route *
changed(const char *name)
{
	const struct feed_route *r;

	next_part();
	ck_assert(!part.begin && !part.end && REC_HAS(&part, feed_routes, version));
	ck_assert_uint_eq(part.users.n, 1);
	ck_assert_ptr_nonnull(r = route_of(name));
	return r;
}

static bool
may(const struct feed_route *r, enum permission_name p)
{
	for (size_t i = 0; i < r->permissions.n; i++)
		if (r->permissions.v[i] == (int)p)
			return true;
	return false;
}

START_TEST(everything_at_first)
{
	const struct feed_route *r;

	come(feed_switch_KAMAILIO, 0, 0);
	next_part();
	ck_assert(part.begin && part.end);
	ck_assert_int_eq(part.part, 1);
	ck_assert_int_gt(part.generation, 0);
	ck_assert_uint_eq(part.users.n, FIXTURE_USERS);
	ck_assert_uint_eq(part.rooms.n, 0);
	ck_assert_ptr_nonnull(r = route_of("4410"));
	ck_assert(r->enabled && str_eqc(r->aliases.v[0], "ana.pop"));
	ck_assert_int_eq(r->seconds, 20);
	ck_assert_uint_eq(r->rings.n, 0);
	ck_assert(may(r, permission_name_VOICEMAIL) && !may(r, permission_name_SUPERADMIN));
	ck_assert_ptr_nonnull(r = route_of("4420"));
	ck_assert(!may(r, permission_name_VOICEMAIL));
	ck_assert_int_eq(r->seconds, 25);
	ck_assert_uint_eq(r->rings.n, 1);
	ck_assert(str_eqc(r->rings.v[0].number, "5550100"));
	ck_assert_int_eq(r->rings.v[0].seconds, 30);
	ck_assert_int_eq(r->rings.v[0].type, ring_type_NO_RESPONSE);
	ck_assert(!r->rings.v[0].scheduled);
	ck_assert_ptr_nonnull(r = route_of("4499"));
	ck_assert(!r->enabled);
	ck_assert(feeder_silent(&feed, 200));
}
END_TEST

START_TEST(a_change_by_rest_follows)
{
	const struct feed_route *r;
	int64_t version;
	struct answer a;

	come(feed_switch_KAMAILIO, 0, 0);
	take_list();
	version = part.version;
	put("4410:secret99", "/my/callfwd",
	    "{\"expiration\":7,\"rings\":["
	    "{\"expiration\":10,\"type\":\"If no "
	    "response\",\"enabled\":true,\"number\":\"1\",\"scheduleId\":7},"
	    "{\"expiration\":11,\"type\":\"At the same "
	    "time\",\"enabled\":true,\"number\":\"2@x.example\"},"
	    "{\"expiration\":12,\"type\":\"If no response\",\"enabled\":false,\"number\":\"3\"},"
	    "{\"expiration\":13,\"type\":\"If no response\",\"enabled\":true,\"number\":\"\"}]}");
	r = changed("4410");
	ck_assert_int_eq(part.version, version + 1);
	ck_assert_int_eq(r->seconds, 7);
	/* Neither the disabled ring nor the one without a number. */
	ck_assert_uint_eq(r->rings.n, 2);
	ck_assert(r->rings.v[0].scheduled);
	ck_assert_uint_eq(r->rings.v[0].periods.n, 1);
	ck_assert_int_eq(r->rings.v[0].periods.v[0].scheduled_day, -1);
	ck_assert_int_eq(r->rings.v[0].periods.v[0].end.min, 30);
	ck_assert(str_eqc(r->rings.v[1].number, "2@x.example"));
	ck_assert_int_eq(r->rings.v[1].type, ring_type_SAME_TIME);
	ck_assert(!r->rings.v[1].scheduled);
	put("4410:secret99", "/my/callfwdsched/7",
	    "{\"name\":\"Office\",\"periods\":[{\"scheduledDay\":1,\"start\":{\"hrs\":1,\"min\":2},"
	    "\"end\":{\"hrs\":3,\"min\":4}}]}");
	r = changed("4410");
	ck_assert_int_eq(r->rings.v[0].periods.v[0].scheduled_day, 1);
	/* Without its schedule a ring rings always. */
	a = rig_ask(&rig,
	    &(struct ask){.user = "4410:secret99", .path = "/my/callfwdsched/7", .method = "DELETE"});
	ck_assert_int_eq(a.status, 200);
	answer_free(&a);
	r = changed("4410");
	ck_assert(!r->rings.v[0].scheduled);
	put("4410:secret99", "/my/forward", "{\"call-sequence\":{\"rings\":[],\"expiration\":9}}");
	r = changed("4410");
	ck_assert_uint_eq(r->rings.n, 0);
	ck_assert_int_eq(r->seconds, 9);
	/* The same once more is no change. */
	put("4410:secret99", "/my/forward", "{\"call-sequence\":{\"rings\":[],\"expiration\":9}}");
	ck_assert(feeder_silent(&feed, 200));
}
END_TEST

START_TEST(what_has_nothing_to_do_with_calls)
{
	struct answer a;
	char out[256];

	come(feed_switch_KAMAILIO, 0, 0);
	take_list();
	put("4410:secret99", "/my/speeddial", "{\"buttons\":[],\"groupSpeedDial\":false}");
	put("4410:secret99", "/my/contact-information",
	    "{\"contact-information\":{\"firstName\":\"An\"}}");
	a = rig_ask(
	    &rig, &(struct ask){.user = "4410:secret99", .path = "/session?all", .method = "DELETE"});
	ck_assert_int_eq(a.status, 200);
	answer_free(&a);
	ck_assert_int_eq(
	    rig_ctl(&rig, "other-secret\n", out, sizeof(out), "user password 4410 --password-stdin"),
	    0);
	/* What was refused has not happened. */
	a = rig_put(&rig, "4420:secret20", "/my/callfwd",
	    "{\"rings\":[{\"number\":\"1\",\"type\":\"If no "
	    "response\",\"enabled\":true,\"scheduleId\":7}]}");
	ck_assert_int_eq(a.status, 422);
	answer_free(&a);
	ck_assert(feeder_silent(&feed, 300));
}
END_TEST

START_TEST(accounts)
{
	const struct feed_route *r;
	char out[256];
	int64_t id;

	come(feed_switch_KAMAILIO, 0, 0);
	take_list();
	ck_assert_int_eq(rig_ctl(&rig, NULL, out, sizeof(out), "user disable 4410"), 0);
	r = changed("4410");
	ck_assert(!r->enabled);
	rig_load(&rig,
	    "{\"type\":\"user\",\"record\":{\"userName\":\"4410\",\"aliases\":[\"77\",\"78\"],"
	    "\"timeZone\":\"Europe/"
	    "Berlin\",\"permissions\":[{\"name\":\"voicemail\",\"enabled\":false}]}}\n");
	r = changed("4410");
	id = r->id;
	ck_assert(r->enabled && str_eqc(r->time_zone, "Europe/Berlin"));
	ck_assert_uint_eq(r->aliases.n, 2);
	ck_assert(!may(r, permission_name_VOICEMAIL));
	ck_assert_int_eq(rig_ctl(&rig, NULL, out, sizeof(out), "user remove 4410 --yes"), 0);
	next_part();
	ck_assert_uint_eq(part.users.n, 0);
	ck_assert_uint_eq(part.gone.n, 1);
	ck_assert_int_eq(part.gone.v[0].subject, feed_subject_USER);
	ck_assert_int_eq(part.gone.v[0].id, id);
	rig_load(&rig, "{\"type\":\"user\",\"record\":{\"userName\":\"4410\"}}\n");
	r = changed("4410");
	ck_assert_int_ne(r->id, id);
	ck_assert_uint_eq(r->aliases.n, 0);
}
END_TEST

/* What concerns many is told as a whole, under another generation. */
START_TEST(changes_for_many)
{
	int64_t generation;

	come(feed_switch_KAMAILIO, 0, 0);
	take_list();
	ck_assert(may(route_of("501"), permission_name_VOICEMAIL));
	generation = part.generation;
	rig_load(&rig,
	    "{\"type\":\"group\",\"record\":{\"name\":\"sales\",\"weight\":1,"
	    "\"permissions\":[{\"name\":\"voicemail\",\"enabled\":false}]}}\n");
	take_list();
	ck_assert_int_gt(part.generation, generation);
	ck_assert(!may(route_of("501"), permission_name_VOICEMAIL));
	put("501:secret501", "/my/callfwd",
	    "{\"rings\":[{\"number\":\"1\",\"type\":\"If no "
	    "response\",\"enabled\":true,\"scheduleId\":9}]}");
	ck_assert_int_eq(changed("501")->rings.v[0].periods.v[0].end.hrs, 18);
	rig_load(&rig,
	    "{\"type\":\"schedule\",\"group\":\"sales\",\"item\":9,\"record\":{\"name\":\"Alpha\","
	    "\"periods\":[{\"scheduledDay\":0,\"start\":{\"hrs\":1,\"min\":0},\"end\":{\"hrs\":2,"
	    "\"min\":0}}]}}\n");
	take_list();
	ck_assert_int_eq(route_of("501")->rings.v[0].periods.v[0].end.hrs, 2);
	/* Whoever leaves the group has the schedule no more. */
	rig_load(&rig, "{\"type\":\"user\",\"record\":{\"userName\":\"501\"}}\n");
	ck_assert(!changed("501")->rings.v[0].scheduled);
	rig_load(
	    &rig, "{\"type\":\"settings\",\"record\":{\"realm\":\"ex.example\",\"ringSeconds\":33}}\n");
	take_list();
	ck_assert_int_eq(route_of("4410")->seconds, 33);
	ck_assert_int_eq(route_of("4420")->seconds, 25);
	/* Stored again as they were. */
	rig_load(&rig,
	    "{\"type\":\"settings\",\"record\":{\"realm\":\"ex.example\",\"ringSeconds\":33}}\n"
	    "{\"type\":\"group\",\"record\":{\"name\":\"staff\",\"weight\":2}}\n");
	ck_assert(feeder_silent(&feed, 200));
}
END_TEST

START_TEST(a_feed_goes_on_where_it_was)
{
	int64_t generation, version;

	come(feed_switch_KAMAILIO, 0, 0);
	take_list();
	generation = part.generation;
	version = part.version;
	feeder_close(&feed);
	come(feed_switch_KAMAILIO, generation, version);
	ck_assert(feeder_silent(&feed, 200));
	feeder_close(&feed);
	/* Each user once, however often it has changed, also over a kill. */
	for (int i = 1; i <= 3; i++) {
		char json[64];

		snprintf(json, sizeof(json), "{\"expiration\":%d}", i);
		put("4410:secret99", "/my/callfwd", json);
		put("4420:secret20", "/my/callfwd", json);
	}
	rig_kill(&rig.backend);
	rig_backend(&rig);
	come(feed_switch_KAMAILIO, generation, version);
	next_part();
	ck_assert(!part.begin);
	ck_assert_uint_eq(part.users.n, 2);
	ck_assert_int_eq(part.version, version + 6);
	ck_assert_int_eq(route_of("4410")->seconds, 3);
	ck_assert_int_eq(route_of("4420")->seconds, 3);
	feeder_close(&feed);
	/* Of another store, or of a future that this one has not had. */
	come(feed_switch_KAMAILIO, generation + 1, version);
	take_list();
	feeder_close(&feed);
	come(feed_switch_KAMAILIO, generation, version + 1000);
	take_list();
}
END_TEST

START_TEST(a_feed_that_does_not_acknowledge)
{
	enum { USERS = 4000 };
	char *lines = malloc(USERS * 64), *p = lines;
	size_t seen = 0;

	for (int i = 0; i < USERS; i++)
		p += sprintf(p, "{\"type\":\"user\",\"record\":{\"userName\":\"u%05d\"}}\n", i);
	rig_load(&rig, lines);
	free(lines);
	come(feed_switch_KAMAILIO, 0, 0);
	for (int i = 0; i < ROUTES_WINDOW; i++)
		feeder_expect(&feed, ENV_FEED_ROUTES, &part);
	ck_assert(feeder_silent(&feed, 500));
	/* What was never said cannot have been taken in. */
	acknowledge(ROUTES_WINDOW + 1);
	ck_assert(feeder_silent(&feed, 200));
	acknowledge(1);
	feeder_expect(&feed, ENV_FEED_ROUTES, &part);
	ck_assert(feeder_silent(&feed, 200));
	/* Anew, and this time all of it; a change in the middle comes behind. */
	feeder_close(&feed);
	come(feed_switch_KAMAILIO, 0, 0);
	next_part();
	seen = part.users.n;
	put("4410:secret99", "/my/callfwd", "{\"expiration\":3}");
	while (!part.end) {
		next_part();
		seen += part.users.n;
	}
	ck_assert_uint_eq(seen, USERS + FIXTURE_USERS);
	ck_assert_int_eq(changed("4410")->seconds, 3);
}
END_TEST

START_TEST(rooms_for_conference_switches)
{
	const struct room *room;

	come(feed_switch_JANUS, 0, 0);
	next_part();
	ck_assert(part.begin && part.end);
	ck_assert_uint_eq(part.users.n, 0);
	ck_assert_uint_eq(part.rooms.n, 3);
	room = &part.rooms.v[2].room;
	ck_assert(str_eqc(room->name, "sales-room") && str_eqc(room->extension, "7001"));
	ck_assert(str_eqc(room->access_code, "2468") && str_eqc(room->moderator_code, "13579"));
	put("4410:secret99", "/my/conferences/sales-room",
	    "{\"setting\":{\"maxMembers\":12,\"accessCode\":\"1122\",\"enabled\":false}}");
	next_part();
	ck_assert_uint_eq(part.rooms.n, 1);
	room = &part.rooms.v[0].room;
	ck_assert_int_eq(room->max_members, 12);
	ck_assert(str_eqc(room->access_code, "1122") && !room->enabled);
	ck_assert_int_eq(rig_ctl(&rig, NULL, NULL, 0, "user remove 4410 --yes"), 0);
	next_part();
	ck_assert_uint_eq(part.gone.n, 2);
	ck_assert_int_eq(part.gone.v[0].subject, feed_subject_ROOM);
}
END_TEST

/* Whoever does not ask is not told. */
START_TEST(only_who_asks)
{
	feeder_open(&feed, feeder_endpoint(&rig), "sw-1", "e1");
	ck_assert_int_eq(feeder_hello(&feed), 0);
	put("4410:secret99", "/my/callfwd", "{\"expiration\":3}");
	ck_assert(feeder_silent(&feed, 200));
	/* Asked, and then not any more. */
	feeder_close(&feed);
	come(feed_switch_KAMAILIO, 0, 0);
	take_list();
	feeder_close(&feed);
	feeder_open(&feed, feeder_endpoint(&rig), "sw-1", "e1");
	ck_assert_int_eq(feeder_hello(&feed), 0);
	put("4410:secret99", "/my/callfwd", "{\"expiration\":4}");
	ck_assert(feeder_silent(&feed, 200));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("routes");
	TCase *t = tcase_create("routes");
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, everything_at_first);
	tcase_add_test(t, a_change_by_rest_follows);
	tcase_add_test(t, what_has_nothing_to_do_with_calls);
	tcase_add_test(t, accounts);
	tcase_add_test(t, changes_for_many);
	tcase_add_test(t, a_feed_goes_on_where_it_was);
	tcase_add_test(t, a_feed_that_does_not_acknowledge);
	tcase_add_test(t, rooms_for_conference_switches);
	tcase_add_test(t, only_who_asks);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
