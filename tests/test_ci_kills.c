/* SPDX-License-Identifier: ISC */
/*
 * Call records through kills: with 300 calls a second through a real Kamailio, the feed and the
 * backend are killed in turn, again and again, at moments that nobody chose. What users are shown
 * afterwards is what the proxy has written, each record once, and the calls that the proxy still
 * has. TANDEM_LONG=1: 50 kills; TANDEM_SEED=N: the moments of an earlier run.
 */
#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "backend/when.h"
#include "common/clock.h"
#include "feeds/feed.h"
#include "tests/call_ids.h"
#include "tests/kam_rig.h"
#include "tests/puppet.h"

#define ANA "4410:secret99"
#define BEN "4420:secret20"
/* Without the fixture's own, which is of 2024. */
#define RECORDS "/my/cdrs?from=2025-01-01T00:00:00Z"

enum {
	RATE = 300,
	WAITING = 10, /* calls that last through all kills */
	/* From the feed's being connected again. Well below a second where nothing else is done; behind
	 * the old records it would be behind await_records(). */
	CONVERGED_MS = 8000,
	COMPLETE_MS = 60000, /* for records */
	REPORT = 1024
};

static struct kam_rig k;
static unsigned seed;
static int kills;

static void
setup(void)
{
	const char *given = getenv("TANDEM_SEED");

	seed = given != NULL ? (unsigned)atol(given) : (unsigned)time(NULL);
	printf("kills: TANDEM_SEED=%u\n", seed);
	fflush(stdout);
	kills = 0;
	kam_rig_start(&k);
	kam_proxy(&k);
	kam_phone(&k, "phone", 100);
	kam_feed(&k);
	kam_await_log(&k, "event=resync text=\"0 calls");
}

static void
teardown(void)
{
	kam_rig_stop(&k);
}

static int
between(int least, int most)
{
	return least + rand_r(&seed) % (most - least + 1);
}

static void
pause_ms(long ms)
{
	nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000}, NULL);
}

/* --- who is killed --------------------------------------------------------------------------- */

static bool
feed_is_next(void)
{
	return kills % 2 == 0;
}

static void
kill_next(void)
{
	if (feed_is_next())
		child_kill(&k.feed);
	else
		rig_kill(&k.rig.backend);
	kills++;
}

/* Whoever is not there. */
static void
bring_back(void)
{
	if (k.feed.pid == 0)
		kam_feed(&k);
	if (k.rig.backend == 0)
		rig_backend(&k.rig);
}

/* Kills so many times while calls come and go; who was killed last is still away. */
static void
kill_under_load(int times)
{
	struct child callers;
	int before = kam_records(&k);
	long long from = ms_now(), took;

	kam_call(&k, &callers, "caller", RATE * 3600, RATE, 500);
	pause_ms(between(700, 1500));
	for (int i = 0; i < times; i++) {
		bring_back();
		pause_ms(between(0, 1200));
		kill_next();
		pause_ms(between(0, 400));
	}
	took = ms_now() - from;
	/* No more calls, and the end when those that there are have ended. On a busy machine one may
	 * fail, and is a record then. */
	ck_assert_int_ge(child_end(&callers, SIGUSR1, 60000), 0);
	kam_await_quiet(&k);
	printf("kills: %d under load in %.1f s, %.0f calls a second\n", times, (double)took / 1000,
	    (kam_records(&k) - before) * 1000. / (double)took);
}

/* --- calls ----------------------------------------------------------------------------------- */

/* When the feed was connected last; ms since 1970. */
static int64_t
connected_ms(void)
{
	FILE *f = fopen(k.rig.log, "r");
	int64_t at = 0;
	char line[4096];

	ck_assert_ptr_nonnull(f);
	while (fgets(line, sizeof(line), f) != NULL)
		if (strstr(line, "event=backend text=\"is there") != NULL)
			ck_assert(when_read((struct str){line + 5, strcspn(line, " ") - 5}, &at));
	fclose(f);
	return at;
}

/* Brings back who is away, and waits until both parties see the calls that the proxy has. */
static void
converge(void)
{
	const char *away = k.rig.backend != 0 ? "feed" : "backend";
	int live = kam_live(&k);
	int64_t from = clock_wall_ms(), connected, took;

	ck_assert_int_ge(live, WAITING);
	/* Else there would be nothing to find out. */
	if (k.rig.backend != 0)
		ck_assert_int_ne(calls_seen(&k.rig, ANA), live);
	bring_back();
	rig_await_ready(&k.rig, 0);
	await_calls(&k.rig, ANA, live);
	await_calls(&k.rig, BEN, live);
	took = clock_wall_ms();
	connected = connected_ms();
	ck_assert_int_ge(connected, from);
	printf("kills: %d calls are seen %lld ms after the feed was connected, "
	       "%lld ms after the start of the %s\n",
	    live, (long long)(took - connected), (long long)(took - from), away);
	fflush(stdout);
	ck_assert_int_le(took - connected, CONVERGED_MS);
}

/* --- records --------------------------------------------------------------------------------- */

static void
files(struct call_ids *ids)
{
	char dir[128];

	*ids = (struct call_ids){0};
	snprintf(dir, sizeof(dir), "%s/cdr", k.rig.dir);
	call_ids_of_files(ids, dir);
}

/* Whether a user is shown what is in the proxy's files. */
static bool
shown(const char *user, const char *format, const char *path, char why[REPORT])
{
	struct call_ids want, have = {0};
	bool equal;

	files(&want);
	call_ids_of_pages(&have, &k.rig, user, format, path);
	equal = call_ids_equal(&want, &have, why, REPORT);
	call_ids_free(&want);
	call_ids_free(&have);
	return equal;
}

static void
await_records(void)
{
	long long from = ms_now();
	char why[REPORT];

	while (!shown(ANA, "application/json", RECORDS "&limit=200", why)) {
		ck_assert_msg(
		    ms_now() < from + COMPLETE_MS, "the proxy has %d records; %s", kam_records(&k), why);
		pause_ms(100);
	}
	printf("kills: all %d records are shown, %lld ms later\n", kam_records(&k), ms_now() - from);
	fflush(stdout);
}

static void
check_records(void)
{
	static const struct {
		const char *user, *format, *path;
	} lists[] = {{ANA, "application/json", RECORDS "&limit=200"},
	    {ANA, "text/csv", RECORDS "&limit=77&sort=start"}, {BEN, "text/xml", RECORDS "&limit=200"},
	    {BEN, "text/csv", RECORDS}};
	char why[REPORT];

	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		ck_assert_msg(shown(lists[i].user, lists[i].format, lists[i].path, why), "%s, %s: %s",
		    lists[i].path, lists[i].format, why);
}

/* --- tests ----------------------------------------------------------------------------------- */

START_TEST(each_record_once)
{
	int rounds = getenv("TANDEM_LONG") != NULL ? 10 : 2;
	struct child waiting, last;
	char why[REPORT];

	kam_call(&k, &waiting, "caller", WAITING, WAITING, 3600000);
	await_calls(&k.rig, ANA, WAITING);
	/* An odd number, so that the other one is away at the end of the next round. */
	for (int i = 0; i < rounds; i++) {
		kill_under_load(5);
		converge();
		await_records();
	}
	printf("kills: %d, %d records\n", kills, kam_records(&k));
	/* Nothing comes afterwards either. */
	kam_end_feed(&k);
	check_records();
	/* What the feed has not brought is missed. */
	kam_call(&k, &last, "caller", 1, 1, 100);
	ck_assert_int_eq(child_end(&last, 0, 10000), 0);
	kam_await_quiet(&k);
	ck_assert(!shown(ANA, "application/json", RECORDS "&limit=200", why));
	ck_assert_msg(strncmp(why, "1 missing: f", 12) == 0 && strchr(why, ';') == NULL, "%s", why);
	kam_feed(&k);
	await_records();
	check_records();
	child_kill(&waiting);
}
END_TEST

/* As many records as of a feed that was away for minutes: a first one, told with other names. */
static void
write_old_records(int n)
{
	char command[512];

	snprintf(command, sizeof(command),
	    "awk -F'|' -v OFS='|' -v n=%d '{for (i = 1; i <= n; i++) {$5 = \"9999:\" i; print}}' "
	    "%s/cdr/*.log >%s/old && mv %s/old %s/cdr/cdrs_999.log",
	    n, k.rig.dir, k.rig.dir, k.rig.dir, k.rig.dir);
	ck_assert_int_eq(system(command), 0);
	ck_assert_int_eq(kam_records(&k), 1 + n);
}

/* What goes on now does not wait for all that was. */
START_TEST(calls_before_old_records)
{
	struct child call;
	char why[REPORT];
	long long from;

	kam_call(&k, &call, "caller", 1, 1, 100);
	ck_assert_int_eq(child_end(&call, 0, 10000), 0);
	kam_await_quiet(&k);
	child_kill(&k.feed);
	write_old_records(60000);
	kam_call(&k, &call, "caller", WAITING, WAITING, 3600000);
	while (kam_live(&k) < WAITING)
		pause_ms(20);
	converge();
	ck_assert(!shown(ANA, "application/json", RECORDS "&limit=200", why));
	child_kill(&call);
	from = ms_now();
	kam_call(&k, &call, "caller", 1, 100, 3600000);
	await_calls(&k.rig, ANA, WAITING + 1);
	printf("kills: another call is seen %lld ms later\n", ms_now() - from);
	ck_assert_int_le(ms_now() - from, CONVERGED_MS);
	await_records();
	child_kill(&call);
}
END_TEST

static struct call_ids
ids_of(const char *letters)
{
	struct call_ids ids = {0};

	for (; *letters != '\0'; letters++)
		call_ids_add(&ids, letters, 1);
	return ids;
}

/* What is said of lists that differ. */
START_TEST(lists_are_compared)
{
	static const struct {
		const char *want, *have, *why;
	} cases[] = {{"", "", ""}, {"abc", "cab", ""}, {"abc", "ac", "1 missing: b"},
	    {"abc", "", "3 missing: a b c"}, {"abc", "cbabb", "2 doubled: b b"},
	    {"abc", "abcd", "1 of nobody: d"}, {"", "aa", "1 doubled: a; 1 of nobody: a"},
	    {"bcd", "accd", "1 missing: b; 1 doubled: c; 1 of nobody: a"},
	    {"aab", "ab", "1 missing: a"}, {"abcdefg", "", "7 missing: a b c d e …"}};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct call_ids want = ids_of(cases[i].want), have = ids_of(cases[i].have);
		char why[REPORT];

		ck_assert_int_eq(call_ids_equal(&want, &have, why, sizeof(why)), cases[i].why[0] == '\0');
		ck_assert_str_eq(why, cases[i].why);
		call_ids_free(&want);
		call_ids_free(&have);
	}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("ci_kills");
	TCase *lists = tcase_create("lists"), *records = tcase_create("records");
	SRunner *r;
	int failed;

	tcase_add_test(lists, lists_are_compared);
	tcase_set_timeout(records, 800);
	tcase_add_checked_fixture(records, setup, teardown);
	tcase_add_test(records, each_record_once);
	tcase_add_test(records, calls_before_old_records);
	suite_add_tcase(s, lists);
	suite_add_tcase(s, records);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
