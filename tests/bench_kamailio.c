/* SPDX-License-Identifier: ISC */
/*
 * From an answered call to its being visible in /my/activecdrs, with 300 calls a second going on
 * between others: a real Kamailio, SIPp, feed, backend and gateway on one machine.
 *
 *   bench_kamailio [CALLS A SECOND] [SECONDS]
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/kam_rig.h"
#include "tests/puppet.h"

enum { PROBES_MAX = 4096 };

/* A call of the user who looks: when it was answered, and when it was seen; ms since 1970. */
struct probe {
	long long started, answered;
	double seen;
};

static struct probe probes[PROBES_MAX];
static size_t n;

static double
wall_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (double)t.tv_sec * 1000 + (double)t.tv_nsec / 1e6;
}

static void
look(struct rig *r)
{
	struct answer a = rig_get(r, "501:secret501", "/my/activecdrs");
	double now = wall_ms();

	for (const char *p = a.body; p != NULL && (p = strstr(p, "\"start-time\":")) != NULL; p++) {
		long long started = atoll(p + strlen("\"start-time\":"));
		size_t i = 0;

		while (i < n && probes[i].started != started)
			i++;
		if (i == n && n < PROBES_MAX)
			probes[n++] = (struct probe){.started = started, .seen = now};
	}
	answer_free(&a);
}

/* When the calls were answered, from the proxy's own ring. */
static void
ask_proxy(const struct kam_rig *k, long long head)
{
	static char text[1 << 20];

	for (long long from = 0; from < head; from += 100) {
		char command[128];
		FILE *p;
		size_t len;

		snprintf(command, sizeof(command), "curl -s http://%s:%d/tandem/ev/%lld", k->proxy_ip,
		    k->http_port, from);
		p = popen(command, "r");
		len = p != NULL ? fread(text, 1, sizeof(text) - 1, p) : 0;
		text[len] = '\0';
		if (p != NULL)
			pclose(p);
		for (const char *at = text; (at = strstr(at, "\"ev\":\"answer\"")) != NULL; at++) {
			const char *s = strstr(at, "\"start_ms\":\""), *w = strstr(at, "\"answer_ms\":\"");

			for (size_t i = 0; s != NULL && w != NULL && i < n; i++)
				if (probes[i].started == atoll(s + 12))
					probes[i].answered = atoll(w + 13);
		}
	}
}

static int
by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static int rate = 300, seconds = 10;

/* A test of Check, since the rig fails like one. */
START_TEST(measure)
{
	static struct kam_rig k;
	static double took[PROBES_MAX];
	struct child others, own;
	size_t m = 0;
	long long until;

	kam_rig_start(&k);
	kam_proxy(&k);
	kam_phone(&k, "phone", 100);
	kam_feed(&k);
	kam_await_log(&k, "event=resync text=\"0 calls");
	kam_call_between(&k, &others, "9001", "9002", rate * seconds, rate, 500);
	kam_call_between(&k, &own, "501", "9003", seconds * 10, 10, 1000);
	until = ms_now() + seconds * 1000;
	while (ms_now() < until)
		look(&k.rig);
	child_end(&own, 0, 20000);
	child_end(&others, 0, 20000);
	ask_proxy(&k, kam_events(&k));
	/* Calls of two in the same millisecond are told apart by neither. */
	for (size_t i = 0; i < n; i++)
		if (probes[i].answered > 0)
			took[m++] = probes[i].seen - (double)probes[i].answered;
	qsort(took, m, sizeof(took[0]), by_value);
	ck_assert_msg(m > 0, "no call was seen");
	printf("answered to visible in /my/activecdrs, %d calls/s, %zu calls seen: "
	       "p50 %.1f p90 %.1f p99 %.1f max %.1f ms\n",
	    rate, m, took[m / 2], took[m * 9 / 10], took[m * 99 / 100], took[m - 1]);
	fflush(stdout);
	kam_rig_stop(&k);
}
END_TEST

int
main(int argc, char **argv)
{
	Suite *s = suite_create("bench");
	TCase *t = tcase_create("kamailio");
	SRunner *r;
	int failed;

	rate = argc > 1 ? atoi(argv[1]) : rate;
	seconds = argc > 2 ? atoi(argv[2]) : seconds;
	tcase_set_timeout(t, 0);
	tcase_add_test(t, measure);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_SILENT);
	failed = srunner_ntests_failed(r);
	if (failed > 0)
		srunner_print(r, CK_NORMAL);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
