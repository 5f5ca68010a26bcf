/* SPDX-License-Identifier: ISC */
/*
 * Routes as the proxy gets them: periods of a user's week in minutes of UTC, also when clocks are
 * changed, and which entries of its table are sent when.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/log.h"
#include "feeds/kamailio_route.h"
#include "feeds/kamailio_table.h"
#include "feeds/kamailio_when.h"

static struct arena a;
static struct buf out;

static void
setup(void)
{
	arena_init(&a, 32 << 20);
	buf_init(&out, 1 << 20);
}

static void
teardown(void)
{
	arena_free(&a);
	buf_free(&out);
}

static int64_t
utc(int year, int month, int day, int hour, int minute)
{
	struct tm tm = {.tm_year = year - 1900,
	    .tm_mon = month - 1,
	    .tm_mday = day,
	    .tm_hour = hour,
	    .tm_min = minute};

	return (int64_t)timegm(&tm);
}

static struct period
period(int day, int from, int to)
{
	struct period p = {0};

	REC_SET(&p, period, scheduled_day, day);
	REC_SET(&p.start, clock_time, hrs, from / 100);
	REC_SET(&p.start, clock_time, min, from % 100);
	REC_SET(&p.end, clock_time, hrs, to / 100);
	REC_SET(&p.end, clock_time, min, to % 100);
	p.has |= REC_BIT(period, start) | REC_BIT(period, end);
	return p;
}

/* Offsets and changes as published, in zones of both hemispheres. */
static const struct {
	const char *name;
	int64_t when, offset, changes, after;
} zones[] = {
    {"UTC", 1767225600, 0, 0, 0},
    {"Asia/Kolkata", 1767225600, 19800, 0, 0},
    {"Europe/Berlin", 1767225600, 3600, 1774746000, 7200}, /* 29 March 2026 01:00 UTC */
    {"Europe/Berlin", 1774746000, 7200, 1792890000, 3600}, /* 25 October 2026 01:00 UTC */
    {"Europe/Berlin", 1774745999, 3600, 1774746000, 7200},
    {"America/New_York", 1767225600, -18000, 1772953200, -14400},  /* 8 March 2026 07:00 UTC */
    {"Australia/Sydney", 1767225600, 39600, 1775318400, 36000},    /* 4 April 2026 16:00 UTC */
    {"Australia/Lord_Howe", 1767225600, 39600, 1775314800, 37800}, /* half an hour */
    {"America/Santiago", 1767225600, -10800, 1775358000, -14400},
    {"Asia/Kathmandu", 1767225600, 20700, 0, 0},
};

START_TEST(zones_of_the_database)
{
	struct zone z;

	ck_assert(zone_at(str_c(zones[_i].name), zones[_i].when, &z));
	ck_assert_int_eq(z.offset, zones[_i].offset);
	ck_assert_int_eq(z.changes, zones[_i].changes);
	if (z.changes != 0)
		ck_assert_int_eq(z.after, zones[_i].after);
}
END_TEST

START_TEST(names_that_are_no_zones)
{
	static const char *const names[] = {"Europe/Nowhere", "../../../etc/passwd", "/etc/localtime",
	    "Europe/../Europe/Berlin", ".", "UTC ", "Europe/Berlin\n"};
	struct zone z;
	const char *before = getenv("TZ");

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		ck_assert_msg(!zone_at(str_c(names[i]), 1767225600, &z), "%s", names[i]);
	ck_assert(zone_at((struct str){"", 0}, 1767225600, &z));
	ck_assert(zone_at(STR_LIT("Asia/Tokyo"), 1767225600, &z));
	/* Nothing of it stays behind. */
	ck_assert(before == NULL ? getenv("TZ") == NULL : strcmp(before, getenv("TZ")) == 0);
}
END_TEST

/* Periods of a zone at some time, as the proxy reads them. */
static const struct {
	const char *zone;
	int64_t when;
	int day, from, to;
	const char *want;
} whens[] = {
    /* Monday 09:00 to 18:30, in UTC and around it. */
    {"UTC", 1767225600, 2, 900, 1830, "1980-2550"},
    {"Asia/Kolkata", 1767225600, 2, 900, 1830, "1650-2220"},
    {"America/New_York", 1767225600, 2, 900, 1830, "2280-2850@1772953200@2220-2790"},
    {"Europe/Berlin", 1767225600, 2, 900, 1830, "1920-2490@1774746000@1860-2430"},
    {"Europe/Berlin", 1774746000, 2, 900, 1830, "1860-2430@1792890000@1920-2490"},
    {"Australia/Sydney", 1767225600, 2, 900, 1830, "1320-1890@1775318400@1380-1950"},
    /* Over midnight UTC, to another day. */
    {"Australia/Sydney", 1775318400, 2, 900, 1830, "1380-1950@1791043200@1320-1890"},
    {"Asia/Kolkata", 1767225600, 2, 200, 900, "1230-1650"},
    /* Over the end of the week: Sunday morning in the east is Saturday in UTC, */
    {"Asia/Kolkata", 1767225600, 1, 300, 800, "0-150,9930-10080"},
    /* and Saturday evening in the west is Sunday. */
    {"America/Bogota", 1767225600, 7, 1800, 2200, "0-180,10020-10080"},
    /* Every day, which becomes one span where days touch; 23:59 is the end of the day. */
    {"UTC", 1767225600, 0, 0, 2359, "0-10080"},
    {"Asia/Kathmandu", 1767225600, 0, 0, 2359, "0-10080"},
    {"UTC", 1767225600, 0, 2300, 2359,
        "1380-1440,2820-2880,4260-4320,5700-5760,7140-7200,8580-8640,10020-10080"},
    {"UTC", 1767225600, 0, 0, 100,
        "0-60,1440-1500,2880-2940,4320-4380,5760-5820,7200-7260,8640-8700"},
    /* Weekdays and weekend. */
    {"UTC", 1767225600, -1, 0, 2359, "1440-8640"},
    {"UTC", 1767225600, -2, 0, 2359, "0-1440,8640-10080"},
    {"UTC", 1767225600, -2, 800, 900, "480-540,9120-9180"},
    {"Asia/Tokyo", 1767225600, -2, 800, 900, "8580-8640,10020-10080"},
    {"UTC", 1767225600, 7, 2358, 2359, "10078-10080"},
};

START_TEST(periods_in_utc)
{
	struct period p = period(whens[_i].day, whens[_i].from, whens[_i].to);
	struct period_list l = {&p, 1};
	struct zone z;

	ck_assert(zone_at(str_c(whens[_i].zone), whens[_i].when, &z));
	ck_assert_int_eq(validity_text(&l, &z, &a, &out), 0);
	ck_assert_msg(str_eqc(buf_str(&out), whens[_i].want), "%.*s", (int)out.n, out.p);
}
END_TEST

/* Every minute of two years, against the C library's local time in the zone. */
START_TEST(agrees_with_local_time)
{
	static const char *const names[] = {"Europe/Berlin", "America/New_York", "Australia/Sydney",
	    "Australia/Lord_Howe", "America/St_Johns", "Asia/Kolkata"};
	struct period v[] = {period(-1, 900, 1830), period(7, 0, 1200), period(1, 2200, 2359)};
	struct period_list l = {v, 3};
	const char *name = names[_i];
	struct spans now = {0}, after = {0};
	struct zone z = {0};
	int64_t until = 0;

	for (int64_t t = utc(2026, 1, 1, 0, 0); t < utc(2028, 1, 1, 0, 0); t += 60 * 29) {
		int32_t minute = (int32_t)((t / 60 + 4 * 1440) % WEEK_MINUTES), local;
		const struct spans *s;
		bool is = false, want;
		struct tm tm;
		time_t tt = (time_t)t;

		if (t >= until) {
			ck_assert(zone_at(str_c(name), t, &z));
			ck_assert_int_eq(validity_spans(&l, z.offset, &a, &now), 0);
			ck_assert_int_eq(validity_spans(&l, z.after, &a, &after), 0);
			/* Late, as when nobody has written it anew: the minutes behind the change count. */
			until = z.changes != 0 ? z.changes + 30 * 86400 : t + 86400 * 200;
			setenv("TZ", name, 1);
			tzset();
		}
		s = z.changes != 0 && t >= z.changes ? &after : &now;
		for (size_t i = 0; i < s->n; i++)
			is |= minute >= s->v[i].from && minute < s->v[i].to;
		localtime_r(&tt, &tm);
		local = tm.tm_hour * 60 + tm.tm_min;
		want = (tm.tm_wday >= 1 && tm.tm_wday <= 5 && local >= 540 && local < 1110) ||
		    (tm.tm_wday == 6 && local < 720) || (tm.tm_wday == 0 && local >= 1320);
		ck_assert_msg(is == want, "%s at %lld", name, (long long)t);
	}
}
END_TEST

static struct feed_ring
ring(const char *number, int seconds, enum ring_type type)
{
	struct feed_ring g = {0};

	REC_SET(&g, feed_ring, number, str_c(number));
	REC_SET(&g, feed_ring, seconds, seconds);
	REC_SET(&g, feed_ring, type, (int)type);
	return g;
}

static struct feed_route
route(int64_t id, const char *name)
{
	struct feed_route r = {0};

	REC_SET(&r, feed_route, id, id);
	REC_SET(&r, feed_route, name, str_c(name));
	REC_SET(&r, feed_route, enabled, true);
	REC_SET(&r, feed_route, seconds, 20);
	return r;
}

START_TEST(targets_in_stages)
{
	static int64_t permissions[] = {permission_name_VOICEMAIL};
	struct period nine = period(2, 900, 1830);
	struct feed_ring v[] = {ring("1", 5, ring_type_SAME_TIME),
	    ring("2@x.example", 6, ring_type_NO_RESPONSE), ring("3;x=1", 7, ring_type_SAME_TIME),
	    ring("4", 0, ring_type_NO_RESPONSE), ring("5", 9, ring_type_NO_RESPONSE)};
	struct feed_route r = route(17, "201");
	int64_t until;

	ck_assert_int_eq(route_text(&r, 1767225600, &out, &until), 0);
	ck_assert(str_eqc(buf_str(&out), "17:20:1:0"));
	ck_assert_int_eq(until, 0);
	buf_reset(&out);
	REC_SET(&v[1], feed_ring, scheduled, true);
	REC_SET(&v[1], feed_ring, periods, ((struct period_list){&nine, 1}));
	REC_SET(&r, feed_route, rings, ((struct feed_ring_list){v, 5}));
	REC_SET(&r, feed_route, time_zone, STR_LIT("Europe/Berlin"));
	REC_SET(&r, feed_route, enabled, false);
	REC_SET(&r, feed_route, permissions, ((struct int_list){permissions, 1}));
	ck_assert_int_eq(route_text(&r, 1767225600, &out, &until), 0);
	/* The first one rings with the user's own phones. The one of 0 seconds is not called, but the
	 * next one comes after it all the same. */
	ck_assert_msg(
	    str_eqc(buf_str(&out),
	        "17:20:0:1|0:5:*:1|1:6:1920-2490@1774746000@1860-2430:2@x.example|1:7:*:3;x=1|3:9:*:5"),
	    "%.*s", (int)out.n, out.p);
	ck_assert_int_eq(until, 1774746000);
}
END_TEST

START_TEST(never_and_too_much)
{
	struct feed_ring v[256];
	char number[256];
	struct feed_route r = route(1, "201");
	int64_t until;
	int left_out;

	/* A schedule without a period that can be: never, and not always. */
	v[0] = ring("1", 5, ring_type_NO_RESPONSE);
	REC_SET(&v[0], feed_ring, scheduled, true);
	REC_SET(&r, feed_route, rings, ((struct feed_ring_list){v, 1}));
	ck_assert_int_eq(route_text(&r, 1767225600, &out, &until), 0);
	ck_assert_ptr_nonnull(memmem(out.p, out.n, "|1:5:-", 6));
	buf_reset(&out);
	memset(number, '1', 255);
	number[255] = '\0';
	for (int i = 0; i < 256; i++)
		v[i] = ring(number, 5, ring_type_NO_RESPONSE);
	REC_SET(&r, feed_route, rings, ((struct feed_ring_list){v, 256}));
	left_out = route_text(&r, 1767225600, &out, &until);
	ck_assert_int_gt(left_out, 100);
	ck_assert_uint_le(out.n, ROUTE_TEXT_MAX);
	ck_assert_int_eq(out.p[out.n - 1], '1');
}
END_TEST

/* --- the table -------------------------------------------------------------------------------- */

static struct table *table;
static char file[64];
static struct err e;

static void
table_setup(void)
{
	setup();
	snprintf(file, sizeof(file), "/tmp/routes.%ld", (long)getpid());
	ck_assert_int_eq(table_new(&table, file, &e), 0);
}

static void
table_teardown(void)
{
	table_free(table);
	unlink(file);
	teardown();
}

static void
take(struct feed_route *v, size_t n, int64_t generation, int64_t version, bool begin, bool end)
{
	struct feed_routes part = {0};

	REC_SET(&part, feed_routes, part, 1);
	REC_SET(&part, feed_routes, generation, generation);
	if (version > 0)
		REC_SET(&part, feed_routes, version, version);
	if (begin)
		REC_SET(&part, feed_routes, begin, true);
	if (end)
		REC_SET(&part, feed_routes, end, true);
	REC_SET(&part, feed_routes, users, ((struct feed_route_list){v, n}));
	ck_assert(table_take(table, &part, 1767225600));
}

/* What is to be sent, as "key=value " or "key- ", and that it has arrived. */
static const char *
sent(void)
{
	static char text[4096];
	struct str key, value;
	size_t n = 0;

	text[0] = '\0';
	while (slots_next(table_slots(table), &key, &value))
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%.*s%s%.*s ", (int)key.n, key.p,
		    value.p != NULL ? "=" : "-", (int)value.n, value.p != NULL ? value.p : "");
	slots_arrived(table_slots(table));
	return text;
}

START_TEST(names_go_from_one_to_another)
{
	struct str ana[] = {STR_LIT("77")}, both[] = {STR_LIT("78"), STR_LIT("77")};
	struct feed_route v[] = {route(1, "201"), route(2, "202")};
	struct feed_routes gone = {0};
	struct feed_gone g = {0};

	REC_SET(&v[0], feed_route, aliases, ((struct str_list){ana, 1}));
	take(v, 2, 5, 1, true, true);
	ck_assert_str_eq(sent(), "u:201=1:20:1:0 a:77=201 u:202=2:20:1:0 ");
	take(v, 2, 5, 2, false, false);
	ck_assert_str_eq(sent(), "");
	/* The other one takes the alias before it is heard that the first one has given it up. */
	REC_SET(&v[1], feed_route, aliases, ((struct str_list){both, 2}));
	take(&v[1], 1, 5, 3, false, false);
	ck_assert_str_eq(sent(), "a:78=202 a:77=202 ");
	REC_UNSET(&v[0], feed_route, aliases);
	v[0].aliases.n = 0;
	take(v, 1, 5, 4, false, false);
	ck_assert_str_eq(sent(), "");
	/* Renamed, and gone. */
	REC_SET(&v[1], feed_route, name, STR_LIT("203"));
	take(&v[1], 1, 5, 5, false, false);
	ck_assert_str_eq(sent(), "u:203=2:20:1:0 a:78=203 a:77=203 u:202- ");
	REC_SET(&g, feed_gone, subject, feed_subject_USER);
	REC_SET(&g, feed_gone, id, 2);
	REC_SET(&gone, feed_routes, part, 1);
	REC_SET(&gone, feed_routes, generation, 5);
	REC_SET(&gone, feed_routes, version, 6);
	REC_SET(&gone, feed_routes, gone, ((struct feed_gone_list){&g, 1}));
	ck_assert(table_take(table, &gone, 0));
	ck_assert_str_eq(sent(), "u:203- a:78- a:77- ");
	ck_assert_int_eq(table_position(table).version, 6);
	ck_assert_uint_eq(table_users(table), 1);
	slots_send_all(table_slots(table));
	ck_assert_str_eq(sent(), "u:201=1:20:1:0 ");
}
END_TEST

START_TEST(a_list_replaces_what_was)
{
	struct feed_route v[] = {route(1, "201"), route(2, "202"), route(3, "203")};

	take(v, 2, 5, 0, true, false);
	ck_assert(!table_position(table).has);
	sent();
	/* Broken off and begun anew, in two parts; 202 is not named any more. */
	take(v, 1, 5, 0, true, false);
	ck_assert_str_eq(sent(), "");
	take(&v[2], 1, 5, 9, false, true);
	ck_assert_str_eq(sent(), "u:203=3:20:1:0 u:202- ");
	ck_assert(table_position(table).has);
	ck_assert_int_eq(table_position(table).version, 9);
	ck_assert_uint_eq(table_users(table), 2);
}
END_TEST

START_TEST(what_is_lost_is_sent_again)
{
	struct feed_route v[] = {route(1, "201"), route(2, "202")};
	struct str key, value;

	take(v, 2, 5, 1, true, true);
	ck_assert(slots_next(table_slots(table), &key, &value));
	ck_assert(str_eqc(key, "u:201"));
	/* Changed while it was on its way: it goes once more whatever becomes of that. */
	REC_SET(&v[0], feed_route, seconds, 21);
	take(v, 1, 5, 2, false, false);
	slots_arrived(table_slots(table));
	ck_assert_str_eq(sent(), "u:202=2:20:1:0 u:201=1:21:1:0 ");
	slots_send_all(table_slots(table));
	ck_assert(slots_next(table_slots(table), &key, &value));
	slots_lost(table_slots(table));
	ck_assert_str_eq(sent(), "u:202=2:20:1:0 u:201=1:21:1:0 ");
}
END_TEST

START_TEST(kept_in_a_file)
{
	struct period nine = period(2, 900, 1830);
	struct feed_ring g = ring("5551212", 9, ring_type_NO_RESPONSE);
	struct feed_route v[] = {route(1, "201"), route(2, "202")};
	char byte;
	FILE *f;

	REC_SET(&g, feed_ring, scheduled, true);
	REC_SET(&g, feed_ring, periods, ((struct period_list){&nine, 1}));
	REC_SET(&v[0], feed_route, rings, ((struct feed_ring_list){&g, 1}));
	REC_SET(&v[0], feed_route, time_zone, STR_LIT("Europe/Berlin"));
	ck_assert_int_eq(table_load(table, 0), 0);
	take(v, 2, 5, 7, true, true);
	ck_assert_int_eq(table_save(table, &e), 0);
	table_free(table);
	ck_assert_int_eq(table_new(&table, file, &e), 0);
	ck_assert_int_eq(table_load(table, 1767225600), 1);
	ck_assert_int_eq(table_position(table).generation, 5);
	ck_assert_int_eq(table_position(table).version, 7);
	ck_assert_str_eq(
	    sent(), "u:201=1:20:1:0|1:9:1920-2490@1774746000@1860-2430:5551212 u:202=2:20:1:0 ");
	/* Clocks are changed: the next change is written ahead. */
	table_tick(table, 1774745999);
	ck_assert_str_eq(sent(), "");
	table_tick(table, 1774746000);
	ck_assert_str_eq(sent(), "u:201=1:20:1:0|1:9:1860-2430@1792890000@1920-2490:5551212 ");
	/* A byte of it that is another one: read or not, never half of it. */
	f = fopen(file, "r+");
	ck_assert_ptr_nonnull(f);
	for (long at = 0; fseek(f, at, SEEK_SET) == 0 && fread(&byte, 1, 1, f) == 1; at++) {
		struct table *other;

		byte = (char)~byte;
		fseek(f, at, SEEK_SET);
		fwrite(&byte, 1, 1, f);
		fflush(f);
		ck_assert_int_eq(table_new(&other, file, &e), 0);
		ck_assert(table_load(other, 1767225600) == 0 ? !table_position(other).has
		                                             : table_position(other).has);
		table_free(other);
		byte = (char)~byte;
		fseek(f, at, SEEK_SET);
		fwrite(&byte, 1, 1, f);
		fflush(f);
	}
	fclose(f);
	ck_assert_int_eq(truncate(file, 40), 0);
	table_free(table);
	ck_assert_int_eq(table_new(&table, file, &e), 0);
	ck_assert_int_eq(table_load(table, 0), 0);
	ck_assert(!table_position(table).has);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("kamailio routes");
	TCase *w = tcase_create("when"), *t = tcase_create("table");
	SRunner *r;
	int failed;

	tcase_set_timeout(w, 60);
	tcase_add_checked_fixture(w, setup, teardown);
	tcase_add_loop_test(w, zones_of_the_database, 0, sizeof(zones) / sizeof(zones[0]));
	tcase_add_test(w, names_that_are_no_zones);
	tcase_add_loop_test(w, periods_in_utc, 0, sizeof(whens) / sizeof(whens[0]));
	tcase_add_loop_test(w, agrees_with_local_time, 0, 6);
	tcase_add_test(w, targets_in_stages);
	tcase_add_test(w, never_and_too_much);
	tcase_add_checked_fixture(t, table_setup, table_teardown);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, names_go_from_one_to_another);
	tcase_add_test(t, a_list_replaces_what_was);
	tcase_add_test(t, what_is_lost_is_sent_again);
	tcase_add_test(t, kept_in_a_file);
	log_init("test", LOG_ERROR_);
	suite_add_tcase(s, w);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
