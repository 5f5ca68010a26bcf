/* SPDX-License-Identifier: ISC */
#include "tests/route_rig.h"

#include <check.h>
#include <curl/curl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { PATIENCE_MS = 10000 };

struct kam_rig kam;
struct phone phones[PHONES] = {
    {.number = "201"}, {.number = "5551212"}, {.number = "5551213"}, {.number = "4420"}};
static double called; /* when the last call began */

static void
nap(long ms)
{
	nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000}, NULL);
}

/* Runs a shell's line to its end; its status. */
static int run(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static int
run(const char *fmt, ...)
{
	char line[2048];
	va_list ap;

	va_start(ap, fmt);
	ck_assert_int_lt(vsnprintf(line, sizeof(line), fmt, ap), (int)sizeof(line));
	va_end(ap);
	return system(line);
}

static void
trace_of(const struct phone *p, char ret[256])
{
	snprintf(ret, 256, "%s/%s.csv", kam.rig.dir, p->number);
}

static void
registers(const struct phone *p)
{
	ck_assert_int_eq(run("timeout 20 sipp -sf tests/sipp/register.xml -s %s -i %s -p %d -m 1 "
	                     "-nostdin %s:%d >>%s/sipp.log 2>&1",
	                     p->number, p->ip, kam.phone_port, kam.proxy_ip, kam.sip_port, kam.rig.dir),
	    0);
}

void
phones_register(void)
{
	for (size_t i = 0; i < PHONES; i++)
		registers(&phones[i]);
}

struct body {
	char text[128];
	size_t n;
};

static size_t
keep_body(char *p, size_t size, size_t n, void *arg)
{
	struct body *b = arg;

	for (size_t i = 0; i < size * n && b->n + 1 < sizeof(b->text); i++)
		b->text[b->n++] = p[i];
	return size * n;
}

/* One connection for all, so that asking takes no time. */
void
routes_at(char ret[128])
{
	static CURL *c;
	char url[128];
	struct body b = {.n = 0};

	if (c == NULL)
		ck_assert_ptr_nonnull(c = curl_easy_init());
	snprintf(url, sizeof(url), "http://%s:%d/tandem/routes", kam.proxy_ip, kam.http_port);
	curl_easy_setopt(c, CURLOPT_URL, url);
	curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, 2000L);
	curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, keep_body);
	curl_easy_setopt(c, CURLOPT_WRITEDATA, &b);
	if (curl_easy_perform(c) != CURLE_OK)
		b.n = 0;
	memcpy(ret, b.text, b.n);
	ret[b.n] = '\0';
}

void
routes_await(const char *before)
{
	long long until = ms_now() + PATIENCE_MS;
	char at[128];

	do {
		ck_assert_msg(ms_now() < until, "the proxy does not hear of it: still %s", before);
		nap(1);
		routes_at(at);
	} while (at[0] == '\0' || strcmp(at, before) == 0 || strstr(at, "filling") != NULL);
}

/* Sets something by REST and waits until the proxy has it. */
void
routes_set(const char *user, const char *method, const char *path, const char *json)
{
	char before[128];
	struct ask ask = {
	    .user = user, .method = method, .path = path, .type = "application/json", .body = json};
	struct answer a;

	routes_at(before);
	a = rig_ask(&kam.rig, &ask);
	ck_assert_msg(a.status == 200, "%s %s: %d %s", method, path, a.status, a.body);
	answer_free(&a);
	routes_await(before);
}

static void
start_phone(struct phone *p, const char *scenario)
{
	char line[1024], trace[256];
	char *argv[] = {"/bin/sh", "-c", line, NULL};

	trace_of(p, trace);
	unlink(trace);
	snprintf(line, sizeof(line),
	    "exec sipp -sf tests/sipp/%s.xml -i %s -p %d -d 100 -nostdin -trace_shortmsg "
	    "-shortmessage_file %s %s:%d >>%s/sipp.log 2>&1",
	    scenario, p->ip, kam.phone_port, trace, kam.proxy_ip, kam.sip_port, kam.rig.dir);
	child_start(&p->sipp, "/dev/null", argv);
}

/* Whether a program has bound the phone's port. */
static void
await_phone(const struct phone *p)
{
	long long until = ms_now() + PATIENCE_MS;

	while (run("ss -Hlun src %s:%d | grep -q .", p->ip, kam.phone_port) != 0) {
		ck_assert_msg(ms_now() < until, "the phone %s does not start", p->number);
		nap(20);
	}
}

static void
read_trace(struct phone *p)
{
	char line[1024], trace[256];
	FILE *f;

	p->rang = p->stopped = 0;
	p->answered = false;
	trace_of(p, trace);
	if ((f = fopen(trace, "r")) == NULL)
		return;
	while (fgets(line, sizeof(line), f) != NULL) {
		double at = 0;
		char way = '\0';

		if (sscanf(line, "%*s %*s %lf %c", &at, &way) != 2)
			continue;
		if (way == 'R' && strstr(line, "\tINVITE ") != NULL && p->rang == 0)
			p->rang = at;
		if (way == 'R' && strstr(line, "\tCANCEL ") != NULL && p->stopped == 0)
			p->stopped = at;
		if (way == 'S' && strstr(line, "INVITE\tSIP/2.0 200") != NULL)
			p->answered = true;
	}
	fclose(f);
}

/* Somebody calls a number. The phones ring, but the one that answers (NULL = none). */
void
phones_call(const char *number, const struct phone *answers)
{
	struct timespec now;

	for (size_t i = 0; i < PHONES; i++)
		start_phone(&phones[i], &phones[i] == answers ? "phone" : "phone-rings");
	for (size_t i = 0; i < PHONES; i++)
		await_phone(&phones[i]);
	clock_gettime(CLOCK_REALTIME, &now);
	called = (double)now.tv_sec + (double)now.tv_nsec / 1e9;
	run("timeout 30 sipp -sf tests/sipp/caller-any-end.xml -s %s -i %s -p %d -m 1 -nostdin "
	    "%s:%d >>%s/sipp.log 2>&1",
	    number, kam.caller_ip, free_port(), kam.proxy_ip, kam.sip_port, kam.rig.dir);
	for (size_t i = 0; i < PHONES; i++) {
		child_end(&phones[i].sipp, SIGUSR1, 200);
		read_trace(&phones[i]);
	}
}

/* Seconds from the beginning of the call to when a phone rang. */
double
phone_rang_after(const struct phone *p)
{
	ck_assert_msg(p->rang != 0, "%s did not ring", p->number);
	return p->rang - called;
}

void
routes_start(void)
{
	kam_rig_start(&kam);
	kam.registered = true;
	kam_proxy(&kam);
	kam_feed(&kam);
	routes_await("");
}

void
route_rig_start(void)
{
	routes_start();
	for (size_t i = 0; i < PHONES; i++)
		snprintf(phones[i].ip, sizeof(phones[i].ip), "%.*s.%zu",
		    (int)(strrchr(kam.proxy_ip, '.') - kam.proxy_ip), kam.proxy_ip, 20 + i);
	phones_register();
}

void
route_rig_stop(void)
{
	for (size_t i = 0; i < PHONES; i++)
		child_kill(&phones[i].sipp);
	kam_rig_stop(&kam);
}
