/* SPDX-License-Identifier: ISC */

/*
 * Where a request begins and where it ends. Each case sends its bytes in one piece and states
 * the answers, in order, and whether the connection is closed after them. On a connection that
 * stays open a further request must get the very next answer, so a surplus one is noticed
 * without waiting for it.
 */

#include "kore_server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define H "Host: localhost\r\n"
#define BYTES(s) s, sizeof(s) - 1

enum { OPEN, CLOSED };

struct framing {
	const char *name;
	const char *bytes;
	size_t len;
	int answers[2];
	int closed;
	const char *body; /* is part of the last answer */
};

static const struct framing cases[] = {
    {"plain get", BYTES("GET /x HTTP/1.1\r\n" H "\r\n"), {200}, OPEN, "\"path\":\"/x\""},
    {"query", BYTES("GET /x?a=b HTTP/1.1\r\n" H "\r\n"), {200}, OPEN, "\"query\":\"a=b\""},
    {"empty line first", BYTES("\r\n\r\nGET /x HTTP/1.1\r\n" H "\r\n"), {200}, OPEN, "/x"},
    {"connection close", BYTES("GET / HTTP/1.1\r\n" H "Connection: close\r\n\r\n"), {200}, CLOSED,
        NULL},
    {"close in a list", BYTES("GET / HTTP/1.1\r\n" H "Connection: TE, Close\r\n\r\n"), {200},
        CLOSED, NULL},
    {"http 1.0", BYTES("GET / HTTP/1.0\r\n" H "\r\n"), {200}, CLOSED, NULL},
    {"http 1.0 without host", BYTES("GET /x HTTP/1.0\r\n\r\n"), {200}, CLOSED, "/x"},
    {"http 1.0 delete", BYTES("DELETE /x HTTP/1.0\r\n" H "\r\n"), {200}, CLOSED, "DELETE"},
    {"http 2.0", BYTES("GET / HTTP/2.0\r\n" H "\r\n"), {505}, CLOSED, "http_505"},
    {"no version", BYTES("GET /\r\n" H "\r\n"), {400}, CLOSED, "http_400"},
    {"lower case version", BYTES("GET / http/1.1\r\n" H "\r\n"), {400}, CLOSED, NULL},
    {"bad version", BYTES("GET / HTTP/1.1x\r\n" H "\r\n"), {400}, CLOSED, NULL},
    {"two spaces", BYTES("GET  / HTTP/1.1\r\n" H "\r\n"), {400}, CLOSED, NULL},
    {"space at the end", BYTES("GET / HTTP/1.1 \r\n" H "\r\n"), {400}, CLOSED, NULL},
    {"space in the target", BYTES("GET /a b HTTP/1.1\r\n" H "\r\n"), {400}, CLOSED, NULL},
    {"tab in the target", BYTES("GET /a\tb HTTP/1.1\r\n" H "\r\n"), {400}, CLOSED, NULL},
    {"target without slash", BYTES("GET x HTTP/1.1\r\n" H "\r\n"), {400}, CLOSED, NULL},
    {"method no token", BYTES("G@T / HTTP/1.1\r\n" H "\r\n"), {400}, CLOSED, NULL},
    {"bare line feeds", BYTES("GET / HTTP/1.1\nHost: localhost\n\n"), {400}, CLOSED, NULL},
    {"one bare line feed", BYTES("GET / HTTP/1.1\r\n" H "X-A: b\n\r\n\r\n"), {400}, CLOSED, NULL},
    {"bare carriage return", BYTES("GET / HTTP/1.1\r\n" H "X-A: a\rb\r\n\r\n"), {400}, CLOSED,
        NULL},
    {"nul in a value", BYTES("GET / HTTP/1.1\r\n" H "X-A: a\0b\r\n\r\n"), {400}, CLOSED, NULL},
    {"nul in the target", BYTES("GET /a\0b HTTP/1.1\r\n" H "\r\n"), {400}, CLOSED, NULL},
    {"control character", BYTES("GET / HTTP/1.1\r\n" H "X-A: a\001b\r\n\r\n"), {400}, CLOSED, NULL},
    {"delete character", BYTES("GET / HTTP/1.1\r\n" H "X-A: a\177b\r\n\r\n"), {400}, CLOSED, NULL},
    {"empty value", BYTES("GET / HTTP/1.1\r\n" H "X-A:\r\n\r\n"), {200}, OPEN, "\"x-a\":\"\""},
    {"blank value", BYTES("GET / HTTP/1.1\r\n" H "X-A: \t \r\n\r\n"), {200}, OPEN, "\"x-a\":\"\""},
    {"blanks around", BYTES("GET / HTTP/1.1\r\n" H "X-A:\t b c \t\r\n\r\n"), {200}, OPEN,
        "\"x-a\":\"b c\""},
    {"tab inside", BYTES("GET / HTTP/1.1\r\n" H "X-A: b\tc\r\n\r\n"), {200}, OPEN,
        "\"x-a\":\"b\\u0009c\""},
    {"high bytes", BYTES("GET / HTTP/1.1\r\n" H "X-A: \xc3\xbc\xff\r\n\r\n"), {200}, OPEN,
        "\"x-a\":\"\\u00c3\\u00bc\\u00ff\""},
    {"no colon", BYTES("GET / HTTP/1.1\r\n" H "X-A\r\n\r\n"), {400}, CLOSED, NULL},
    {"no name", BYTES("GET / HTTP/1.1\r\n" H ": b\r\n\r\n"), {400}, CLOSED, NULL},
    {"blank before colon", BYTES("GET / HTTP/1.1\r\n" H "X-A : b\r\n\r\n"), {400}, CLOSED, NULL},
    {"name no token", BYTES("GET / HTTP/1.1\r\n" H "X(A: b\r\n\r\n"), {400}, CLOSED, NULL},
    {"folded line", BYTES("GET / HTTP/1.1\r\n" H "X-A: b\r\n c\r\n\r\n"), {400}, CLOSED, NULL},
    {"no host", BYTES("GET / HTTP/1.1\r\nX-A: b\r\n\r\n"), {400}, CLOSED, NULL},
    {"no field at all", BYTES("GET / HTTP/1.1\r\n\r\n"), {400}, CLOSED, NULL},
    {"empty host", BYTES("GET / HTTP/1.1\r\nHost:\r\n\r\n"), {400}, CLOSED, NULL},
    {"two hosts", BYTES("GET / HTTP/1.1\r\n" H H "\r\n"), {400}, CLOSED, NULL},
    {"hostx is not host", BYTES("GET / HTTP/1.1\r\nHostx: evil\r\n" H "\r\n"), {200}, OPEN,
        "\"host\":\"localhost\""},
    {"hostx alone", BYTES("GET / HTTP/1.1\r\nHostx: localhost\r\n\r\n"), {400}, CLOSED, NULL},
    {"host with port", BYTES("GET / HTTP/1.1\r\nHost: localhost:8443\r\n\r\n"), {200}, OPEN,
        "\"host\":\"localhost:8443\""},
    {"host with bad port", BYTES("GET / HTTP/1.1\r\nHost: localhost:8x\r\n\r\n"), {400}, CLOSED,
        NULL},
    {"host with path", BYTES("GET / HTTP/1.1\r\nHost: localhost/x\r\n\r\n"), {400}, CLOSED, NULL},
    {"other host than sni", BYTES("GET / HTTP/1.1\r\nHost: other\r\n\r\n"), {421}, CLOSED,
        "http_421"},
    {"absolute form", BYTES("GET https://localhost/x?q HTTP/1.1\r\nHost: other\r\n\r\n"), {200},
        OPEN, "\"path\":\"/x\",\"query\":\"q\",\"host\":\"localhost\""},
    {"absolute form, no path", BYTES("GET http://localhost?q HTTP/1.1\r\n" H "\r\n"), {200}, OPEN,
        "\"path\":\"/\",\"query\":\"q\",\"host\":\"localhost\""},
    {"absolute form, user", BYTES("GET http://a@localhost/ HTTP/1.1\r\n" H "\r\n"), {400}, CLOSED,
        NULL},
    {"options asterisk", BYTES("OPTIONS * HTTP/1.1\r\n" H "\r\n"), {200}, OPEN, "\"path\":\"*\""},
    {"unknown method", BYTES("BREW /pot HTTP/1.1\r\n" H "\r\n"), {200}, OPEN,
        "\"method\":\"BREW\""},
    {"lower case method", BYTES("get / HTTP/1.1\r\n" H "\r\n"), {200}, OPEN, "\"method\":\"get\""},
    {"trace", BYTES("TRACE / HTTP/1.1\r\n" H "\r\n"), {200}, OPEN, "\"method\":\"TRACE\""},
    {"connect", BYTES("CONNECT localhost:1 HTTP/1.1\r\n" H "\r\n"), {200}, OPEN, "CONNECT"},
    {"patch", BYTES("PATCH / HTTP/1.1\r\n" H "Content-Length: 2\r\n\r\nab"), {200}, OPEN,
        "\"body\":2"},
    {"head", BYTES("HEAD / HTTP/1.1\r\n" H "\r\n"), {200}, OPEN, NULL},
    {"head with an error", BYTES("HEAD / HTTP/1.1\r\n" H "Expect: tea\r\n\r\n"), {417}, CLOSED,
        NULL},
    {"post", BYTES("POST / HTTP/1.1\r\n" H "Content-Length: 3\r\n\r\nabc"), {200}, OPEN,
        "\"body\":3"},
    {"post without length", BYTES("POST / HTTP/1.1\r\n" H "\r\n"), {200}, OPEN, "\"body\":0"},
    {"put without length", BYTES("PUT / HTTP/1.1\r\n" H "\r\n"), {200}, OPEN, "\"body\":0"},
    {"put of nothing", BYTES("PUT / HTTP/1.1\r\n" H "Content-Length: 0\r\n\r\n"), {200}, OPEN,
        "\"body\":0"},
    {"leading zeros", BYTES("PUT / HTTP/1.1\r\n" H "Content-Length: 0002\r\n\r\nab"), {200}, OPEN,
        "\"body\":2"},
    {"get with body", BYTES("GET / HTTP/1.1\r\n" H "Content-Length: 3\r\n\r\nabc"), {200}, OPEN,
        "\"body\":3"},
    {"body like a request",
        BYTES("GET / HTTP/1.1\r\n" H "Content-Length: 19\r\n\r\n"
              "GET /x HTTP/1.1\r\n\r\n"),
        {200}, OPEN, "\"body\":19"},
    {"delete with body", BYTES("DELETE / HTTP/1.1\r\n" H "Content-Length: 2\r\n\r\nab"), {200},
        OPEN, "\"body\":2"},
    {"options with body", BYTES("OPTIONS / HTTP/1.1\r\n" H "Content-Length: 2\r\n\r\nab"), {200},
        OPEN, "\"body\":2"},
    {"head with body", BYTES("HEAD / HTTP/1.1\r\n" H "Content-Length: 2\r\n\r\nab"), {200}, OPEN,
        NULL},
    {"one byte too many", BYTES("POST / HTTP/1.1\r\n" H "Content-Length: 1\r\n\r\nab"), {400},
        CLOSED, NULL},
    {"post and a request",
        BYTES("POST / HTTP/1.1\r\n" H "Content-Length: 1\r\n\r\na"
              "GET / HTTP/1.1\r\n" H "\r\n"),
        {400}, CLOSED, NULL},
    {"pipelined gets", BYTES("GET /1 HTTP/1.1\r\n" H "\r\nGET /2 HTTP/1.1\r\n" H "\r\n"), {200},
        CLOSED, "/1"},
    {"byte after a get", BYTES("GET / HTTP/1.1\r\n" H "\r\nx"), {200}, CLOSED, NULL},
    {"two lengths",
        BYTES("POST / HTTP/1.1\r\n" H "Content-Length: 1\r\nContent-Length: 2\r\n\r\na"), {400},
        CLOSED, NULL},
    {"list of lengths", BYTES("POST / HTTP/1.1\r\n" H "Content-Length: 1, 1\r\n\r\na"), {400},
        CLOSED, NULL},
    {"plus sign", BYTES("POST / HTTP/1.1\r\n" H "Content-Length: +1\r\n\r\na"), {400}, CLOSED,
        NULL},
    {"minus sign", BYTES("POST / HTTP/1.1\r\n" H "Content-Length: -1\r\n\r\na"), {400}, CLOSED,
        NULL},
    {"blank inside", BYTES("POST / HTTP/1.1\r\n" H "Content-Length: 1 1\r\n\r\na"), {400}, CLOSED,
        NULL},
    {"hexadecimal", BYTES("POST / HTTP/1.1\r\n" H "Content-Length: 0x1\r\n\r\na"), {400}, CLOSED,
        NULL},
    {"empty length", BYTES("POST / HTTP/1.1\r\n" H "Content-Length:\r\n\r\n"), {400}, CLOSED, NULL},
    {"length overflow",
        BYTES("POST / HTTP/1.1\r\n" H "Content-Length: 18446744073709551617\r\n\r\na"), {400},
        CLOSED, NULL},
    {"too large", BYTES("POST / HTTP/1.1\r\n" H "Content-Length: 1048577\r\n\r\n"), {413}, CLOSED,
        "http_413"},
    {"too large for get", BYTES("GET / HTTP/1.1\r\n" H "Content-Length: 1048577\r\n\r\n"), {413},
        CLOSED, NULL},
    {"chunked request",
        BYTES("POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), {501}, CLOSED,
        "http_501"},
    {"chunked get", BYTES("GET / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        {501}, CLOSED, NULL},
    {"unknown coding", BYTES("POST / HTTP/1.1\r\n" H "Transfer-Encoding: x\r\n\r\n"), {501}, CLOSED,
        NULL},
    {"coding and length",
        BYTES("POST / HTTP/1.1\r\n" H "Content-Length: 5\r\n"
              "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        {400}, CLOSED, NULL},
    {"unknown expectation",
        BYTES("POST / HTTP/1.1\r\n" H "Expect: tea\r\nContent-Length: 1\r\n\r\n"), {417}, CLOSED,
        NULL},
    {"continue not needed",
        BYTES("POST / HTTP/1.1\r\n" H "Expect: 100-continue\r\n"
              "Content-Length: 1\r\n\r\na"),
        {200}, OPEN, "\"body\":1"},
    {"continue, no body", BYTES("GET / HTTP/1.1\r\n" H "Expect: 100-continue\r\n\r\n"), {200}, OPEN,
        NULL},
    {"too large to continue",
        BYTES("POST / HTTP/1.1\r\n" H "Expect: 100-continue\r\n"
              "Content-Length: 1048577\r\n\r\n"),
        {413}, CLOSED, NULL},
    {"continue for http 1.0",
        BYTES("POST / HTTP/1.0\r\n" H "Expect: 100-continue\r\n"
              "Content-Length: 1\r\n\r\na"),
        {200}, CLOSED, "\"body\":1"},
};

static struct kore_server server;

static void
setup(void)
{
	kore_start(&server, KORE_KEY_EC, 1, NULL);
}

static void
teardown(void)
{
	kore_stop(&server);
}

/* RFC 9110 5.6.7, on each answer but the interim ones. */
static void
check_date(const char *name, const struct raw_answer *a)
{
	char *date = raw_field(a, "date");

	ck_assert_msg(date != NULL && strlen(date) == 29 && date[3] == ',' && date[16] == ' ' &&
	        strcmp(date + 25, " GMT") == 0,
	    "%s: date %s", name, date ? date : "missing");
	free(date);
}

static void
expect_end(const char *name, struct raw_tls *t, int closed)
{
	struct raw_answer a;

	if (closed) {
		ck_assert_msg(raw_closed(t, 10000), "%s: not closed after the answer", name);
		return;
	}
	ck_assert_msg(raw_text(t, "GET /probe HTTP/1.1\r\n" H "\r\n") &&
	        raw_next(t, &a, false, 10000) == RAW_ANSWER && a.status == 200 &&
	        strstr(a.body, "\"path\":\"/probe\"") != NULL,
	    "%s: not usable after the answer", name);
	raw_answer_free(&a);
	ck_assert_msg(t->len == 0, "%s: surplus bytes", name);
}

static void
run_case(const struct framing *f)
{
	bool head = strncmp(f->bytes, "HEAD", 4) == 0;
	struct raw_tls t;
	struct raw_answer a;
	enum raw_result r;
	int i;

	kore_connect(&server, &t);
	ck_assert_msg(raw_send(&t, f->bytes, f->len, 10000), "%s: not sent", f->name);
	for (i = 0; i < 2 && f->answers[i] != 0; i++) {
		r = raw_next(&t, &a, head, 10000);
		ck_assert_msg(r == RAW_ANSWER && a.complete, "%s: result %d", f->name, (int)r);
		ck_assert_msg(a.status == f->answers[i], "%s: status %d instead of %d", f->name, a.status,
		    f->answers[i]);
		ck_assert_msg(
		    f->body == NULL || strstr(a.body, f->body) != NULL, "%s: body %s", f->name, a.body);
		check_date(f->name, &a);
		raw_answer_free(&a);
	}
	expect_end(f->name, &t, f->closed);
	raw_close(&t);
}

START_TEST(framing)
{
	run_case(&cases[_i]);
}
END_TEST

/* The same bytes one at a time: nothing may depend on how they are cut. */
START_TEST(framing_bytewise)
{
	static const char request[] = "\r\nPOST /x HTTP/1.1\r\n" H "Content-Length: 4\r\n\r\nabcd";
	struct raw_tls t;
	struct raw_answer a;
	size_t i;

	kore_connect(&server, &t);
	for (i = 0; i < sizeof(request) - 1; i++)
		ck_assert(raw_send(&t, request + i, 1, 10000));
	ck_assert_int_eq(raw_next(&t, &a, false, 10000), RAW_ANSWER);
	ck_assert_int_eq(a.status, 200);
	ck_assert_ptr_nonnull(strstr(a.body, "\"body\":4"));
	raw_answer_free(&a);
	expect_end("bytewise", &t, OPEN);
	raw_close(&t);
}
END_TEST

START_TEST(continue_before_body)
{
	struct raw_tls t;
	struct raw_answer a;

	kore_connect(&server, &t);
	kore_ask(
	    &t, "PUT / HTTP/1.1\r\n" H "Expect: 100-Continue\r\nContent-Length: 3\r\n\r\n", 100, &a);
	raw_answer_free(&a);
	kore_ask(&t, "abc", 200, &a);
	ck_assert_ptr_nonnull(strstr(a.body, "\"body\":3"));
	raw_answer_free(&a);
	expect_end("continue", &t, OPEN);
	raw_close(&t);
}
END_TEST

/* count fields in all, the last of which must be seen by the handler */
static void
header_count(int count, int status)
{
	char request[8192] = "GET / HTTP/1.1\r\n" H;
	size_t len = strlen(request);
	struct raw_tls t;
	struct raw_answer a;
	int i;

	for (i = 2; i < count; i++)
		len += (size_t)snprintf(request + len, sizeof(request) - len, "X-N%d: v\r\n", i);
	(void)snprintf(request + len, sizeof(request) - len, "X-A: last\r\n\r\n");
	kore_connect(&server, &t);
	kore_ask(&t, request, status, &a);
	if (status == 200) {
		ck_assert_int_eq(kore_number(&a, "headers"), count - 1);
		ck_assert_ptr_nonnull(strstr(a.body, "\"x-a\":\"last\""));
	}
	raw_answer_free(&a);
	expect_end("header count", &t, status == 200 ? OPEN : CLOSED);
	raw_close(&t);
}

START_TEST(header_limits)
{
	header_count(24, 200);
	header_count(25, 200);
	header_count(100, 200);
	header_count(101, 431);
	header_count(300, 431);
}
END_TEST

/* A request of exactly this many bytes before the body. */
static void
header_size(const char *prefix, size_t size, int status)
{
	char *request = malloc(size + 1);
	struct raw_tls t;
	struct raw_answer a;
	size_t len = strlen(prefix);

	ck_assert_ptr_nonnull(request);
	memcpy(request, prefix, len);
	memset(request + len, 'a', size - len);
	memcpy(request + size - 4, "\r\n\r\n", 5);
	kore_connect(&server, &t);
	kore_ask(&t, request, status, &a);
	raw_answer_free(&a);
	expect_end("header size", &t, status == 200 ? OPEN : CLOSED);
	raw_close(&t);
	free(request);
}

START_TEST(header_sizes)
{
	static const char field[] = "GET / HTTP/1.1\r\n" H "X-A: ";
	static const char target[] = "GET /";

	header_size(field, 4095, 200);
	header_size(field, 4096, 200);
	header_size(field, 4097, 200);
	header_size(field, 16384, 200);
	header_size(field, 16385, 431);
	header_size(field, 100000, 431);
	header_size(target, 40000, 414);
}
END_TEST

TCase *
kore_framing_tests(void)
{
	TCase *tcase = tcase_create("framing");

	tcase_add_unchecked_fixture(tcase, setup, teardown);
	tcase_set_timeout(tcase, 90);
	tcase_add_loop_test(tcase, framing, 0, (int)(sizeof(cases) / sizeof(cases[0])));
	tcase_add_test(tcase, framing_bytewise);
	tcase_add_test(tcase, continue_before_body);
	tcase_add_test(tcase, header_limits);
	tcase_add_test(tcase, header_sizes);
	return tcase;
}
