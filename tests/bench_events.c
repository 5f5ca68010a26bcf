/* SPDX-License-Identifier: ISC */
/*
 * What streams of events cost: the memory of all processes with so many idle ones, and what another
 * user's reads take without streams, beside idle ones, and while switches tell of calls of all
 * those who listen; and the processor time of reads beside events of calls that nobody listens to.
 * By tests/bench/events.sh. bench_events [STREAMS] [EVENTS A SECOND] [SECONDS]
 */
#include <check.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "backend/job.h"
#include "common/clock.h"
#include "tests/book_rig.h"
#include "tests/feeder.h"
#include "tests/hostile.h"
#include "tests/sse.h"

enum {
	STREAMS_MAX = 4000,
	MIB = 1024,
	READS_MAX = 200000,
	LIMIT_MIB = 60,
	TICK_MS = 50,
	PACE = 500,
	ROUNDS = 5
};

static int streams = 1000, rate = 2000, seconds = 5;
static bool nobody; /* listens */
static struct rig rig;
static struct sse sse[STREAMS_MAX];
static struct pollfd polled[STREAMS_MAX];

static void
load_users(void)
{
	struct buf b;

	buf_init(&b, 1 << 20);
	for (int i = 0; i <= streams; i++)
		buf_printf(&b, "{\"type\":\"user\",\"record\":{\"userName\":\"%d\"}}\n", 5000 + i);
	buf_addc(&b, '\0');
	rig_load(&rig, b.p);
	buf_free(&b);
}

/* Users have the numbers from 1 on, in the order in which they were loaded. */
static void
token_of(int number, char *ret, size_t len)
{
	struct cap c = hostile_good_cap(&rig, number);
	struct buf token, text;

	REC_SET(&c, cap, expires, clock_wall_ms() + 3600 * 1000);
	hostile_capability(&rig, &c, &token);
	buf_init(&text, len);
	cap_text(buf_str(&token), &text);
	snprintf(ret, len, "%.*s", (int)text.n, text.p);
	buf_free(&text);
	buf_free(&token);
}

static void
open_all(void)
{
	for (int i = 0; i < streams; i++) {
		char token[2048], fields[2200];

		token_of(i + 1, token, sizeof(token));
		snprintf(fields, sizeof(fields), "Authorization: Bearer %s\r\n", token);
		sse_open(&sse[i], &rig, 0, "/my/events", fields);
		ck_assert_msg(sse[i].status == 200, "stream %d: %d", i, sse[i].status);
		polled[i] = (struct pollfd){.fd = sse[i].tls.fd, .events = POLLIN};
	}
}

/* Reads what has come in all streams: how many events that were. */
static long
take_all(int ms)
{
	long events = 0;

	if (poll(polled, (nfds_t)streams, ms) <= 0)
		return 0;
	for (int i = 0; i < streams; i++) {
		struct raw_tls *t = &sse[i].tls;

		if ((polled[i].revents & (POLLIN | POLLHUP)) == 0)
			continue;
		while (raw_more(t, 0))
			;
		ck_assert_msg(!t->closed, "stream %d was closed", i);
		for (const char *p = t->buf; t->len > 0 && (p = strstr(p, "event: call")) != NULL; p++)
			events++;
		t->len = 0;
	}
	return events;
}

static int
compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Another user's reads, one after the other, in a process of its own. */
static pid_t
read_beside(const char *what, int for_seconds)
{
	pid_t pid;

	fflush(stdout);
	if ((pid = fork()) != 0)
		return pid;
	{
		static double took[READS_MAX];
		long long until = ms_now() + for_seconds * 1000;
		char token[2048];
		int n = 0;

		token_of(streams + 1, token, sizeof(token));
		while (ms_now() < until && n < READS_MAX) {
			struct answer a = rig_ask(&rig, &(struct ask){.path = "/my/forward", .bearer = token});

			if (a.status != 200)
				_exit(1);
			took[n++] = a.seconds * 1000;
			answer_free(&a);
		}
		qsort(took, (size_t)n, sizeof(took[0]), compare);
		printf("%-44s %6d reads, p50 %.2f ms, p99 %.2f ms\n", what, n, took[n / 2],
		    took[n * 99 / 100]);
		fflush(stdout);
		_exit(0);
	}
}

static void
await(pid_t pid)
{
	int status;

	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "a read has failed");
}

static double
cpu_of(pid_t pid)
{
	char path[64], line[1024], *at;
	unsigned long user = 0, system = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	if ((f = fopen(path, "r")) == NULL)
		return 0;
	if (fgets(line, sizeof(line), f) != NULL && (at = strrchr(line, ')')) != NULL)
		sscanf(at + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system);
	fclose(f);
	return (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
}

/* Of all our processes. */
static double
cpu(void)
{
	pid_t below[16];
	size_t n = children_of(rig.gateway[0], below, 16);
	double all = cpu_of(rig.backend) + cpu_of(rig.gateway[0]);

	for (size_t i = 0; i < n; i++)
		all += cpu_of(below[i]);
	return all;
}

/* One line: each process and what it takes. */
static void
show_shares(void)
{
	pid_t tops[] = {rig.backend, rig.gateway[0]};

	for (size_t k = 0; k < 2; k++) {
		pid_t all[17] = {tops[k]};
		size_t n = 1 + children_of(tops[k], all + 1, 16);

		for (size_t i = 0; i < n; i++) {
			char name[64] = "";

			process_title(all[i], name, sizeof(name));
			printf("%s%s %.1f", k + i > 0 ? ", " : "  ", name, (double)book_own_pss(all[i]) / MIB);
		}
	}
	printf(" MiB\n");
	fflush(stdout);
}

static double
pss(void)
{
	return (double)(book_pss(rig.backend) + book_pss(rig.gateway[0])) / MIB;
}

/* Calls of everybody in turn, each message a change. */
static long
tell(struct feeder *f, int for_seconds)
{
	long long from = ms_now(), now;
	long sent = 0, got = 0;

	while ((now = ms_now() - from) < for_seconds * 1000) {
		while (sent < now * rate / 1000) {
			int user = (int)(sent % streams);
			char key[24], address[64];
			struct live_call c;

			snprintf(key, sizeof(key), "c%d", user);
			snprintf(address, sizeof(address), "<sip:%d@tandem>", 5000 + user);
			c = feeder_call(address, "<sip:9@far.example>", 1700000000000);
			REC_SET(&c, live_call, state,
			    sent / streams % 2 == 0 ? call_state_RINGING : call_state_ANSWERED);
			feeder_send(f, feed_kind_CALL, key, &c);
			if (++sent % 100 == 0)
				feeder_settle(f);
		}
		if (nobody)
			usleep(1000);
		else
			got += take_all(1);
	}
	feeder_settle(f);
	if (nobody)
		return sent;
	for (int i = 0; i < 40 && got < sent; i++)
		got += take_all(TICK_MS);
	printf(
	    "%ld events sent, %ld told, %.0f a second\n", sent, got, (double)sent * 1000 / (double)now);
	fflush(stdout);
	return sent - got;
}

START_TEST(bench)
{
	double before, with, used;
	long long from;
	struct feeder f;
	pid_t reader;

	load_users();
	await(read_beside("reads without streams", seconds));
	before = pss();
	show_shares();
	open_all();
	/* Twice the time of a heartbeat. */
	for (from = ms_now(); ms_now() - from < 20000;)
		take_all(TICK_MS);
	with = pss();
	used = cpu();
	for (from = ms_now(); ms_now() - from < 10000;)
		take_all(TICK_MS);
	used = cpu() - used;
	printf(
	    "%d idle streams: %.1f MiB PSS of all processes, %.1f without; %.1f KiB a stream; %.1f %% "
	    "of a processor\n",
	    streams, with, before, (with - before) * 1024 / streams, used * 10);
	show_shares();
	reader = read_beside("reads beside idle streams", seconds);
	for (from = ms_now(); ms_now() - from < seconds * 1000;)
		take_all(TICK_MS);
	await(reader);
	feeder_open(&f, feeder_endpoint(&rig), "kam-1", "e1");
	feeder_hello(&f);
	reader = read_beside("reads beside streams that are told of calls", seconds);
	ck_assert_int_eq(tell(&f, seconds), 0);
	await(reader);
	feeder_close(&f);
	printf("with all that was told: %.1f MiB PSS\n", pss());
	/* What the processes need without anybody is not the streams'. */
	ck_assert_msg(with - before <= LIMIT_MIB, "more than %d MiB for streams", LIMIT_MIB);
	for (int i = 0; i < streams; i++)
		sse_close(&sse[i]);
}
END_TEST

/* Reads at a pace that both with and without events can keep, in a process of its own. */
static pid_t
read_at_pace(void)
{
	long long from = ms_now(), now;
	char token[2048];
	pid_t pid = fork();
	long n = 0;

	if (pid != 0)
		return pid;
	token_of(streams + 1, token, sizeof(token));
	while ((now = ms_now() - from) < seconds * 1000 || n < (long)PACE * seconds) {
		struct answer a;

		if (n >= now * PACE / 1000) {
			usleep(500);
			continue;
		}
		a = rig_ask(&rig, &(struct ask){.path = "/my/forward", .bearer = token});
		if (a.status != 200)
			_exit(1);
		answer_free(&a);
		n++;
	}
	_exit(0);
}

/* Changes of calls at the rate, and what our processes used meanwhile. */
static double
used_by(struct feeder *f, bool reads, bool events)
{
	double before = cpu();
	pid_t reader = reads ? read_at_pace() : 0;

	if (events)
		tell(f, seconds);
	if (reads)
		await(reader);
	return cpu() - before;
}

START_TEST(reads_beside_events)
{
	double ratio[ROUNDS];
	struct feeder f;

	load_users();
	feeder_open(&f, feeder_endpoint(&rig), "kam-1", "e1");
	feeder_hello(&f);
	nobody = true;
	for (int i = 0; i < ROUNDS; i++) {
		double reads = used_by(&f, true, false), events = used_by(&f, false, true);
		double both = used_by(&f, true, true);

		ratio[i] = (both - events) / reads;
		printf("%d reads/s %.2f s, %d events/s %.2f s, both %.2f s of processor time: a read takes "
		       "%.2f times as much\n",
		    PACE, reads, rate, events, both, ratio[i]);
		fflush(stdout);
	}
	qsort(ratio, ROUNDS, sizeof(ratio[0]), compare);
	printf("reads beside events: %.2f times the processor time (%.2f to %.2f)\n", ratio[ROUNDS / 2],
	    ratio[0], ratio[ROUNDS - 1]);
	feeder_close(&f);
}
END_TEST

static void
setup(void)
{
	rig =
	    (struct rig){.extra = "event_streams = 5000\nlog = warn\n"
	                          "[gateway]\nconnections = 5000\nevent_streams = 5000\nlog = warn\n"};
	rig_start(&rig);
}

static void
teardown(void)
{
	rig_stop(&rig);
}

int
main(int argc, char **argv)
{
	Suite *s = suite_create("bench events");
	TCase *t = tcase_create("bench");
	struct rlimit files = {2 * STREAMS_MAX, 2 * STREAMS_MAX};
	SRunner *r;
	int failed;

	if (argc > 1)
		streams = atoi(argv[1]);
	if (argc > 2)
		rate = atoi(argv[2]);
	if (argc > 3)
		seconds = atoi(argv[3]);
	if (streams < 1 || streams > STREAMS_MAX || rate < 1 || seconds < 1)
		return 2;
	setrlimit(RLIMIT_NOFILE, &files);
	tcase_set_timeout(t, 600);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, bench);
	tcase_add_test(t, reads_beside_events);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
