/* SPDX-License-Identifier: ISC */

/* Answers that take their time, and clients that do. */

#include "kore_server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define H "Host: localhost\r\n"

static struct kore_server server;

/* Times that no client of these tests needs, however busy the machine is. */
static void
setup(void)
{
	static const char *const settings[] = {
	    "http_header_timeout=20",
	    "http_body_timeout=20",
	    "http_keepalive_time=20",
	    NULL,
	};

	kore_start(&server, KORE_KEY_EC, 1, settings);
}

static void
setup_short(void)
{
	static const char *const settings[] = {
	    "http_header_timeout=1",
	    "http_body_timeout=1",
	    "http_keepalive_time=2",
	    NULL,
	};

	kore_start(&server, KORE_KEY_EC, 1, settings);
}

static void
teardown(void)
{
	kore_stop(&server);
}

static void
check_stream(const struct raw_answer *a, size_t len)
{
	ck_assert(a->complete);
	ck_assert_uint_eq(a->body_len, len);
	ck_assert_uint_eq(strspn(a->body, "c"), len);
}

START_TEST(chunked)
{
	struct raw_tls t;
	struct raw_answer a;

	kore_connect(&server, &t);
	kore_ask(&t, "GET /chunked?n=3&size=5 HTTP/1.1\r\n" H "\r\n", 200, &a);
	ck_assert(a.chunked);
	check_stream(&a, 15);
	raw_answer_free(&a);
	kore_ask(&t, "GET /chunked?n=0 HTTP/1.1\r\n" H "\r\n", 200, &a);
	check_stream(&a, 0);
	raw_answer_free(&a);
	/* Far more than is allowed to wait in the send queue. */
	kore_ask(&t, "GET /chunked?n=2000&size=1000 HTTP/1.1\r\n" H "\r\n", 200, &a);
	check_stream(&a, 2000000);
	raw_answer_free(&a);
	/* With room for all of it in the kernel the server has long been waiting for the next request
	 * when this slow reader is done, and may have closed. */
	raw_close(&t);
	kore_connect(&server, &t);
	kore_ask(&t, "HEAD /chunked?n=3 HTTP/1.1\r\n" H "\r\n", 200, &a);
	ck_assert_ptr_nonnull(strstr(a.head, "transfer-encoding: chunked"));
	raw_answer_free(&a);
	kore_ask(&t, "GET /constant HTTP/1.1\r\n" H "\r\n", 200, &a);
	ck_assert_uint_eq(a.body_len, 150);
	raw_answer_free(&a);
	raw_close(&t);
}
END_TEST

START_TEST(chunked_and_close)
{
	struct raw_tls t;
	struct raw_answer a;

	kore_connect(&server, &t);
	kore_ask(
	    &t, "GET /chunked?n=500&size=1000 HTTP/1.1\r\n" H "Connection: close\r\n\r\n", 200, &a);
	ck_assert(a.chunked);
	check_stream(&a, 500000);
	raw_answer_free(&a);
	ck_assert(raw_closed(&t, 10000) && t.clean);
	raw_close(&t);

	kore_connect(&server, &t);
	kore_ask(&t, "GET /chunked?n=500&size=1000 HTTP/1.0\r\n\r\n", 200, &a);
	ck_assert(!a.chunked);
	check_stream(&a, 500000);
	raw_answer_free(&a);
	raw_close(&t);
}
END_TEST

/* A client must be able to tell: no last chunk, and no close_notify for HTTP/1.0. */
START_TEST(aborted)
{
	struct raw_tls t;
	struct raw_answer a;

	kore_connect(&server, &t);
	kore_ask(&t, "GET /abort?n=10&size=100 HTTP/1.1\r\n" H "\r\n", 200, &a);
	ck_assert(!a.complete && t.closed && !t.clean);
	raw_answer_free(&a);
	raw_close(&t);

	kore_connect(&server, &t);
	kore_ask(&t, "GET /abort?n=10&size=100 HTTP/1.0\r\n\r\n", 200, &a);
	ck_assert(!a.complete && t.closed && !t.clean);
	raw_answer_free(&a);
	raw_close(&t);
}
END_TEST

/* Waits until the echo page, which runs in the same worker, shows this number. */
static void
wait_number(const char *name, long number)
{
	int64_t until = raw_now() + 10000;
	struct raw_tls t;
	struct raw_answer a;
	long seen;

	do {
		kore_connect(&server, &t);
		kore_ask(&t, "GET /echo HTTP/1.1\r\n" H "\r\n", 200, &a);
		seen = kore_number(&a, name);
		raw_answer_free(&a);
		raw_close(&t);
		ck_assert_msg(raw_now() < until, "%s is %ld instead of %ld", name, seen, number);
	} while (seen != number);
}

static long
number_now(const char *name)
{
	struct raw_tls t;
	struct raw_answer a;
	long seen;

	kore_connect(&server, &t);
	kore_ask(&t, "GET /echo HTTP/1.1\r\n" H "\r\n", 200, &a);
	seen = kore_number(&a, name);
	raw_answer_free(&a);
	raw_close(&t);
	return seen;
}

START_TEST(client_leaves)
{
	static const char *const requests[] = {
	    "GET /sleep?n=60000 HTTP/1.1\r\n" H "\r\n",
	    "POST /sleep?n=60000 HTTP/1.1\r\n" H "Content-Length: 2\r\n\r\nab",
	    "GET /chunked?n=1000000&size=60000 HTTP/1.1\r\n" H "\r\n",
	};
	long left = number_now("left");
	struct raw_tls t;
	size_t i;

	for (i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
		kore_connect(&server, &t);
		ck_assert(raw_text(&t, requests[i]));
		wait_number("jobs", 1);
		raw_close(&t);
		wait_number("jobs", 0);
		wait_number("left", left + (long)i + 1);
	}
}
END_TEST

START_TEST(slow_reader_needs_no_memory)
{
	pid_t pid = kore_pid(&server, "[wrk");
	long before = kore_rss(pid), after = 0;
	struct raw_tls t;
	long total = 0, n;

	kore_connect(&server, &t);
	ck_assert(raw_text(&t, "GET /chunked?n=100000&size=60000 HTTP/1.1\r\n" H "\r\n"));
	while (total < 20 * 1024 * 1024) {
		n = raw_drain(&t, 10000);
		ck_assert_int_gt(n, 0);
		total += n;
		if (kore_rss(pid) > after)
			after = kore_rss(pid);
	}
	ck_assert_msg(after - before < 4096 + KORE_RSS_SLACK, "%ld KiB, then %ld KiB", before, after);
	raw_close(&t);
	wait_number("jobs", 0);
}
END_TEST

/* What follows the body is never stored, however much it is. */
START_TEST(flood_after_body)
{
	static char flood[16384];
	pid_t pid = kore_pid(&server, "[wrk");
	long before = kore_rss(pid), after = before;
	struct raw_tls t;
	struct raw_answer a;
	size_t sent = 0;

	memset(flood, 'A', sizeof(flood));
	kore_connect(&server, &t);
	ck_assert(raw_text(&t, "POST / HTTP/1.1\r\n" H "Content-Length: 1\r\n\r\nab"));
	while (sent < 20u * 1024 * 1024 && raw_send(&t, flood, sizeof(flood), 5000)) {
		sent += sizeof(flood);
		if (kore_rss(pid) > after)
			after = kore_rss(pid);
	}
	ck_assert_msg(after - before < 1024 + KORE_RSS_SLACK, "%ld KiB, then %ld KiB", before, after);
	ck_assert_int_eq(raw_next(&t, &a, false, 10000), RAW_ANSWER);
	ck_assert_int_eq(a.status, 400);
	raw_answer_free(&a);
	ck_assert(raw_closed(&t, 10000));
	raw_close(&t);
}
END_TEST

/* The answer arrives although the client goes on sending for a while. */
START_TEST(refused_body_is_no_reset)
{
	static char data[4000000];
	struct raw_tls t;
	struct raw_answer a;

	kore_connect(&server, &t);
	ck_assert(raw_text(&t, "PUT / HTTP/1.1\r\n" H "Content-Length: 4000000\r\n\r\n"));
	ck_assert(raw_send(&t, data, sizeof(data), 10000));
	ck_assert_int_eq(raw_next(&t, &a, false, 10000), RAW_ANSWER);
	ck_assert_int_eq(a.status, 413);
	raw_answer_free(&a);
	ck_assert(raw_closed(&t, 10000));
	raw_close(&t);
}
END_TEST

START_TEST(large_body)
{
	static char data[1048576];
	struct raw_tls t;
	struct raw_answer a;

	memset(data, 'b', sizeof(data));
	kore_connect(&server, &t);
	ck_assert(raw_text(&t, "PUT / HTTP/1.1\r\n" H "Content-Length: 1048576\r\n\r\n"));
	ck_assert(raw_send(&t, data, sizeof(data), 5000));
	ck_assert_int_eq(raw_next(&t, &a, false, 5000), RAW_ANSWER);
	ck_assert_int_eq(a.status, 200);
	ck_assert_int_eq(kore_number(&a, "body"), 1048576);
	raw_answer_free(&a);
	kore_ask(&t, "GET / HTTP/1.1\r\n" H "\r\n", 200, &a);
	raw_answer_free(&a);
	raw_close(&t);
}
END_TEST

/* A handshake that takes a second is cut off by this server, and on a busy machine one may. */
static void
connect_in_time(struct raw_tls *t)
{
	int64_t until = raw_now() + 20000;

	while (!raw_open(t, server.port, "localhost", server.cert, 0, 5000))
		ck_assert_msg(raw_now() < until, "no handshake in time");
}

/*
 * Sends a byte now and then until the answer comes or the connection ends. Returns the status,
 * 0 if there was none, and the time it took.
 */
static int
trickle(struct raw_tls *t, const char *start, const char *byte, int64_t *took)
{
	int64_t begin = raw_now();
	struct raw_answer a;
	enum raw_result r;
	int status;

	ck_assert(raw_text(t, start));
	do {
		r = raw_next(t, &a, false, 100);
		status = a.status;
		raw_answer_free(&a);
		if (r == RAW_TIMEOUT)
			(void)raw_text(t, byte);
	} while (r == RAW_TIMEOUT && raw_now() < begin + 8000);
	*took = raw_now() - begin;
	ck_assert_int_ne(r, RAW_TIMEOUT);
	return r == RAW_ANSWER ? status : 0;
}

/* There is no timer in this worker: the loop has to look at the clock by itself. */
START_TEST(slow_header_is_cut)
{
	struct raw_tls t;
	int64_t took;

	connect_in_time(&t);
	ck_assert_int_eq(trickle(&t, "GET / HTTP/1.1\r\n" H, "x", &took), 408);
	ck_assert_msg(took >= 900, "after %lld ms", (long long)took);
	ck_assert(raw_closed(&t, 10000));
	raw_close(&t);
}
END_TEST

START_TEST(slow_body_is_cut)
{
	struct raw_tls t;
	int64_t took;

	connect_in_time(&t);
	ck_assert_int_eq(
	    trickle(&t, "PUT / HTTP/1.1\r\n" H "Content-Length: 999\r\n\r\n", "x", &took), 408);
	ck_assert_msg(took >= 900, "after %lld ms", (long long)took);
	ck_assert(raw_closed(&t, 10000));
	raw_close(&t);
}
END_TEST

/* Nothing asked, nothing answered: the connection just ends, later than a slow header. */
START_TEST(idle_is_closed_silently)
{
	struct raw_tls t;
	struct raw_answer a;
	int64_t begin;

	connect_in_time(&t);
	/* Before the answer, since this side may look at its clock long after it. */
	begin = raw_now();
	kore_ask(&t, "GET / HTTP/1.1\r\n" H "\r\n", 200, &a);
	raw_answer_free(&a);
	ck_assert(raw_closed(&t, 6000));
	ck_assert_int_ge(raw_now() - begin, 1500);
	raw_close(&t);
}
END_TEST

/* A handler that takes longer than all timeouts is not interrupted. */
START_TEST(slow_handler)
{
	struct raw_tls t;
	struct raw_answer a;

	connect_in_time(&t);
	kore_ask(&t, "POST /sleep?n=3200 HTTP/1.1\r\n" H "Content-Length: 2\r\n\r\nab", 200, &a);
	ck_assert_str_eq(a.body, "slept");
	raw_answer_free(&a);
	raw_close(&t);
}
END_TEST

TCase *
kore_patience_tests(void)
{
	TCase *tcase = tcase_create("patience");

	tcase_add_unchecked_fixture(tcase, setup_short, teardown);
	tcase_set_timeout(tcase, 90);
	tcase_add_test(tcase, slow_handler);
	tcase_add_test(tcase, slow_header_is_cut);
	tcase_add_test(tcase, slow_body_is_cut);
	tcase_add_test(tcase, idle_is_closed_silently);
	return tcase;
}

TCase *
kore_stream_tests(void)
{
	TCase *tcase = tcase_create("stream");

	tcase_add_unchecked_fixture(tcase, setup, teardown);
	tcase_set_timeout(tcase, 90);
	tcase_add_test(tcase, chunked);
	tcase_add_test(tcase, chunked_and_close);
	tcase_add_test(tcase, aborted);
	tcase_add_test(tcase, client_leaves);
	tcase_add_test(tcase, slow_reader_needs_no_memory);
	tcase_add_test(tcase, flood_after_body);
	tcase_add_test(tcase, refused_body_is_no_reset);
	tcase_add_test(tcase, large_body);
	return tcase;
}
