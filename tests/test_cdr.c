/* SPDX-License-Identifier: ISC */
/*
 * Records of calls, from a feed's message to the pages that users see: who sees which, each once
 * whatever a feed repeats, at the edges of months, through kills, dumps and retention. A real
 * backend and gateway.
 */
#include <check.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tests/feeder.h"

#define ANA "\"Ana Pop\" <sip:4461@pbx.example.net>"
#define BEN "<sip:4462@pbx.example.net>"
#define FAR "<sip:+15550100@carrier.example>"

#define T0 INT64_C(1715856163000) /* 2024-05-16T10:42:43Z */

static struct rig rig;
static struct feeder feed;

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

static struct cdr
ended(const char *id, const char *caller, const char *callee, int64_t started)
{
	struct cdr c = {0};

	REC_SET(&c, cdr, id, str_c(id));
	REC_SET(&c, cdr, caller, str_c(caller));
	REC_SET(&c, cdr, callee, str_c(callee));
	REC_SET(&c, cdr, started, started);
	REC_SET(&c, cdr, answered, started < T0 * 1000 ? started + 2000 : started);
	REC_SET(&c, cdr, duration, 125000);
	REC_SET(&c, cdr, end, cdr_end_COMPLETED);
	REC_SET(&c, cdr, code, 200);
	return c;
}

static void
tell(const char *id, const char *caller, const char *callee, int64_t started)
{
	struct cdr c = ended(id, caller, callee, started);

	feeder_send(&feed, feed_kind_CDR, NULL, &c);
}

static int
count(const char *text, const char *what)
{
	int n = 0;

	for (; (text = strstr(text, what)) != NULL; text++)
		n++;
	return n;
}

static struct answer
get(const char *user, const char *path)
{
	struct ask ask = {.user = user, .path = path, .accept = "application/json, text/xml;q=.5"};
	struct answer a = rig_ask(&rig, &ask);

	ck_assert_msg(a.status == 200, "%s: %d %s", path, a.status, a.body);
	return a;
}

/* How many calls a user sees on one page. */
static int
calls_of(const char *user)
{
	struct answer a = get(user, "/my/cdrs?limit=200");
	int n = count(a.body, "\"id\"");

	ck_assert_ptr_null(answer_header(&a, "link"));
	answer_free(&a);
	return n;
}

static void
status_of(const char *user, const char *path, int want)
{
	struct ask ask = {.user = user, .path = path, .accept = "*/*"};
	struct answer a = rig_ask(&rig, &ask);

	ck_assert_msg(a.status == want, "%s: %d, not %d: %s", path, a.status, want, a.body);
	answer_free(&a);
}

/* Reads all pages from a path on; the ids in their order, each of a letter, joined. */
static const char *
walk(const char *user, const char *first)
{
	static char seen[4096];
	char path[2048];
	int pages = 0;

	snprintf(path, sizeof(path), "%s", first);
	seen[0] = '\0';
	while (path[0] != '\0') {
		struct answer a = get(user, path);

		for (const char *p = a.body; (p = strstr(p, "\"route\":\"")) != NULL; p += 9)
			strncat(seen, p + 9, strcspn(p + 9, "\""));
		answer_next(&a, "/my/cdrs", path, sizeof(path));
		answer_free(&a);
		ck_assert_int_lt(++pages, 1000);
	}
	return seen;
}

static void
tell_marked(const char *mark, const char *caller, const char *callee, int64_t started)
{
	struct cdr c = ended(mark, caller, callee, started);

	REC_SET(&c, cdr, route, str_c(mark));
	feeder_send(&feed, feed_kind_CDR, NULL, &c);
}

/* As far as it can be seen from outside. */
static bool
is_month(int year, int month, bool there)
{
	char path[160];

	if (strcmp(rig_engine(&rig), "bdb") != 0)
		return true;
	snprintf(path, sizeof(path), "%s/state/part-%06d.db", rig.dir, year * 12 + month - 1);
	return (access(path, F_OK) == 0) == there;
}

/* --- who sees what ------------------------------------------------------------------- */

START_TEST(each_party_has_a_row)
{
	struct answer a;
	static const char want[] =
	    "{\"cdrs\":[{\"id\":\"~\",\"direction\":\"outgoing\",\"from\":\"Ana Pop - 4461\","
	    "\"from-aor\":\"\\\"Ana Pop\\\" <sip:4461@pbx.example.net>\",\"to\":\"4462\","
	    "\"to-aor\":\"<sip:4462@pbx.example.net>\",\"internal\":true,"
	    "\"start\":\"2024-05-16T10:42:43Z\",\"answer\":\"2024-05-16T10:42:45Z\","
	    "\"duration\":125000,\"outcome\":\"completed\",\"status\":200}]}";
	char *id;

	ck_assert_int_eq(calls_of("4461:secret61"), 0);
	tell("c1", ANA, BEN, T0);
	feeder_settle(&feed);
	a = get("4461:secret61", "/my/cdrs");
	ck_assert_ptr_nonnull(id = strstr(a.body, "\"id\":\""));
	memmove(id + 7, strchr(id + 6, '"'), strlen(strchr(id + 6, '"')) + 1);
	id[6] = '~';
	ck_assert_str_eq(a.body, want);
	answer_free(&a);
	a = get("4462:secret62", "/my/cdrs");
	ck_assert_int_eq(count(a.body, "\"direction\":\"incoming\""), 1);
	answer_free(&a);
	/* By an alias, and who calls the own number has one row. */
	tell("c2", "<sip:desk.one@PBX.example.net>", FAR, T0 + 1000);
	tell("c3", ANA, "<sip:desk.one@pbx.example.net>", T0 + 2000);
	feeder_settle(&feed);
	ck_assert_int_eq(calls_of("4461:secret61"), 3);
	ck_assert_int_eq(calls_of("4462:secret62"), 1);
	/* Nobody's: an administrator's list is that of an administrator's own calls. */
	ck_assert_int_eq(calls_of("admin:secretadmin"), 0);
	status_of("admin:secretadmin", "/my/redirect/cdr/4461", 401);
}
END_TEST

/* Somebody of the same name elsewhere is somebody else; what is proved goes before what is shown.
 */
START_TEST(another_system_s_user_of_that_name)
{
	struct cdr c = ended("c1", "<sip:4461@elsewhere.example>", FAR, T0);

	feeder_send(&feed, feed_kind_CDR, NULL, &c);
	c = ended("c2", ANA, FAR, T0);
	REC_SET(&c, cdr, caller_aor, STR_LIT("4462@pbx.example.net"));
	feeder_send(&feed, feed_kind_CDR, NULL, &c);
	c = ended("c3", ANA, BEN, T0);
	REC_SET(&c, cdr, caller_aor, STR_LIT("4461@elsewhere.example"));
	REC_SET(&c, cdr, callee_aor, STR_LIT("4462"));
	feeder_send(&feed, feed_kind_CDR, NULL, &c);
	feeder_settle(&feed);
	ck_assert_int_eq(calls_of("4461:secret61"), 0);
	ck_assert_int_eq(calls_of("4462:secret62"), 1);
}
END_TEST

/* A name that is given to somebody else does not hand over the calls of before, not even when the
 * switch tells of them anew. */
START_TEST(calls_stay_with_who_made_them)
{
	tell("c1", "<sip:5550@pbx.example.net>", BEN, T0);
	feeder_settle(&feed);
	rig_load(&rig,
	    "{\"type\":\"user\",\"record\":{\"userName\":\"4461\",\"firstName\":\"Ana\","
	    "\"aliases\":[\"5550\"]}}\n");
	snprintf(feed.epoch, sizeof(feed.epoch), "e2");
	ck_assert_int_eq(feeder_hello(&feed), 0);
	tell("c1", "<sip:5550@pbx.example.net>", BEN, T0);
	tell("c2", "<sip:5550@pbx.example.net>", BEN, T0);
	feeder_settle(&feed);
	ck_assert_int_eq(calls_of("4462:secret62"), 2);
	ck_assert_int_eq(
	    rig_ctl(&rig, "secret61\n", NULL, 0, "user password 4461 --password-stdin"), 0);
	ck_assert_int_eq(calls_of("4461:secret61"), 1);
}
END_TEST

/* --- each call once --------------------------------------------------------------------- */

START_TEST(repeated_in_three_epochs)
{
	struct feeder other;
	struct cdr c;

	for (int epoch = 1; epoch <= 3; epoch++) {
		char id[16];

		snprintf(feed.epoch, sizeof(feed.epoch), "e%d", epoch);
		ck_assert_int_eq(feeder_hello(&feed), 0);
		/* All that were told of before, and ten new ones. */
		for (int i = 0; i < epoch * 10; i++) {
			snprintf(id, sizeof(id), "c%d", i);
			tell(id, ANA, BEN, T0 + i * 1000);
		}
		/* And one twice in the same life. */
		tell(id, ANA, BEN, T0 + (epoch * 10 - 1) * 1000);
		feeder_settle(&feed);
		ck_assert_int_eq(calls_of("4461:secret61"), epoch * 10);
		ck_assert_int_eq(calls_of("4462:secret62"), epoch * 10);
	}
	/* Another switch's call of that name is another call. */
	feeder_open(&other, feeder_endpoint(&rig), "kam-2", "e1");
	feeder_hello(&other);
	c = ended("c1", ANA, BEN, T0 + 1000);
	feeder_send(&other, feed_kind_CDR, NULL, &c);
	feeder_settle(&other);
	feeder_close(&other);
	ck_assert_int_eq(calls_of("4461:secret61"), 31);
}
END_TEST

START_TEST(at_the_edges_of_months)
{
	static const struct {
		int64_t ms;
		int year, month;
		const char *text;
	} edges[] = {
	    {INT64_C(1704067199999), 2023, 12, "2023-12-31T23:59:59.999Z"},
	    {INT64_C(1704067200000), 2024, 1, "2024-01-01T00:00:00Z"},
	    {INT64_C(1709251199999), 2024, 2, "2024-02-29T23:59:59.999Z"},
	    {INT64_C(1709251200000), 2024, 3, "2024-03-01T00:00:00Z"},
	    {INT64_C(1711929599999), 2024, 3, "2024-03-31T23:59:59.999Z"},
	    {INT64_C(1711929600000), 2024, 4, "2024-04-01T00:00:00Z"},
	};
	struct answer a;
	const char *at;

	for (int i = 0; i < 6; i++) {
		char id[8];

		snprintf(id, sizeof(id), "%c", 'a' + i);
		tell_marked(id, ANA, BEN, edges[i].ms);
	}
	feeder_settle(&feed);
	a = get("4461:secret61", "/my/cdrs");
	at = a.body;
	for (int i = 5; i >= 0; i--) {
		ck_assert(is_month(edges[i].year, edges[i].month, true));
		ck_assert_msg((at = strstr(at, edges[i].text)) != NULL, "%s in %s", edges[i].text, a.body);
	}
	answer_free(&a);
	ck_assert(is_month(2024, 6, false));
	ck_assert_str_eq(walk("4461:secret61", "/my/cdrs?limit=1"), "fedcba");
	ck_assert_str_eq(walk("4461:secret61", "/my/cdrs?limit=1&sort=start"), "abcdef");
	ck_assert_str_eq(
	    walk("4461:secret61", "/my/cdrs?from=2024-01-01T00:00:00Z&to=2024-03-01T00:00:00Z"), "cb");
	ck_assert_str_eq(
	    walk("4461:secret61",
	        "/my/cdrs?sort=start&from=2024-02-29T23:59:59.999Z&to=2024-04-01T00:00:00Z&limit=2"),
	    "cde");
	/* The same moment by another clock, also when that is in the month before. */
	tell_marked("f", ANA, BEN, edges[5].ms - 300);
	tell_marked("e", ANA, BEN, edges[4].ms + 1);
	feeder_settle(&feed);
	ck_assert_int_eq(calls_of("4461:secret61"), 6);
}
END_TEST

/* What a broken or a hostile feed may say changes nothing, and holds nothing up. */
START_TEST(odd_records)
{
	struct cdr c = ended("bad", ANA, BEN, T0);
	char nul[] = "id\0with", text[600];
	struct answer a;

	tell("y1970", ANA, BEN, 0);
	tell("y1999", ANA, BEN, INT64_C(946684799999));
	tell("y9999", ANA, BEN, INT64_C(253370764800000));
	tell("late", ANA, BEN, INT64_MAX);
	tell("soon", ANA, BEN, ((int64_t)time(NULL) + 3 * 86400) * 1000);
	REC_SET(&c, cdr, started, -1);
	feeder_send(&feed, feed_kind_CDR, NULL, &c);
	REC_SET(&c, cdr, started, T0);
	REC_SET(&c, cdr, duration, -5);
	feeder_send(&feed, feed_kind_CDR, NULL, &c);
	REC_SET(&c, cdr, duration, 0);
	REC_SET(&c, cdr, end, 17);
	feeder_send(&feed, feed_kind_CDR, NULL, &c);
	REC_SET(&c, cdr, end, cdr_end_FAILED);
	REC_SET(&c, cdr, code, 1000);
	feeder_send(&feed, feed_kind_CDR, NULL, &c);
	REC_SET(&c, cdr, code, 486);
	REC_SET(&c, cdr, id, ((struct str){"", 0}));
	feeder_send(&feed, feed_kind_CDR, NULL, &c);
	memset(text, 'x', sizeof(text));
	REC_SET(&c, cdr, id, ((struct str){text, 513}));
	feeder_send(&feed, feed_kind_CDR, NULL, &c);
	REC_SET(&c, cdr, id, ((struct str){nul, 7}));
	feeder_send(&feed, feed_kind_CDR, NULL, &c);
	feeder_send(&feed, feed_kind_CDR, "key", NULL);
	feeder_settle(&feed);
	ck_assert_int_eq(calls_of("4461:secret61"), 0);
	/* The last moment that is possible, a duration and an answer that are not. */
	tell("edge", ANA, BEN, INT64_C(946684800000));
	tell("ahead", ANA, BEN, ((int64_t)time(NULL) + 86400) * 1000);
	REC_SET(&c, cdr, id, STR_LIT("long"));
	REC_SET(&c, cdr, duration, INT64_MAX);
	REC_SET(&c, cdr, answered, INT64_MAX);
	feeder_send(&feed, feed_kind_CDR, NULL, &c);
	feeder_settle(&feed);
	a = get("4461:secret61", "/my/cdrs");
	ck_assert_int_eq(count(a.body, "\"id\""), 3);
	ck_assert_int_eq(count(a.body, "\"duration\":9223372036854775807"), 1);
	answer_free(&a);
	a = get("4461:secret61", "/my/redirect/cdr/4461");
	ck_assert_ptr_nonnull(
	    strstr(a.body, "0 years 0 mons 106751991167 days 7 hours 12 mins 55.807 secs"));
	answer_free(&a);
}
END_TEST

/* What callers call themselves stays text in every format. */
START_TEST(hostile_texts)
{
	struct ask ask = {.user = "4462:secret62", .path = "/my/cdrs", .accept = "text/csv"};
	struct answer a;

	tell("x1", "\"=HYPERLINK(\\\"http://evil\\\")\" <sip:9@carrier.example>", BEN, T0);
	tell("x2", "\"</from>, \r\nSet-Cookie: x\" <sip:8@carrier.example>", BEN, T0 + 1);
	tell("x3", FAR, BEN, T0 + 2);
	feeder_settle(&feed);
	a = rig_ask(&rig, &ask);
	ck_assert_int_eq(a.status, 200);
	ck_assert_str_eq(a.type, "text/csv;charset=UTF-8");
	ck_assert_ptr_eq(
	    strstr(a.body, "id,direction,from,from-aor,to,to-aor,recipient,internal,"), a.body);
	ck_assert_ptr_nonnull(strstr(a.body, ",\"'=HYPERLINK(\"\"http://evil\"\") - 9\","));
	ck_assert_ptr_nonnull(strstr(a.body, ",\"+15550100\","));
	ck_assert_ptr_null(strstr(a.headers, "Set-Cookie"));
	answer_free(&a);
	ask.accept = "application/xml";
	a = rig_ask(&rig, &ask);
	ck_assert_int_eq(a.status, 200);
	ck_assert_ptr_null(strstr(a.body, "</from>,"));
	ck_assert_int_eq(count(a.body, "<cdr>"), 3);
	answer_free(&a);
}
END_TEST

/* --- pages ---------------------------------------------------------------------------------- */

START_TEST(filters)
{
	const char *u = "4461:secret61";
	struct answer a;

	tell_marked("a", ANA, BEN, T0);
	tell_marked("b", BEN, ANA, T0 + 1000);
	tell_marked("c", ANA, FAR, T0 + 2000);
	tell_marked("d", FAR, ANA, T0 + 3000);
	tell_marked("e", ANA, ANA, T0 + 4000);
	feeder_settle(&feed);
	ck_assert_str_eq(walk(u, "/my/cdrs"), "edcba");
	ck_assert_str_eq(walk(u, "/my/cdrs?direction=outgoing"), "eca");
	ck_assert_str_eq(walk(u, "/my/cdrs?direction=incoming&limit=1"), "edb");
	ck_assert_str_eq(walk(u, "/my/cdrs?party=4462"), "ba");
	ck_assert_str_eq(walk(u, "/my/cdrs?party=%2B15550100"), "dc");
	ck_assert_str_eq(walk(u, "/my/cdrs?party=%2B15550100@CARRIER.example&limit=1"), "dc");
	ck_assert_str_eq(walk(u, "/my/cdrs?party=4462@carrier.example"), "");
	ck_assert_str_eq(walk(u, "/my/cdrs?party=446"), "");
	ck_assert_str_eq(
	    walk(u, "/my/cdrs?from=2024-05-16T12:42:44%2B02:00&to=2024-05-16T10:42:46Z"), "cb");
	ck_assert_str_eq(walk(u, "/my/cdrs?from=2024-05-16T12:42:44+02:00&limit=2&sort=start"), "bcde");
	ck_assert_str_eq(walk(u, "/my/cdrs?from=2025-01-01T00:00:00Z"), "");
	ck_assert_str_eq(walk(u, "/my/cdrs?to=2024-01-01T00:00:00Z"), "");
	ck_assert_str_eq(walk(u, "/my/cdrs?from=2024-06-01T00:00:00Z&to=2024-01-01T00:00:00Z"), "");
	ck_assert_str_eq(walk(u, "/my/cdrs?limit=2&sort=-start&direction=outgoing&colour=red"), "eca");
	a = get(u, "/my/cdrs?limit=1&tz=Europe/Bucharest&party=4462");
	ck_assert_ptr_nonnull(strstr(a.body, "\"start\":\"2024-05-16T13:42:44+03:00\""));
	/* The query is kept, but for the cursor. */
	ck_assert_ptr_nonnull(
	    strstr(answer_header(&a, "link"), "<?limit=1&party=4462&tz=Europe/Bucharest&cursor="));
	answer_free(&a);
	a = get(u, "/my/cdrs?limit=1&tz=America/St_Johns");
	ck_assert_ptr_nonnull(strstr(a.body, "T08:12:47-02:30\""));
	answer_free(&a);
}
END_TEST

START_TEST(zones_follow_daylight_saving)
{
	struct answer a;

	/* Clocks go forward at 2024-03-31T01:00Z in Berlin, and back at 2024-10-27T01:00Z. */
	tell_marked("a", ANA, BEN, INT64_C(1711846799000));
	tell_marked("b", ANA, BEN, INT64_C(1711846800000));
	tell_marked("c", ANA, BEN, INT64_C(1729990799000));
	tell_marked("d", ANA, BEN, INT64_C(1729990800000));
	feeder_settle(&feed);
	a = get("4461:secret61", "/my/cdrs?tz=Europe/Berlin&sort=start");
	ck_assert_ptr_nonnull(strstr(a.body, "\"start\":\"2024-03-31T01:59:59+01:00\""));
	ck_assert_ptr_nonnull(strstr(a.body, "\"start\":\"2024-03-31T03:00:00+02:00\""));
	ck_assert_ptr_nonnull(strstr(a.body, "\"start\":\"2024-10-27T02:59:59+02:00\""));
	ck_assert_ptr_nonnull(strstr(a.body, "\"start\":\"2024-10-27T02:00:00+01:00\""));
	answer_free(&a);
}
END_TEST

START_TEST(bad_queries)
{
	static const char *const bad[] = {"limit=0", "limit=201", "limit=x", "limit=", "limit",
	    "limit=-1", "from=yesterday", "from=2024-13-01T00:00:00Z", "from=2024-02-30T00:00:00Z",
	    "from=2024-05-16T10:42:43", "from=2024-05-16", "to=", "to=2024-05-16T10:42:43Zz",
	    "to=2024-05-16T24:00:00Z", "to=1969-12-31T23:59:59Z", "direction=sideways", "direction",
	    "sort=caller", "sort=start;drop", "sort=", "tz=Mars/Base", "tz=", "tz=../../etc/passwd",
	    "tz=/etc/localtime", "tz=Europe/", "tz=Europe", "tz=zone.tab", "tz=right/UTC",
	    "tz=leapseconds", "tz=EST5EDT,M3.2.0,M11.1.0", "cursor=", "cursor=abc",
	    "cursor=AAAA%20AAAAAAAAAAAAAAAAAA",
	    "cursor=AQAAAAAAAAAAAAAAAAAAAAA=", "cursor=AgAAAAAAAAAAAAAAAAAAAAA",
	    "cursor=Af__________________8", "cursor=AQAAAAAAAAAAAAAAAAAAAAB", "party=",
	    "party=01234567890123456789012345678901234567890123456789012345678901234567890123456789"
	    "01234567890123456789012345678901234567890123456789"};
	struct answer a;

	tell("c1", ANA, BEN, T0);
	feeder_settle(&feed);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char path[512];

		snprintf(path, sizeof(path), "/my/cdrs?%s", bad[i]);
		status_of("4461:secret61", path, 400);
	}
	/* A cursor of nobody's making leads to the caller's own calls at most. */
	a = get("4462:secret62", "/my/cdrs?cursor=AQAAAAAAAAAAAAAAAAAAAAA");
	ck_assert_int_eq(count(a.body, "\"id\""), 1);
	answer_free(&a);
	a = get("admin:secretadmin", "/my/cdrs?cursor=AQAAAAAAAAAAAAAAAAAAAAA");
	ck_assert_str_eq(a.body, "{\"cdrs\":[]}");
	answer_free(&a);
}
END_TEST

/* New calls come in front while somebody turns pages: none is shown twice or left out. */
START_TEST(pages_beside_new_calls)
{
	char path[2048] = "/my/cdrs?limit=7", id[16], seen[128] = "";
	int pages = 0, n = 0;

	for (int i = 0; i < 60; i++) {
		snprintf(id, sizeof(id), "c%d", i);
		tell_marked(id, ANA, BEN, T0 + (int64_t)i * 86400000);
	}
	feeder_settle(&feed);
	while (path[0] != '\0') {
		struct answer a = get("4461:secret61", path);

		for (const char *p = a.body; (p = strstr(p, "\"route\":\"c")) != NULL; p += 10, n++) {
			int i = atoi(p + 10);

			ck_assert_msg(i >= 0 && i < 60 && seen[i] == '\0', "call %d", i);
			seen[i] = 'x';
		}
		answer_next(&a, "/my/cdrs", path, sizeof(path));
		answer_free(&a);
		snprintf(id, sizeof(id), "n%d", pages++);
		tell_marked(id, ANA, BEN, T0 + (int64_t)(100 + pages) * 86400000);
		feeder_settle(&feed);
	}
	ck_assert_int_eq(n, 60);
	ck_assert_int_eq(pages, 9);
}
END_TEST

/* A page has at most 64 KiB, whatever callers are called. */
START_TEST(pages_are_bounded)
{
	static char name[1100];
	char caller[1200], id[16];
	struct answer a;
	int pages = 0, n = 0;
	char path[2048] = "/my/cdrs?limit=200";

	memset(name, 'n', 900);
	snprintf(caller, sizeof(caller), "\"%.900s\" <sip:1@carrier.example>", name);
	for (int i = 0; i < 150; i++) {
		snprintf(id, sizeof(id), "c%d", i);
		tell(id, caller, BEN, T0 + i);
	}
	feeder_settle(&feed);
	while (path[0] != '\0') {
		a = get("4462:secret62", path);
		ck_assert_uint_lt(a.body_n, 80 * 1024);
		n += count(a.body, "\"id\"");
		answer_next(&a, "/my/cdrs", path, sizeof(path));
		answer_free(&a);
		pages++;
	}
	ck_assert_int_eq(n, 150);
	ck_assert_int_ge(pages, 4);
	/* The legacy list comes in parts. */
	a = get("4462:secret62", "/my/redirect/cdr/4462");
	ck_assert_int_eq(count(a.body, "<Row>"), 150);
	answer_free(&a);
	a = get("4462:secret62", "/my/redirect/cdr/4462?offset=140&limit=7");
	ck_assert_int_eq(count(a.body, "<Row>"), 7);
	answer_free(&a);
}
END_TEST

/* --- faults --------------------------------------------------------------------------------------
 */

/* Killed in the middle of what a feed sends; the feed goes on where the backend stands. */
START_TEST(killed_in_the_middle_of_a_load)
{
	enum { CALLS = 1050 };
	unsigned seed = 3;
	int64_t next = 0;

	for (int kills = 0; kills < 5; kills++) {
		int sent = 0, until = 100 + rand_r(&seed) % 100;

		while (next < CALLS && sent < until) {
			char id[16];

			snprintf(id, sizeof(id), "c%d", (int)next);
			/* Over three months, in no order. */
			tell(id, ANA, BEN, T0 + next % 90 * 86400000 + next);
			next++;
			sent++;
		}
		usleep((useconds_t)(rand_r(&seed) % 20000));
		rig_kill(&rig.backend);
		feeder_close(&feed);
		rig_backend(&rig);
		feeder_open(&feed, feeder_endpoint(&rig), "kam-1", "e1");
		next = feeder_hello(&feed);
	}
	for (; next < CALLS; next++) {
		char id[16];

		snprintf(id, sizeof(id), "c%d", (int)next);
		tell(id, ANA, BEN, T0 + next % 90 * 86400000 + next);
		if (next % 200 == 199)
			feeder_settle(&feed);
	}
	feeder_settle(&feed);
	rig_await_ready(&rig, 0);
	for (int who = 0; who < 2; who++) {
		struct answer a = get(who == 0 ? "4461:secret61" : "4462:secret62",
		    who == 0 ? "/my/redirect/cdr/4461?limit=5000" : "/my/redirect/cdr/4462?limit=5000");

		ck_assert_int_eq(count(a.body, "<Row>"), CALLS);
		answer_free(&a);
	}
}
END_TEST

/* --- dump, load, retention
 * --------------------------------------------------------------------------- */

START_TEST(dumped_and_loaded)
{
	static char dump[4 << 20], again[4 << 20];
	struct ask ask = {.user = "4461:secret61", .path = "/my/redirect/cdr/4461"};
	struct answer before, after;
	struct rig second = {.port = {0}};
	struct feeder f;
	struct cdr c;
	char path[128];

	for (int i = 0; i < 700; i++) {
		char id[16];

		snprintf(id, sizeof(id), "c%d", i);
		tell_marked(id, i % 3 ? ANA : FAR, i % 2 ? BEN : FAR, T0 + (int64_t)i * 86400000 / 4);
		if (i % 200 == 199)
			feeder_settle(&feed);
	}
	feeder_settle(&feed);
	before = get("4461:secret61", "/my/redirect/cdr/4461");
	snprintf(path, sizeof(path), "%s/dump", rig.dir);
	ck_assert_int_eq(rig_ctl(&rig, NULL, NULL, 0, "dump %s", path), 0);
	ck_assert_int_eq(rig_ctl(&rig, NULL, dump, sizeof(dump), "dump"), 0);
	ck_assert_int_eq(count(dump, "\"type\":\"known_call\""), 702);

	rig_start(&second);
	ck_assert_int_eq(rig_ctl(&second, NULL, again, sizeof(again), "load %s --dry-run", path), 0);
	ck_assert_msg(strstr(again, "rows checked, nothing applied") != NULL, "%s", again);
	ck_assert_int_eq(rig_ctl(&second, NULL, again, sizeof(again), "load %s", path), 0);
	/* Twice changes nothing. */
	ck_assert_int_eq(rig_ctl(&second, dump, again, sizeof(again), "load -"), 0);
	ck_assert_int_eq(rig_ctl(&second, NULL, again, sizeof(again), "dump"), 0);
	ck_assert(strcmp(again, dump) == 0);
	/* Hashes of passwords are worth nothing with another key. */
	ck_assert_int_eq(
	    rig_ctl(&second, "secret61\n", NULL, 0, "user password 4461 --password-stdin"), 0);
	rig_await_ready(&second, 0);
	after = rig_ask(&second, &ask);
	ck_assert(strcmp(after.body, before.body) == 0);
	answer_free(&before);
	answer_free(&after);
	/* The switch repeats itself to the restored backend, which knows. */
	feeder_open(&f, feeder_endpoint(&second), "kam-1", "e1");
	ck_assert_int_eq(feeder_hello(&f), 0);
	c = ended("c7", ANA, BEN, T0 + INT64_C(7) * 86400000 / 4);
	feeder_send(&f, feed_kind_CDR, NULL, &c);
	feeder_settle(&f);
	feeder_close(&f);
	after = rig_ask(&second, &ask);
	ck_assert_int_eq(count(after.body, "<Row>"), 466);
	answer_free(&after);
	rig_stop(&second);
}
END_TEST

/* A removed user's calls are in no dump, and a new user of that name does not get them. */
START_TEST(removed_users)
{
	static char dump[1 << 20];

	tell("c1", ANA, BEN, T0);
	feeder_settle(&feed);
	ck_assert_int_eq(rig_ctl(&rig, NULL, NULL, 0, "user remove 4461 --yes"), 0);
	ck_assert_int_eq(rig_ctl(&rig, NULL, dump, sizeof(dump), "dump"), 0);
	ck_assert_int_eq(count(dump, "\"type\":\"call_record\""), 5);
	ck_assert_int_eq(rig_ctl(&rig, "secret61\n", NULL, 0, "user add 4461 --password-stdin"), 0);
	ck_assert_int_eq(calls_of("4461:secret61"), 0);
	ck_assert_int_eq(calls_of("4462:secret62"), 1);
}
END_TEST

static void
month_ago(int months, int *year, int *month, int64_t *ms)
{
	time_t now = time(NULL);
	struct tm tm;

	gmtime_r(&now, &tm);
	tm.tm_mday = 1;
	tm.tm_hour = tm.tm_min = tm.tm_sec = 0;
	tm.tm_mon -= months;
	*ms = (int64_t)timegm(&tm) * 1000;
	*year = tm.tm_year + 1900;
	*month = tm.tm_mon + 1;
}

/* The backend anew, which now keeps less: the one before it looked at the calls as well, at a time
 * of its own. */
static void
start_with(const char *limit)
{
	FILE *f;

	ck_assert_int_eq(rig_end(&rig.backend), 0);
	feeder_close(&feed);
	ck_assert_ptr_nonnull(f = fopen(rig.conf, "a"));
	fprintf(f, "[backend]\n%s\n", limit);
	ck_assert_int_eq(fclose(f), 0);
	rig_backend(&rig);
	rig_await_ready(&rig, 0);
}

/* The month as a whole: its file, and all that was in it. */
START_TEST(old_months_go)
{
	long long until = ms_now() + 30000;
	int year[5], month[5];
	int64_t ms[5];

	for (int i = 0; i < 5; i++) {
		char id[2] = {(char)('a' + i), '\0'};

		month_ago(i, &year[i], &month[i], &ms[i]);
		tell_marked(id, ANA, BEN, ms[i]);
	}
	feeder_settle(&feed);
	for (int i = 0; i < 5; i++)
		ck_assert(is_month(year[i], month[i], true));
	start_with("cdr_months = 2");
	while (strcmp(walk("4461:secret61", "/my/cdrs"), "abc") != 0 ||
	    !is_month(year[3], month[3], false) || !is_month(year[4], month[4], false)) {
		ck_assert_msg(ms_now() < until, "the old months are still there");
		usleep(100000);
	}
	ck_assert(is_month(year[0], month[0], true) && is_month(year[1], month[1], true) &&
	    is_month(year[2], month[2], true));
	ck_assert_str_eq(walk("4461:secret61", "/my/cdrs"), "abc");
	/* What is told of such a month is taken, and goes again. */
	feeder_open(&feed, feeder_endpoint(&rig), "kam-1", "e1");
	feeder_hello(&feed);
	tell_marked("z", ANA, BEN, ms[4]);
	feeder_settle(&feed);
	ck_assert_str_eq(walk("4461:secret61", "/my/cdrs"), "abcz");
}
END_TEST

/* An old month that takes more than all may: it goes, the others stay, and calls are filed as
 * before. */
START_TEST(too_much_goes)
{
	static char told[1 << 16];
	long long until = ms_now() + 30000;
	char caller[1024], id[24];
	const char *seen;
	struct answer a;
	int year[5], month[5];
	int64_t ms[5];

	snprintf(caller, sizeof(caller), "\"%0900d\" <sip:4461@pbx.example.net>", 0);
	for (int i = 0; i < 5; i++)
		month_ago(i, &year[i], &month[i], &ms[i]);
	for (int i = 0; i < 1400; i++) {
		snprintf(id, sizeof(id), "%d", i);
		tell_marked(id, caller, BEN, ms[i < 100 ? 3 : 4] + i);
		if (i % 200 == 199)
			feeder_settle(&feed);
	}
	for (int i = 0; i < 3; i++) {
		snprintf(id, sizeof(id), "month%d", i);
		tell_marked(id, ANA, BEN, ms[i]);
	}
	feeder_settle(&feed);
	ck_assert(is_month(year[4], month[4], true));
	start_with("cdr_quota_mb = 2");
	do {
		ck_assert_msg(ms_now() < until, "the oldest month is still there: %s", told);
		usleep(100000);
		ck_assert_int_eq(rig_ctl(&rig, NULL, told, sizeof(told), "status"), 0);
	} while (strstr(told, "call months      4\n") == NULL);
	ck_assert(is_month(year[4], month[4], false));
	for (int i = 0; i < 4; i++)
		ck_assert(is_month(year[i], month[i], true));
	seen = walk("4462:secret62", "/my/cdrs");
	ck_assert_msg(
	    strncmp(seen, "month0month1month29998", 22) == 0 && strlen(seen) == 18 + 190, "%s", seen);
	ck_assert_msg(strstr(told, "call KiB         ") != NULL, "%s", told);
	feeder_open(&feed, feeder_endpoint(&rig), "kam-1", "e1");
	feeder_hello(&feed);
	tell_marked("latest", ANA, BEN, ms[0] + 1);
	feeder_settle(&feed);
	a = get("4461:secret61", "/my/cdrs?limit=1");
	ck_assert_msg(strstr(a.body, "\"route\":\"latest\"") != NULL, "%s", a.body);
	answer_free(&a);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("cdr");
	TCase *t = tcase_create("cdr"), *old = tcase_create("retention");
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 120);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, each_party_has_a_row);
	tcase_add_test(t, another_system_s_user_of_that_name);
	tcase_add_test(t, calls_stay_with_who_made_them);
	tcase_add_test(t, repeated_in_three_epochs);
	tcase_add_test(t, at_the_edges_of_months);
	tcase_add_test(t, odd_records);
	tcase_add_test(t, hostile_texts);
	tcase_add_test(t, filters);
	tcase_add_test(t, zones_follow_daylight_saving);
	tcase_add_test(t, bad_queries);
	tcase_add_test(t, pages_beside_new_calls);
	tcase_add_test(t, pages_are_bounded);
	tcase_add_test(t, killed_in_the_middle_of_a_load);
	tcase_add_test(t, dumped_and_loaded);
	tcase_add_test(t, removed_users);
	tcase_set_timeout(old, 120);
	tcase_add_checked_fixture(old, setup, teardown);
	tcase_add_test(old, old_months_go);
	tcase_add_test(old, too_much_goes);
	suite_add_tcase(s, t);
	suite_add_tcase(s, old);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
