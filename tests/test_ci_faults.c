/* SPDX-License-Identifier: ISC */
/*
 * Clocks that jump, descriptors that are used up, queues that are full: nothing acknowledged is
 * lost, nobody waits without an end, and all is well within seconds when the harm is over. On each
 * engine of the store.
 */
#include <check.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/sandbox.h"
#include "tests/crowd.h"
#include "tests/descriptors.h"
#include "tests/faults.h"
#include "tests/freeze.h"

/* --- descriptors ---------------------------------------------------------------------- */

enum { FLOOD = 200, WORKERS_MAX = 8 };

static size_t
workers(pid_t ret[WORKERS_MAX])
{
	return rig_processes(&faults.rig, "[wrk", ret, WORKERS_MAX);
}

/* Connections that nobody can take: to the gateway, or to the backend's own socket. */
static void
flood(int fd[FLOOD], bool to_backend)
{
	struct sockaddr_in in = {
	    .sin_family = AF_INET, .sin_port = htons((uint16_t)faults.rig.port[0])};
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	const struct sockaddr *to = to_backend ? (struct sockaddr *)&un : (struct sockaddr *)&in;
	socklen_t n = to_backend ? sizeof(un) : sizeof(in);

	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	snprintf(un.sun_path, sizeof(un.sun_path), "%s/gateway/backend.sock", faults.rig.dir);
	for (int i = 0; i < FLOOD; i++) {
		fd[i] = socket(to->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		ck_assert_int_ge(fd[i], 0);
		/* Where its list of those that wait is full a socket says EAGAIN. */
		ck_assert_msg(connect(fd[i], to, n) == 0 || errno == EINPROGRESS || errno == EAGAIN,
		    "connect: %s", strerror(errno));
	}
}

/* For some seconds; `served` = whether a new client is. */
static void
exhaust(const pid_t *pids, size_t n, bool to_backend, bool served)
{
	rlim_t was[WORKERS_MAX];
	int fd[FLOOD], status;

	for (size_t i = 0; i < n; i++)
		was[i] = descriptors_limit(pids[i], descriptors_used(pids[i]));
	flood(fd, to_backend);
	status =
	    served ? faults_ask("GET", "/my/callfwd", NULL, NULL, NULL, 0) : faults_try("GET", NULL);
	ck_assert_msg(served == (status == 200), "a new client: %d", status);
	usleep(300000);
	for (size_t i = 0; i < n; i++) {
		ck_assert_msg(descriptors_used(pids[i]) > 0, "process %d has ended", (int)pids[i]);
		descriptors_limit(pids[i], was[i]);
	}
	for (int i = 0; i < FLOOD; i++)
		close(fd[i]);
}

static const char *const starved[] = {"the backend", "one worker", "all workers", "the auth child"};

static const char *
starved_name(int n)
{
	return starved[n];
}

static void
starve(int n)
{
	pid_t w[WORKERS_MAX], child = child_named(faults.rig.backend, "tandem-auth");
	size_t count = workers(w);

	ck_assert_uint_ge(count, 2);
	if (n == 0)
		exhaust(&faults.rig.backend, 1, true, true);
	else if (n == 3)
		exhaust(&child, 1, true, true);
	else
		exhaust(w, n == 1 ? 1 : count, false, n == 1);
	faults_await(starved[n]);
}

START_TEST(descriptors_end)
{
	pid_t before[2][WORKERS_MAX], after[WORKERS_MAX], was;
	struct sums s;

	faults_begin(faults_engines[_i], NULL);
	was = faults.rig.backend;
	rig_await_workers(&faults.rig, before[0], 2);
	s = histories_under(4, starve, starved_name);
	faults_show("no descriptors in 4 processes", &s);
	ck_assert_int_gt(s.writes, 4);
	/* All are the ones that were. */
	ck_assert_uint_eq(workers(after), 2);
	ck_assert_mem_eq(before[0], after, 2 * sizeof(after[0]));
	ck_assert_int_eq(waitpid(was, NULL, WNOHANG), 0);
	faults_restart();
	faults_await("a restart");
	histories_audit();
}
END_TEST

/* --- queues --------------------------------------------------------------------------------- */

enum {
	CROWD = 160,
	PENDING = 32,
	DEADLINE_MS = 3000,
	ROUNDS_MS = 4000,
	GROWTH_KB = (SANDBOX_SANITIZED ? 512 : 16) * 1024 /* freed memory is kept by a sanitizer */
};

static long rss_most;

static void
look_at_memory(void)
{
	pid_t w[WORKERS_MAX];
	size_t n = workers(w);
	long sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += (long)process_number(w[i], "VmRSS:");
	if (sum > rss_most)
		rss_most = sum;
}

static struct crowd *stopped; /* behind a backend that stands still, until so many are refused */

static void
go_on_when_full(void)
{
	look_at_memory();
	if (stopped != NULL && stopped->full >= CROWD - 2 * PENDING) {
		ck_assert_int_eq(kill(faults.rig.backend, SIGCONT), 0);
		stopped = NULL;
	}
}

static void
add_up(struct crowd_seen *to, const struct crowd_seen *one)
{
	to->ok += one->ok;
	to->full += one->full;
	to->late += one->late;
	to->other += one->other;
	to->silent += one->silent;
	to->slowest_full = one->slowest_full > to->slowest_full ? one->slowest_full : to->slowest_full;
	to->slowest = one->slowest > to->slowest ? one->slowest : to->slowest;
}

static void
show_crowd(const char *what, const struct crowd_seen *seen)
{
	printf("%s, %s: %d x 200, %d x 503 within %.1f s, %d x 504, %d other, %d silent, all "
	       "within %.1f s\n",
	    faults.rig.engine, what, seen->ok, seen->full, seen->slowest_full, seen->late, seen->other,
	    seen->silent, seen->slowest);
	fflush(stdout);
	ck_assert_int_eq(seen->other + seen->silent, 0);
	ck_assert_msg(
	    seen->slowest * 1000 < DEADLINE_MS + 3000, "somebody waited for %.1f s", seen->slowest);
}

START_TEST(queues_are_full)
{
	struct crowd c;
	struct crowd_seen seen;
	long rss;

	faults_begin(faults_engines[_i],
	    "queue = 16\n[gateway]\nworkers = 2\npending = 32\ndeadline_ms = 3000\n");
	crowd_open(&c, &faults.rig, FAULTS_USER, CROWD);
	faults_await("start");
	crowd_send(&c);
	crowd_await(&c, NULL);
	crowd_settle(&c);
	rss_most = 0;
	look_at_memory();
	rss = rss_most;

	/* The gateway's is, then the backend's as well. */
	freeze(faults.rig.backend);
	stopped = &c;
	crowd_send(&c);
	seen = crowd_await(&c, go_on_when_full);
	if (stopped != NULL)
		ck_assert_int_eq(kill(faults.rig.backend, SIGCONT), 0);
	show_crowd("stopped for a moment", &seen);
	ck_assert_int_ge(seen.full, CROWD - 2 * PENDING);
	ck_assert_int_gt(seen.ok, 0);
	crowd_settle(&c);

	/* For longer than anybody waits. */
	seen = (struct crowd_seen){0};
	freeze(faults.rig.backend);
	for (long long until = ms_now() + ROUNDS_MS; ms_now() < until;) {
		struct crowd_seen one;

		crowd_send(&c);
		one = crowd_await(&c, look_at_memory);
		ck_assert_int_eq(one.ok, 0);
		ck_assert_int_ge(one.full, CROWD - 2 * PENDING);
		add_up(&seen, &one);
	}
	show_crowd("stopped", &seen);
	ck_assert_int_eq(kill(faults.rig.backend, SIGCONT), 0);
	faults_await("it goes on");
	printf("%s: settled after %d times\n", faults.rig.engine, crowd_settle(&c));
	crowd_check(&c);

	/* The writer's, behind a slow disk. */
	faults.backend->sync_ms = 300;
	crowd_send(&c);
	seen = crowd_await(&c, look_at_memory);
	show_crowd("a slow disk", &seen);
	ck_assert_int_gt(seen.ok, 0);
	ck_assert_int_gt(seen.full, 0);
	faults.backend->sync_ms = 0;
	faults_await("the disk is fast");
	crowd_settle(&c);
	printf("%s: %d entries, workers from %ld to at most %ld KiB; back after %lld ms at most\n",
	    faults.rig.engine, c.entries, rss, rss_most, faults.slowest);
	ck_assert_int_lt(rss_most - rss, GROWTH_KB);
	faults_restart();
	crowd_check(&c);
	crowd_close(&c);
	histories_audit();
}
END_TEST

static void
add_case(Suite *s, const char *name, const TTest *test)
{
	TCase *t = tcase_create(name);

	tcase_set_timeout(t, 300);
	tcase_add_checked_fixture(t, NULL, faults_end);
	tcase_add_loop_test(t, test, 0, 2);
	suite_add_tcase(s, t);
}

int
main(void)
{
	Suite *s = suite_create("faults");
	SRunner *r;
	int failed;

	add_case(s, "clocks", faults_clocks());
	add_case(s, "descriptors", descriptors_end);
	add_case(s, "queues", queues_are_full);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
