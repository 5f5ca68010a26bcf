/* SPDX-License-Identifier: ISC */
/*
 * The authorisation matrix: every row of the resource table, every method, every
 * caller, and where a parameter stands in the path what is 4410's, what is
 * 4420's and what nobody has. The expected status comes from the row; see
 * authorisation.h for the little that it does not say.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/records.h"
#include "common/res.h"
#include "tests/authorisation.h"
#include "tests/feeder.h"

static const struct {
	const char *name;
	enum method m;
} methods[] = {
    {"GET", M_GET},
    {"HEAD", M_HEAD},
    {"OPTIONS", M_OPTIONS},
    {"PUT", M_PUT},
    {"POST", M_POST},
    {"DELETE", M_DELETE},
};

enum { METHODS = sizeof(methods) / sizeof(methods[0]), DUMP_MAX = 1 << 20 };

enum target { TARGET_MINE, TARGET_THEIRS, TARGET_UNKNOWN, TARGETS };

/* Texts in what the fixture and authorisation.jsonl keep of the two users. */
static const char *const canaries[] = {
    [TARGET_MINE] = "canary4410", [TARGET_THEIRS] = "canary4420"};

struct cell {
	const struct res *res;
	const struct facts *facts;
	size_t method;
	enum target target;
	enum asker who;
};

static struct rig r;

static enum method
method_of(const struct cell *c)
{
	return methods[c->method].m;
}

static bool
is_write(enum method m)
{
	return (m & (M_PUT | M_POST | M_DELETE)) != 0;
}

static bool
is_own(const struct cell *c)
{
	return (c->who == WHO_OWNER && c->target == TARGET_MINE) ||
	    (c->who == WHO_OTHER && c->target == TARGET_THEIRS);
}

static int
accepted(const struct cell *c)
{
	if (c->facts->token != 0 && who_has_token(c->who))
		return c->facts->token;
	if (c->facts->writes != 0 && is_write(method_of(c)))
		return c->facts->writes;
	return c->facts->answer != 0 ? c->facts->answer : 200;
}

/* Of a caller whom the row admits: what is answered about what the path names. */
static int
expected_of_name(const struct cell *c)
{
	bool lenient = (c->facts->lenient & method_of(c)) != 0;

	switch (c->facts->names) {
	case NAMES_NOTHING:
	case NAMES_VALUE:
		return accepted(c);
	case NAMES_ITEM:
		if (is_own(c) || lenient)
			return accepted(c);
		return c->target == TARGET_UNKNOWN || c->res->foreign == ERR_OK
		    ? 404
		    : err_status(c->res->foreign);
	case NAMES_COMMON:
		return c->target == TARGET_UNKNOWN && !lenient ? 404 : accepted(c);
	case NAMES_USER:
		if (is_own(c) || res_is_anonymous(c->res, method_of(c)))
			return accepted(c);
		if (c->facts->others != 0)
			return c->facts->others;
		if (!who_has_permission(c->who, permission_name_SUPERADMIN))
			return 403;
		return c->target == TARGET_UNKNOWN ? 404 : accepted(c);
	}
	return 0;
}

static int
expected(const struct cell *c)
{
	const struct res *res = c->res;
	enum method m = method_of(c);

	if (m == M_OPTIONS)
		return 200;
	if (!res_allows(res, m))
		return (res->forbidden & m) != 0 ? 403 : 405;
	if (res->access == ACCESS_PUBLIC)
		return 200;
	/* Wrong credentials are refused where none would do. */
	if (!who_is_known(c->who) && !(c->who == WHO_NOBODY && res_is_anonymous(res, m)))
		return 401;
	if (res->access == ACCESS_ADMIN && !who_has_permission(c->who, permission_name_SUPERADMIN))
		return 403;
	if (res->permission != 0 && !who_has_permission(c->who, res->permission - 1))
		return 403;
	return expected_of_name(c);
}

/* Accepted for the looks of it, and not stored. */
static bool
is_quiet(const struct cell *c)
{
	return c->facts->quiet != 0 && is_write(method_of(c)) &&
	    !who_has_permission(c->who, c->facts->quiet - 1);
}

static void
path_of(const struct cell *c, char *ret, size_t len)
{
	const char *const names[] = {c->facts->mine, c->facts->theirs, c->facts->unknown};
	const char *key = names[c->target], *from = c->res->path, *open;
	size_t n = 0;

	for (; (open = strchr(from, '{')) != NULL; from = strchr(open, '}') + 1) {
		n += (size_t)snprintf(ret + n, len - n, "%.*s%s", (int)(open - from), from, key);
		key = c->facts->second;
	}
	snprintf(ret + n, len - n, "%s%s%s", from, c->facts->query != NULL ? "?" : "",
	    c->facts->query != NULL ? c->facts->query : "");
}

static bool
contains(const struct answer *a, const char *text)
{
	return memmem(a->body, a->body_n, text, strlen(text)) != NULL ||
	    (a->headers != NULL && strstr(a->headers, text) != NULL);
}

/* Nobody gets to see what is another's, but an administrator who names the user. */
static void
check_canaries(const struct cell *c, const struct answer *a, const char *what)
{
	bool names_user = c->facts->names == NAMES_USER || c->res->access == ACCESS_ADMIN;
	bool admin = c->who == WHO_ADMIN && names_user && a->status < 400;

	for (enum target t = TARGET_MINE; t <= TARGET_THEIRS; t++) {
		enum asker whose = t == TARGET_MINE ? WHO_OWNER : WHO_OTHER;
		bool may = c->who == whose && a->status < 400;

		ck_assert_msg(may || admin || !contains(a, canaries[t]), "%s: shows what is %s's: %s", what,
		    who_name(whose), a->body);
		/* Or the search above would find nothing in any case. */
		if (c->who == whose && a->status == 200 && method_of(c) == M_GET && !c->facts->plain &&
		    c->res->record != NULL)
			ck_assert_msg(contains(a, canaries[t]),
			    "%s: nothing of tests/authorisation.jsonl is shown: %s", what, a->body);
	}
}

static void
check_challenge(const struct cell *c, const struct answer *a, const char *what)
{
	bool bearer = contains(a, "error=\"invalid_token\"");

	ck_assert_msg((answer_header(a, "www-authenticate") != NULL) == (a->status == 401),
	    "%s: %d with or without WWW-Authenticate: %s", what, a->status, a->headers);
	ck_assert_msg(bearer == (a->status == 401 && who_has_token(c->who)),
	    "%s: %d, the Bearer challenge: %s", what, a->status, a->headers);
}

static void
ask_cell(const struct cell *c)
{
	enum method m = method_of(c);
	char path[256], what[512];
	struct ask q = {.method = methods[c->method].name, .path = path};
	struct answer a;
	struct buf body;
	int want = expected(c);

	path_of(c, path, sizeof(path));
	snprintf(what, sizeof(what), "%s %s by %s", q.method, path, who_name(c->who));
	q.accept = res_is_endless(c->res) ? "text/event-stream"
	    : c->res->formats == FMT_TEXT ? "text/plain"
	    : c->res->formats == FMT_XML  ? "text/xml"
	                                  : "application/json";
	buf_init(&body, 1 << 20);
	if ((m & (M_PUT | M_POST)) != 0 && res_allows(c->res, m)) {
		facts_body(c->facts, c->res, c->who, &body, &q.type);
		q.body = body.p;
		q.body_n = body.n - 1;
	}
	who_ask(&r, c->who, &q);
	a = rig_ask(&r, &q);
	ck_assert_msg(a.status == want && (a.status / 100 != 5 || want == accepted(c)),
	    "%s: status %d, expected %d: %s", what, a.status, want, a.body);
	check_challenge(c, &a, what);
	check_canaries(c, &a, what);
	answer_free(&a);
	buf_free(&body);
}

/* All cells of the row that must store nothing, or all others. */
static size_t
ask_all(const struct res *res, bool harmless)
{
	const struct facts *f = facts_of(res);
	bool several = f->names >= NAMES_ITEM;
	size_t n = 0;

	for (size_t i = 0; i < METHODS; i++)
		for (enum target t = 0; t < (several ? TARGETS : 1); t++)
			for (enum asker w = 0; w < WHOS; w++) {
				struct cell c = {res, f, i, t, w};

				if ((expected(&c) >= 400 || is_quiet(&c)) == harmless) {
					ask_cell(&c);
					n++;
				}
			}
	return n;
}

static void
dump(char *ret)
{
	ck_assert_int_eq(rig_ctl(&r, NULL, ret, DUMP_MAX, "dump -"), 0);
	ck_assert_uint_lt(strlen(ret), DUMP_MAX - 1);
}

/* The first line of `b` that is not so in `a`. */
static void
first_change(const char *a, const char *b, char *ret, size_t len)
{
	size_t at = 0, from = 0;

	for (; a[at] != '\0' && a[at] == b[at]; at++)
		if (a[at] == '\n')
			from = at + 1;
	snprintf(ret, len, "%.*s", (int)strcspn(b + from, "\n"), b + from);
}

static bool
stores(const struct res *res)
{
	return (res->methods & (M_PUT | M_POST | M_DELETE) & ~facts_of(res)->stores_not) != 0;
}

START_TEST(row)
{
	const struct res *res = &all_resources[_i];
	char *before = malloc(DUMP_MAX), *after = malloc(DUMP_MAX), line[512];
	size_t n;

	ck_assert(before != NULL && after != NULL);
	/* What the rows before have changed and removed is as it was. */
	ck_assert_int_eq(rig_ctl(&r, NULL, NULL, 0, "load tests/authorisation.jsonl"), 0);
	dump(before);
	n = ask_all(res, true);
	dump(after);
	first_change(before, after, line, sizeof(line));
	ck_assert_msg(strcmp(before, after) == 0, "%s: a refused request has stored %s", res->id, line);
	n += ask_all(res, false);
	if (stores(res)) {
		dump(after);
		ck_assert_msg(
		    strcmp(before, after) != 0, "%s: no accepted request has stored anything", res->id);
	}
	if (getenv("TANDEM_SHOW_CELLS") != NULL)
		fprintf(stderr, "%s: %zu cells\n", res->id, n);
	free(before);
	free(after);
}
END_TEST

static void
tell_of_conference(struct feeder *f, const char *key, const char *room)
{
	struct live_conference c = feeder_conference(room);
	struct live_member m = feeder_participant(1, "5550100");

	feeder_send(f, feed_kind_CONFERENCE, key, &c);
	feeder_member(f, feed_kind_MEMBER, key, 1, &m);
}

/* Nothing can be loaded that only a switch knows: a call and a conference of each of the two
 * users. */
static void
tell_of_calls(void)
{
	struct live_call mine =
	    feeder_call("canary4410 <sip:1@far.example>", "<sip:4410@ex.example>", 1);
	struct live_call theirs =
	    feeder_call("canary4420 <sip:2@far.example>", "<sip:4420@ex.example>", 1);
	struct feeder f;

	feeder_open(&f, feeder_endpoint(&r), "kam-1", "e1");
	feeder_hello(&f);
	feeder_send(&f, feed_kind_CALL, "mine", &mine);
	feeder_send(&f, feed_kind_CALL, "theirs", &theirs);
	tell_of_conference(&f, "one", "sales-room");
	tell_of_conference(&f, "two", "bobs");
	feeder_settle(&f);
	feeder_close(&f);
}

static void
setup(void)
{
	r = (struct rig){.extra = "login_tries = 1000000\n"};
	rig_start_fixture(&r);
	who_make(&r);
	tell_of_calls();
}

static void
teardown(void)
{
	rig_stop(&r);
}

int
main(void)
{
	Suite *suite = suite_create("authorisation");
	TCase *tc = tcase_create("rows");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tc, 30);
	tcase_add_unchecked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, row, 0, (int)all_resources_count);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
