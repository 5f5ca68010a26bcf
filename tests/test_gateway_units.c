/* SPDX-License-Identifier: ISC */

/* Parts of the gateway that know nothing of Kore: header fields, slots, requests, replies. */

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/mp.h"
#include "common/records.h"
#include "common/sink.h"
#include "common/tree.h"
#include "gateway/accept.h"
#include "gateway/confine.h"
#include "gateway/cred.h"
#include "gateway/openapi.h"
#include "gateway/pend.h"
#include "gateway/query.h"
#include "gateway/render.h"
#include "gateway/req.h"

enum { BOTH = FMT_XML | FMT_JSON, NOT = 0, APP = 1 << 8 };

/* `tree`: XML and JSON, XML first. `bean`: JSON only. `both`: XML and JSON, JSON first. */
static const struct {
	const char *field;
	unsigned tree, bean, both;
} accepts[] = {
    {"", FMT_XML, FMT_JSON, FMT_JSON},
    {"   ", FMT_XML, FMT_JSON, FMT_JSON},
    {"*/*", FMT_XML, FMT_JSON, FMT_JSON},
    {"text/*", FMT_XML, NOT, FMT_XML},
    {"text/xml", FMT_XML, NOT, FMT_XML},
    {"TEXT/XML", FMT_XML, NOT, FMT_XML},
    {"text/xml;charset=utf-8", FMT_XML, NOT, FMT_XML},
    {"application/xml", FMT_XML | APP, NOT, FMT_XML | APP},
    {"application/xml, text/xml", FMT_XML, NOT, FMT_XML},
    {"application/xml, text/xml;q=0.5", FMT_XML | APP, NOT, FMT_XML | APP},
    {"application/json", FMT_JSON, FMT_JSON, FMT_JSON},
    {"application/json; charset=utf-8", FMT_JSON, FMT_JSON, FMT_JSON},
    {"application/*", FMT_JSON, FMT_JSON, FMT_JSON},
    {"application/json, text/plain, */*", FMT_XML, FMT_JSON, FMT_JSON},
    {"text/html,application/xhtml+xml,application/xml;q=0.9,image/webp,*/*;q=0.8", FMT_XML | APP,
        FMT_JSON, FMT_XML | APP},
    {"text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2", FMT_XML, FMT_JSON, FMT_JSON},
    {"application/json;q=0.5, text/xml;q=0.9", FMT_XML, FMT_JSON, FMT_XML},
    {"application/json;q=0.9,text/xml;q=0.1", FMT_JSON, FMT_JSON, FMT_JSON},
    {"text/xml, application/json", FMT_XML, FMT_JSON, FMT_JSON},
    {"application/json, text/xml", FMT_XML, FMT_JSON, FMT_JSON},
    {"text/html", NOT, NOT, NOT},
    {"image/png", NOT, NOT, NOT},
    {"image/*", NOT, NOT, NOT},
    {"text/plain", NOT, NOT, NOT},
    {"application/json;q=0", NOT, NOT, NOT},
    {"*/*;q=0", NOT, NOT, NOT},
    {"text/xml;q=0, */*", FMT_JSON, FMT_JSON, FMT_JSON},
    {"*/*, text/xml;q=0", FMT_JSON, FMT_JSON, FMT_JSON},
    {"*/*;q=0.5, application/json;q=0", FMT_XML, NOT, FMT_XML},
    {"text/xml;q=0, application/xml", FMT_XML | APP, NOT, FMT_XML | APP},
    {"*/*;q=0.1, application/json;q=0.2", FMT_JSON, FMT_JSON, FMT_JSON},
    {"text/*;q=0.3, text/xml;q=0.1, application/json;q=0.2", FMT_JSON, FMT_JSON, FMT_JSON},
    {"text/xml;q=1.000", FMT_XML, NOT, FMT_XML},
    {"text/xml;q=0.001", FMT_XML, NOT, FMT_XML},
    {"text/xml;q=0.000", NOT, NOT, NOT},
    {"text/xml;q=1.001", NOT, NOT, NOT},
    {"text/xml;q=2", NOT, NOT, NOT},
    {"text/xml;q=-1", NOT, NOT, NOT},
    {"text/xml;q=0.1234", NOT, NOT, NOT},
    {"text/xml;q=abc", NOT, NOT, NOT},
    {"text/xml;q=0.:", NOT, NOT, NOT},
    {"text/xml;q=0./", NOT, NOT, NOT},
    {"t[xt/xml", NOT, NOT, NOT},
    {"t{xt/xml", NOT, NOT, NOT},
    {"x0/y9, application/json", FMT_JSON, FMT_JSON, FMT_JSON},
    {"text/xml;q=0.2, text/xml;q=0.7, application/json;q=0.5", FMT_XML, FMT_JSON, FMT_XML},
    {"text/xml;q=0.7, text/xml;q=0.2, application/json;q=0.5", FMT_XML, FMT_JSON, FMT_XML},
    {"text/xml;q=", NOT, NOT, NOT},
    {"text/xml;q=.", NOT, NOT, NOT},
    {"text/xml;Q=0.5, application/json;q=0.4", FMT_XML, FMT_JSON, FMT_XML},
    {"text/xml ; q=0.4 , application/json ; q = 0.5", FMT_JSON, FMT_JSON, FMT_JSON},
    {"text/xml;a=\"b,c;q=0\", application/json;q=0.1", FMT_XML, FMT_JSON, FMT_XML},
    {"text/xml;a=\"\\\",*/*\"", FMT_XML, NOT, FMT_XML},
    {"text/xml;a=\"unclosed, application/json", FMT_XML, NOT, FMT_XML},
    {"*/xml", NOT, NOT, NOT},
    {"text", NOT, NOT, NOT},
    {"text/", NOT, NOT, NOT},
    {"/xml", NOT, NOT, NOT},
    {"te xt/xml", NOT, NOT, NOT},
    {",,, ,application/json,,", FMT_JSON, FMT_JSON, FMT_JSON},
    {"text/xml/1, application/json", FMT_JSON, FMT_JSON, FMT_JSON},
    {"application/vnd.api+json", NOT, NOT, NOT},
};

static void
check_choice(size_t i, unsigned offered, enum format first, unsigned want)
{
	struct accept_choice c;
	bool ok = accept_choose(str_c(accepts[i].field), offered, first, &c);
	unsigned got = ok ? (unsigned)c.format | (c.app_xml ? (unsigned)APP : 0) : NOT;

	ck_assert_msg(got == want, "\"%s\" of %u: %#x, not %#x", accepts[i].field, offered, got, want);
}

START_TEST(accept_table)
{
	check_choice((size_t)_i, BOTH, FMT_XML, accepts[_i].tree);
	check_choice((size_t)_i, FMT_JSON, FMT_JSON, accepts[_i].bean);
	check_choice((size_t)_i, BOTH, FMT_JSON, accepts[_i].both);
}
END_TEST

START_TEST(accept_of_text)
{
	static const char *const yes[] = {"", " ", "*/*", "text/*", "text/plain", "TEXT/Plain;q=0.1",
	    "application/json, text/plain, */*", "text/html, */*;q=0.1"};
	static const char *const no[] = {"application/json", "text/xml", "text/plain;q=0", "image/*",
	    "text/plain;q=0, */*", "text/*;q=0, */*", "x"};

	for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++)
		ck_assert_msg(accept_text(str_c(yes[i])), "\"%s\"", yes[i]);
	for (size_t i = 0; i < sizeof(no) / sizeof(no[0]); i++)
		ck_assert_msg(!accept_text(str_c(no[i])), "\"%s\"", no[i]);
}
END_TEST

START_TEST(accept_is_bounded)
{
	char field[ACCEPT_MAX + 64];
	struct accept_choice c;

	/* What stands behind the limits is not looked at. */
	memset(field, ' ', sizeof(field));
	memcpy(field + ACCEPT_MAX, "text/xml", 8);
	memcpy(field, "image/png,", 10);
	ck_assert(!accept_choose((struct str){field, sizeof(field)}, BOTH, FMT_XML, &c));
	for (size_t i = 0; i < ACCEPT_RANGES_MAX; i++)
		memcpy(field + 4 * i, "a/b,", 4);
	memcpy(field + 4 * ACCEPT_RANGES_MAX, "text/xml", 8);
	ck_assert(!accept_choose((struct str){field, 4 * ACCEPT_RANGES_MAX + 8}, BOTH, FMT_XML, &c));
	ck_assert(accept_choose((struct str){field + 4, 4 * ACCEPT_RANGES_MAX + 4}, BOTH, FMT_XML, &c));
}
END_TEST

START_TEST(accept_of_errors)
{
	ck_assert_int_eq(accept_for_error(str_c("")), FMT_JSON);
	ck_assert_int_eq(accept_for_error(str_c("*/*")), FMT_JSON);
	ck_assert_int_eq(accept_for_error(str_c("image/png")), FMT_JSON);
	ck_assert_int_eq(accept_for_error(str_c("text/xml")), FMT_XML);
	ck_assert_int_eq(accept_for_error(str_c("text/xml, application/json")), FMT_JSON);
	ck_assert_int_eq(accept_for_error(str_c("text/xml, application/json;q=0.9")), FMT_XML);
}
END_TEST

static const struct {
	const char *type, *body;
	enum format want;
} types[] = {
    {"application/json", "<", FMT_JSON},
    {"Application/JSON; charset=utf-8", "<", FMT_JSON},
    {"text/xml", "{", FMT_XML},
    {"application/xml;charset=\"utf-8\"", "{", FMT_XML},
    {"", "  {}", FMT_JSON},
    {"", "\r\n\t <a/>", FMT_XML},
    {"", "[1]", FMT_JSON},
    {"", "\"text\"", FMT_JSON},
    {"", "", FMT_JSON},
    {"", "nonsense", FMT_JSON},
    {"", "\xef\xbb\xbf<a/>", FMT_XML},
    {"text/plain", "<a/>", FMT_XML},
    {"text/plain;charset=UTF-8", "{}", FMT_JSON},
    {"application/x-www-form-urlencoded", "{}", FMT_JSON},
    {"application/x-www-form-urlencoded", "<a/>", FMT_XML},
    {"text/json", "{}", FMT_NONE},
    {"image/png", "{}", FMT_NONE},
    {"application/json, text/xml", "{}", FMT_NONE},
    {"multipart/form-data", "{}", FMT_NONE},
    {"application/jsonx", "{}", FMT_NONE},
};

START_TEST(content_types)
{
	ck_assert_msg(body_format(str_c(types[_i].type), str_c(types[_i].body)) == types[_i].want,
	    "%s with %s", types[_i].type, types[_i].body);
}
END_TEST

static const struct {
	const char *field;
	enum cred_kind kind;
	const char *user, *password;
} creds[] = {
    {"Basic NTAxOnNlY3JldDUwMQ==", CRED_BASIC, "501", "secret501"},
    {"basic NTAxOnNlY3JldDUwMQ==", CRED_BASIC, "501", "secret501"},
    {"Basic   NTAxOnNlY3JldDUwMQ==  ", CRED_BASIC, "501", "secret501"},
    {"Basic YTo=", CRED_BASIC, "a", ""},
    {"Basic YTpiOmM=", CRED_BASIC, "a", "b:c"},
    {"Basic w6Q6w7Y=", CRED_BASIC, "\xc3\xa4", "\xc3\xb6"},
    {"Basic NTAxOnNlY3JldDUwMQ", CRED_BAD, NULL, NULL},   /* no padding */
    {"Basic NTAxOnNlY3JldDUwMQ=", CRED_BAD, NULL, NULL},  /* half of it */
    {"Basic NTAxOnNlY3JldDUwMR==", CRED_BAD, NULL, NULL}, /* bits left over */
    {"Basic YTpi====", CRED_BAD, NULL, NULL},
    {"Basic YTpi YTpi", CRED_BAD, NULL, NULL},
    {"Basic YTp=i", CRED_BAD, NULL, NULL},
    {"Basic YT-_", CRED_BAD, NULL, NULL},
    {"Basic OnB3", CRED_BAD, NULL, NULL},     /* no user */
    {"Basic YWJj", CRED_BAD, NULL, NULL},     /* no colon */
    {"Basic YQBiOmM=", CRED_BAD, NULL, NULL}, /* NUL */
    {"Basic YQpiOmM=", CRED_BAD, NULL, NULL}, /* LF */
    {"Basic /zph", CRED_BAD, NULL, NULL},     /* no UTF-8 */
    {"Basic", CRED_BAD, NULL, NULL},
    {"Basic ", CRED_BAD, NULL, NULL},
    {"", CRED_BAD, NULL, NULL},
    {",", CRED_BAD, NULL, NULL},
    {"Digest username=\"501\"", CRED_BAD, NULL, NULL},
    {"BasicNTAxOnNlY3JldDUwMQ==", CRED_BAD, NULL, NULL},
    {"Bearer VE9LRU4", CRED_BEARER, "TOKEN", NULL},
    {"bearer VE9LRU4", CRED_BEARER, "TOKEN", NULL},
    {"Bearer -_-_", CRED_BEARER, "\xfb\xff\xbf", NULL},
    {"Bearer VE9LRU4=", CRED_BAD_BEARER, NULL, NULL},
    {"Bearer VE9LRU5", CRED_BAD_BEARER, NULL, NULL}, /* bits left over */
    {"Bearer +/+/", CRED_BAD_BEARER, NULL, NULL},
    {"Bearer A", CRED_BAD_BEARER, NULL, NULL},
    {"Bearer", CRED_BAD_BEARER, NULL, NULL},
    {"Bearer VE9L RU4", CRED_BAD_BEARER, NULL, NULL},
};

START_TEST(cred_table)
{
	struct arena a;
	struct cred c;

	arena_init(&a, 65536);
	cred_parse(str_c(creds[_i].field), &c, &a);
	ck_assert_msg(c.kind == creds[_i].kind, "%s: %d", creds[_i].field, (int)c.kind);
	if (c.kind == CRED_BASIC) {
		ck_assert(str_eqc(c.user, creds[_i].user));
		ck_assert(str_eqc(c.password, creds[_i].password));
	} else if (c.kind == CRED_BEARER) {
		ck_assert(str_eqc(c.cap, creds[_i].user));
	}
	arena_wipe(&a);
}
END_TEST

START_TEST(cred_lengths)
{
	char field[4096];
	struct arena a;
	struct cred c;

	arena_init(&a, 65536);
	/* 2048 bytes of capability are 2731 digits. */
	memset(field, 'A', sizeof(field));
	memcpy(field, "Bearer ", 7);
	cred_parse((struct str){field, 7 + 2731}, &c, &a);
	ck_assert_int_eq(c.kind, CRED_BEARER);
	ck_assert_uint_eq(c.cap.n, CRED_CAP_MAX);
	cred_parse((struct str){field, 7 + 2732}, &c, &a);
	ck_assert_int_eq(c.kind, CRED_BAD_BEARER);
	/* "YWFh" is "aaa": 85 times are 255 characters, then ":aa". */
	memcpy(field, "Basic ", 6);
	for (size_t i = 0; i < 85; i++)
		memcpy(field + 6 + 4 * i, "YWFh", 4);
	memcpy(field + 6 + 4 * 85, "OmFh", 4);
	cred_parse((struct str){field, 6 + 4 * 86}, &c, &a);
	ck_assert_int_eq(c.kind, CRED_BASIC);
	ck_assert_uint_eq(c.user.n, CRED_USER_MAX);
	memcpy(field + 6 + 4 * 85, "YWFhOmFh", 8);
	cred_parse((struct str){field, 6 + 4 * 87}, &c, &a);
	ck_assert_int_eq(c.kind, CRED_BAD);
	arena_wipe(&a);
}
END_TEST

/* `want`: names and values as "name=value|name|", NULL = an error. */
static const struct {
	const char *query, *want;
} queries[] = {
    {"", ""},
    {"a=1", "a=1|"},
    {"a=1&b=2", "a=1|b=2|"},
    {"all", "all|"},
    {"all=", "all=|"},
    {"&&a=1&", "a=1|"},
    {"a=1&a=2", "a=1|a=2|"},
    {"a=b=c", "a=b=c|"},
    {"=x", "=x|"},
    {"q=a+b%20c%2B", "q=a b c+|"},
    {"%61=%C3%A4", "a=\xc3\xa4|"},
    {"a=%26%3d", "a=&=|"},
    {"a=%", NULL},
    {"a=%1", NULL},
    {"a=%zz", NULL},
    {"a=%4g", NULL},
    {"a=%G4", NULL},
    {"a=%4", NULL},
    {"a=%/1", NULL},
    {"a=%:1", NULL},
    {"a=%`1", NULL},
    {"a=%@1", NULL},
    {"a=%00", NULL},
    {"a=%ff", NULL},
    {"%c3=1", NULL},
    {"a&b&c&d&e&f&g&h&i&j&k&l&m&n&o&p", "a|b|c|d|e|f|g|h|i|j|k|l|m|n|o|p|"},
    {"a&b&c&d&e&f&g&h&i&j&k&l&m&n&o&p&q", NULL},
};

static void
spell(const struct query_list *l, struct buf *b)
{
	for (size_t i = 0; i < l->n; i++) {
		buf_addstr(b, l->v[i].name);
		if (REC_HAS(&l->v[i], query, value)) {
			buf_addc(b, '=');
			buf_addstr(b, l->v[i].value);
		}
		buf_addc(b, '|');
	}
}

START_TEST(query_table)
{
	struct query_list l;
	struct arena a;
	struct err e;
	struct buf b;
	int rc;

	err_clear(&e);
	arena_init(&a, 65536);
	buf_init(&b, 4096);
	rc = query_parse(str_c(queries[_i].query), &l, &a, &e);
	ck_assert_msg((rc == 0) == (queries[_i].want != NULL), "%s: %d", queries[_i].query, rc);
	if (rc == 0) {
		spell(&l, &b);
		ck_assert_msg(
		    str_eqc(buf_str(&b), queries[_i].want), "%s: %.*s", queries[_i].query, (int)b.n, b.p);
	} else {
		ck_assert_int_eq(e.code, ERR_BAD_REQUEST);
	}
	buf_free(&b);
	arena_free(&a);
}
END_TEST

START_TEST(query_lengths)
{
	char text[2 + QUERY_VALUE_MAX + 1];
	struct query_list l;
	struct arena a;
	struct err e;

	err_clear(&e);
	arena_init(&a, 65536);
	memset(text, 'x', sizeof(text));
	text[1] = '=';
	ck_assert_int_eq(query_parse((struct str){text, sizeof(text) - 1}, &l, &a, &e), 0);
	ck_assert_int_eq(query_parse((struct str){text, sizeof(text)}, &l, &a, &e), -1);
	text[1] = 'x';
	ck_assert_int_eq(query_parse((struct str){text, QUERY_NAME_MAX}, &l, &a, &e), 0);
	ck_assert_int_eq(query_parse((struct str){text, QUERY_NAME_MAX + 1}, &l, &a, &e), -1);
	arena_free(&a);
}
END_TEST

static int late_count, all_count;
static struct pend *slots;

static void
count_late(void *owner, int64_t id, int late)
{
	(void)owner;
	all_count++;
	late_count += late;
	if (late)
		pend_drop(slots, id);
}

START_TEST(pending_slots)
{
	int owners[4];
	int64_t id[4], old;
	struct err e;

	err_clear(&e);
	ck_assert_int_eq(pend_new(&slots, 0, &e), -1);
	ck_assert_int_eq(pend_new(&slots, PEND_MAX + 1, &e), -1);
	ck_assert_int_eq(pend_new(&slots, 4, &e), 0);
	for (int i = 0; i < 4; i++) {
		id[i] = pend_take(slots, &owners[i], (uint64_t)(100 + i));
		ck_assert_int_gt(id[i], 0);
		ck_assert_ptr_eq(pend_find(slots, id[i]), &owners[i]);
	}
	ck_assert_int_eq(pend_take(slots, &owners[0], 1), 0);
	ck_assert_uint_eq(pend_count(slots), 4);
	old = id[2];
	pend_drop(slots, old);
	pend_drop(slots, old);
	ck_assert_uint_eq(pend_count(slots), 3);
	ck_assert_ptr_null(pend_find(slots, old));
	id[2] = pend_take(slots, &owners[2], PEND_NEVER);
	/* The same slot, and yet the old id does not find it. */
	ck_assert_int_eq(id[2] & (PEND_MAX - 1), old & (PEND_MAX - 1));
	ck_assert_ptr_null(pend_find(slots, old));
	ck_assert_ptr_null(pend_find(slots, 0));
	ck_assert_ptr_null(pend_find(slots, -1));
	ck_assert_ptr_null(pend_find(slots, INT64_MAX));
	ck_assert_ptr_null(pend_find(slots, 4));
	pend_each(slots, 101, count_late);
	ck_assert_int_eq(all_count, 4);
	ck_assert_int_eq(late_count, 2);
	ck_assert_uint_eq(pend_count(slots), 2);
	pend_deadline(slots, id[2], 50);
	pend_each(slots, 101, count_late);
	ck_assert_int_eq(late_count, 3);
	ck_assert_ptr_eq(pend_find(slots, id[3]), &owners[3]);
	pend_free(slots);
}
END_TEST

#define BASIC "Basic NTAxOnNlY3JldDUwMQ=="
#define FORWARD "/sipxconfig/rest/my/forward"
#define SCHED "/sipxconfig/rest/my/callfwdsched"

/* What a request becomes: the status of its answer, 0 = it goes to the backend. */
static const struct {
	const char *method, *path, *authorization, *accept, *type, *body;
	int status;
	bool allow;
} requests[] = {
    {"GET", "/livez", "", "", "", "", 200, false},
    {"GET", "/livez", "", "image/png", "", "", 200, false},
    {"GET", "/", "", "", "", "", 200, false},
    {"GET", "/readyz", "", "", "", "", 0, false},
    {"GET", "/my/nope", BASIC, "", "", "", 404, false},
    {"GET", "/my/%zz", BASIC, "", "", "", 400, false},
    {"OPTIONS", "*", "", "", "", "", 200, true},
    {"GET", "*", BASIC, "", "", "", 404, false},
    {"OPTIONS", FORWARD, "", "", "", "", 200, true},
    {"OPTIONS", "/my/nope", "", "", "", "", 404, false},
    {"GET", FORWARD, BASIC, "", "", "", 0, false},
    {"HEAD", FORWARD "/", BASIC, "", "", "", 0, false},
    {"GET", FORWARD, "", "", "", "", 401, false},
    {"GET", FORWARD, "Basic x", "", "", "", 401, false},
    {"PATCH", FORWARD, "", "", "", "", 405, true},
    {"get", FORWARD, BASIC, "", "", "", 405, true},
    {"DELETE", FORWARD, BASIC, "", "", "", 405, true},
    {"GET", FORWARD, BASIC, "image/png", "", "", 406, false},
    {"PUT", FORWARD, BASIC, "image/png", "", "{\"call-sequence\":{}}", 0, false},
    {"PUT", FORWARD, BASIC, "", "", "", 400, false},
    {"PUT", FORWARD, BASIC, "", "image/png", "{\"call-sequence\":{}}", 415, false},
    {"PUT", FORWARD, BASIC, "", "text/xml", "<call-sequence/>", 0, false},
    {"PUT", FORWARD, BASIC, "", "text/xml", "{}", 400, false},
    {"PUT", FORWARD, BASIC, "", "", "{\"call-sequence\":{\"expiration\":1000}}", 400, false},
    {"PUT", SCHED, BASIC, "", "", "", 403, false},
    {"DELETE", SCHED, "", "", "", "", 403, false},
    {"PATCH", SCHED, BASIC, "", "", "", 405, true},
    {"PUT", SCHED "/x", BASIC, "", "", "", 403, false},
    {"DELETE", SCHED "/0", BASIC, "", "", "", 403, false},
    {"DELETE", SCHED "/7", BASIC, "", "", "", 0, false},
    {"GET", SCHED "/x", BASIC, "", "", "", 404, false},
    {"POST", SCHED "/7", BASIC, "", "", "", 405, true},
    {"GET", SCHED, BASIC, "text/xml", "", "", 406, false},
    {"POST", SCHED, BASIC, "", "text/xml", "{\"name\":\"x\"}", 422, false},
    {"POST", SCHED, BASIC, "", "", "{\"name\":", 400, false},
    {"POST", "/session", BASIC, "", "", "", 0, false},
    {"POST", "/session", BASIC, "text/xml", "", "", 406, false},
    {"DELETE", "/session", "Bearer VE9LRU4", "text/xml", "", "", 0, false},
    {"GET", "/my/events", BASIC, "text/event-stream", "", "", 0, false},
    {"HEAD", "/my/events", BASIC, "*/*", "", "", 0, false},
    {"GET", "/my/events", BASIC, "application/json, text/plain", "", "", 406, false},
    {"GET", "/my/events", "", "", "", "", 401, false},
    {"POST", "/my/events", BASIC, "", "", "{}", 405, true},
};

static void
start(struct req *r, size_t i)
{
	struct req_in in = {
	    .method = str_c(requests[i].method),
	    .path = str_c(requests[i].path),
	    .authorization = str_c(requests[i].authorization),
	    .accept = str_c(requests[i].accept),
	    .content_type = str_c(requests[i].type),
	    .body = str_c(requests[i].body),
	};

	req_init(r, NULL);
	req_parse(r, &in);
}

START_TEST(request_table)
{
	struct req r;
	int status;

	start(&r, (size_t)_i);
	status = r.state == REQ_WAIT ? 0 : err_status(r.err.code);
	ck_assert_msg(
	    status == requests[_i].status, "%s %s: %d", requests[_i].method, requests[_i].path, status);
	ck_assert_int_eq(r.show_allow, requests[_i].allow);
	/* A refused request keeps nothing that was secret. */
	if (r.state == REQ_ANSWER) {
		ck_assert(!REC_HAS(&r.msg, request, cred));
		ck_assert_ptr_null(r.arena.head);
	}
	req_free(&r);
}
END_TEST

/* The release's own document, and clients that have it already. */
START_TEST(openapi_document)
{
	struct str text = openapi_text();
	const char *tag = openapi_etag();
	char list[128];

	ck_assert_uint_gt(text.n, 10000);
	ck_assert(str_starts(text, "{") && text.p[text.n - 1] == '\n');
	ck_assert_uint_eq(strlen(tag), 18);
	ck_assert(tag[0] == '"' && tag[17] == '"');
	ck_assert(openapi_is_known(str_c(tag)));
	ck_assert(openapi_is_known(STR_LIT(" * ")));
	snprintf(list, sizeof(list), "\"x\",, W/%s", tag);
	ck_assert(openapi_is_known(str_c(list)));
	ck_assert(!openapi_is_known(STR_LIT("")));
	ck_assert(!openapi_is_known(STR_LIT("W/")));
	ck_assert(!openapi_is_known(STR_LIT("\"0000000000000000\", \"")));
	ck_assert(!openapi_is_known((struct str){tag, 17}));
}
END_TEST

START_TEST(request_limits)
{
	static char path[REQ_TARGET_MAX + 2];
	struct req_in in = {.method = STR_LIT("GET"), .authorization = STR_LIT(BASIC)};
	struct req r;

	memset(path, 'x', sizeof(path));
	path[0] = '/';
	in.path = (struct str){path, REQ_TARGET_MAX};
	req_init(&r, NULL);
	req_parse(&r, &in);
	ck_assert_int_eq(r.err.code, ERR_NOT_FOUND);
	req_free(&r);
	in.query = STR_LIT("x");
	req_init(&r, NULL);
	req_parse(&r, &in);
	ck_assert_int_eq(r.err.code, ERR_URI_TOO_LONG);
	req_free(&r);
	in = (struct req_in){.method = STR_LIT("PUT"),
	    .path = STR_LIT(FORWARD),
	    .authorization = STR_LIT(BASIC),
	    .body = STR_LIT("{}"),
	    .content_range = true};
	req_init(&r, NULL);
	req_parse(&r, &in);
	ck_assert_int_eq(r.err.code, ERR_NOT_IMPLEMENTED);
	req_free(&r);
	in.content_range = false;
	in.content_encoding = STR_LIT("gzip");
	req_init(&r, NULL);
	req_parse(&r, &in);
	ck_assert_int_eq(r.err.code, ERR_MEDIA_TYPE);
	req_free(&r);
}
END_TEST

static void
wait_for(struct req *r, const char *path, const char *accept)
{
	struct req_in in = {.method = STR_LIT("GET"),
	    .path = str_c(path),
	    .authorization = STR_LIT(BASIC),
	    .accept = str_c(accept)};

	req_init(r, NULL);
	req_parse(r, &in);
	ck_assert_int_eq(r->state, REQ_WAIT);
	req_sent(r);
}

static void
put_schedule(struct buf *b, int64_t id)
{
	struct schedule s = {0};

	REC_SET(&s, schedule, schedule_id, id);
	REC_SET(&s, schedule, name, STR_LIT("x"));
	mp_encode(&rec_schedule, &s, b, 0);
}

START_TEST(replies_as_stream)
{
	struct reply reply = {0};
	struct buf part;
	struct req r;

	buf_init(&part, 4096);
	put_schedule(&part, 1);
	REC_SET(&reply, reply, body, buf_str(&part));
	REC_SET(&reply, reply, more, true);
	wait_for(&r, SCHED, "");
	render_reply(&r, &reply);
	ck_assert_int_eq(r.state, REQ_STREAM);
	ck_assert_int_eq(r.due, 4);
	render_reply(&r, &reply);
	ck_assert_int_eq(r.due, 5);
	reply = (struct reply){0};
	render_reply(&r, &reply);
	ck_assert(!r.more);
	ck_assert(!r.broken);
	ck_assert_uint_eq(r.items, 2);
	ck_assert_int_eq(r.out.p[0], '[');
	ck_assert_int_eq(r.out.p[r.out.n - 1], ']');
	req_free(&r);
	buf_free(&part);
}
END_TEST

static void
put_event(struct buf *b, int64_t id, enum event_type type)
{
	struct event ev = {0};

	REC_SET(&ev, event, id, id);
	if (type != event_type_END_)
		REC_SET(&ev, event, type, (int)type);
	if (type == event_type_SETTINGS)
		REC_SET(&ev, event, resource, STR_LIT("a\nb: \r\n\n"));
	mp_encode(&rec_event, &ev, b, 0);
}

/* A part of a stream as text, and whether the stream goes on. */
static bool
next_events(struct req *r, struct buf *part, const char *want)
{
	struct reply reply = {0};

	REC_SET(&reply, reply, more, true);
	REC_SET(&reply, reply, current, true);
	if (part->n > 0)
		REC_SET(&reply, reply, body, buf_str(part));
	buf_reset(&r->out);
	render_reply(r, &reply);
	buf_reset(part);
	ck_assert_msg(want == NULL || str_eqc(buf_str(&r->out), want), "%.*s instead of %s",
	    (int)r->out.n, r->out.p, want);
	return r->state == REQ_STREAM && !r->broken;
}

START_TEST(events_as_stream)
{
	struct reply reply = {0};
	struct buf part;
	struct req r;

	buf_init(&part, 4096);
	wait_for(&r, "/my/events", "");
	put_event(&part, 41, event_type_END_);
	ck_assert(next_events(&r, &part, "retry: 2000\nid: 41\n\n"));
	ck_assert_str_eq(render_type(&r), "text/event-stream");
	ck_assert(r.current);
	/* A text cannot end the line that it stands in. */
	put_event(&part, 42, event_type_SETTINGS);
	ck_assert(next_events(&r, &part,
	    "id: 42\nevent: settings\ndata: {\"id\":42,\"type\":\"settings\",\"resource\":"
	    "\"a\\nb: \\r\\n\\n\"}\n\n"));
	ck_assert(next_events(&r, &part, ":\n\n"));
	put_event(&part, 90, event_type_RESET);
	put_event(&part, 91, event_type_CALL);
	ck_assert(next_events(&r, &part, NULL));
	/* The right to it has gone: the answer ends as it should. */
	REC_SET(&reply, reply, code, ERR_UNAUTHORIZED);
	buf_reset(&r.out);
	render_reply(&r, &reply);
	ck_assert(!r.broken && !r.more && r.out.n == 0);
	req_free(&r);
	/* A gap, a number that comes again, a fault. */
	for (int i = 0; i < 3; i++) {
		wait_for(&r, "/my/events", "");
		put_event(&part, 41, event_type_END_);
		ck_assert(next_events(&r, &part, NULL));
		if (i < 2) {
			put_event(&part, i == 0 ? 43 : 41, event_type_CALL);
			ck_assert(!next_events(&r, &part, NULL));
		} else {
			REC_SET(&reply, reply, code, ERR_UNAVAILABLE);
			render_reply(&r, &reply);
			ck_assert(r.broken);
		}
		req_free(&r);
	}
	buf_free(&part);
}
END_TEST

/* Numbers that clients send, by the field or the parameter. */
static const struct {
	const char *field, *query;
	int64_t want; /* -2 = none at all */
} last_events[] = {
    {"", "", -2},
    {"7", "", 7},
    {"", "lastEventId=7", 7},
    {"8", "lastEventId=7", 8},
    {"", "lastEventId=", -2},
    {"", "lastEventId", -2},
    {"0", "", 0},
    {"-1", "", -1},
    {"x", "lastEventId=7", -1},
    {"9223372036854775807", "", INT64_MAX},
    {"9223372036854775808", "", -1},
    {"7, 8", "", -1},
    {"\xff", "", -1},
};

START_TEST(last_event_ids)
{
	struct req_in in = {.method = STR_LIT("GET"),
	    .path = STR_LIT("/my/events"),
	    .authorization = STR_LIT(BASIC),
	    .query = str_c(last_events[_i].query),
	    .last_event_id = str_c(last_events[_i].field)};
	struct req r;

	req_init(&r, NULL);
	req_parse(&r, &in);
	ck_assert_int_eq(r.state, REQ_WAIT);
	ck_assert_int_eq(REC_HAS(&r.msg, request, last_event_id), last_events[_i].want != -2);
	if (last_events[_i].want != -2)
		ck_assert_int_eq(r.msg.last_event_id, last_events[_i].want);
	req_free(&r);
}
END_TEST

/* Bodies that are no records: always an error, never more than that. */
static const struct {
	const char *path;
	struct str body;
	bool more;
} bad_replies[] = {
    {FORWARD, {"", 0}, false},
    {FORWARD, {"\xc1", 1}, false},
    {FORWARD, {"\xdf\xff\xff\xff\xff", 5}, false},
    {FORWARD, {"\x80\x80", 2}, false},
    {FORWARD, {"\x80", 1}, true},
    {FORWARD, {"\x81\x01\xa1\xff", 4}, false},
    {SCHED, {"\x80\xc1", 2}, false},
    {SCHED, {"\x81\x01", 2}, true},
    {SCHED, {"\x90", 1}, false},
    /* Events have a beginning, and no end. */
    {"/my/events", {"", 0}, true},
    {"/my/events", {"\x80", 1}, true},
    {"/my/events", {"\x81\x01\x07", 3}, false},
    {"/my/events", {"\x82\x01\x07\x02\x63", 5}, true},
};

START_TEST(replies_that_are_bad)
{
	struct reply reply = {0};
	struct req r;

	REC_SET(&reply, reply, body, bad_replies[_i].body);
	REC_SET(&reply, reply, more, bad_replies[_i].more);
	wait_for(&r, bad_replies[_i].path, "");
	render_reply(&r, &reply);
	ck_assert_int_eq(r.state, REQ_ANSWER);
	ck_assert_int_eq(r.err.code, ERR_INTERNAL);
	render_error(&r);
	ck_assert(str_eqc(buf_str(&r.out), "{\"error\":\"internal error\",\"type\":\"internal\"}"));
	req_free(&r);
}
END_TEST

START_TEST(replies_with_errors)
{
	int64_t path[] = {1, -2, 4}, wild[] = {INT64_MAX, 9999, -2147483648, 0};
	char message[400];
	struct reply reply = {0};
	struct req r;

	REC_SET(&reply, reply, code, ERR_INVALID);
	REC_SET(&reply, reply, path, ((struct int_list){path, 3}));
	REC_SET(&reply, reply, message, STR_LIT("<bad>"));
	wait_for(&r, FORWARD, "text/xml");
	render_reply(&r, &reply);
	render_error(&r);
	ck_assert_str_eq(render_type(&r), "text/xml");
	ck_assert_msg(str_eqc(buf_str(&r.out),
	                  "<error><message>&lt;bad&gt;</message><type>invalid</type>"
	                  "<field>rings[1].number</field></error>"),
	    "%.*s", (int)r.out.n, r.out.p);
	req_free(&r);

	/* Unknown codes, paths that lead nowhere, and a text cut inside of a character. */
	memset(message, 'x', sizeof(message));
	for (size_t i = 1; i + 1 < sizeof(message); i += 2)
		memcpy(message + i, "\xc3\xa4", 2);
	reply.code = 9999;
	reply.path = (struct int_list){wild, 4};
	reply.message = (struct str){message, sizeof(message)};
	REC_SET(&reply, reply, retry_after, 7);
	wait_for(&r, FORWARD, "");
	render_reply(&r, &reply);
	ck_assert_int_eq(r.err.code, ERR_INTERNAL);
	ck_assert_int_eq(r.retry_after, 7);
	ck_assert(str_is_utf8(str_c(r.err.text)));
	render_error(&r);
	ck_assert_str_eq(render_type(&r), "application/json;charset=UTF-8");
	req_free(&r);
}
END_TEST

START_TEST(not_ready)
{
	struct req r;

	wait_for(&r, "/readyz", "");
	req_fail(&r, ERR_DEADLINE);
	render_error(&r);
	ck_assert_int_eq(r.err.code, ERR_UNAVAILABLE);
	ck_assert_int_ge(r.retry_after, 1);
	ck_assert_str_eq(render_type(&r), "text/plain;charset=UTF-8");
	ck_assert(str_eqc(buf_str(&r.out), "backend is not available\n"));
	ck_assert(!render_varies(&r));
	req_free(&r);
}
END_TEST

/* Check runs each test in a process of its own, so this one may give up its rights. */
START_TEST(confined_files)
{
	char inside[] = "/tmp/tandem-units-XXXXXX/key", dir[sizeof(inside)];
	const char *files[] = {inside};
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(9)};
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, 1);
	struct rlimit limit;
	int fd;

	memcpy(dir, inside, sizeof(dir));
	*strrchr(dir, '/') = '\0';
	ck_assert_ptr_nonnull(mkdtemp(dir));
	memcpy(inside, dir, strlen(dir));
	ck_assert_int_ge(fd = open(inside, O_CREAT | O_WRONLY, 0600), 0);
	close(fd);
	confine_memory();
	ck_assert_int_eq(prctl(PR_GET_DUMPABLE), 0);
	ck_assert_int_eq(getrlimit(RLIMIT_CORE, &limit), 0);
	ck_assert_uint_eq(limit.rlim_max, 0);
	/* In a child, for the directory is to be removed afterwards. */
	if (fork() == 0) {
		confine_files(files, 1, 0);
		to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		fd = socket(AF_INET, SOCK_STREAM, 0);
		_exit(abi < 1 ||
		            (open(inside, O_RDONLY) >= 0 && open(inside, O_WRONLY) == -1 &&
		                errno == EACCES && open("/etc/passwd", O_RDONLY) == -1 && errno == EACCES &&
		                unlink(inside) == -1 &&
		                (abi < 4 ||
		                    (connect(fd, (struct sockaddr *)&to, sizeof(to)) == -1 &&
		                        errno == EACCES)))
		        ? 0
		        : 1);
	}
	ck_assert_int_ne(wait(&fd), -1);
	unlink(inside);
	rmdir(dir);
	ck_assert_int_eq(fd, 0);
}
END_TEST

START_TEST(forbidden_move)
{
	struct req r;
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		req_init(&r, NULL);
		req_move(&r, REQ_ANSWER);
		req_move(&r, REQ_STREAM);
		_exit(0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}
END_TEST

#define COUNT(table) (int)(sizeof(table) / sizeof((table)[0]))

int
main(void)
{
	Suite *s = suite_create("gateway_units");
	TCase *t = tcase_create("all");
	SRunner *sr;
	int failed;

	text_init();
	suite_add_tcase(s, t);
	tcase_add_loop_test(t, accept_table, 0, COUNT(accepts));
	tcase_add_test(t, accept_of_text);
	tcase_add_test(t, accept_is_bounded);
	tcase_add_test(t, accept_of_errors);
	tcase_add_loop_test(t, content_types, 0, COUNT(types));
	tcase_add_loop_test(t, cred_table, 0, COUNT(creds));
	tcase_add_test(t, cred_lengths);
	tcase_add_loop_test(t, query_table, 0, COUNT(queries));
	tcase_add_test(t, query_lengths);
	tcase_add_test(t, pending_slots);
	tcase_add_loop_test(t, request_table, 0, COUNT(requests));
	tcase_add_test(t, openapi_document);
	tcase_add_test(t, request_limits);
	tcase_add_test(t, replies_as_stream);
	tcase_add_test(t, events_as_stream);
	tcase_add_loop_test(t, last_event_ids, 0, COUNT(last_events));
	tcase_add_loop_test(t, replies_that_are_bad, 0, COUNT(bad_replies));
	tcase_add_test(t, replies_with_errors);
	tcase_add_test(t, not_ready);
	tcase_add_test(t, confined_files);
	tcase_add_test(t, forbidden_move);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? 0 : 1;
}
