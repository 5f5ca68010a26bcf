/* SPDX-License-Identifier: ISC */
/*
 * The switch obeys: what a user sets by REST decides which telephones ring, when, and for how long.
 * Real gateway, backend, feed and Kamailio; the telephones and the caller are SIPp.
 */
#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/route_rig.h"

static struct phone *const own = &phones[0], *const first = &phones[1], *const second = &phones[2],
                           *const other = &phones[3];

static void
forward(const char *json)
{
	routes_set("201:password", "PUT", "/my/callfwd", json);
}

static void
near(double is, double want)
{
	ck_assert_msg(is > want - 0.6 && is < want + 1.5, "%.2f s, not %.2f", is, want);
}

static void
silent(const struct phone *p)
{
	ck_assert_msg(p->rang == 0, "%s rang", p->number);
}

/* The body is that of the design document, with fewer seconds. */
START_TEST(after_its_seconds)
{
	forward("{\"expiration\":2,\"rings\":[{\"expiration\":30,\"type\":\"If no response\","
	        "\"enabled\":true,\"number\":\"5551212\"}]}");
	phones_call("201", first);
	near(phone_rang_after(own), 0);
	near(own->stopped - own->rang, 2);
	near(phone_rang_after(first), 2);
	ck_assert(first->answered);
	silent(second);
	/* One after the other, each with its own seconds, and nobody answers. */
	forward(
	    "{\"expiration\":1,\"rings\":["
	    "{\"expiration\":2,\"type\":\"If no response\",\"enabled\":true,\"number\":\"5551212\"},"
	    "{\"expiration\":1,\"type\":\"If no response\",\"enabled\":true,\"number\":\"5551213\"}]}");
	phones_call("201", NULL);
	near(phone_rang_after(first), 1);
	near(first->stopped - first->rang, 2);
	near(phone_rang_after(second), 3);
	near(second->stopped - second->rang, 1);
}
END_TEST

START_TEST(at_the_same_time)
{
	forward(
	    "{\"expiration\":3,\"rings\":["
	    "{\"expiration\":1,\"type\":\"At the same time\",\"enabled\":true,\"number\":\"5551212\"},"
	    "{\"expiration\":2,\"type\":\"If no response\",\"enabled\":true,\"number\":\"5551213\"},"
	    "{\"expiration\":1,\"type\":\"At the same time\",\"enabled\":true,\"number\":\"4420\"}]}");
	phones_call("201", NULL);
	near(phone_rang_after(own), 0);
	near(phone_rang_after(first), 0);
	/* Together, but each for its own seconds. */
	near(first->stopped - first->rang, 1);
	near(own->stopped - own->rang, 3);
	near(phone_rang_after(second), 3);
	near(phone_rang_after(other), 3);
	near(other->stopped - other->rang, 1);
	near(second->stopped - second->rang, 2);
	/* Whoever answers first ends the others' ringing. */
	phones_call("201", first);
	near(phone_rang_after(own), 0);
	ck_assert(first->answered);
	near(own->stopped - own->rang, 0);
	silent(second);
}
END_TEST

/* As in schedules, of UTC. */
static int
day_of_week(void)
{
	time_t now = time(NULL);

	return gmtime(&now)->tm_wday + 1;
}

static void
add_schedule(const char *name, int day)
{
	char json[256];

	snprintf(json, sizeof(json),
	    "{\"name\":\"%s\",\"periods\":[{\"scheduledDay\":%d,\"start\":{\"hrs\":0,\"min\":0},"
	    "\"end\":{\"hrs\":23,\"min\":59}}]}",
	    name, day);
	routes_set("201:password", "POST", "/my/callfwdsched", json);
}

static int
schedule_number(const char *name)
{
	struct answer a = rig_get(&kam.rig, "201:password", "/my/callfwdsched");
	const char *at = strstr(a.body, name);
	int number;

	ck_assert_ptr_nonnull(at);
	while (at > a.body && strncmp(at, "\"scheduleId\":", 13) != 0)
		at--;
	number = atoi(at + 13);
	answer_free(&a);
	return number;
}

START_TEST(within_its_schedule)
{
	char json[512], path[64];
	int today, not_today;

	/* Not at midnight, when today becomes yesterday. */
	while (time(NULL) % 86400 > 86400 - 40)
		nanosleep(&(struct timespec){1, 0}, NULL);
	rig_load(
	    &kam.rig, "{\"type\":\"user\",\"record\":{\"userName\":\"201\",\"timeZone\":\"UTC\"}}\n");
	ck_assert_int_eq(
	    rig_ctl(&kam.rig, "password\n", NULL, 0, "user password 201 --password-stdin --allow-weak"),
	    0);
	add_schedule("Today", day_of_week());
	add_schedule("Tomorrow", day_of_week() % 7 + 1);
	today = schedule_number("Today");
	not_today = schedule_number("Tomorrow");
	snprintf(json, sizeof(json),
	    "{\"expiration\":1,\"rings\":["
	    "{\"expiration\":1,\"type\":\"If no "
	    "response\",\"enabled\":true,\"number\":\"5551212\",\"scheduleId\":%d},"
	    "{\"expiration\":1,\"type\":\"If no "
	    "response\",\"enabled\":true,\"number\":\"5551213\",\"scheduleId\":%d}]}",
	    not_today, today);
	forward(json);
	phones_call("201", NULL);
	silent(first);
	/* It does not wait for the one that is passed over. */
	near(phone_rang_after(second), 1);
	/* The schedule moves to today. */
	snprintf(path, sizeof(path), "/my/callfwdsched/%d", not_today);
	snprintf(json, sizeof(json),
	    "{\"name\":\"Tomorrow\",\"periods\":[{\"scheduledDay\":0,\"start\":{\"hrs\":0,\"min\":0},"
	    "\"end\":{\"hrs\":23,\"min\":59}}]}");
	routes_set("201:password", "PUT", path, json);
	phones_call("201", NULL);
	near(phone_rang_after(first), 1);
	/* Without its schedule it rings always. */
	snprintf(path, sizeof(path), "/my/callfwdsched/%d", today);
	routes_set("201:password", "DELETE", path, NULL);
	phones_call("201", NULL);
	near(phone_rang_after(second), 2);
}
END_TEST

/* What the feed says of a change of the clocks counts from that second on, without anybody there.
 * The entry is written as the feed would. */
START_TEST(clocks_are_changed)
{
	char line[512], at[128];
	long change;
	int ahead = 6;

	routes_at(at);
again:
	change = (long)time(NULL) + ahead;
	snprintf(line, sizeof(line),
	    "curl -sf -d "
	    "'s:if>%s^u:701>%c|901:1:1:1|1:1:-@%ld@0-10080:5551212|1:1:0-10080@%ld@-:5551213^' "
	    "http://%s:%d/tandem/routes >/dev/null",
	    at, at[0], change, change, kam.proxy_ip, kam.http_port);
	ck_assert_int_eq(system(line), 0);
	phones_call("701", NULL);
	/* Where the machine is busy the call may last longer. */
	if (time(NULL) >= change && ahead < 40) {
		ahead *= 2;
		goto again;
	}
	ck_assert_int_lt(time(NULL), change);
	silent(first);
	near(phone_rang_after(second), 0);
	while (time(NULL) < change)
		nanosleep(&(struct timespec){0, 100 * 1000000}, NULL);
	phones_call("701", NULL);
	silent(second);
	near(phone_rang_after(first), 0);
	/* A minute of the week that has gone, this one, and one that comes. */
	for (int i = -1; i <= 1; i++) {
		long minute;

		while (time(NULL) % 60 > 50)
			nanosleep(&(struct timespec){1, 0}, NULL);
		minute = ((long)time(NULL) / 60 + 4 * 1440 + i + 10080) % 10080;
		snprintf(line, sizeof(line),
		    "curl -sf -d 'u:701>%c|901:1:1:1|1:1:%ld-%ld:5551212^' http://%s:%d/tandem/routes "
		    ">/dev/null",
		    at[0], minute, minute + 1, kam.proxy_ip, kam.http_port);
		ck_assert_int_eq(system(line), 0);
		phones_call("701", NULL);
		if (i == 0)
			near(phone_rang_after(first), 0);
		else
			silent(first);
	}
}
END_TEST

START_TEST(disabled_never)
{
	forward(
	    "{\"expiration\":1,\"rings\":["
	    "{\"expiration\":1,\"type\":\"If no response\",\"enabled\":false,\"number\":\"5551212\"},"
	    "{\"expiration\":1,\"type\":\"At the same time\",\"enabled\":false,\"number\":\"4420\"},"
	    "{\"expiration\":1,\"type\":\"If no response\",\"enabled\":true,\"number\":\"\"},"
	    "{\"expiration\":1,\"type\":\"If no response\",\"enabled\":true,\"number\":\"5551213\"}]}");
	phones_call("201", NULL);
	near(phone_rang_after(own), 0);
	silent(first);
	silent(other);
	near(phone_rang_after(second), 1);
	/* Enabled, and the next call rings it. */
	routes_set("201:password", "PUT", "/my/forward",
	    "{\"call-sequence\":{\"rings\":[{\"expiration\":1,\"type\":\"If no "
	    "response\",\"enabled\":true,"
	    "\"number\":\"5551212\"}]}}");
	phones_call("201", NULL);
	near(phone_rang_after(first), 1);
	silent(second);
}
END_TEST

/* 201 rings 4420, which rings 201: nobody rings twice, and it ends. */
START_TEST(no_loops)
{
	forward(
	    "{\"expiration\":1,\"rings\":["
	    "{\"expiration\":4,\"type\":\"If no response\",\"enabled\":true,\"number\":\"4420\"}]}");
	routes_set("4420:secret20", "PUT", "/my/callfwd",
	    "{\"expiration\":1,\"rings\":["
	    "{\"expiration\":4,\"type\":\"If no response\",\"enabled\":true,\"number\":\"201\"},"
	    "{\"expiration\":1,\"type\":\"If no response\",\"enabled\":true,\"number\":\"5551212\"}]}");
	phones_call("201", NULL);
	near(phone_rang_after(own), 0);
	near(own->stopped - own->rang, 1);
	near(phone_rang_after(other), 1);
	near(phone_rang_after(first), 2);
	near(first->stopped - first->rang, 1);
}
END_TEST

/* By alias, and not any more when the account is disabled. */
START_TEST(accounts)
{
	char before[128], out[256];

	routes_at(before);
	rig_load(
	    &kam.rig, "{\"type\":\"user\",\"record\":{\"userName\":\"201\",\"aliases\":[\"2010\"]}}\n");
	routes_await(before);
	phones_call("2010", own);
	ck_assert(own->answered);
	routes_at(before);
	ck_assert_int_eq(rig_ctl(&kam.rig, NULL, out, sizeof(out), "user disable 201"), 0);
	routes_await(before);
	phones_call("2010", own);
	silent(own);
}
END_TEST

START_TEST(without_tandem_by_what_is_known)
{
	char before[128], after[128];

	forward("{\"expiration\":1,\"rings\":[{\"expiration\":1,\"type\":\"If no response\","
	        "\"enabled\":true,\"number\":\"5551212\"}]}");
	routes_at(before);
	rig_kill(&kam.rig.backend);
	phones_call("201", NULL);
	near(phone_rang_after(first), 1);
	child_kill(&kam.feed);
	phones_call("201", NULL);
	near(phone_rang_after(first), 1);
	routes_at(after);
	ck_assert_str_eq(before, after);
	/* A proxy that is started anew is filled by a feed that has no backend either. */
	kam_proxy_end(&kam);
	kam_proxy(&kam);
	routes_at(after);
	ck_assert_str_eq(after, "");
	kam_feed(&kam);
	routes_await("");
	phones_register();
	phones_call("201", NULL);
	near(phone_rang_after(first), 1);
	/* While the feed runs it takes no more than two seconds. */
	kam_proxy_end(&kam);
	kam_proxy(&kam);
	{
		long long from = ms_now();

		routes_await("");
		ck_assert_int_lt(ms_now() - from, 6000);
	}
	/* And what happened meanwhile is heard when the backend is there again. */
	rig_backend(&kam.rig);
	rig_await_ready(&kam.rig, 0);
	forward("{\"expiration\":2,\"rings\":[{\"expiration\":1,\"type\":\"If no response\","
	        "\"enabled\":true,\"number\":\"5551213\"}]}");
	phones_register();
	phones_call("201", NULL);
	near(phone_rang_after(second), 2);
	silent(first);
}
END_TEST

static int
by_size(const void *pa, const void *pb)
{
	const double *a = pa, *b = pb;

	return (*a > *b) - (*a < *b);
}

/* From the answer to the client until the proxy has it; and all users of a large system. */
START_TEST(how_long_it_takes)
{
	enum { USERS = 2000, CHANGES = 50 };
	char *lines = malloc(USERS * 80), *p = lines, before[128];
	double took[CHANGES];
	long long from;

	for (int i = 0; i < CHANGES; i++) {
		char json[64];
		struct timespec start, end;
		struct answer a;

		routes_at(before);
		snprintf(json, sizeof(json), "{\"expiration\":%d}", 1 + i);
		a = rig_put(&kam.rig, "201:password", "/my/callfwd", json);
		clock_gettime(CLOCK_MONOTONIC, &start);
		ck_assert_int_eq(a.status, 200);
		answer_free(&a);
		routes_await(before);
		clock_gettime(CLOCK_MONOTONIC, &end);
		took[i] =
		    (double)(end.tv_sec - start.tv_sec) * 1e3 + (double)(end.tv_nsec - start.tv_nsec) / 1e6;
	}
	qsort(took, CHANGES, sizeof(took[0]), by_size);
	for (int i = 0; i < USERS; i++)
		p += sprintf(p, "{\"type\":\"user\",\"record\":{\"userName\":\"u%05d\"}}\n", i);
	routes_at(before);
	rig_load(&kam.rig, lines);
	free(lines);
	routes_await(before);
	kam_proxy_end(&kam);
	kam_proxy(&kam);
	from = ms_now();
	routes_await("");
	printf("a change reaches the proxy %.1f ms after its answer (median; at most %.1f); %d users "
	       "%lld ms "
	       "after the proxy's start\n",
	    took[CHANGES / 2], took[CHANGES - 1], USERS, ms_now() - from);
	ck_assert(took[CHANGES / 2] < 500);
	ck_assert_int_lt(ms_now() - from, 9000);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("routes of a real proxy");
	TCase *t = tcase_create("routes");
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 120);
	tcase_add_checked_fixture(t, route_rig_start, route_rig_stop);
	tcase_add_test(t, after_its_seconds);
	tcase_add_test(t, at_the_same_time);
	tcase_add_test(t, within_its_schedule);
	tcase_add_test(t, clocks_are_changed);
	tcase_add_test(t, disabled_never);
	tcase_add_test(t, no_loops);
	tcase_add_test(t, accounts);
	tcase_add_test(t, without_tandem_by_what_is_known);
	tcase_add_test(t, how_long_it_takes);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
