/* SPDX-License-Identifier: ISC */
/*
 * ETags, conditions and repeated writes where cases of one request after the other cannot reach:
 * every row of the table, writers at once, restarts, kills, gateways that are not ours.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/rec_dev.h"
#include "common/records.h"
#include "common/res.h"
#include "common/sink.h"
#include "common/text.h"
#include "common/tree.h"
#include "tests/hostile.h"
#include "tests/raw_tls.h"

#define ME "4410:secret99"

static struct rig r;

static void
setup(void)
{
	r = (struct rig){.leaks = true};
	rig_start_fixture(&r);
}

static void
setup_backend(void)
{
	r = (struct rig){0};
	rig_make(&r);
	rig_backend(&r);
	ck_assert_int_eq(rig_ctl(&r, "secret99\n", NULL, 0, "user add 4410 --password-stdin"), 0);
}

static void
teardown(void)
{
	rig_stop(&r);
}

static struct answer
send_with(const char *method, const char *path, const char *header, const char *body)
{
	return rig_ask(&r,
	    &(struct ask){.method = method,
	        .path = path,
	        .user = ME,
	        .accept = "application/json",
	        .type = body != NULL ? "application/json" : NULL,
	        .header = header,
	        .body = body});
}

static int
status_with(const char *method, const char *path, const char *header, const char *body)
{
	struct answer a = send_with(method, path, header, body);
	int status = a.status;

	answer_free(&a);
	return status;
}

static void
path_of(const struct res *res, char *ret, size_t len)
{
	struct str rest = str_c(res->path + 1), part;

	ret[0] = '\0';
	while (rest.n > 0) {
		size_t n = strlen(ret);

		str_cut(rest, '/', &part, &rest);
		/* An item of the caller's, or the caller. */
		if (part.p[0] == '{')
			part = str_eqc(part, "{id}") ? STR_LIT("7") : STR_LIT("4410");
		snprintf(ret + n, len - n, "/%.*s", (int)part.n, part.p);
	}
}

/* The answer may be kept, to be asked about: or it may be in no cache at all. */
static void
check_read(const struct res *res, const char *path)
{
	struct answer a = send_with("GET", path, NULL, NULL);
	const char *etag = answer_header(&a, "etag");
	char header[128];

	if (a.status != 200)
		ck_assert_msg(etag == NULL, "%s: an error has an ETag", path);
	/* The gateway's own documents have what they want: test_gateway_units. */
	if (a.status != 200 || res->local) {
		answer_free(&a);
		return;
	}
	ck_assert_msg((etag != NULL) == res_has_etag(res), "%s: ETag %s", path, etag);
	snprintf(header, sizeof(header), "If-None-Match: %s", etag != NULL ? etag : "\"x\"");
	etag = answer_header(&a, "cache-control");
	ck_assert_msg(etag != NULL && (strstr(etag, "no-store") == NULL) == res_has_etag(res),
	    "%s: Cache-Control: %s", path, etag);
	ck_assert_int_eq(status_with("GET", path, header, NULL), res_has_etag(res) ? 304 : 200);
	ck_assert_int_eq(status_with("HEAD", path, header, NULL), res_has_etag(res) ? 304 : 200);
	answer_free(&a);
}

/* What succeeds without the condition must have failed with one that does not hold. */
static void
check_write(const struct res *res, const char *path, enum method m, const char *body)
{
	int with = status_with(res_method_name(m), path, "If-Match: \"x\"", body), without;

	ck_assert_msg(with >= 400, "%s %s: %d with If-Match", res_method_name(m), path, with);
	/* Secrets that the test would have to know afterwards stay. */
	if (res->secret)
		return;
	without = status_with(res_method_name(m), path, NULL, body);
	/* That no switch is there shows when it is told to call, which the condition forbade. */
	if (res->number == RES_CALL || res->number == RES_CALL_SHORT ||
	    res->number == RES_CALLCONTROLLER)
		ck_assert_msg(
		    with == 412 && without == 503, "%s: %d with If-Match, %d without", path, with, without);
	else
		ck_assert_msg(with == (without < 400 ? 412 : without),
		    "%s %s: %d with If-Match, %d without", res_method_name(m), path, with, without);
}

START_TEST(every_row)
{
	static const enum method writes[] = {M_PUT, M_POST, M_DELETE};
	const struct res *res = &all_resources[_i];
	struct arena a;
	struct buf body;
	char path[512];
	void *obj;

	path_of(res, path, sizeof(path));
	if ((res->methods & M_GET) != 0)
		check_read(res, path);
	arena_init(&a, 1024 * 1024);
	buf_init(&body, 1024 * 1024);
	if (res->record != NULL && res->body != BODY_IGNORED) {
		obj = arena_alloc(&a, res->record->size);
		ck_assert_int_eq(rec_random(res->record, obj, 1, RANDOM_TAME, &a), 0);
		text_write(res, FMT_JSON, obj, &body);
		buf_addc(&body, '\0');
	}
	for (size_t i = 0; i < sizeof(writes) / sizeof(writes[0]); i++)
		if ((res->methods & (unsigned)writes[i]) != 0)
			check_write(res, path, writes[i], writes[i] == M_DELETE || body.n == 0 ? NULL : body.p);
	buf_free(&body);
	arena_free(&a);
}
END_TEST

/* Eight clients, each sure that nobody has written since: one is right. */
START_TEST(one_writer_wins)
{
	enum { CLIENTS = 8, ROUNDS = 3 };
	struct answer a;
	char header[128], body[64];
	int status, wins;

	for (int round = 0; round < ROUNDS; round++) {
		a = send_with("GET", "/my/forward", NULL, NULL);
		snprintf(header, sizeof(header), "If-Match: %s", answer_header(&a, "etag"));
		answer_free(&a);
		for (int i = 0; i < CLIENTS; i++) {
			pid_t pid = fork();

			ck_assert_int_ge(pid, 0);
			if (pid != 0)
				continue;
			snprintf(body, sizeof(body), "{\"call-sequence\":{\"expiration\":%d}}",
			    100 + round * CLIENTS + i);
			/* The parent's connection is not for children. */
			a = rig_ask(&r,
			    &(struct ask){.method = "PUT",
			        .path = "/my/forward",
			        .user = ME,
			        .type = "application/json",
			        .header = header,
			        .body = body,
			        .fresh = true});
			status = a.status;
			_exit(status == 200 ? 1 : status == 412 ? 0 : 2);
		}
		wins = 0;
		for (int i = 0; i < CLIENTS; i++) {
			ck_assert_int_gt(wait(&status), 0);
			ck_assert(WIFEXITED(status) && WEXITSTATUS(status) <= 1);
			wins += WEXITSTATUS(status);
		}
		ck_assert_int_eq(wins, 1);
	}
}
END_TEST

/* The key of the hash is the store's, and so the same for all gateways and after a restart. */
START_TEST(etags_last)
{
	struct answer a = send_with("GET", "/my/forward", NULL, NULL), b;
	char header[128];

	snprintf(header, sizeof(header), "If-None-Match: %s", answer_header(&a, "etag"));
	answer_free(&a);
	rig_gateway(&r, 1);
	rig_await_ready(&r, 1);
	b = rig_ask(&r,
	    &(struct ask){.path = "/my/forward",
	        .user = ME,
	        .accept = "application/json",
	        .header = header,
	        .gateway = 1});
	ck_assert_int_eq(b.status, 304);
	answer_free(&b);
	ck_assert_int_eq(rig_end(&r.backend), 0);
	rig_backend(&r);
	rig_await_ready(&r, 0);
	ck_assert_int_eq(status_with("GET", "/my/forward", header, NULL), 304);
}
END_TEST

/* A list that is sent in parts has begun before its end is known: no ETag, and none matches. */
START_TEST(long_lists)
{
	enum { ITEMS = 250 };
	char *lines = calloc(ITEMS, 1200), *to = lines;
	struct answer a;

	ck_assert_ptr_nonnull(lines);
	for (int i = 0; i < ITEMS; i++)
		to += sprintf(to,
		    "{\"type\":\"schedule\",\"user\":\"4410\",\"item\":%d,\"record\":{\"name\":\"S%d\","
		    "\"description\":\"%0250d\",\"periods\":[{\"scheduledDay\":1,\"start\":{\"hrs\":9,"
		    "\"min\":0},\"end\":{\"hrs\":10,\"min\":0}}]}}\n",
		    1000 + i, i, i);
	rig_load(&r, lines);
	free(lines);
	a = send_with("GET", "/my/callfwdsched", "If-None-Match: \"x\"", NULL);
	ck_assert_int_eq(a.status, 200);
	ck_assert_uint_gt(a.body_n, 65536);
	ck_assert_ptr_null(answer_header(&a, "etag"));
	ck_assert_str_eq(answer_header(&a, "cache-control"), "no-store");
	answer_free(&a);
	ck_assert_int_eq(status_with("GET", "/my/callfwdsched", "If-Match: \"x\"", NULL), 412);
	ck_assert_int_eq(status_with("GET", "/my/callfwdsched", "If-Match: *", NULL), 200);
}
END_TEST

/* Answers that Kore gives on its own have the fields for browsers too. */
START_TEST(answers_of_kore)
{
	struct raw_tls t;
	struct raw_answer a = {0};

	ck_assert(raw_open(&t, (uint16_t)r.port[0], "localhost", NULL, 0, 5000));
	ck_assert(raw_text(&t, "GET / HTTP/1.1\r\nHost: localhost\r\nbad field\r\n\r\n"));
	ck_assert_int_eq(raw_next(&t, &a, false, 5000), RAW_ANSWER);
	ck_assert_int_eq(a.status, 400);
	ck_assert_ptr_nonnull(strstr(a.head, "\ncontent-security-policy: default-src 'none'"));
	ck_assert_ptr_nonnull(strstr(a.head, "\nx-content-type-options: nosniff\r\n"));
	ck_assert_ptr_nonnull(strstr(a.head, "\ncache-control: no-store\r\n"));
	ck_assert_ptr_nonnull(strstr(a.head, "\ncross-origin-resource-policy: same-origin\r\n"));
	raw_answer_free(&a);
	raw_close(&t);
}
END_TEST

static void
make_request(struct request *q, enum res_id res, enum method m)
{
	memset(q, 0, sizeof(*q));
	REC_SET(q, request, res, res);
	REC_SET(q, request, method, m);
	q->has |= REC_BIT(request, cred);
	REC_SET(&q->cred, credentials, user, STR_LIT("4410"));
	REC_SET(&q->cred, credentials, password, STR_LIT("secret99"));
}

/* Conditions and keys that no gateway would send. */
START_TEST(hostile_fields)
{
	static char long_text[600];
	static const struct {
		int field;
		size_t n;
		const char *text;
		int want; /* -1 = not even an answer */
	} cases[] = {
	    {13, 1, "*", ERR_OK},
	    {13, 0, "", ERR_PRECONDITION},
	    {13, 16, "0123456789abcdef", ERR_PRECONDITION},
	    {13, 512, long_text, ERR_PRECONDITION},
	    {13, 1, "x", ERR_BAD_REQUEST},
	    {13, 17, "0123456789abcdefg", ERR_BAD_REQUEST},
	    {13, 2, "**", ERR_BAD_REQUEST},
	    {14, 1, "*", ERR_NOT_MODIFIED},
	    {14, 0, "", ERR_OK},
	    {14, 512, long_text, ERR_OK},
	    {14, 15, "0123456789abcde", ERR_BAD_REQUEST},
	};
	struct hostile h;
	struct request q;

	hostile_open(&h, &r, false);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct str v = {cases[i].text, cases[i].n};

		make_request(&q, RES_FORWARD, M_GET);
		if (cases[i].field == 13)
			REC_SET(&q, request, if_match, v);
		else
			REC_SET(&q, request, if_none_match, v);
		ck_assert_msg(hostile_ask(&h, &q, NULL) == cases[i].want, "case %zu", i);
	}
	/* Both at once: If-Match goes first. */
	make_request(&q, RES_FORWARD, M_GET);
	REC_SET(&q, request, if_match, ((struct str){"", 0}));
	REC_SET(&q, request, if_none_match, STR_LIT("*"));
	ck_assert_int_eq(hostile_ask(&h, &q, NULL), ERR_PRECONDITION);
	hostile_close(&h);
}
END_TEST

/* A tag of the wire's own bytes, 1 past the limit, is no message at all; the backend lives on. */
START_TEST(hostile_sizes)
{
	static char bytes[600];
	struct hostile h;
	struct request q;
	struct buf out;
	struct str frame;

	memset(bytes, 'a', sizeof(bytes));
	hostile_open(&h, &r, false);
	for (int i = 0; i < 3; i++) {
		make_request(&q, RES_FORWARD, M_PUT);
		REC_SET(&q, request, id, 4711);
		REC_SET(&q, request, deadline, 1000);
		if (i == 0)
			REC_SET(&q, request, if_match, ((struct str){bytes, 513}));
		else if (i == 1)
			REC_SET(&q, request, if_none_match, ((struct str){bytes, 513}));
		else
			REC_SET(&q, request, idempotency_key, ((struct str){bytes, 256}));
		buf_init(&out, 8192);
		env_write(&out, ENV_REQUEST, &q);
		hostile_send(&h, buf_str(&out));
		buf_free(&out);
		ck_assert(!hostile_next(&h, &frame, 300));
	}
	make_request(&q, RES_FORWARD, M_GET);
	ck_assert_int_eq(hostile_ask(&h, &q, NULL), ERR_OK);
	hostile_close(&h);
}
END_TEST

static void
schedule_of(const char *name, struct buf *body)
{
	struct period p = {0};
	struct schedule s = {0};

	REC_SET(&p, period, scheduled_day, 1);
	REC_SET(&p.start, clock_time, hrs, 9);
	REC_SET(&p.start, clock_time, min, 0);
	REC_SET(&p.end, clock_time, hrs, 10);
	REC_SET(&p.end, clock_time, min, 0);
	p.has |= REC_BIT(period, start) | REC_BIT(period, end);
	REC_SET(&s, schedule, name, str_c(name));
	REC_SET(&s, schedule, periods, ((struct period_list){&p, 1}));
	buf_init(body, 4096);
	mp_encode(&rec_schedule, &s, body, 0);
}

static size_t
occurrences(struct str in, const char *name)
{
	size_t n = 0, len = strlen(name);

	for (size_t i = 0; i + len <= in.n; i++)
		n += memcmp(in.p + i, name, len) == 0;
	return n;
}

/* A write, the backend killed at any moment of it, and the write once more: it was done once. */
START_TEST(killed_between)
{
	enum { ROUNDS = 6 };
	int replayed = 0;

	for (int i = 0; i < ROUNDS; i++) {
		struct hostile h;
		struct request q, list;
		struct reply reply;
		struct buf body, out;
		char name[32];

		snprintf(name, sizeof(name), "once-%d-", i);
		schedule_of(name, &body);
		hostile_open(&h, &r, false);
		/* The password is known before, so that it does not take its time. */
		make_request(&list, RES_CALLFWDSCHED, M_GET);
		ck_assert_int_eq(hostile_ask(&h, &list, NULL), ERR_OK);
		make_request(&q, RES_CALLFWDSCHED, M_POST);
		REC_SET(&q, request, body, buf_str(&body));
		REC_SET(&q, request, idempotency_key, str_c(name));
		REC_SET(&q, request, id, 99999);
		REC_SET(&q, request, deadline, 5000);
		buf_init(&out, 8192);
		env_write(&out, ENV_REQUEST, &q);
		hostile_send(&h, buf_str(&out));
		buf_free(&out);
		/* The last one long after: done, and its answer lost. */
		usleep(i == ROUNDS - 1 ? 500000 : (unsigned)i * 2000);
		rig_kill(&r.backend);
		hostile_close(&h);
		rig_backend(&r);
		hostile_open(&h, &r, false);
		ck_assert_int_eq(hostile_ask(&h, &q, &reply), ERR_OK);
		replayed += REC_HAS(&reply, reply, replayed) && reply.replayed;
		ck_assert_int_eq(hostile_ask(&h, &q, &reply), ERR_OK);
		ck_assert(reply.replayed);
		ck_assert_int_eq(hostile_ask(&h, &list, &reply), ERR_OK);
		ck_assert_uint_eq(occurrences(reply.body, name), 1);
		hostile_close(&h);
		buf_free(&body);
	}
	ck_assert_int_ge(replayed, 1);
}
END_TEST

/* Sent at once, and again before the first has an answer. */
START_TEST(sent_twice_at_once)
{
	struct hostile h;
	struct request q, list;
	struct reply reply;
	struct buf body, out;
	struct str frame;
	int answers = 0;

	schedule_of("twin", &body);
	hostile_open(&h, &r, false);
	make_request(&list, RES_CALLFWDSCHED, M_GET);
	ck_assert_int_eq(hostile_ask(&h, &list, NULL), ERR_OK);
	make_request(&q, RES_CALLFWDSCHED, M_POST);
	REC_SET(&q, request, body, buf_str(&body));
	REC_SET(&q, request, idempotency_key, STR_LIT("twin"));
	REC_SET(&q, request, deadline, 5000);
	for (int i = 0; i < 16; i++) {
		REC_SET(&q, request, id, 1000 + i);
		buf_init(&out, 8192);
		env_write(&out, ENV_REQUEST, &q);
		hostile_send(&h, buf_str(&out));
		buf_free(&out);
	}
	while (answers < 16 && hostile_next(&h, &frame, 5000))
		answers++;
	ck_assert_int_eq(answers, 16);
	ck_assert_int_eq(hostile_ask(&h, &list, &reply), ERR_OK);
	ck_assert_uint_eq(occurrences(reply.body, "twin"), 1);
	hostile_close(&h);
	buf_free(&body);
}
END_TEST

/* What is kept means nothing without this store's key, and is no part of a dump. */
START_TEST(not_in_a_dump)
{
	static char out[65536];

	ck_assert_int_eq(status_with("PUT", "/my/forward", "Idempotency-Key: canary-key-1",
	                     "{\"call-sequence\":{\"expiration\":33}}"),
	    200);
	ck_assert_int_eq(rig_ctl(&r, NULL, out, sizeof(out), "dump"), 0);
	ck_assert_ptr_nonnull(strstr(out, "\"expiration\":33"));
	ck_assert_ptr_null(strstr(out, "idempotency"));
	ck_assert_ptr_null(strstr(out, "canary-key-1"));
	/* Nor does it outlive its user. */
	ck_assert_int_eq(rig_ctl(&r, NULL, NULL, 0, "user remove 4410 --yes"), 0);
	ck_assert_int_eq(rig_ctl(&r, NULL, out, sizeof(out), "dump"), 0);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("conditions");
	TCase *rows = tcase_create("rows"), *all = tcase_create("gateway"),
	      *raw = tcase_create("backend");
	SRunner *runner;
	int failed;

	text_init();
	tcase_set_timeout(rows, 60);
	tcase_add_unchecked_fixture(rows, setup, teardown);
	tcase_add_loop_test(rows, every_row, 0, (int)all_resources_count);
	tcase_set_timeout(all, 60);
	tcase_add_checked_fixture(all, setup, teardown);
	tcase_add_test(all, one_writer_wins);
	tcase_add_test(all, etags_last);
	tcase_add_test(all, long_lists);
	tcase_add_test(all, answers_of_kore);
	tcase_add_test(all, not_in_a_dump);
	tcase_set_timeout(raw, 60);
	tcase_add_checked_fixture(raw, setup_backend, teardown);
	tcase_add_test(raw, hostile_fields);
	tcase_add_test(raw, hostile_sizes);
	tcase_add_test(raw, killed_between);
	tcase_add_test(raw, sent_twice_at_once);
	suite_add_tcase(suite, rows);
	suite_add_tcase(suite, all);
	suite_add_tcase(suite, raw);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
