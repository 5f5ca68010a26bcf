/* SPDX-License-Identifier: ISC */
/* Clocks that jump, of all processes and of one alone. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tests/faults.h"
#include "tests/feeder.h"

enum { HOUR = 3600, DAY = 24 * HOUR, TEN_YEARS = 3653 * DAY, CALLS = 12 };

enum whose { BOTH, OF_BACKEND, OF_GATEWAY };

static const struct step {
	const char *name;
	enum whose whose;
	int64_t s;
} steps[] = {
    {"an hour on", BOTH, HOUR},
    {"right again", BOTH, 0},
    {"an hour back", BOTH, -HOUR},
    {"right again", BOTH, 0},
    {"a day on", BOTH, DAY},
    {"two days back", BOTH, -DAY},
    {"right again", BOTH, 0},
    {"ten years on", BOTH, TEN_YEARS},
    {"ten years back", BOTH, 0},
    {"the backend's an hour on", OF_BACKEND, HOUR},
    {"the backend's a day back", OF_BACKEND, -DAY},
    {"the backend's ten years on", OF_BACKEND, TEN_YEARS},
    {"the gateway's ten years on", OF_GATEWAY, TEN_YEARS},
    {"the gateway's a day back", OF_GATEWAY, -DAY},
    {"right again", BOTH, 0},
};

enum { STEPS = sizeof(steps) / sizeof(steps[0]) };

static const char *
step_name(int n)
{
	return steps[n].name;
}

static void
set_clocks(enum whose whose, int64_t s)
{
	faults.backend->wall_s = whose == OF_GATEWAY ? 0 : s;
	faults.gateway->wall_s = whose == OF_BACKEND ? 0 : s;
}

static void
open_session(char token[512])
{
	char body[1024], *at;

	ck_assert_int_eq(faults_ask("POST", "/session", NULL, NULL, body, sizeof(body)), 200);
	ck_assert_ptr_nonnull(at = strstr(body, "\"token\":\""));
	snprintf(token, 512, "%.*s", (int)strcspn(at + 9, "\""), at + 9);
}

static char first_session[512];

/* By a password and a session of this time all goes on; by one of another time it may not. */
static void
step(int n)
{
	char token[512];
	int status;

	set_clocks(steps[n].whose, steps[n].s);
	faults_await(steps[n].name);
	open_session(token);
	ck_assert_int_eq(faults_ask("GET", "/my/callfwd", token, NULL, NULL, 0), 200);
	/* What shows as well that the step was one. */
	status = faults_ask("GET", "/my/callfwd", first_session, NULL, NULL, 0);
	ck_assert_msg(
	    status == (faults.backend->wall_s >= DAY ? 401 : 200) || faults.backend->wall_s == HOUR,
	    "%s: the first session: %d", steps[n].name, status);
}

/* Calls that began now, by a switch with that clock, and on days before, and nothing else since: by
 * a wrong clock they are old, or not yet possible. */
static void
tell_calls(const char *epoch, int first, int n, int64_t ahead_s)
{
	struct feeder feed;
	int64_t now = (int64_t)time(NULL) + ahead_s;

	feeder_open(&feed, feeder_endpoint(&faults.rig), "kam-1", epoch);
	ck_assert_int_eq(feeder_hello(&feed), 0);
	for (int i = first; i < first + n; i++) {
		char id[32];
		struct cdr c = {0};

		snprintf(id, sizeof(id), "call-%d", i);
		REC_SET(&c, cdr, id, str_c(id));
		REC_SET(&c, cdr, caller, STR_LIT("<sip:710@pbx.example.net>"));
		REC_SET(&c, cdr, callee, STR_LIT("<sip:+15550100@carrier.example>"));
		REC_SET(&c, cdr, started, (now - (int64_t)(i % CALLS) * 20 * DAY) * 1000);
		REC_SET(&c, cdr, duration, 125000);
		REC_SET(&c, cdr, end, cdr_end_COMPLETED);
		REC_SET(&c, cdr, code, 200);
		feeder_send(&feed, feed_kind_CDR, NULL, &c);
	}
	feeder_settle(&feed);
	feeder_close(&feed);
}

static size_t
count_in(const char *path, const char *what)
{
	static char body[1 << 20];

	ck_assert_int_eq(faults_ask("GET", path, NULL, NULL, body, sizeof(body)), 200);
	return occurrences_of(what, body);
}

/* Calls, what can be undone, and the audit log from its first row on. */
static void
check_kept(const char *when, size_t want, size_t undo)
{
	size_t calls = count_in("/my/cdrs?limit=200", "\"id\"");
	size_t writes = count_in("/my/history/callfwd", "\"id\"");
	char out[4096];

	ck_assert_msg(calls == want, "%s: %zu of %zu calls", when, calls, want);
	ck_assert_msg(writes >= undo, "%s: %zu of %zu writes can be undone", when, writes, undo);
	for (long long until = ms_now() + FAULTS_BACK_MS;; usleep(200000)) {
		if (rig_ctl(&faults.rig, NULL, out, sizeof(out), "audit verify") == 0)
			break;
		ck_assert_msg(ms_now() < until, "%s: %s", when, out);
	}
	ck_assert_msg(strstr(out, "oldest row       1\n") != NULL, "%s: %s", when, out);
}

/* Lines of the log, however long it is, with that in them. */
static size_t
logged(const char *what)
{
	FILE *f = fopen(faults.rig.log, "r");
	char *line = NULL;
	size_t size = 0, n = 0;

	ck_assert_ptr_nonnull(f);
	while (getline(&line, &size, f) >= 0)
		n += strstr(line, what) != NULL;
	free(line);
	fclose(f);
	return n;
}

/* What removes old things comes by, and does not believe the clock. */
static void
await_doubt(size_t times)
{
	for (long long until = ms_now() + 12000; logged("nothing is swept") < times; usleep(100000))
		ck_assert_msg(ms_now() < until, "the clock was not doubted %zu times", times);
}

START_TEST(clocks_jump)
{
	struct sums s;
	size_t undo;

	faults_begin(faults_engines[_i], "cdr_months = 12\n");
	tell_calls("e1", 1, CALLS - 1, 0);
	faults_await("start");
	faults.backend->wall_s = -TEN_YEARS;
	tell_calls("e2", 0, 1, 0);
	faults.backend->wall_s = 0;
	check_kept("start", CALLS, 1);
	open_session(first_session);
	s = histories_under(STEPS, step, step_name);
	faults_show("15 steps of clocks", &s);
	ck_assert_int_gt(s.writes, STEPS);
	ck_assert_int_eq(s.refused, 0);
	/* The times of removing, which are minutes away, come while the clock is wrong. */
	undo = count_in("/my/history/callfwd", "\"id\"");
	faults.backend->wall_s = TEN_YEARS;
	/* A switch of the same clock tells of a call. */
	tell_calls("e3", CALLS, 1, TEN_YEARS);
	faults.backend->skip_s += 700;
	await_doubt(1);
	faults_await("old things are looked for");
	faults.backend->wall_s = 0;
	check_kept("the clock was wrong", CALLS + 1, undo);
	/* And over a restart, behind writes with the wrong time. */
	faults.backend->wall_s = TEN_YEARS;
	faults_await("a write ten years on");
	faults_restart();
	faults.backend->skip_s += 100;
	await_doubt(2);
	check_kept("started with a wrong clock", CALLS + 1, undo);
	faults.backend->wall_s = 0;
	faults_restart();
	faults_await("the clock is right");
	check_kept("started again", CALLS + 1, undo);
}
END_TEST

const TTest *
faults_clocks(void)
{
	return clocks_jump;
}
