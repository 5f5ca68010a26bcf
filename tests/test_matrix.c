/* SPDX-License-Identifier: ISC */
/*
 * Every row of the resource table, every method, with and without credentials,
 * with and without a slash at the end, below the base path and at the root:
 * what the answer must be is worked out from the row alone.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/rec_dev.h"
#include "common/res.h"
#include "common/sink.h"
#include "common/records.h"
#include "common/text.h"
#include "tests/rig.h"

static const struct {
	const char *name;
	enum method m;
} methods[] = {
    {"GET", M_GET},
    {"PUT", M_PUT},
    {"POST", M_POST},
    {"DELETE", M_DELETE},
    {"HEAD", M_HEAD},
    {"OPTIONS", M_OPTIONS},
    {"PATCH", M_OTHER},
    {"FOO", M_OTHER},
};

enum { METHODS = sizeof(methods) / sizeof(methods[0]) };

enum who { WHO_NONE, WHO_WRONG, WHO_RIGHT };

static const char *const users[] = {"", "4410:wrong", "4410:secret99"};
/* Numbers of items: one that nobody has, and what is no number. */
static const char *const keys[] = {"99999", "x"};
/* At the root, or below the base path (see struct ask); with a slash at the end, or without. */
static const struct {
	const char *before, *behind;
} forms[] = {{"", ""}, {"", "/"}, {"/", ""}, {"/", "/"}};

static struct rig r;

static bool
serves(const struct res *res, enum method m)
{
	return m == M_OPTIONS || (res->methods & m) != 0 ||
	    (m == M_HEAD && (res->methods & M_GET) != 0 && !res->no_head);
}

static bool
reads_document(const struct res *res, enum method m)
{
	return (m == M_PUT || m == M_POST) &&
	    (res->body == BODY_FILE || (res_input(res) != NULL && res->body != BODY_IGNORED));
}

/* Whether there is nothing of the number in the path that the method could be about. */
static bool
is_missing(const struct res *res, enum method m)
{
	switch (res->number) {
	case RES_PHONEBOOK_ENTRY:
		return m == M_GET || m == M_HEAD;
	case RES_PHONEBOOKENTRY:
		return m == M_DELETE;
	default:
		return strchr(res->path, '{') != NULL && !res->path_value;
	}
}

/* The expected status; a document is sent only to be refused for the password. */
static int
expected(const struct res *res, enum method m, enum who who, bool numeric)
{
	bool forbidden = (res->forbidden & m) != 0;

	if (m == M_OPTIONS)
		return 200;
	if (!serves(res, m))
		return forbidden ? 403 : 405;
	if (res->shape == SHAPE_ITEM && !numeric)
		return forbidden ? 403 : 404;
	if (res->access == ACCESS_PUBLIC)
		return 200;
	/* Who asks for what is nobody's gets something all the same, and as much as with a name. */
	if (who != WHO_WRONG && res_is_anonymous(res, m))
		return 200;
	if (who != WHO_RIGHT)
		return who == WHO_WRONG && res->body == BODY_FILE && reads_document(res, m) ? 400 : 401;
	if (reads_document(res, m))
		return 400;
	/* Somebody else's calls, in the legacy server's way. */
	if (res->number == RES_CDR_HISTORY || res->number == RES_CALLCONTROLLER)
		return 401;
	/* Nobody's mailbox, for who may not know. */
	if (res->number == RES_ACTIVEGREETING)
		return 403;
	if (res->access == ACCESS_ADMIN)
		return 403;
	/* No switch is there that could call. */
	if (res->number == RES_CALL || res->number == RES_CALL_SHORT)
		return 503;
	/* Nothing has the keys that are tried, but where the key is the value to be stored. */
	if (is_missing(res, m))
		return 404;
	/* Of the keys that are tried only the number is long enough for a PIN, and none for a password.
	 */
	if (res->path_value && res->secret)
		return numeric && res->number == RES_VOICEMAIL_PIN_PATH ? 200 : 400;
	if (res->number == RES_LOGINDETAILSUNITE_LOGOUT || res->number == RES_LOGOUTUNITE)
		return 302;
	/* Without a token there is no session to end. */
	return res->number == RES_SESSION && m == M_DELETE ? 400 : 200;
}

static void
expected_allow(const struct res *res, char *ret, size_t len)
{
	size_t n = 0;

	ret[0] = '\0';
	for (size_t i = 0; i < METHODS; i++)
		if (methods[i].m != M_OTHER && serves(res, methods[i].m))
			n += (size_t)snprintf(ret + n, len - n, "%s%s", n > 0 ? ", " : "", methods[i].name);
}

/* Any document of the row's record that is valid. */
static void
sample(const struct res *res, struct buf *out)
{
	struct res whole = *res;
	struct arena a;
	struct sink s;
	void *obj;

	arena_init(&a, 1024 * 1024);
	whole.record = res_input(res);
	obj = arena_alloc(&a, whole.record->size);
	ck_assert_ptr_nonnull(obj);
	ck_assert_int_eq(rec_random(whole.record, obj, 1, RANDOM_TAME, &a), 0);
	if (whole.record == &rec_card_sync)
		REC_SET((struct card_sync *)obj, card_sync, vcard,
		    STR_LIT("BEGIN:VCARD\nVERSION:3.0\nN:B;A\nEND:VCARD\n"));
	if (res->record == NULL) {
		buf_printf(out, "{\"%s\":", res->json_root);
		json_sink_init(&s, out);
		rec_encode(whole.record, obj, &s, ENCODE_SECRETS);
		buf_addc(out, '}');
	} else {
		text_write(&whole, FMT_JSON, obj, out);
	}
	buf_addc(out, '\0');
	arena_free(&a);
}

static void
check_answer(const struct answer *a, const struct res *res, enum method m, const char *what)
{
	char allow[128];
	const char *have = answer_header(a, "allow");

	expected_allow(res, allow, sizeof(allow));
	if (a->status == 405 || m == M_OPTIONS)
		ck_assert_msg(have != NULL && strcmp(have, allow) == 0, "%s: Allow: %s, expected %s", what,
		    have != NULL ? have : "none", allow);
	have = answer_header(a, "www-authenticate");
	ck_assert_msg((have != NULL) == (a->status == 401), "%s: WWW-Authenticate: %s", what,
	    have != NULL ? have : "none");
	ck_assert_msg(answer_header(a, "date") != NULL, "%s: no Date", what);
	if (m == M_HEAD || m == M_OPTIONS)
		ck_assert_msg(a->body_n == 0, "%s: has a body", what);
	else if (a->status >= 400)
		ck_assert_msg(
		    strstr(a->body, "\"error\":") != NULL, "%s: no error document: %s", what, a->body);
}

static void
one(const struct res *res, size_t i, enum who who, const char *path, bool numeric, const char *body)
{
	char what[768];
	struct answer a = rig_ask(&r,
	    &(struct ask){.method = methods[i].name,
	        .path = path,
	        .user = users[who],
	        .accept = res_is_endless(res)  ? "text/event-stream"
	            : res->formats == FMT_TEXT ? "text/plain"
	            : res->formats == FMT_XML  ? "text/xml;q=0.5, application/json"
	                                       : "application/json",
	        .type = body != NULL ? "application/json" : NULL,
	        .body = body});
	int want = expected(res, methods[i].m, who, numeric);

	snprintf(what, sizeof(what), "%s %s as %s", methods[i].name, path,
	    who == WHO_NONE ? "nobody" : users[who]);
	ck_assert_msg(a.status == want, "%s: status %d, expected %d: %s", what, a.status, want, a.body);
	check_answer(&a, res, methods[i].m, what);
	answer_free(&a);
}

static void
path_of(const struct res *res, size_t form, const char *key, char *ret, size_t len)
{
	const char *from = res->path, *open;
	size_t n = 0;
	char path[256];

	for (; (open = strchr(from, '{')) != NULL; from = strchr(open, '}') + 1)
		n += (size_t)snprintf(path + n, sizeof(path) - n, "%.*s%s", (int)(open - from), from, key);
	snprintf(path + n, sizeof(path) - n, "%s", from);
	/* "/" has its slash already. */
	if (path[1] == '\0' && forms[form].behind[0] == '/')
		path[0] = '\0';
	snprintf(ret, len, "%s%s%s", forms[form].before, path, forms[form].behind);
}

START_TEST(row)
{
	const struct res *res = &all_resources[_i];
	bool has_key = strchr(res->path, '{') != NULL;
	char path[512];
	struct buf body;

	buf_init(&body, 1024 * 1024);
	if (res_input(res) != NULL && res->body != BODY_IGNORED)
		sample(res, &body);
	for (size_t k = 0; k < (has_key ? 2 : 1); k++)
		for (size_t f = 0; f < sizeof(forms) / sizeof(forms[0]); f++)
			for (size_t i = 0; i < METHODS; i++)
				for (enum who who = WHO_NONE; who <= WHO_RIGHT; who++) {
					bool sends = reads_document(res, methods[i].m) && who == WHO_WRONG;

					path_of(res, f, keys[k], path, sizeof(path));
					one(res, i, who, path, k == 0, sends ? body.p : NULL);
				}
	buf_free(&body);
}
END_TEST

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

int
main(void)
{
	Suite *suite = suite_create("matrix");
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
