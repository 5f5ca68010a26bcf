/* SPDX-License-Identifier: ISC */
/* Requests that are wrong before any document: TLS, framing, paths, header fields, credentials. */
#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/raw_tls.h"
#include "tests/watch.h"

enum { IN_TIME_MS = 3000 };

static struct rig r;
static struct watch w;

#define BASIC "Authorization: Basic NDQxMDpzZWNyZXQ5OQ==\r\n" /* 4410:secret99 */
#define HOST "Host: localhost\r\n"
#define GET "GET /sipxconfig/rest/my/forward HTTP/1.1\r\n" HOST BASIC
#define PUT "PUT /sipxconfig/rest/my/forward HTTP/1.1\r\n" HOST BASIC

static void
connect_to(struct raw_tls *t)
{
	ck_assert(raw_open(t, (uint16_t)r.port[0], "localhost", NULL, 0, IN_TIME_MS));
}

static const struct {
	const char *text;
	int status; /* 0 = no answer, the connection ends */
} framing[] = {
    {PUT "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
    {PUT "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}x", 400},
    {PUT "Content-Length: -1\r\n\r\n", 400},
    {PUT "Content-Length: 2, 2\r\n\r\n{}", 400},
    {PUT "Content-Length: 0x2\r\n\r\n{}", 400},
    {PUT "Content-Length: 99999999999999999999\r\n\r\n{}", 400},
    {PUT "Content-Length: 1048577\r\n\r\n", 413},
    {PUT "Transfer-Encoding: gzip\r\n\r\n", 501},
    {GET "X-Folded: a\r\n b\r\n\r\n", 400},
    {GET "X-Space : a\r\n\r\n", 400},
    {GET "no colon\r\n\r\n", 400},
    {GET HOST "\r\n", 400},
    {"GET /sipxconfig/rest/my/forward HTTP/1.1\r\n" BASIC "\r\n", 400},
    {"GET /livez HTTP/3.0\r\n" HOST "\r\n", 505},
    {"GET /livez\r\n\r\n", 400},
    {"GET  /livez HTTP/1.1\r\n" HOST "\r\n", 400},
    {"\x16\x03\x01\x02 HTTP/1.1\r\n\r\n", 400},
};

START_TEST(frame)
{
	struct raw_tls t;
	struct raw_answer a = {0};
	int64_t from = raw_now();
	enum raw_result result;

	connect_to(&t);
	ck_assert(raw_text(&t, framing[_i].text));
	result = raw_next(&t, &a, false, IN_TIME_MS);
	ck_assert_msg(result == RAW_ANSWER && a.status == framing[_i].status,
	    "%s: result %d, status %d, expected %d", framing[_i].text, (int)result, a.status,
	    framing[_i].status);
	ck_assert_msg(raw_closed(&t, IN_TIME_MS), "%s: the connection stays", framing[_i].text);
	ck_assert_int_lt(raw_now() - from, IN_TIME_MS);
	raw_answer_free(&a);
	raw_close(&t);
}
END_TEST

/* What stands behind the document of a request that was refused is no request. */
START_TEST(smuggled)
{
	static const char text[] =
	    PUT "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
	        "DELETE /sipxconfig/rest/my/callfwdsched/7 HTTP/1.1\r\n" HOST BASIC "\r\n";
	struct raw_tls t;
	struct raw_answer a = {0};

	connect_to(&t);
	ck_assert(raw_text(&t, text));
	ck_assert_int_eq(raw_next(&t, &a, false, IN_TIME_MS), RAW_ANSWER);
	ck_assert_int_eq(a.status, 400);
	ck_assert(raw_closed(&t, IN_TIME_MS));
	raw_answer_free(&a);
	raw_close(&t);
}
END_TEST

static const struct {
	const char *path;
	int status;
} paths[] = {
    {"/sipxconfig/rest/my/%2e%2e/my/forward", 404},
    {"/sipxconfig/rest/my/../my/forward", 404},
    {"/sipxconfig/rest/../rest/my/forward", 404},
    {"/sipxconfig/rest/%2e/my/forward", 404},
    {"/sipxconfig/rest/my%2fforward", 400},
    {"/sipxconfig/rest/my/forward%2f", 400},
    {"/sipxconfig/rest/my/forward%00", 400},
    {"/sipxconfig/rest/my/forward%00.html", 400},
    {"/sipxconfig/rest/my/callfwdsched/%c0%b7", 400},
    {"/sipxconfig/rest/my/callfwdsched/%e0%80%af", 400},
    {"/sipxconfig/rest/my/callfwdsched/%ed%a0%80", 400},
    {"/sipxconfig/rest/my/callfwdsched/%ff", 400},
    {"/sipxconfig/rest/my/callfwdsched/7%", 400},
    {"/sipxconfig/rest/my/callfwdsched/7%3", 400},
    {"/sipxconfig/rest/my/callfwdsched/%zz", 400},
    {"/sipxconfig/rest/my/callfwdsched/%2537", 404},
    {"/sipxconfig/rest/my/callfwdsched/%37", 200},
    {"/sipxconfig/rest/my/callfwdsched/+7", 404},
    {"/sipxconfig/rest/my/callfwdsched/7%20", 404},
    {"/sipxconfig/rest/my/callfwdsched/{id}", 404},
    {"//sipxconfig//rest//my//forward", 404},
    {"/sipxconfig/rest/my/forward;jsessionid=1", 404},
    {"/sipxconfig/rest/my/forward\\", 404},
    {"/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a", 404},
    {"/sipxconfig/rest/my/forward?%zz", 400},
    {"/sipxconfig/rest/my/forward?a=%00", 400},
};

/* The status of a GET as 4410 of a target that no URL library has touched. */
static int
status_of(const char *target)
{
	struct raw_tls t;
	struct raw_answer a = {0};
	size_t len = strlen(target) + 512;
	char *text = malloc(len);
	int status;

	ck_assert_ptr_nonnull(text);
	snprintf(text, len, "GET %s HTTP/1.1\r\n" HOST BASIC "Connection: close\r\n\r\n", target);
	connect_to(&t);
	ck_assert(raw_text(&t, text));
	ck_assert_int_eq(raw_next(&t, &a, false, IN_TIME_MS), RAW_ANSWER);
	status = a.status;
	raw_answer_free(&a);
	raw_close(&t);
	free(text);
	return status;
}

START_TEST(path)
{
	int status = status_of(paths[_i].path);

	ck_assert_msg(status == paths[_i].status, "%s: %d, expected %d", paths[_i].path, status,
	    paths[_i].status);
}
END_TEST

START_TEST(long_target)
{
	static char target[9000];

	memset(target, 'a', 8192);
	target[0] = '/';
	ck_assert_int_eq(status_of(target), 414);
	memset(target, 'a', 8192);
	memcpy(target, "/livez?", 7);
	ck_assert_int_eq(status_of(target), 414);
}
END_TEST

START_TEST(many_fields)
{
	struct raw_tls t;
	struct raw_answer a = {0};
	char line[64];

	connect_to(&t);
	ck_assert(raw_text(&t, GET));
	for (int i = 0; i < 150; i++) {
		snprintf(line, sizeof(line), "X-Field-%d: %d\r\n", i, i);
		ck_assert(raw_text(&t, line));
	}
	ck_assert(raw_text(&t, "\r\n"));
	ck_assert_int_eq(raw_next(&t, &a, false, IN_TIME_MS), RAW_ANSWER);
	ck_assert_int_eq(a.status, 431);
	ck_assert(raw_closed(&t, IN_TIME_MS));
	raw_answer_free(&a);
	raw_close(&t);
}
END_TEST

/* A connection without TLS; -1 on failure. */
static int
plain(void)
{
	struct sockaddr_in sa = {.sin_family = AF_INET,
	    .sin_port = htons((uint16_t)r.port[0]),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct timeval t = {.tv_sec = IN_TIME_MS / 1000};
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof(t)), 0);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	return fd;
}

START_TEST(no_tls)
{
	static const struct {
		const char *p;
		size_t n;
	} bytes[] = {
#define BYTES(s) {s, sizeof(s) - 1}
	    BYTES("GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"),
	    BYTES("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
	    BYTES("\x16\x03\x01\x00\x05hello"),
	    BYTES("\x80\x00\x00\x00\x00\x00\x00\x00\x00"),
	    BYTES("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\xff\xff\xff\xff\xff"),
	};

	for (size_t i = 0; i < sizeof(bytes) / sizeof(bytes[0]); i++) {
		int fd = plain();
		char in[512];
		ssize_t n;

		ck_assert_int_eq(send(fd, bytes[i].p, bytes[i].n, MSG_NOSIGNAL), (ssize_t)bytes[i].n);
		/* The last one may yet become a handshake. */
		shutdown(fd, SHUT_WR);
		while ((n = recv(fd, in, sizeof(in) - 1, 0)) > 0) {
			in[n] = '\0';
			ck_assert_msg(strncmp(in, "HTTP/", 5) != 0, "an answer without TLS: %s", in);
		}
		ck_assert_msg(n == 0 || errno == ECONNRESET, "the connection %zu stays", i);
		close(fd);
	}
}
END_TEST

/* Bytes that are no record, in the middle of a good connection. */
START_TEST(broken_record)
{
	static const char *const records[] = {
	    "\x17\x03\x03\xff\xff", "\x17\x03\x03\x10garbage-garbage-", "GET / HTTP/1.1\r\n\r\n"};

	for (size_t i = 0; i < sizeof(records) / sizeof(records[0]); i++) {
		struct raw_tls t;

		connect_to(&t);
		ck_assert(raw_text(&t, GET));
		ck_assert_int_gt(send(t.fd, records[i], strlen(records[i]), MSG_NOSIGNAL), 0);
		shutdown(t.fd, SHUT_WR);
		ck_assert_msg(raw_closed(&t, IN_TIME_MS), "record %zu", i);
		raw_close(&t);
	}
}
END_TEST

/* Each is 401; `bearer`: the answer speaks of tokens too. */
static const struct {
	const char *field;
	bool bearer;
} credentials[] = {
    {"Authorization;", false}, /* libcurl's way to send an empty one */
    {"Authorization: Basic", false},
    {"Authorization: Basic !!!!", false},
    {"Authorization: Basic NDQxMA==", false},             /* no colon */
    {"Authorization: Basic Og==", false},                 /* ":" */
    {"Authorization: Basic OnNlY3JldDk5", false},         /* ":secret99" */
    {"Authorization: Basic NDQxMDpzZWNyZXQ5OQ", false},   /* no padding */
    {"Authorization: Basic NDQxMDpzZWNyZXQ5OR==", false}, /* bits left over */
    {"Authorization: Basic NDQxMDpzZWNyZXQ5OQ== x", false},
    {"Authorization: Basic NDQxMDpzZWNyZXQ5OQA=", false}, /* a NUL behind the password */
    {"Authorization: Basic NDQxMArAryd5OQ==", false},     /* LF, overlong UTF-8 */
    {"Authorization: NDQxMDpzZWNyZXQ5OQ==", false},
    {"Authorization: Digest username=\"4410\", response=\"" CANARY_TEXT "\"", false},
    {"Authorization: Negotiate " CANARY_TOKEN, false},
    {"Authorization: Bearer", true},
    {"Authorization: Bearer " CANARY_TOKEN, true},
    {"Authorization: Bearer !", true},
    {"Authorization: Bearer AAAA", true},
    {"Authorization: Basic NDQxMDpzZWNyZXQ5OQ==\nAuthorization: Basic NDQxMDpzZWNyZXQ5OQ==", false},
};

static void
refused(const char *field, const char *user, bool bearer)
{
	struct answer a = rig_ask(
	    &r, &(struct ask){.path = "/my/forward", .header = field, .user = user, .fresh = true});

	ck_assert_msg(a.status == 401, "%s %s: %d", field != NULL ? field : "",
	    user != NULL ? user : "", a.status);
	ck_assert_ptr_nonnull(strstr(a.headers, "Basic realm=\"ex.example\", charset=\"UTF-8\""));
	ck_assert_msg((strstr(a.headers, "error=\"invalid_token\"") != NULL) == bearer, "%s: %s",
	    field != NULL ? field : "", a.headers);
	ck_assert_msg(
	    a.seconds * 1000 < IN_TIME_MS, "%s: %.3f s", field != NULL ? field : "", a.seconds);
	answer_free(&a);
}

START_TEST(credential)
{
	refused(credentials[_i].field, NULL, credentials[_i].bearer);
}
END_TEST

START_TEST(wrong_passwords)
{
	static char longer[2048];

	refused(NULL, "nobody:" CANARY_PASSWORD, false);
	refused(NULL, "4410:" CANARY_PASSWORD, false);
	refused(NULL, "4410:", false);
	refused(NULL, "4410:Secret99", false);
	refused(NULL, "4410:secret99 ", false);
	refused(NULL, "4499:secret4499", false);
	memset(longer, 'x', sizeof(longer) - 1);
	memcpy(longer, "4410:", 5);
	refused(NULL, longer, false);
	memcpy(longer, "xxxxx", 5);
	longer[600] = ':';
	refused(NULL, longer, false);
}
END_TEST

/* Whatever is done to a token, it is none any more. */
START_TEST(forged_token)
{
	struct answer a =
	    rig_ask(&r, &(struct ask){.method = "POST", .path = "/session", .user = "4410:secret99"});
	char *token, *end, field[4096], good;
	size_t n;

	ck_assert_int_eq(a.status, 200);
	token = strstr(a.body, "\"token\":\"");
	ck_assert_ptr_nonnull(token);
	token += strlen("\"token\":\"");
	end = strchr(token, '"');
	ck_assert_ptr_nonnull(end);
	*end = '\0';
	n = strlen(token);
	for (size_t i = 0; i < n; i += 7) {
		good = token[i];
		token[i] = good == 'A' ? 'B' : 'A';
		snprintf(field, sizeof(field), "Authorization: Bearer %s", token);
		refused(field, NULL, true);
		token[i] = good;
	}
	snprintf(field, sizeof(field), "Authorization: Bearer %.*s", (int)n - 4, token);
	refused(field, NULL, true);
	snprintf(field, sizeof(field), "Authorization: Bearer %sAAAA", token);
	refused(field, NULL, true);
	snprintf(field, sizeof(field), "Authorization: Basic %s", token);
	refused(field, NULL, false);
	answer_free(&a);
}
END_TEST

static void
before(void)
{
	watch_begin(&w, &r);
}

static void
after(void)
{
	watch_end(&w);
}

static void
setup(void)
{
	r = (struct rig){.leaks = true, .extra = "login_tries = 1000000\n"};
	rig_start_fixture(&r);
}

static void
teardown(void)
{
	rig_stop(&r);
}

#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))

int
main(void)
{
	Suite *suite = suite_create("bad requests");
	TCase *tc = tcase_create("requests");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tc, 30);
	tcase_add_unchecked_fixture(tc, setup, teardown);
	tcase_add_checked_fixture(tc, before, after);
	tcase_add_loop_test(tc, frame, 0, COUNT(framing));
	tcase_add_test(tc, smuggled);
	tcase_add_loop_test(tc, path, 0, COUNT(paths));
	tcase_add_test(tc, long_target);
	tcase_add_test(tc, many_fields);
	tcase_add_test(tc, no_tls);
	tcase_add_test(tc, broken_record);
	tcase_add_loop_test(tc, credential, 0, COUNT(credentials));
	tcase_add_test(tc, wrong_passwords);
	tcase_add_test(tc, forged_token);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
