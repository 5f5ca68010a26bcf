/* SPDX-License-Identifier: ISC */
/* Processes are killed or stopped under clients that keep histories. On each engine of the store.
 */
#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/freeze.h"
#include "tests/histories.h"

enum { KILLS = 30, KILLS_LONG = 300 };

enum target { WORKER, GATEWAY, AUTH, BACKEND, TARGETS };
static const char *const targets[] = {"worker", "gateway", "auth child", "backend"};

static struct rig rig;

/* --- kills ----------------------------------------------------------------------- */

static void
start_backend(void)
{
	rig_backend(&rig);
}

static void
start_gateway(void)
{
	rig_gateway(&rig, 0);
	rig_await_ready(&rig, 0);
}

/* Its processes end when they see that it has, and until then they have the port. */
static void
kill_gateway(void)
{
	pid_t all[32];
	size_t n = children_of(rig.gateway[0], all, 32);

	rig_kill(&rig.gateway[0]);
	for (size_t i = 0; i < n; i++)
		for (long long until = ms_now() + 15000; kill(all[i], 0) == 0; usleep(5000))
			ck_assert_msg(ms_now() < until, "process %d outlives its parent", (int)all[i]);
	start_gateway();
}

static void
kill_worker(void)
{
	pid_t worker;

	if (rig_processes(&rig, "[wrk", &worker, 1) == 1)
		kill(worker, SIGKILL);
}

/* The backend ends when its auth child has. */
static void
kill_auth(void)
{
	kill(child_named(rig.backend, "tandem-auth"), SIGKILL);
	rig_await_end(&rig.backend, 10000);
	start_backend();
}

static void
kill_one(enum target t)
{
	if (t == WORKER) {
		kill_worker();
	} else if (t == GATEWAY) {
		kill_gateway();
	} else if (t == AUTH) {
		kill_auth();
	} else {
		rig_kill(&rig.backend);
		start_backend();
	}
}

static void
kill_in_turn(int n)
{
	kill_one((enum target)(n % TARGETS));
}

static const char *
target_name(int n)
{
	return targets[n % TARGETS];
}

START_TEST(nothing_acknowledged_is_lost)
{
	int kills = getenv("TANDEM_LONG") != NULL ? KILLS_LONG : KILLS;
	struct sums s = histories_under(kills * TARGETS, kill_in_turn, target_name);

	printf(
	    "%d kills of each of %d kinds: %ld writes, %ld entries, %ld reads, %ld without an answer\n",
	    kills, TARGETS, s.writes, s.entries, s.reads, s.unsure);
	ck_assert_int_gt(s.writes, kills);
	ck_assert_int_gt(s.entries, kills);
}
END_TEST

/* --- stops -------------------------------------------------------------------------- */

/* Those that a rig has: the gateway and its children, the backend and its. */
static size_t
processes(pid_t ret[64])
{
	size_t n = 0;

	ret[n++] = rig.gateway[0];
	n += children_of(rig.gateway[0], ret + n, 30);
	ret[n++] = rig.backend;
	return n + children_of(rig.backend, ret + n, 30);
}

/* Each process in turn, longer than a request may take; then it goes on where it was. */
static void
stop_in_turn(int n)
{
	pid_t all[64];
	size_t count = processes(all);
	pid_t pid = all[(size_t)n % count];

	freeze(pid);
	usleep((useconds_t)(n % 3) * 2500000 + 300000);
	ck_assert_int_eq(kill(pid, SIGCONT), 0);
}

static const char *
stop_name(int n)
{
	(void)n;
	return "stopped";
}

START_TEST(stopped_processes_go_on)
{
	pid_t all[64];
	int count = (int)processes(all);
	pid_t backend = rig.backend, gateway = rig.gateway[0];
	struct sums s = histories_under(3 * count, stop_in_turn, stop_name);

	printf("%d stops of %d processes: %ld writes, %ld entries, %ld reads, %ld without an answer\n",
	    3 * count, count, s.writes, s.entries, s.reads, s.unsure);
	ck_assert_int_gt(s.writes, count);
	/* Nobody took the silence of another for the end. */
	ck_assert_int_eq(kill(backend, 0), 0);
	ck_assert_int_eq(kill(gateway, 0), 0);
}
END_TEST

static void
begin_rig(const char *engine)
{
	memset(&rig, 0, sizeof(rig));
	rig.engine = engine;
	rig_make(&rig);
	start_backend();
	histories_begin(&rig);
	start_gateway();
}

static void
setup(void)
{
	begin_rig(NULL);
}

static void
setup_lmdb(void)
{
	begin_rig("lmdb");
}

static void
teardown(void)
{
	rig_stop(&rig);
	histories_end();
}

int
main(void)
{
	Suite *s = suite_create("history");
	TCase *t = tcase_create("history"), *l = tcase_create("lmdb");
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 3600);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, nothing_acknowledged_is_lost);
	tcase_add_test(t, stopped_processes_go_on);
	tcase_set_timeout(l, 3600);
	tcase_add_checked_fixture(l, setup_lmdb, teardown);
	tcase_add_test(l, nothing_acknowledged_is_lost);
	if (getenv("TANDEM_LONG") != NULL)
		tcase_add_test(l, stopped_processes_go_on);
	suite_add_tcase(s, t);
	suite_add_tcase(s, l);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
